// SPDX-License-Identifier: GPL-2.0
//! Flows, step by step: what their two ends, and strangers, send. Nobody waits for an answer: an
//! end sends its next packet whatever became of the other's, so that every flow has replies out
//! of nowhere in it where a firewall stops something.

use super::dice::Dice;
use super::ears::{Place, GROUPS};
use super::flow::{Flow, Spot, Step, ACK, FIN, PSH, RST, SYN};
use super::packet::{nonce, Draft, Shot};
use super::policy::{End, Policy, Rule, Service};
use super::world::{wire_to, wires, LINK_LOCAL};
use crate::ip::Piece;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};

/// Makes flows for a policy.
pub struct Stream<'a> {
    pub policy: &'a Policy,
    pub dice: Dice,
    next_flow: usize,
    next_number: u32,
    next_port: u16,
    /// Pieces that complete what forged ones left open; sent at the end.
    pub last: Vec<Shot>,
}

impl<'a> Stream<'a> {
    pub fn new(policy: &'a Policy, dice: Dice, number: u32) -> Self {
        Stream {
            policy,
            dice,
            next_flow: 0,
            next_number: number,
            next_port: 10_000,
            last: Vec::new(),
        }
    }

    pub fn number(&self) -> u32 {
        self.next_number
    }

    pub fn take_number(&mut self) -> u32 {
        self.next_number = self.next_number.wrapping_add(1);
        self.next_number
    }

    /// An end's place: the wire of its address, or the router.
    pub fn spot(address: IpAddr, router: bool) -> Spot {
        let place = if router {
            Place::Router
        } else {
            Place::Wire(wire_to(address))
        };
        Spot { address, place }
    }

    /// An address at an end of a rule; for the router, as seen by `peer`.
    fn at(&mut self, end: End, v6: bool, peer: Option<Spot>, rule: &Rule) -> Spot {
        let dice = &mut self.dice;
        let zone = match end {
            End::Router => {
                let named: Vec<IpAddr> = rule
                    .to_addresses
                    .iter()
                    .copied()
                    .filter(|a| a.is_ipv6() == v6)
                    .collect();
                let wire = match peer.map(|peer| peer.place) {
                    Some(Place::Wire(wire)) => wire,
                    _ => dice.place(wires().len()),
                };
                let other = dice.place(wires().len());
                let address = match dice.within(0..=19) {
                    0..=11 if !named.is_empty() => dice.pick(&named),
                    12 | 13 => wires()[other].address(v6),
                    14 if !v6 => wires()[wire].broadcast(),
                    15 if !v6 => Ipv4Addr::BROADCAST.into(),
                    14 | 15 => LINK_LOCAL.into(),
                    16 => GROUPS[usize::from(v6)],
                    _ => wires()[wire].address(v6),
                };
                return Self::spot(address, true);
            }
            End::Camera(camera) => {
                let camera = &self.policy.cameras[camera];
                let own: Vec<IpAddr> = camera
                    .addresses
                    .iter()
                    .copied()
                    .filter(|a| a.is_ipv6() == v6)
                    .collect();
                if !own.is_empty() {
                    return Self::spot(dice.pick(&own), false);
                }
                camera.zone
            }
            End::Zone(zone) => zone,
        };
        // Most should come in where their zone is.
        let mut address = self.policy.host(zone, Some(v6), dice);
        for _ in 0..4 {
            if self.policy.zones[zone]
                .interfaces
                .contains(&wire_to(address))
            {
                break;
            }
            address = self.policy.host(zone, Some(v6), dice);
        }
        Self::spot(address, false)
    }

    /// A port of a service, mostly at one of its ends or right beside it.
    fn port(&mut self, service: Service) -> u16 {
        let dice = &mut self.dice;
        let (first, last) = (service.first, service.last);
        match dice.within(0..=9) {
            0..=2 => first,
            3..=5 => last,
            6 => first.wrapping_sub(1),
            7 => last.wrapping_add(1),
            _ => dice.within(first.into()..=last.into()) as u16,
        }
    }

    /// Mostly one of the policy's, each kind as often as another.
    fn rule(&mut self) -> Rule {
        let (kind, any) = (
            self.dice.within(0..=9),
            self.policy.any_rule(&mut self.dice),
        );
        let fits = |rule: &&Rule| match kind {
            0..=3 => rule.reject,
            4..=7 => !rule.deny && rule.to.contains(&End::Router),
            8 => !rule.deny && rule.to.iter().any(|end| *end != End::Router),
            _ => false,
        };
        let list: Vec<&Rule> = self.policy.rules.iter().filter(fits).collect();
        match list.as_slice() {
            [] => any,
            some => self.dice.pick(some).clone(),
        }
    }

    /// Any flow: mostly one that a rule is about.
    pub fn flow(&mut self) -> Flow {
        if self.dice.chance(8) {
            return self.stranger();
        }
        let rule = self.rule();
        let service = self.dice.pick(&rule.services);
        let v6 = match service.proto {
            1 => self.dice.chance(3),
            58 => !self.dice.chance(3),
            _ => self.dice.chance(40),
        };
        let proto = match service.proto {
            0 => self
                .dice
                .pick(&[6, 6, 17, 17, if v6 { 58 } else { 1 }, 47, 200]),
            other => other,
        };
        let (from, to) = (self.dice.pick(&rule.from), self.dice.pick(&rule.to));
        let from = self.at(from, v6, None, &rule);
        let to = self.at(to, v6, Some(from), &rule);
        let port = self.port(service);
        let mut flow = self.between(from, to, proto, port);
        flow.steps = self.steps(proto, flow.kind);
        if rule.reject && self.dice.chance(70) {
            // Whoever is refused asks again.
            let opens = match proto {
                6 => Step::Tcp {
                    back: false,
                    flags: SYN,
                    len: 8,
                },
                _ => Step::Plain {
                    back: false,
                    len: 16,
                },
            };
            flow.steps = vec![opens; 4].into();
        }
        flow
    }

    pub fn between(&mut self, from: Spot, mut to: Spot, proto: u8, port: u16) -> Flow {
        let id = self.next_flow;
        self.next_flow += 1;
        self.next_port = self.next_port.checked_add(1).unwrap_or(10_000);
        // Between hosts the router is in between, even if one has an address of it.
        if matches!((from.place, to.place), (Place::Router, Place::Router)) {
            to.place = Place::Wire(wire_to(to.address));
        }
        Flow {
            id,
            proto,
            from,
            to,
            ports: (self.next_port, port),
            kind: port as u8,
            seen_as: None,
            sequence: [self.dice.word() as u32, self.dice.word() as u32],
            steps: VecDeque::new(),
            ready: VecDeque::new(),
            sent: Vec::new(),
        }
    }

    fn steps(&mut self, proto: u8, kind: u8) -> VecDeque<Step> {
        let dice = &mut self.dice;
        let tcp = |back, flags, len| Step::Tcp { back, flags, len };
        let mut steps = match proto {
            6 => vec![
                tcp(false, SYN, 8),
                tcp(true, SYN | ACK, 8),
                tcp(false, ACK, 8),
                tcp(false, PSH | ACK, 24),
                tcp(true, PSH | ACK, 40),
                tcp(true, FIN | ACK, 8),
                tcp(false, FIN | ACK, 8),
                tcp(true, ACK, 8),
            ],
            _ => {
                let pairs = dice.within(1..=2);
                let len = |dice: &mut Dice| dice.pick(&[8, 8, 16, 64, 200]);
                (0..pairs * 2)
                    .map(|i| Step::Plain {
                        back: i % 2 == 1,
                        len: len(dice),
                    })
                    .collect()
            }
        };
        // Some are left out, some come twice, some out of order.
        if dice.chance(25) {
            steps.remove(dice.place(steps.len()));
        }
        if dice.chance(15) {
            let (a, b) = (dice.place(steps.len()), dice.place(steps.len()));
            steps.swap(a, b);
        }
        if dice.chance(15) {
            let step = dice.pick(&steps);
            steps.push(step);
        }
        if proto == 6 && dice.chance(30) {
            let flags = dice.pick(&[
                RST,
                RST | ACK,
                SYN,
                SYN | FIN,
                0,
                FIN | PSH | 32,
                SYN | RST,
                0xc2,
                ACK,
            ]);
            let step = tcp(dice.chance(50), flags, 8);
            steps.insert(dice.place(steps.len()), step);
        }
        if dice.chance(30) || (kind == 3 && dice.chance(50)) {
            for _ in 0..dice.within(1..=2) {
                let (kind, code) = dice.pick(&[
                    (3, 1),
                    (3, 3),
                    (3, 4),
                    (3, 13),
                    (11, 0),
                    (11, 1),
                    (12, 0),
                    (5, 1),
                    (4, 0),
                    (3, 0),
                    (30, 0),
                ]);
                let step = Step::Error {
                    back: !dice.chance(25),
                    kind,
                    code,
                };
                steps.insert(dice.within(1..=steps.len() as u64) as usize, step);
            }
        }
        if dice.chance(30) {
            steps.truncate(dice.within(1..=3) as usize);
        }
        steps.into()
    }

    /// The next packet of a flow; `None` when it is over.
    pub fn next(&mut self, flow: &mut Flow) -> Option<Shot> {
        if let Some(shot) = flow.ready.pop_front() {
            return Some(shot);
        }
        let step = flow.steps.pop_front()?;
        let number = self.take_number();
        let mut draft = match step {
            Step::Error { back, kind, code } => self.error(flow, back, kind, code, number),
            _ => flow.plain(step, number),
        };
        draft.source_mac = self.policy.mac(draft.header.src);
        draft.header.id = number;
        let (Step::Tcp { back, .. } | Step::Plain { back, .. } | Step::Error { back, .. }) = step;
        if self.dice.chance(17) {
            draft.bend(&mut self.dice);
            if self.dice.chance(10) {
                draft.bend(&mut self.dice);
            }
        }
        let shot = |draft: &Draft, bytes, number| Shot {
            place: draft.place,
            bytes,
            number,
            flow: flow.id,
            back,
            bent: draft.bent.clone(),
        };
        if self.dice.chance(2) && draft.header.length.is_none() && draft.place != Place::Router {
            let shots = self.pieces(&mut draft, number, &shot);
            flow.ready.extend(shots);
            return flow.ready.pop_front();
        }
        let bytes = draft.bytes(&[]).pop()?;
        Some(shot(&draft, bytes, number))
    }

    /// The packet in pieces, one of which may be forged.
    fn pieces(
        &mut self,
        draft: &mut Draft,
        first: u32,
        shot: &dyn Fn(&Draft, Vec<u8>, u32) -> Shot,
    ) -> Vec<Shot> {
        draft
            .segment
            .bytes
            .resize(draft.segment.bytes.len().max(64), b'.');
        if draft.segment.proto == 17 && draft.bent.is_empty() {
            let len = draft.segment.bytes.len() as u16;
            draft.segment.bytes[4..6].copy_from_slice(&len.to_be_bytes());
        }
        let len = draft.segment.bytes.len();
        let cut = self.dice.pick(&[8, 16, 24, 32]);
        let second = self.dice.pick(&[8, 16]);
        let mut pieces = vec![
            Piece {
                offset: 0,
                length: cut,
                more: true,
            },
            Piece {
                offset: cut,
                length: second,
                more: true,
            },
            Piece {
                offset: cut + second,
                length: len - cut - second,
                more: false,
            },
        ];
        let mut numbers = vec![first];
        for piece in &pieces[1..] {
            let number = self.take_number();
            numbers.push(number);
            // Not over a header that others have to read.
            if piece.offset >= 24 {
                draft.segment.bytes[piece.offset..piece.offset + 8].copy_from_slice(&nonce(number));
            }
        }
        if draft.segment.proto == 132 && len >= 12 {
            super::flow::seal_sctp(&mut draft.segment.bytes);
        }
        draft.bent.push("pieces");
        let mut whole = draft.bytes(&pieces);
        let truth: Vec<Shot> = whole
            .iter()
            .zip(&numbers)
            .map(|(bytes, number)| shot(draft, bytes.clone(), *number))
            .collect();
        let forged = self.dice.place(3);
        match self.dice.within(0..=7) {
            0..=2 => {}
            3 | 4 => {
                // Forged from another wire, or with another source on its own.
                let mut other = draft.clone();
                other.bent.push("forged piece");
                if self.dice.chance(70) {
                    other.place = Place::Wire(self.dice.place(wires().len()));
                } else {
                    other.header.src =
                        wires()[self.dice.place(wires().len())].address(other.header.src.is_ipv6());
                }
                let bytes = other.bytes(&pieces).swap_remove(forged);
                let mut shots = truth.clone();
                shots
                    .iter_mut()
                    .for_each(|shot| shot.bent.push("beside a forged piece"));
                let true_one = shots[forged].clone();
                shots[forged] = shot(&other, bytes, numbers[forged]);
                self.last.push(true_one);
                return shots;
            }
            5 => {
                // One is missing until the end.
                let mut shots = truth;
                self.last.push(shots.remove(forged));
                return shots;
            }
            6 => {
                // They overlap, and so nothing comes of them.
                pieces[1].length += 8;
                whole = draft.bytes(&pieces);
            }
            _ => {
                let mut shots = truth;
                shots.reverse();
                return shots;
            }
        }
        whole
            .into_iter()
            .zip(numbers)
            .map(|(bytes, number)| shot(draft, bytes, number))
            .collect()
    }
}
