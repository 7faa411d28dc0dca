// SPDX-License-Identifier: GPL-2.0
//! A request as it goes over the wire, right or wrong.

use camzone_ctl::netlink::wire::{GENERIC_HEADER, HEADER};

pub const REQUEST: u16 = 1;
pub const ACK: u16 = 4;
pub const DUMP: u16 = 0x300;

/// A message to be sent.
#[derive(Clone, Debug)]
pub struct Message {
    pub command: u8,
    pub flags: u16,
    pub version: u8,
    pub reserved: u16,
    pub payload: Vec<u8>,
    /// The length that it claims, where that is not the true one.
    pub claims: Option<u32>,
    /// How many bytes of it are sent at all.
    pub sent: Option<usize>,
}

impl Message {
    /// A request that asks for an acknowledgement.
    pub fn new(command: u32, payload: Vec<u8>) -> Self {
        Message {
            command: command as u8,
            flags: REQUEST | ACK,
            version: 1,
            reserved: 0,
            payload,
            claims: None,
            sent: None,
        }
    }

    /// A request for a dump.
    pub fn dump(command: u32) -> Self {
        Message {
            flags: REQUEST | ACK | DUMP,
            ..Message::new(command, Vec::new())
        }
    }

    /// Writes it, to the family with this number.
    pub fn write(&self, family: u16, seq: u32, out: &mut Vec<u8>) {
        let start = out.len();
        let len = (HEADER + GENERIC_HEADER + self.payload.len()) as u32;
        out.extend(self.claims.unwrap_or(len).to_ne_bytes());
        out.extend(family.to_ne_bytes());
        out.extend(self.flags.to_ne_bytes());
        out.extend(seq.to_ne_bytes());
        out.extend([0; 4]);
        out.extend([self.command, self.version]);
        out.extend(self.reserved.to_ne_bytes());
        out.extend(&self.payload);
        if let Some(sent) = self.sent {
            out.truncate(start + sent);
        }
        out.resize(out.len().next_multiple_of(4), 0);
    }
}
