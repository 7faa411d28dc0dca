// SPDX-License-Identifier: GPL-2.0
//! A flow and the packets that its two ends send, right as they are.

use super::dice::Dice;
use super::ears::Place;
use super::packet::{crc32c, nonce, Draft, Shot};
use crate::ip::Header;
use crate::transport::{self, Segment, TcpWords};
use std::collections::VecDeque;
use std::net::IpAddr;

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const PSH: u8 = 8;
pub const ACK: u8 = 16;

/// One of a flow's ends.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    pub address: IpAddr,
    pub place: Place,
}

/// What is sent next; `back` is from the responder to the initiator.
#[derive(Clone, Copy, Debug)]
pub enum Step {
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
    pub kind: u8,
    /// What the responder sees of the initiator, once it was seen.
    pub seen_as: Option<(IpAddr, u16)>,
    pub sequence: [u32; 2],
    pub steps: VecDeque<Step>,
    /// Packets that were made already, of pieces or by strangers.
    pub ready: VecDeque<Shot>,
    pub sent: Vec<Shot>,
}
/// Puts SCTP's checksum in place.
pub fn seal_sctp(bytes: &mut [u8]) {
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

    /// The packet of a step.
    pub fn plain(&mut self, step: Step, number: u32) -> Draft {
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
    pub fn segment(
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
