// SPDX-License-Identifier: GPL-2.0
//! The packets of one policy: sent in rounds, one of each flow, and compared after each round.

use super::ears::{Ears, Heard, Place};
use super::flow::Flow;
use super::intended::Oracle;
use super::judge::{self, class, describe, flow_of, ip_of, show, sort, words, Class, Ends, Sorted};
use super::packet::Shot;
use super::sockets;
use super::stream::Stream;
use super::world::{run, ROUTERS};
use crate::netns;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::Result;
use std::os::fd::OwnedFd;
use std::slice;
use std::thread;
use std::time::Duration;

/// Flows that go on side by side; each sends one packet a round.
const FLOWS: usize = 64;
/// Disagreements that are shown before a run gives up.
pub const SHOWN: usize = 5;

/// How often what is not explained is listened for once more.
const PATIENCE: usize = 5;

/// What came out of both, by the packets that it came of.
fn sort_both(heard: &[Vec<Heard>; 2], shots: &[Shot], past: &HashMap<u32, Shot>) -> [Sorted; 2] {
    heard.each_ref().map(|heard| {
        let mut sorted = sort(heard.clone());
        judge::adopt(&mut sorted, shots, past);
        sorted
    })
}

/// The flow that a packet is of or about, for connection tracking.
fn judged_as(shot: &Shot) -> Option<Ends> {
    flow_of(ip_of(shot.place, &shot.bytes))
}

/// Each of these is to be a part of the stream.
const CLASSES: [Class; 4] = [
    Class::Forwarded,
    Class::Delivered,
    Class::Refused,
    Class::Dropped,
];

/// What was seen in all.
#[derive(Default)]
pub struct Tally {
    pub sent: u64,
    pub intended: BTreeMap<&'static str, u64>,
    pub wrong: usize,
    /// Rules that were in force, and that were none beside them.
    pub rules: u64,
    pub left_out: u64,
    /// What was not sent, since its flow had become different.
    kept_back: u64,
    classes: BTreeMap<Class, u64>,
    bent: BTreeMap<&'static str, u64>,
    reasons: BTreeMap<String, u64>,
}

/// One policy's packets.
pub struct Round<'a> {
    pub stream: Stream<'a>,
    ears: &'a mut Ears,
    tally: &'a mut Tally,
    oracle: Oracle,
    /// How to have this policy again.
    again: String,
    /// Ports of the routers at which somebody listens, and says nothing.
    sinks: HashSet<(bool, u16)>,
    held: Vec<OwnedFd>,
    /// Every packet of the policy.
    past: HashMap<u32, Shot>,
    /// The flows that have become different, and as what connection tracking knows them: others of
    /// ours may be the same to it, where there are no ports, or be about it.
    apart: HashSet<usize>,
    apart_ends: HashSet<Ends>,
}

impl<'a> Round<'a> {
    pub fn new(
        ears: &'a mut Ears,
        tally: &'a mut Tally,
        stream: Stream<'a>,
        oracle: Oracle,
        again: String,
    ) -> Self {
        Round {
            stream,
            ears,
            tally,
            oracle,
            again,
            sinks: HashSet::new(),
            held: Vec::new(),
            past: HashMap::new(),
            apart: HashSet::new(),
            apart_ends: HashSet::new(),
        }
    }

    pub fn run(&mut self, packets: u64) -> Result<()> {
        // What was under way is over.
        self.ears.hear()?;
        let mut flows: Vec<Flow> = Vec::new();
        let mut left = packets;
        while left > 0 && self.tally.wrong < SHOWN {
            while flows.len() < FLOWS {
                let flow = self.stream.flow();
                self.listen(&flow)?;
                flows.push(flow);
            }
            let mut shots = Vec::new();
            let mut taken = HashSet::new();
            flows.retain_mut(|flow| match self.stream.next(flow) {
                Some(shot) if self.is_apart(&shot) => {
                    self.tally.kept_back += 1;
                    false
                }
                // After what is sent now it may be known that this must not be.
                Some(shot) if judged_as(&shot).is_some_and(|ends| !taken.insert(ends)) => {
                    flow.ready.push_front(shot);
                    true
                }
                Some(shot) => {
                    flow.sent.push(shot.clone());
                    shots.push(shot);
                    true
                }
                None => false,
            });
            left = left.saturating_sub(shots.len() as u64);
            self.shoot(&shots, &mut flows)?;
        }
        let last = std::mem::take(&mut self.stream.last);
        let last: Vec<Shot> = last
            .into_iter()
            .filter(|shot| !self.apart.contains(&shot.flow) && !self.is_apart(shot))
            .collect();
        for shots in last.chunks(FLOWS) {
            self.shoot(shots, &mut flows)?;
        }
        Ok(())
    }

    /// A port of the router is open or closed by its number.
    fn listen(&mut self, flow: &Flow) -> Result<()> {
        let tcp = match flow.proto {
            6 => true,
            17 => false,
            _ => return Ok(()),
        };
        for (spot, port) in [(flow.from, flow.ports.0), (flow.to, flow.ports.1)] {
            if spot.place == Place::Router && port % 4 != 0 && self.sinks.insert((tcp, port)) {
                for router in ROUTERS {
                    let sink = netns::within(Some(router), || sockets::sink(tcp, port))?;
                    self.held.extend(sink);
                }
            }
        }
        Ok(())
    }

    fn shoot(&mut self, shots: &[Shot], flows: &mut [Flow]) -> Result<()> {
        for shot in shots {
            for router in 0..ROUTERS.len() {
                self.ears.send(router, shot.place, &shot.bytes)?;
            }
            for bent in &shot.bent {
                *self.tally.bent.entry(bent).or_default() += 1;
            }
        }
        self.tally.sent += shots.len() as u64;
        self.past
            .extend(shots.iter().map(|shot| (shot.number, shot.clone())));
        let mut heard = self.ears.hear()?;
        let mut sides = sort_both(&heard, shots, &self.past);
        for _ in 0..PATIENCE {
            if self.is_explained(&sides, shots) {
                break;
            }
            // On a busy machine a packet may be under way for longer than its tick.
            thread::sleep(Duration::from_millis(200));
            for (heard, late) in heard.iter_mut().zip(self.ears.hear()?) {
                heard.extend(late);
            }
            sides = sort_both(&heard, shots, &self.past);
        }
        let [a, b] = sides;
        // A packet in pieces may come out under the number of one that was sent before.
        let mut numbers: BTreeSet<u32> = shots.iter().map(|shot| shot.number).collect();
        numbers.extend(a.of.keys().chain(b.of.keys()));
        for number in numbers {
            let heard = [&a, &b].map(|side| side.of.get(&number).cloned().unwrap_or_default());
            self.compare(number, heard, flows);
        }
        let [mut rest_a, mut rest_b] = [a.rest, b.rest];
        rest_a.sort();
        rest_b.sort();
        if rest_a != rest_b {
            self.compare_rest(shots, &rest_a, &rest_b);
        }
        Ok(())
    }

    /// Whether the two agree as far as they are meant to.
    fn is_explained(&self, [a, b]: &[Sorted; 2], shots: &[Shot]) -> bool {
        let same = |a: &[Heard], b: &[Heard]| {
            let [mut a, mut b] = [a.to_vec(), b.to_vec()];
            a.sort();
            b.sort();
            a == b
        };
        let numbers: BTreeSet<&u32> = a.of.keys().chain(b.of.keys()).collect();
        let each = numbers.into_iter().all(|number| {
            let [a, b] = [a, b].map(|side| side.of.get(number).map_or(&[][..], Vec::as_slice));
            same(a, b)
                || self
                    .past
                    .get(number)
                    .is_some_and(|shot| self.intended(shot, a, b).is_some())
        });
        each && (same(&a.rest, &b.rest) || self.intended_rest(shots, &a.rest, &b.rest).is_some())
    }

    /// What has lost its number, since it was cut or translated or stamped: all of it that differs
    /// shows an intended difference, each of a packet of the round that it can be of.
    fn intended_rest(&self, shots: &[Shot], a: &[Heard], b: &[Heard]) -> Option<&'static str> {
        let only = [judge::beyond(a, b), judge::beyond(b, a)];
        let of = |[a, b]: [&[Heard]; 2]| {
            let can_be = |shot: &&Shot| a.iter().chain(b).all(|one| judge::may_be_of(shot, one));
            shots
                .iter()
                .filter(can_be)
                .find_map(|shot| self.shown(shot, a, b))
        };
        let [a, b] = &only;
        let one_by_one = || {
            let more = a.iter().map(|one| of([slice::from_ref(one), &[]]));
            let less = b.iter().map(|one| of([&[], slice::from_ref(one)]));
            more.chain(less).collect::<Option<Vec<_>>>()?.pop()
        };
        of([a, b]).or_else(one_by_one)
    }

    fn compare_rest(&mut self, shots: &[Shot], a: &[Heard], b: &[Heard]) {
        match self.intended_rest(shots, a, b) {
            Some(name) => *self.tally.intended.entry(name).or_default() += 1,
            None => {
                self.complain_about_no_packet(0, a, b);
                self.show_what_is_answered(a.iter().chain(b));
            }
        }
    }

    /// What became of one packet in the two routers.
    fn compare(&mut self, number: u32, heard: [Vec<Heard>; 2], flows: &mut [Flow]) {
        let [mut of_a, mut of_b] = heard;
        of_a.sort();
        of_b.sort();
        let Some(shot) = self.past.get(&number).cloned() else {
            if of_a != of_b {
                self.complain_about_no_packet(number, &of_a, &of_b);
            }
            return;
        };
        *self.tally.classes.entry(class(&shot, &of_a)).or_default() += 1;
        let flow = flows.iter_mut().find(|flow| flow.id == shot.flow);
        if of_a == of_b {
            let remembers = self.oracle.remembers(self.stream.policy, &shot);
            if remembers {
                self.part(shot.flow);
            }
            let Some(flow) = flow else { return };
            if remembers {
                flow.end();
            } else if of_a.is_empty() {
                flow.cut_short(&mut self.stream.dice);
            }
            if let (Some(seen), false, true) =
                (judge::seen_as(&of_a), shot.back, shot.bent.is_empty())
            {
                flow.seen_as.get_or_insert(seen);
            }
            return;
        }
        match self.intended(&shot, &of_a, &of_b) {
            Some(name) => *self.tally.intended.entry(name).or_default() += 1,
            None => self.complain(&shot, flow.as_deref(), &of_a, &of_b),
        }
        // The two do not see the same flow any more.
        self.part(shot.flow);
        if let Some(flow) = flow {
            flow.end();
        }
    }

    /// A flow has become different, whatever of it was sent.
    fn part(&mut self, flow: usize) {
        self.apart.insert(flow);
        let of_it = self.past.values().filter(|shot| shot.flow == flow);
        self.apart_ends.extend(of_it.filter_map(judged_as));
    }

    /// Whether connection tracking takes the packet for one of a flow that has become different, or
    /// about one: whatever differs then says nothing new.
    fn is_apart(&self, shot: &Shot) -> bool {
        judged_as(shot).is_some_and(|ends| self.apart_ends.contains(&ends))
    }

    fn complain(&mut self, shot: &Shot, flow: Option<&Flow>, a: &[Heard], b: &[Heard]) {
        self.tally.wrong += 1;
        println!(
            "DISAGREEMENT {}: packet {} ({})",
            self.again,
            shot.number,
            shot.bent.join(", ")
        );
        println!("{}", self.stream.policy.toml());
        if let Some(flow) = flow {
            println!(
                "  the flow {:?} > {:?} protocol {}:",
                flow.from, flow.to, flow.proto
            );
            for sent in &flow.sent {
                let bent = sent.bent.join(", ");
                println!(
                    "    {} ({bent}) {}",
                    sent.number,
                    show(sent.place, &sent.bytes)
                );
            }
        }
        println!("  the packet: {}", show(shot.place, &shot.bytes));
        println!(
            "    camzone:\n{}    the oracle:\n{}",
            describe(a),
            describe(b)
        );
        if describe(a) == describe(b) {
            println!("  {a:02x?}\n  {b:02x?}");
        }
        self.show_what_is_answered(a.iter().chain(b));
        self.show_same_flow(shot);
    }

    fn complain_about_no_packet(&mut self, number: u32, a: &[Heard], b: &[Heard]) {
        self.tally.wrong += 1;
        println!(
            "DISAGREEMENT {}: about packet {number}, or none",
            self.again
        );
        println!("{}", self.stream.policy.toml());
        for (name, side) in [("camzone", a), ("the oracle", b)] {
            println!("    {name}:");
            for (place, bytes) in side {
                println!("      {}", show(*place, bytes));
            }
        }
    }

    /// The name of an intended difference that a packet shows; or one in pieces, to which what was
    /// heard is an answer, that has no number and was taken for another's.
    fn intended(&self, shot: &Shot, a: &[Heard], b: &[Heard]) -> Option<&'static str> {
        let [a, b] = [judge::beyond(a, b), judge::beyond(b, a)];
        let differs = || a.iter().chain(&b);
        let answered = || {
            let can_be = |shot: &&Shot| differs().all(|one| judge::may_be_of(shot, one));
            let mut shots = self.answered(differs());
            shots.retain(|shot| self.pieces(shot).len() > 1 && can_be(shot));
            shots.iter().find_map(|shot| self.shown(shot, &a, &b))
        };
        self.shown(shot, &a, &b).or_else(answered)
    }

    fn shown(&self, shot: &Shot, a: &[Heard], b: &[Heard]) -> Option<&'static str> {
        self.oracle
            .intended(self.stream.policy, &self.pieces(shot), a, b)
    }

    /// The packet, and all that was sent of it if it is in pieces. In the place of a forged piece
    /// stands the true one, once that was sent.
    fn pieces<'s>(&'s self, shot: &'s Shot) -> Vec<&'s Shot> {
        let read = |shot: &Shot| words(ip_of(shot.place, &shot.bytes));
        let own = read(shot);
        let beside = |other: &&Shot| {
            other.number != shot.number
                && own.is_some_and(|own| read(other).is_some_and(|other| own.is_beside(&other)))
        };
        let mut pieces = vec![shot];
        if own.is_some_and(|own| own.piece.is_some()) {
            pieces.extend(self.past.values().filter(beside));
        }
        pieces
    }

    /// What was sent under this policy by those who are told something now, from the same port.
    fn answered<'h>(&self, heard: impl Iterator<Item = &'h Heard>) -> Vec<&Shot> {
        let told: Vec<_> = heard
            .filter_map(|(place, bytes)| words(ip_of(*place, bytes)))
            .map(|words| (words.dst, words.ports.1))
            .collect();
        let sender = |shot: &Shot| words(ip_of(shot.place, &shot.bytes));
        let mut shots: Vec<&Shot> = self.past.values().collect();
        shots.retain(|shot| {
            sender(shot).is_some_and(|words| told.contains(&(words.src, words.ports.0)))
        });
        shots.sort_by_key(|shot| shot.number);
        shots
    }

    fn show_what_is_answered<'h>(&self, heard: impl Iterator<Item = &'h Heard>) {
        println!("  sent before by who is told something:");
        for shot in self.answered(heard) {
            println!("    {} {}", shot.number, show(shot.place, &shot.bytes));
        }
    }

    /// What was sent of the flow that a packet is of, or about: by whom ever.
    fn show_same_flow(&self, shot: &Shot) {
        let Some(own) = judged_as(shot) else { return };
        println!("  sent of the same flow, or about it, {own:?}:");
        let mut same: Vec<&Shot> = self.past.values().collect();
        same.retain(|shot| judged_as(shot) == Some(own));
        same.sort_by_key(|shot| shot.number);
        for shot in same {
            let bent = shot.bent.join(", ");
            println!(
                "    {} ({bent}) {}",
                shot.number,
                show(shot.place, &shot.bytes)
            );
        }
    }
}

impl Tally {
    /// What camzone has counted so far, by reason.
    pub fn count_reasons(&mut self) -> Result<()> {
        let said = run(Some(ROUTERS[0]), &["camzonectl", "counters"], "")?;
        for line in said.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let [reason, packets, ..] = words[..] {
                if let Ok(packets) = packets.parse::<u64>() {
                    self.reasons.insert(reason.to_owned(), packets);
                }
            }
        }
        Ok(())
    }

    /// Prints what was seen; whether all is well. Of a whole run of random policies each class has
    /// to have a tenth, and of the rules a fifth at most is left out.
    pub fn report(&self, whole: bool) -> bool {
        println!("{} packets, {} disagreements", self.sent, self.wrong);
        let mut fine = self.wrong == 0;
        let share = |count: u64| count as f64 * 100.0 / self.sent.max(1) as f64;
        for class in CLASSES {
            let count = self.classes.get(&class).copied().unwrap_or(0);
            println!("  {class:?}: {count}, {:.1} %", share(count));
            if whole && share(count) < 10.0 {
                println!("  that is less than a tenth of the stream");
                fine = false;
            }
        }
        println!("  intended: {:?}", self.intended);
        println!("  not sent after that: {}", self.kept_back);
        // What may differ does not hide what may not: the script has more faults.
        let most = if whole { 1.0 } else { 5.0 };
        let apart = self.intended.iter().map(|(name, count)| (*name, *count));
        for (name, count) in apart.chain([("not sent after that", self.kept_back)]) {
            if share(count) > most {
                println!("  {name}: that is more than {most} % of the stream");
                fine = false;
            }
        }
        let rules = self.rules + self.left_out;
        println!("  rules: {}, and {} left out", self.rules, self.left_out);
        if whole && self.left_out * 5 > rules {
            println!("  that is more than a fifth of them");
            fine = false;
        }
        println!("  bent: {:?}", self.bent);
        println!("  camzone counted: {:?}", self.reasons);
        fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand packets of a whole run of which nothing is to be said.
    fn fine() -> Tally {
        Tally {
            sent: 1000,
            intended: BTreeMap::from([("rolled-port", 10)]),
            rules: 80,
            left_out: 20,
            kept_back: 10,
            classes: CLASSES.into_iter().map(|class| (class, 250)).collect(),
            ..Tally::default()
        }
    }

    #[test]
    fn what_is_told_is_judged() {
        assert!(fine().report(true));
        type Spoil = fn(&mut Tally);
        let spoilt: [(&str, Spoil); 5] = [
            ("disagreements", |tally| tally.wrong = 1),
            ("a class", |tally| {
                tally.classes.insert(Class::Refused, 99);
            }),
            ("an intended difference", |tally| {
                tally.intended.insert("rolled-port", 11);
            }),
            ("packets kept back", |tally| tally.kept_back = 11),
            ("rules left out", |tally| tally.left_out = 21),
        ];
        for (what, spoil) in spoilt {
            let mut tally = fine();
            spoil(&mut tally);
            assert!(!tally.report(true), "too many, and all is well: {what}");
        }
        // The script has five in a hundred.
        let mut script = fine();
        script.intended.insert("spoofed", 50);
        assert!(script.report(false));
        script.intended.insert("spoofed", 51);
        assert!(!script.report(false));
    }
}
