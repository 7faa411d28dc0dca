// SPDX-License-Identifier: GPL-2.0
//! Each intended difference, shown by a packet of its own. Beside it goes one that is like it but
//! for what the difference is about, and that passes both routers; and where the difference has a
//! condition, one that lacks that, and is stopped by both.

pub mod article;
pub mod nft;

use super::ears::{Ears, Heard, Place};
use super::judge::{ip_of, is_answer, sort, words};
use super::packet::{nonce, Draft, Shot};
use super::world::ROUTERS;
use crate::ip::{Header, Piece};
use crate::transport::{self, Segment, TcpWords};
use std::collections::BTreeSet;
use std::io::{Error, Result};
use std::net::IpAddr;

const SYN: u8 = 2;
const ACK: u8 = 16;

/// Which of the routers let a packet pass: camzone's, the other.
type Passed = (bool, bool);
const BOTH: Passed = (true, true);
const NEITHER: Passed = (false, false);
const CAMZONE: Passed = (true, false);
const ORACLE: Passed = (false, true);

struct Bench<'a> {
    ears: &'a mut Ears,
    number: u32,
    shown: BTreeSet<&'static str>,
    wrong: usize,
}

fn at(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

impl Bench<'_> {
    fn new(ears: &mut Ears) -> Bench<'_> {
        Bench {
            ears,
            number: 0xf000_0000,
            shown: BTreeSet::new(),
            wrong: 0,
        }
    }

    /// Sends a packet, whose payload is what `body` makes of its number: whole, or a piece of it by
    /// each of several ways.
    fn send(
        &mut self,
        ways: &[(Place, Header)],
        body: impl FnOnce(&[u8]) -> Segment,
    ) -> Result<(Shot, [Vec<Heard>; 2])> {
        self.number += 1;
        let number = self.number;
        let segment = body(&nonce(number));
        let pieces: Vec<Piece> = match ways.len() {
            1 => Vec::new(),
            several => (0..several)
                .map(|i| Piece {
                    offset: 16 * i,
                    length: (segment.bytes.len() - 16 * i).min(16),
                    more: i + 1 < several,
                })
                .collect(),
        };
        let mut shots = Vec::new();
        for (i, (place, header)) in ways.iter().enumerate() {
            let header = Header {
                proto: segment.proto,
                id: number,
                ..header.clone()
            };
            shots.push(Shot {
                place: *place,
                bytes: Draft::new(*place, header, segment.clone())
                    .bytes(&pieces)
                    .swap_remove(i),
                number,
                flow: 0,
                back: false,
                bent: Vec::new(),
            });
        }
        for shot in &shots {
            for router in 0..ROUTERS.len() {
                self.ears.send(router, shot.place, &shot.bytes)?;
            }
        }
        let heard = self
            .ears
            .hear()?
            .map(|heard| sort(heard).of.remove(&number).unwrap_or_default());
        let first = shots.into_iter().next();
        Ok((first.ok_or_else(|| Error::other("no packet"))?, heard))
    }

    /// Sends it, and says whether each router let it pass as it should.
    fn see(
        &mut self,
        what: &str,
        wanted: Passed,
        place: Place,
        header: Header,
        body: impl FnOnce(&[u8]) -> Segment,
    ) -> Result<[Vec<Heard>; 2]> {
        self.see_pieces(what, wanted, &[(place, header)], body)
    }

    fn see_pieces(
        &mut self,
        what: &str,
        wanted: Passed,
        ways: &[(Place, Header)],
        body: impl FnOnce(&[u8]) -> Segment,
    ) -> Result<[Vec<Heard>; 2]> {
        let (shot, heard) = self.send(ways, body)?;
        let itself = words(ip_of(shot.place, &shot.bytes)).is_some_and(|words| is_answer(&words));
        // An answer about the packet is not the packet.
        let passed = |heard: &[Heard]| {
            let answer =
                |one: &Heard| words(ip_of(one.0, &one.1)).is_some_and(|words| is_answer(&words));
            heard.iter().any(|one| itself || !answer(one))
        };
        let [a, b] = &heard;
        self.says(what, wanted, (passed(a), passed(b)));
        Ok(heard)
    }

    /// Says whether it is as it should be.
    fn says(&mut self, what: &str, wanted: Passed, got: Passed) -> bool {
        if got != wanted {
            self.wrong += 1;
        }
        let word = if got == wanted { "as meant" } else { "WRONG" };
        println!("{what}: {word}: camzone {}, the oracle {}", got.0, got.1);
        got == wanted
    }

    /// The same of an intended difference.
    fn differs(
        &mut self,
        name: &'static str,
        wanted: Passed,
        place: Place,
        header: Header,
        body: impl FnOnce(&[u8]) -> Segment,
    ) -> Result<()> {
        let wrong = self.wrong;
        self.see(name, wanted, place, header, body)?;
        if self.wrong == wrong {
            self.shown.insert(name);
        }
        Ok(())
    }

    /// Whether all that should be seen was.
    fn done(&self, names: &[&'static str]) -> bool {
        let missing: Vec<_> = names
            .iter()
            .filter(|name| !self.shown.contains(*name))
            .collect();
        if !missing.is_empty() {
            println!("not shown: {missing:?}");
        }
        self.wrong == 0 && missing.is_empty()
    }
}

fn between(from: &str, to: &str) -> Header {
    Header::new(at(from), at(to), 0)
}

fn udp(from: u16, to: u16) -> impl FnOnce(&[u8]) -> Segment {
    move |payload| transport::udp(from, to, None, payload)
}

fn tcp(from: u16, to: u16, flags: u8) -> impl FnOnce(&[u8]) -> Segment {
    move |payload| {
        transport::tcp(
            from,
            to,
            &TcpWords {
                flags,
                seq: 1000,
                ..TcpWords::default()
            },
            payload,
        )
    }
}

/// Long enough for three pieces.
fn long_udp(from: u16, to: u16) -> impl FnOnce(&[u8]) -> Segment {
    move |payload| transport::udp(from, to, None, &[payload, &[b'.'; 24]].concat())
}
