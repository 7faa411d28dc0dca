// SPDX-License-Identifier: GPL-2.0
//! A packet on its way to being sent: built rightly first, then bent.

use super::dice::Dice;
use super::ears::Place;
use super::world::{host_mac, is_article, router_mac, wires, LINK_LOCAL, TAG, TAGGED};
use crate::ip::{Extension, Header, Piece};
use crate::link::{frame, Mac};
use crate::sys::{ETH_P_IP, ETH_P_IPV6};
use crate::transport::Segment;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What stands before the number in a packet's payload.
const MARK: [u8; 4] = [0xc2, 0x5a, 0xd1, 0xff];

/// A packet's number, as it is carried.
pub fn nonce(number: u32) -> [u8; 8] {
    let mut out = [0; 8];
    out[..4].copy_from_slice(&MARK);
    out[4..].copy_from_slice(&number.to_be_bytes());
    out
}

/// The last number that stands in the bytes: of an error about a packet, that packet's.
pub fn number_in(bytes: &[u8]) -> Option<u32> {
    let place = bytes.windows(8).rposition(|window| window[..4] == MARK)?;
    let number = bytes.get(place + 4..place + 8)?;
    Some(u32::from_be_bytes(number.try_into().ok()?))
}

/// A packet as it is sent into both routers.
#[derive(Clone, Debug)]
pub struct Shot {
    pub place: Place,
    pub bytes: Vec<u8>,
    pub number: u32,
    pub flow: usize,
    /// From the flow's responder to its initiator.
    pub back: bool,
    /// What is odd about it.
    pub bent: Vec<&'static str>,
}

/// A packet that is being made.
#[derive(Clone, Debug)]
pub struct Draft {
    pub place: Place,
    pub header: Header,
    pub segment: Segment,
    pub source_mac: Mac,
    pub target_mac: Option<Mac>,
    pub tags: Vec<u16>,
    pub spoiled: bool,
    pub cut: usize,
    pub padding: usize,
    pub bent: Vec<&'static str>,
}

fn multicast_mac(to: IpAddr) -> Option<Mac> {
    match to {
        IpAddr::V4(a) if a.is_multicast() => {
            let o = a.octets();
            Some([1, 0, 0x5e, o[1] & 0x7f, o[2], o[3]])
        }
        IpAddr::V4(a) if a.is_broadcast() || wires().iter().any(|wire| wire.broadcast() == to) => {
            Some([0xff; 6])
        }
        IpAddr::V6(a) if a.is_multicast() => {
            let o = a.octets();
            Some([0x33, 0x33, o[12], o[13], o[14], o[15]])
        }
        _ => None,
    }
}

impl Draft {
    pub fn new(place: Place, header: Header, segment: Segment) -> Self {
        let source_mac = host_mac(header.src);
        Draft {
            place,
            header,
            segment,
            source_mac,
            target_mac: None,
            tags: Vec::new(),
            spoiled: false,
            cut: 0,
            padding: 0,
            bent: Vec::new(),
        }
    }

    /// The bytes to send: the whole packet, or pieces of it.
    pub fn bytes(&self, pieces: &[Piece]) -> Vec<Vec<u8>> {
        let mut segment = self.segment.clone().seal(self.header.src, self.header.dst);
        if self.spoiled {
            segment.spoil();
        }
        let packets = match pieces {
            [] => vec![self.header.wrap(&segment.bytes)],
            some => some
                .iter()
                .map(|piece| self.header.fragment(&segment.bytes, *piece))
                .collect(),
        };
        packets
            .into_iter()
            .map(|packet| self.around(packet))
            .collect()
    }

    /// The frame around a packet.
    fn around(&self, mut packet: Vec<u8>) -> Vec<u8> {
        packet.truncate(packet.len() - self.cut.min(packet.len().saturating_sub(1)));
        packet.resize(packet.len() + self.padding, 0);
        let Place::Wire(wire) = self.place else {
            return packet;
        };
        let target = self
            .target_mac
            .or_else(|| multicast_mac(self.header.dst))
            .unwrap_or_else(|| router_mac(wire));
        let (mut kind, mut body) = (
            if self.header.src.is_ipv6() {
                ETH_P_IPV6
            } else {
                ETH_P_IP
            },
            packet,
        );
        // What a VLAN's wire sends is tagged by its own end.
        for tag in self.tags.iter().rev() {
            body = [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &body].concat();
            kind = 0x8100;
        }
        frame(target, self.source_mac, kind, &body)
    }

    /// Writes into the transport header, if that much of it is left.
    fn patch(&mut self, at: usize, bytes: &[u8]) {
        if let Some(there) = self.segment.bytes.get_mut(at..at + bytes.len()) {
            there.copy_from_slice(bytes);
        }
    }

    /// Bends the packet in one way; the names of all ways stand in the report.
    pub fn bend(&mut self, dice: &mut Dice) {
        let v6 = self.header.src.is_ipv6();
        let on_wire = matches!(self.place, Place::Wire(_));
        let name = match dice.within(0..=27) {
            // In the article's script, a forged packet of the router itself opens a way for others.
            0..=3 if on_wire || !is_article() => {
                self.header.src = spoof(self.header.src, dice);
                "source"
            }
            4 | 5 if on_wire => {
                self.place = Place::Wire(dice.place(wires().len()));
                "wire"
            }
            6 => {
                self.header.dst = aside(self.header.dst, dice);
                "destination"
            }
            7 => {
                self.header.ttl = dice.pick(&[0, 1, 2, 255]);
                "ttl"
            }
            8..=11 if v6 => {
                self.header.extensions = extensions(dice);
                "extensions"
            }
            8..=11 => {
                self.header.options = options(dice);
                "options"
            }
            12 | 13 => {
                self.spoiled = true;
                "checksum"
            }
            14 if !v6 && on_wire => {
                self.header.bad_checksum = true;
                "IP checksum"
            }
            15 => {
                let len = self.segment.bytes.len() as u64 + 20;
                self.header.length = Some(match dice.within(0..=3) {
                    0 => dice.within(0..=len) as u16,
                    1 => dice.pick(&[0, 19, 20, 21, 65535]),
                    _ => (len + dice.within(0..=40)).saturating_sub(30) as u16,
                });
                "length"
            }
            16 if !v6 && on_wire => {
                self.header.ihl = Some(dice.within(0..=15) as u8);
                "header length"
            }
            17 if self.segment.proto == 6 => {
                self.patch(12, &[(dice.within(0..=15) as u8) << 4]);
                "TCP offset"
            }
            18 if self.segment.proto == 17 => {
                let lie = dice.within(0..=60) as u16;
                self.patch(4, &lie.to_be_bytes());
                "UDP length"
            }
            19 => {
                let left = dice.within(0..=16) as usize;
                self.segment.bytes.truncate(left);
                "tiny"
            }
            20 if on_wire => {
                self.cut = dice.within(1..=50) as usize;
                "cut"
            }
            21 if on_wire => {
                self.padding = dice.within(1..=30) as usize;
                "padding"
            }
            22 | 23 if on_wire => {
                self.tags = vec![dice.pick(&[0, TAG, 9, 4095, 0xe000])];
                if dice.chance(20) {
                    self.tags.push(dice.pick(&[0, TAG]));
                }
                if dice.chance(60) && self.tags[0] == TAG && wires().len() > TAGGED.0 {
                    self.place = Place::Wire(TAGGED.1);
                }
                "VLAN"
            }
            24 if on_wire => {
                self.target_mac =
                    Some(dice.pick(&[[0xff; 6], [2, 9, 9, 9, 9, 9], [1, 0, 0x5e, 0, 0, 1]]));
                "target MAC"
            }
            25 if on_wire => {
                self.source_mac[5] ^= 0x10;
                "source MAC"
            }
            26 if self.segment.proto == 6 => {
                self.patch(13, &[dice.word() as u8]);
                "TCP flags"
            }
            27 => {
                self.header.proto =
                    dice.pick(&[0, 1, 2, 6, 17, 41, 47, 58, 59, 132, 136, 200, 255]);
                "protocol"
            }
            _ if on_wire || !is_article() => {
                self.header.src = spoof(self.header.src, dice);
                "source"
            }
            _ => return,
        };
        self.bent.push(name);
    }
}

/// Another source than the true one.
fn spoof(old: IpAddr, dice: &mut Dice) -> IpAddr {
    let v6 = old.is_ipv6();
    let wire = &wires()[dice.place(wires().len())];
    match dice.within(0..=9) {
        0..=2 => wire.address(v6),
        3 if !v6 => wire.broadcast(),
        3 => LINK_LOCAL.into(),
        4 if v6 => dice
            .pick(&[
                "::",
                "::1",
                "ff02::1",
                "::ffff:192.168.8.110",
                "fe80::10",
                "fd00:8::",
                "fec0::1",
                "febf::1",
            ])
            .parse()
            .unwrap_or(old),
        4 => dice
            .pick(&[
                "0.0.0.0",
                "127.0.0.1",
                "224.0.0.1",
                "255.255.255.255",
                "240.0.0.1",
                "0.0.0.1",
                "169.254.3.4",
            ])
            .parse()
            .unwrap_or(old),
        5 => aside(old, dice),
        _ => match wire.address(v6) {
            IpAddr::V4(a) => {
                let [a, b, c, _] = a.octets();
                Ipv4Addr::new(a, b, c, dice.pick(&[10, 11, 110, 111, 129, 0])).into()
            }
            IpAddr::V6(a) => {
                let last = dice.pick(&[0x10u128, 0x11, 0x110, 0x6e, 0x6f, 1 << 63]);
                Ipv6Addr::from((u128::from(a) >> 64 << 64) | last).into()
            }
        },
    }
}

/// An address close by.
fn aside(old: IpAddr, dice: &mut Dice) -> IpAddr {
    let bit = dice.pick(&[0, 1, 7, 8, 9, 15]);
    match old {
        IpAddr::V4(a) => Ipv4Addr::from(u32::from(a) ^ (1 << bit)).into(),
        IpAddr::V6(a) => {
            Ipv6Addr::from(u128::from(a) ^ (1 << dice.pick(&[bit, 63, 64, 80]))).into()
        }
    }
}

fn extensions(dice: &mut Dice) -> Vec<Extension> {
    use Extension::{Atomic, Authentication, Destination, HopByHop, Nothing, RouterAlert, Routing};
    match dice.within(0..=11) {
        0 => vec![HopByHop],
        1 => vec![Destination],
        2 => vec![Routing],
        3 => vec![Atomic],
        4 => vec![Authentication],
        5 => vec![Nothing],
        6 => vec![RouterAlert],
        7 => vec![HopByHop, Destination, Atomic],
        8 => vec![Destination, HopByHop],
        9 => vec![Destination; 6],
        10 => vec![Destination; 9],
        _ => (0..dice.within(1..=4))
            .map(|_| dice.pick(&[HopByHop, Destination, Routing, Atomic, Authentication]))
            .collect(),
    }
}

fn options(dice: &mut Dice) -> Vec<u8> {
    match dice.within(0..=8) {
        0 => vec![1; dice.within(1..=40) as usize],
        1 => vec![7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0],
        2 => vec![68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        3 => vec![148, 4, 0, 0],
        4 => vec![131, 7, 4, 192, 168, 8, 110],
        5 => vec![137, 7, 4, 192, 168, 5, 10],
        6 => vec![7, 60, 4],
        7 => vec![0, 1, 2, 3],
        _ => vec![134, 12, 0, 0, 0, 1, 1, 6, 0, 0, 0, 0],
    }
}

/// SCTP's checksum (RFC 9260, appendix A), bit by bit.
pub fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let bytes = [b"xyz", &nonce(7)[..], b"-", &nonce(9)].concat();
        assert_eq!(number_in(&bytes), Some(9));
        assert_eq!(number_in(&bytes[..14]), Some(7));
        assert_eq!(number_in(&bytes[..8]), None);
    }

    #[test]
    fn the_check_value_of_crc32c() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
