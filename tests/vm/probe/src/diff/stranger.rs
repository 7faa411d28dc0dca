// SPDX-License-Identifier: GPL-2.0
//! What else is on a wire: errors about flows, neighbour discovery, groups, DHCP and nonsense.

use super::ears::Place;
use super::flow::{Flow, Spot, SYN};
use super::packet::{nonce, Draft, Shot};
use super::stream::Stream;
use super::world::{wires, LINK_LOCAL};
use crate::ip::{Header, Piece};
use crate::transport::{self, Segment};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

impl Stream<'_> {
    /// An error about the flow, by the end that it is named after or by somebody on its side.
    pub fn error(&mut self, flow: &Flow, back: bool, kind: u8, code: u8, number: u32) -> Draft {
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
    pub fn stranger(&mut self) -> Flow {
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
            for (i, bytes) in draft.bytes(&pieces).into_iter().enumerate() {
                flow.ready.push_back(Shot {
                    place: draft.place,
                    bytes,
                    number: if i == 0 { number } else { self.take_number() },
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
        let mut to = dice.pick(&[
            group(1),
            group(2),
            group(0xfb),
            wires()[wire].address(true),
            LINK_LOCAL.into(),
        ]);
        if kind == 135 && to.is_multicast() && source != Ipv6Addr::UNSPECIFIED {
            // To a group and without a link-layer address it is answered only if its sender is known
            // already (`ndisc_recv_ns`), which hangs on each router's cache: on its clock, and on what
            // only one of the two let in before.
            to = LINK_LOCAL.into();
        }
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
