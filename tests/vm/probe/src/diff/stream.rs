// SPDX-License-Identifier: GPL-2.0
//! Flows, step by step: what their two ends, and strangers, send. Nobody waits for an answer: an
//! end sends its next packet whatever became of the other's, so that every flow has replies out
//! of nowhere in it where a firewall stops something.

use super::dice::Dice;
use super::ears::Place;
use super::packet::{crc32c, nonce, Draft, Shot};
use super::policy::{End, Policy, Rule, Service};
use super::world::{wire_to, wires, LINK_LOCAL};
use crate::ip::{Header, Piece};
use crate::transport::{self, Segment, TcpWords};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// One of a flow's ends.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    pub address: IpAddr,
    pub place: Place,
}

/// What is sent next; `back` is from the responder to the initiator.
#[derive(Clone, Copy, Debug)]
enum Step {
    Tcp {
        back: bool,
        flags: u8,
        len: usize,
    },
    Plain {
        back: bool,
        len: usize,
    },
    /// An ICMP error about what the other side sent.
    Error {
        back: bool,
        kind: u8,
        code: u8,
    },
}

pub struct Flow {
    pub id: usize,
    pub proto: u8,
    pub from: Spot,
    pub to: Spot,
    pub ports: (u16, u16),
    /// The type of an ICMP flow.
    kind: u8,
    /// What the responder sees of the initiator, once it was seen.
    pub seen_as: Option<(IpAddr, u16)>,
    sequence: [u32; 2],
    steps: VecDeque<Step>,
    /// Packets that were made already, of pieces or by strangers.
    ready: VecDeque<Shot>,
    pub sent: Vec<Shot>,
}

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

    fn take_number(&mut self) -> u32 {
        self.next_number = self.next_number.wrapping_add(1);
        self.next_number
    }

    /// An end's place: the wire of its address, or the router.
    fn spot(address: IpAddr, router: bool) -> Spot {
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
                    16 => super::ears::GROUPS[usize::from(v6)],
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

    fn between(&mut self, from: Spot, mut to: Spot, proto: u8, port: u16) -> Flow {
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
            seal_sctp(&mut draft.segment.bytes);
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

    /// An error about the flow, by the end that it is named after or by somebody on its side.
    fn error(&mut self, flow: &Flow, back: bool, kind: u8, code: u8, number: u32) -> Draft {
        let dice = &mut self.dice;
        let v6 = flow.from.address.is_ipv6();
        // IPv6 has other numbers for the same.
        let kind = match (v6, kind) {
            (false, 30) => 8,
            (false, kind) => kind,
            (true, 3) if code == 4 => 2,
            (true, 3) => 1,
            (true, 11) => 3,
            (true, 12) => 4,
            (true, 5) => 137,
            (true, 30) => 200,
            (true, _) => 5,
        };
        let (speaker, hearer) = if back {
            (flow.to, flow.from)
        } else {
            (flow.from, flow.to)
        };
        let (hearer_address, hearer_port) = match (back, flow.seen_as) {
            (true, Some(seen)) => seen,
            (true, None) => (hearer.address, flow.ports.0),
            (false, _) => (hearer.address, flow.ports.1),
        };
        let speaker_port = if back { flow.ports.1 } else { flow.ports.0 };
        let mut inner = flow.segment(
            (hearer_address, hearer_port),
            (speaker.address, speaker_port),
            !back,
            SYN,
            8,
            number,
        );
        if dice.chance(10) && inner.bytes.len() > 4 {
            let at = dice.place(4);
            inner.bytes[at] ^= 1;
        }
        let mut quoted = Header::new(hearer_address, speaker.address, flow.proto);
        if dice.chance(8) {
            std::mem::swap(&mut quoted.src, &mut quoted.dst);
        }
        let quoted = quoted.wrap(&inner.seal(quoted.src, quoted.dst).bytes);
        let word = if kind == 3 || kind == 2 { 1400 } else { 0 };
        let mut body = transport::icmp(v6, kind, code, word, &quoted);
        if kind == 137 {
            // A redirect of IPv6 has two addresses first.
            let both: Vec<u8> = [LINK_LOCAL.octets(), Ipv6Addr::UNSPECIFIED.octets()].concat();
            body = transport::icmp(true, kind, 0, 0, &[&both[..], &nonce(number)].concat());
        }
        let mut header = Header::new(speaker.address, hearer_address, body.proto);
        // A hop in between says so as well.
        if dice.chance(20) {
            if let (Place::Wire(wire), false) = (speaker.place, v6) {
                let IpAddr::V4(own) = wires()[wire].address(false) else {
                    unreachable!()
                };
                header.src = Ipv4Addr::from(u32::from(own) | 0x21).into();
            }
        }
        Draft::new(speaker.place, header, body)
    }

    /// Neighbour discovery, groups, DHCP and nonsense.
    fn stranger(&mut self) -> Flow {
        let wire = self.dice.place(wires().len());
        let v6 = self.dice.chance(70);
        let host = match wires()[wire].address(v6) {
            IpAddr::V4(a) => Ipv4Addr::from(u32::from(a) & !0xff | 10).into(),
            IpAddr::V6(a) => Ipv6Addr::from((u128::from(a) >> 64 << 64) | 0x10).into(),
        };
        let from = Spot {
            address: host,
            place: Place::Wire(wire),
        };
        let mut flow = self.between(
            from,
            Self::spot(wires()[wire].address(v6), true),
            if v6 { 58 } else { 17 },
            67,
        );
        for _ in 0..self.dice.within(1..=4) {
            let number = self.take_number();
            let mut draft = if v6 {
                self.neighbour(from, number)
            } else {
                self.local(from, number)
            };
            draft.header.id = number;
            if self.dice.chance(15) {
                draft.bend(&mut self.dice);
            }
            let mut pieces = Vec::new();
            if self.dice.chance(6) {
                draft.bent.push("pieces");
                let len = draft.segment.bytes.len();
                let cut = 16.min(len & !7);
                pieces = vec![
                    Piece {
                        offset: 0,
                        length: cut,
                        more: true,
                    },
                    Piece {
                        offset: cut,
                        length: len - cut,
                        more: false,
                    },
                ];
            }
            for bytes in draft.bytes(&pieces) {
                flow.ready.push_back(Shot {
                    place: draft.place,
                    bytes,
                    number,
                    flow: flow.id,
                    back: false,
                    bent: draft.bent.clone(),
                });
            }
        }
        flow
    }

    fn neighbour(&mut self, from: Spot, number: u32) -> Draft {
        let dice = &mut self.dice;
        let kind = dice.pick(&[
            133, 134, 135, 135, 135, 136, 137, 130, 131, 132, 143, 138, 129,
        ]);
        let listener = [130, 131, 132, 143].contains(&kind);
        let fixed = match kind {
            133 => 0,
            134 => 8,
            137 => 32,
            _ => 16,
        };
        let mut target = vec![0; fixed];
        if fixed == 16 {
            let Place::Wire(wire) = from.place else {
                unreachable!()
            };
            let own = dice.pick(&[
                wires()[wire].v6.0,
                LINK_LOCAL,
                Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb),
            ]);
            target.copy_from_slice(&own.octets());
        }
        let mut body = transport::discovery(
            kind,
            if kind == 136 { 0x6000_0000 } else { 0 },
            &target,
            &nonce(number),
        );
        if listener {
            body = transport::icmp(true, kind, 0, 0, &[&target[..], &nonce(number)].concat());
        }
        let linked: IpAddr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x10).into();
        let source = dice.pick(&[from.address, linked, linked, Ipv6Addr::UNSPECIFIED.into()]);
        let Place::Wire(wire) = from.place else {
            unreachable!()
        };
        let group = |last: u16| IpAddr::from(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, last));
        let to = dice.pick(&[
            group(1),
            group(2),
            group(0xfb),
            wires()[wire].address(true),
            LINK_LOCAL.into(),
        ]);
        let mut header = Header::new(source, to, body.proto);
        header.ttl = match dice.within(0..=5) {
            0 => 64,
            1 => 254,
            _ if listener => 1,
            _ => 255,
        };
        if listener && dice.chance(50) {
            header.extensions = vec![crate::ip::Extension::RouterAlert];
        }
        Draft::new(from.place, header, body)
    }

    fn local(&mut self, from: Spot, number: u32) -> Draft {
        let dice = &mut self.dice;
        let Place::Wire(wire) = from.place else {
            unreachable!()
        };
        let all: IpAddr = Ipv4Addr::BROADCAST.into();
        match dice.within(0..=3) {
            0 | 1 => {
                let (mut source, mut to): (IpAddr, IpAddr) = (Ipv4Addr::UNSPECIFIED.into(), all);
                let (mut sport, mut dport) = (68, 67);
                match dice.within(0..=7) {
                    0 => source = from.address,
                    1 => to = wires()[wire].broadcast(),
                    2 => sport = 67,
                    3 => dport = 68,
                    4 => to = wires()[wire].address(false),
                    _ => {}
                }
                let body = transport::udp(sport, dport, None, &nonce(number));
                Draft::new(from.place, Header::new(source, to, 17), body)
            }
            2 => {
                let group = Ipv4Addr::new(224, 0, 0, 251);
                let mut header = Header::new(from.address, group.into(), 2);
                header.ttl = 1;
                header.options = vec![148, 4, 0, 0];
                Draft::new(
                    from.place,
                    header,
                    transport::igmp_report(group, &nonce(number)),
                )
            }
            _ => {
                let to = dice.pick(&[all, wires()[wire].broadcast(), wires()[wire].address(false)]);
                let bytes: Vec<u8> = (0..dice.within(0..=60))
                    .map(|_| dice.word() as u8)
                    .collect();
                let body = Segment {
                    proto: dice.pick(&[1, 2, 6, 17, 47, 132, 255]),
                    bytes: [&bytes[..], &nonce(number)].concat(),
                };
                Draft::new(from.place, Header::new(from.address, to, body.proto), body)
            }
        }
    }
}

fn seal_sctp(bytes: &mut [u8]) {
    bytes[8..12].fill(0);
    let sum = crc32c(bytes).to_le_bytes();
    bytes[8..12].copy_from_slice(&sum);
}

impl Flow {
    /// What is left to be sent is not, since the two routers do not see the same flow any more.
    pub fn end(&mut self) {
        self.steps.clear();
        self.ready.clear();
    }

    /// Its first packet was stopped: most that is left of it would be nonsense.
    pub fn cut_short(&mut self, dice: &mut Dice) {
        if self.sent.len() == 1 && self.ready.is_empty() && dice.chance(80) {
            self.steps.clear();
        }
    }

    fn plain(&mut self, step: Step, number: u32) -> Draft {
        let (back, flags, len) = match step {
            Step::Tcp { back, flags, len } => (back, flags, len),
            Step::Plain { back, len } => (back, 0, len),
            Step::Error { .. } => unreachable!("errors are made elsewhere"),
        };
        let near = self.seen_as.unwrap_or((self.from.address, self.ports.0));
        let (speaker, from, to) = match back {
            false => (
                self.from,
                (self.from.address, self.ports.0),
                (self.to.address, self.ports.1),
            ),
            true => (self.to, (self.to.address, self.ports.1), near),
        };
        let segment = self.segment(from, to, back, flags, len, number);
        if self.proto == 6 {
            let own = &mut self.sequence[usize::from(back)];
            let ghost = u32::from(flags & (SYN | FIN) != 0);
            *own = own.wrapping_add(len as u32 + ghost);
        }
        let header = Header::new(from.0, to.0, self.proto);
        Draft::new(speaker.place, header, segment)
    }

    /// What a packet of the flow carries.
    fn segment(
        &self,
        from: (IpAddr, u16),
        to: (IpAddr, u16),
        back: bool,
        flags: u8,
        len: usize,
        number: u32,
    ) -> Segment {
        let mut payload = nonce(number).to_vec();
        payload.resize(len.max(8), b'.');
        match self.proto {
            6 => {
                let words = TcpWords {
                    flags,
                    seq: self.sequence[usize::from(back)],
                    ack: if flags & ACK == 0 {
                        0
                    } else {
                        self.sequence[usize::from(!back)]
                    },
                    offset: None,
                };
                transport::tcp(from.1, to.1, &words, &payload)
            }
            17 => transport::udp(from.1, to.1, None, &payload),
            1 | 58 => {
                let kind = match (back, self.kind) {
                    (false, kind) => kind,
                    (true, 8) => 0,
                    (true, kind) => kind.wrapping_add(1),
                };
                let v6 = self.proto == 58;
                transport::icmp(v6, kind, 0, u32::from(self.ports.0) << 16, &payload)
            }
            132 => {
                // INIT and INIT ACK, then data.
                let kind = if back { 2 } else { 1 };
                let mut bytes = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
                bytes.extend([0, 0, 0, if back { 7 } else { 0 }, 0, 0, 0, 0]);
                bytes.extend([kind, 0]);
                bytes.extend((20 + payload.len() as u16).to_be_bytes());
                bytes.extend([0, 0, 0, 7, 0, 0, 16, 0, 0, 1, 0, 1, 0, 0, 0, 1]);
                bytes.extend(payload);
                seal_sctp(&mut bytes);
                Segment { proto: 132, bytes }
            }
            47 => Segment {
                proto: 47,
                bytes: [&[0, 0, 8, 0][..], &payload].concat(),
            },
            proto => Segment {
                proto,
                bytes: payload,
            },
        }
    }
}
