// SPDX-License-Identifier: GPL-2.0
//! `probe flood`: sends flows without end, each packet marked, and says of each whether it may have
//! arrived or may have been lost, by what others say that holds meanwhile.

mod facts;
mod flow;
mod host;
mod track;

use crate::diff::sockets::stay_on;
use crate::ip::Header;
use crate::transport as l4;
use clap::Args;
use facts::Facts;
use flow::{Ear, Flow, Must};
use host::{Host, Router, World};
use std::fs;
use std::io::{Error, Result};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};
use track::{Mark, Track};

/// How many source ports a flow has on a processor: new flows and old ones in turn.
const PORTS: u16 = 250;
/// How many wrong packets are told of one by one.
const SHOWN: usize = 10;

#[derive(Args)]
pub struct Flood {
    /// The processor to be on
    #[arg(long, value_name = "NUMBER")]
    cpu: u8,
    /// Where the facts are; the flood is over when there is one called `end`
    #[arg(long, value_name = "DIR")]
    facts: PathBuf,
    /// How many packets of a flow are sent in a row
    #[arg(long, default_value_t = 4, value_name = "N")]
    batch: u16,
    /// After how many seconds what did not come is lost
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
    patience: f64,
    /// The flows, one a line: NAME FROM SOURCE EAR DESTINATION [silent] pass|stop FACT=WORD..., ...
    #[arg(value_name = "FILE")]
    flows: PathBuf,
}

struct Run {
    magic: u32,
    base: u16,
    facts: Facts,
    tracks: Vec<Track>,
    world: World,
    shown: usize,
    patience: Duration,
}

impl Flood {
    /// Whether nothing was wrong.
    pub fn run(&self) -> Result<bool> {
        stay_on(self.cpu)?;
        let flows = Flow::all(&fs::read_to_string(&self.flows)?).map_err(Error::other)?;
        let magic = 0xf100_d000 | u32::from(self.cpu);
        let facts = Facts::open(&self.facts, flows.iter().flat_map(Flow::facts))?;
        let mut names: Vec<&str> = flows.iter().map(|flow| flow.from.as_str()).collect();
        names.extend(flows.iter().filter_map(|flow| match &flow.ear {
            Ear::Host(name) => Some(name.as_str()),
            Ear::Router => None,
        }));
        names.sort_unstable();
        names.dedup();
        let ports = flows.iter().filter(|flow| flow.ear == Ear::Router);
        let world = World {
            hosts: names
                .into_iter()
                .map(|name| Host::open(name, magic))
                .collect::<Result<_>>()?,
            router: Router::open(ports.map(|flow| flow.to.port()))?,
        };
        let mut run = Run {
            magic,
            base: 20_000 + u16::from(self.cpu) * PORTS,
            facts,
            tracks: flows.into_iter().map(Track::new).collect(),
            world,
            shown: 0,
            patience: Duration::from_secs_f64(self.patience),
        };
        println!("ready");
        let end = self.facts.join("end");
        while !end.exists() {
            run.round(self.batch)?;
        }
        Ok(run.report())
    }
}

impl Run {
    fn round(&mut self, batch: u16) -> Result<()> {
        self.refresh()?;
        let mut stopped = Vec::new();
        let mut busy = false;
        for at in 0..self.tracks.len() {
            let track = &self.tracks[at];
            if track.full() {
                continue;
            }
            busy = true;
            if track.must() == Some(Must::Stop) {
                stopped.push((at, track.epoch()));
            }
            for _ in 0..batch {
                self.send(at, None)?;
            }
        }
        let mut marks = Vec::new();
        let heard = Instant::now();
        let magic = self.magic;
        self.world.hear(|ear, payload| {
            marks.extend(Mark::read(payload, magic).map(|m| (ear.clone(), m)))
        })?;
        // What still holds now held when they arrived.
        self.refresh()?;
        for (at, epoch) in stopped {
            if self.tracks[at].epoch() == epoch {
                self.tracks[at].tally.stopped += u64::from(batch);
            }
        }
        for (ear, mark) in marks {
            self.arrived(&ear, mark)?;
        }
        for at in 0..self.tracks.len() {
            let lost = self.tracks[at].give_up(heard, self.patience);
            if lost > 0 {
                self.wrong(at, &format!("{lost} did not come"));
            }
        }
        if !busy {
            sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn refresh(&mut self) -> Result<()> {
        self.facts.refresh()?;
        for track in &mut self.tracks {
            track.refresh(&self.facts);
        }
        Ok(())
    }

    fn wrong(&mut self, at: usize, why: &str) {
        if self.shown < SHOWN {
            self.shown += 1;
            println!("WRONG {}: {why}", self.tracks[at].flow.name);
        }
    }

    /// Sends the next packet of a flow, or the answer to one.
    fn send(&mut self, at: usize, question: Option<Mark>) -> Result<()> {
        let track = &mut self.tracks[at];
        let mark = track.next(at as u16, question.is_some().into());
        let flow = &track.flow;
        let port = question.unwrap_or(mark).number % u32::from(PORTS);
        let near = SocketAddr::new(flow.source, self.base + port as u16);
        let payload = mark.payload(self.magic);
        let sent = match (mark.leg, &flow.ear) {
            (0, _) => {
                let packet = udp(near, flow.to, &payload);
                let from = flow.from.clone();
                self.world.host(&from)?.send(&packet, near.is_ipv6())?
            }
            (_, Ear::Host(name)) => {
                let packet = udp(flow.to, near, &payload);
                let name = name.clone();
                self.world.host(&name)?.send(&packet, near.is_ipv6())?
            }
            (_, Ear::Router) => {
                let packet = udp(flow.to, near, &payload);
                self.world.router.send(&packet, near.ip())?
            }
        };
        if !sent {
            self.tracks[at].unsent(mark);
        }
        Ok(())
    }

    fn arrived(&mut self, ear: &Ear, mark: Mark) -> Result<()> {
        let at = usize::from(mark.flow);
        let Some(track) = self.tracks.get_mut(at) else {
            return Ok(());
        };
        let expected = match mark.leg {
            0 => track.flow.ear == *ear,
            _ => matches!(ear, Ear::Host(name) if *name == track.flow.from),
        };
        if !expected {
            return Ok(());
        }
        if let Some(why) = track.arrived(mark) {
            self.wrong(at, &format!("leg {}, {why}", mark.leg));
        }
        // What was asked when something else held may have an answer that nobody knows of.
        let track = &self.tracks[at];
        if mark.leg == 0 && !track.flow.silent && mark.epoch == track.epoch() {
            self.send(at, Some(mark))?;
        }
        Ok(())
    }

    /// A line for each flow; whether nothing was wrong.
    fn report(&self) -> bool {
        for track in &self.tracks {
            let t = track.tally;
            println!(
                "flow {} passed {} answered {} stopped {} leaked {} lost {}",
                track.flow.name, t.passed[0], t.passed[1], t.stopped, t.leaked, t.lost
            );
        }
        let wrong = |track: &Track| track.tally.leaked + track.tally.lost;
        self.tracks.iter().map(wrong).sum::<u64>() == 0
    }
}

fn udp(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let (src, dst): (IpAddr, IpAddr) = (from.ip(), to.ip());
    let segment = l4::udp(from.port(), to.port(), None, payload).seal(src, dst);
    Header::new(src, dst, segment.proto).wrap(&segment.bytes)
}
