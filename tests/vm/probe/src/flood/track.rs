// SPDX-License-Identifier: GPL-2.0
//! What is known of a flow's packets: which are on their way, and what became of the others.
//!
//! All that a flood sends stays on one processor, and in order. So a packet is lost when a later one
//! of its flow has arrived, or when it is not there after a while.

use super::flow::{Flow, Must};
use super::Facts;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A packet, as its payload says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub flow: u16,
    /// 0 on the way, 1 for the answer.
    pub leg: u16,
    /// What held when it was sent.
    pub epoch: u32,
    pub number: u32,
}

impl Mark {
    pub fn payload(&self, magic: u32) -> Vec<u8> {
        let mut bytes = magic.to_be_bytes().to_vec();
        bytes.extend(self.flow.to_be_bytes());
        bytes.extend(self.leg.to_be_bytes());
        bytes.extend(self.epoch.to_be_bytes());
        bytes.extend(self.number.to_be_bytes());
        bytes
    }

    pub fn read(payload: &[u8], magic: u32) -> Option<Mark> {
        let rest = payload.strip_prefix(&magic.to_be_bytes())?;
        let half = |at: usize| Some(u16::from_be_bytes(rest.get(at..at + 2)?.try_into().ok()?));
        let word = |at: usize| Some(u32::from_be_bytes(rest.get(at..at + 4)?.try_into().ok()?));
        Some(Mark {
            flow: half(0)?,
            leg: half(2)?,
            epoch: word(4)?,
            number: word(8)?,
        })
    }
}

/// How many packets had which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Had to arrive, and did: on the way, and as answers.
    pub passed: [u64; 2],
    /// Were sent when none might arrive.
    pub stopped: u64,
    /// Arrived though they might not.
    pub leaked: u64,
    /// Did not arrive though they had to.
    pub lost: u64,
}

pub struct Track {
    pub flow: Flow,
    pub tally: Tally,
    must: Option<Must>,
    epoch: u32,
    sent: u32,
    pending: [VecDeque<(u32, Instant)>; 2],
}

impl Track {
    pub fn new(flow: Flow) -> Self {
        Track {
            flow,
            tally: Tally::default(),
            must: None,
            epoch: 0,
            sent: 0,
            pending: Default::default(),
        }
    }

    /// Looks again at what holds. Packets on their way while it changed may go either way.
    pub fn refresh(&mut self, facts: &Facts) {
        let (must, epoch) = self.flow.must(facts);
        if epoch != self.epoch {
            self.pending.iter_mut().for_each(VecDeque::clear);
        }
        (self.must, self.epoch) = (must, epoch);
    }

    /// Gives up what was sent so long before everything that had come was `heard`; says how much.
    pub fn give_up(&mut self, heard: Instant, patience: Duration) -> u64 {
        let mut lost = 0;
        for pending in &mut self.pending {
            let late = |(_, sent): &&(u32, Instant)| heard.duration_since(*sent) > patience;
            let count = pending.iter().take_while(late).count();
            pending.drain(..count);
            lost += count as u64;
        }
        self.tally.lost += lost;
        lost
    }

    pub fn must(&self) -> Option<Must> {
        self.must
    }

    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether so much is on its way already that more would only fill queues.
    pub fn full(&self) -> bool {
        self.pending.iter().any(|pending| pending.len() > 64)
    }

    /// The mark of the next packet; it counts from now on.
    pub fn next(&mut self, flow: u16, leg: u16) -> Mark {
        let number = self.sent;
        self.sent = self.sent.wrapping_add(1);
        if self.must == Some(Must::Pass) {
            self.pending[usize::from(leg)].push_back((number, Instant::now()));
        }
        Mark {
            flow,
            leg,
            epoch: self.epoch,
            number,
        }
    }

    /// The packet could not be sent.
    pub fn unsent(&mut self, mark: Mark) {
        self.pending[usize::from(mark.leg)].retain(|(number, _)| *number != mark.number);
    }

    /// A packet came; says what is wrong about that. What holds has to be looked at in between.
    pub fn arrived(&mut self, mark: Mark) -> Option<String> {
        if mark.epoch != self.epoch {
            return None;
        }
        match self.must {
            None => None,
            Some(Must::Stop) => {
                self.tally.leaked += 1;
                Some(format!("packet {} arrived", mark.number))
            }
            Some(Must::Pass) => {
                let pending = &mut self.pending[usize::from(mark.leg)];
                let before = pending
                    .iter()
                    .take_while(|(n, _)| *n != mark.number)
                    .count();
                if before == pending.len() {
                    return None; // It was told lost already.
                }
                pending.drain(..=before);
                self.tally.passed[usize::from(mark.leg)] += 1;
                self.tally.lost += before as u64;
                (before > 0).then(|| format!("{before} were lost before packet {}", mark.number))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(must: Must) -> Track {
        let flow = "one cam 192.0.2.1 ext 192.0.2.2:9 pass guard=open".parse();
        let mut track = Track::new(flow.unwrap());
        track.must = Some(must);
        track
    }

    #[test]
    fn marks_come_back() {
        let mark = track(Must::Pass).next(3, 1);
        assert_eq!(Mark::read(&mark.payload(7), 7), Some(mark));
        assert_eq!(Mark::read(&mark.payload(7), 8), None);
        assert_eq!(Mark::read(&mark.payload(7)[..10], 7), None);
    }

    #[test]
    fn what_a_later_one_overtook_is_lost() {
        let mut track = track(Must::Pass);
        let marks: Vec<Mark> = (0..4).map(|_| track.next(0, 0)).collect();
        assert_eq!(track.arrived(marks[0]), None);
        assert!(track.arrived(marks[3]).is_some());
        assert_eq!((track.tally.passed, track.tally.lost), ([2, 0], 2));
        track.must = Some(Must::Stop);
        assert!(track.arrived(marks[1]).is_some());
        assert_eq!(track.tally.leaked, 1);
    }

    #[test]
    fn late_is_lost_and_old_is_nothing() {
        let mut track = track(Must::Pass);
        let mark = track.next(0, 0);
        let second = Duration::from_secs(1);
        assert_eq!(track.give_up(Instant::now(), second), 0);
        assert_eq!(track.give_up(Instant::now() + 2 * second, second), 1);
        assert_eq!(track.tally.lost, 1);
        track.epoch += 1;
        track.must = Some(Must::Stop);
        assert_eq!(track.arrived(mark), None);
        assert_eq!(track.tally.leaked, 0);
    }
}
