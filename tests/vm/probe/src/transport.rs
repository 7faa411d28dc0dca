// SPDX-License-Identifier: GPL-2.0
//! Builders of what an IP packet carries: TCP, UDP, ICMP, and the small protocols of a local network.

use crate::checksum;
use crate::flow::Flow;
use crate::ip;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub const ICMP: u8 = 1;
pub const IGMP: u8 = 2;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ICMP6: u8 = 58;

/// A payload with its protocol number, its checksum in place.
#[derive(Clone, Debug)]
pub struct Segment {
    pub proto: u8,
    pub bytes: Vec<u8>,
}

impl Segment {
    /// Where the protocol keeps its checksum, if it has one.
    fn checksum_at(&self) -> Option<usize> {
        let at = match self.proto {
            TCP => 16,
            UDP => 6,
            ICMP | ICMP6 | IGMP => 2,
            _ => return None,
        };
        (self.bytes.len() >= at + 2).then_some(at)
    }

    /// Fills in the checksum for these two ends.
    pub fn seal(mut self, src: IpAddr, dst: IpAddr) -> Self {
        if let Some(at) = self.checksum_at() {
            self.bytes[at..at + 2].fill(0);
            let sum = match self.proto {
                ICMP | IGMP => checksum::plain(&self.bytes),
                proto => checksum::with_pseudo(src, dst, proto, &self.bytes),
            };
            // In UDP zero means "none", so a sum of zero is sent as its other name.
            let sum = if self.proto == UDP && sum == 0 {
                0xffff
            } else {
                sum
            };
            self.bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        }
        self
    }

    /// Makes the checksum wrong on purpose.
    pub fn spoil(&mut self) {
        if let Some(at) = self.checksum_at() {
            self.bytes[at] ^= 0x55;
        }
    }
}

/// UDP; `length` replaces the true length to make it lie.
pub fn udp(sport: u16, dport: u16, length: Option<u16>, payload: &[u8]) -> Segment {
    let length = length.unwrap_or(8 + payload.len() as u16);
    let mut bytes = Vec::new();
    for word in [sport, dport, length, 0] {
        bytes.extend(word.to_be_bytes());
    }
    bytes.extend(payload);
    Segment { proto: UDP, bytes }
}

/// What a TCP header says besides its ports.
#[derive(Clone, Debug, Default)]
pub struct TcpWords {
    pub flags: u8,
    pub seq: u32,
    pub ack: u32,
    /// The header length in words, to make it lie.
    pub offset: Option<u8>,
}

pub fn tcp(sport: u16, dport: u16, words: &TcpWords, payload: &[u8]) -> Segment {
    let mut bytes = Vec::new();
    bytes.extend(sport.to_be_bytes());
    bytes.extend(dport.to_be_bytes());
    bytes.extend(words.seq.to_be_bytes());
    bytes.extend(words.ack.to_be_bytes());
    bytes.push(words.offset.unwrap_or(5) << 4);
    bytes.push(words.flags);
    bytes.extend(64240u16.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(payload);
    Segment { proto: TCP, bytes }
}

/// Reads flags such as `S`, `SA`, `FPU` or `none`.
pub fn tcp_flags(text: &str) -> Result<u8, String> {
    if text == "none" {
        return Ok(0);
    }
    text.chars().try_fold(0, |flags, letter| {
        let bit = "FSRPAUEC".find(letter.to_ascii_uppercase());
        bit.map(|bit| flags | (1 << bit))
            .ok_or_else(|| format!("`{letter}` is no TCP flag: use letters of FSRPAUEC, or `none`"))
    })
}

/// ICMP or ICMPv6 with its second word given; the family decides which.
pub fn icmp(v6: bool, kind: u8, code: u8, word: u32, payload: &[u8]) -> Segment {
    let mut bytes = vec![kind, code, 0, 0];
    bytes.extend(word.to_be_bytes());
    bytes.extend(payload);
    Segment {
        proto: if v6 { ICMP6 } else { ICMP },
        bytes,
    }
}

/// The packet that an ICMP error quotes: as `flow` would have sent it, with the nonce as its payload.
pub fn quoted(flow: &Flow, nonce: &[u8]) -> Vec<u8> {
    let inner = match flow.proto {
        TCP => tcp(
            flow.from.port(),
            flow.to.port(),
            &TcpWords::default(),
            nonce,
        ),
        _ => udp(flow.from.port(), flow.to.port(), None, nonce),
    };
    let inner = inner.seal(flow.src(), flow.dst());
    ip::Header::new(flow.src(), flow.dst(), inner.proto).wrap(&inner.bytes)
}

/// A DHCP DISCOVER whose host name is the nonce.
pub fn dhcp_discover(mac: [u8; 6], nonce: &[u8]) -> Segment {
    let mut bytes = vec![1, 1, 6, 0];
    bytes.extend(0x6361_6d7au32.to_be_bytes());
    bytes.extend([0, 0, 0x80, 0]);
    bytes.extend([0; 16]);
    bytes.extend(mac);
    bytes.extend([0; 10 + 64 + 128]);
    bytes.extend([99, 130, 83, 99, 53, 1, 1, 12, nonce.len() as u8]);
    bytes.extend(nonce);
    bytes.push(255);
    udp(68, 67, None, &bytes)
}

/// An IGMPv2 membership report; the nonce follows where nobody looks.
pub fn igmp_report(group: Ipv4Addr, nonce: &[u8]) -> Segment {
    let mut bytes = vec![0x16, 0, 0, 0];
    bytes.extend(group.octets());
    bytes.extend(nonce);
    Segment { proto: IGMP, bytes }
}

/// An MLDv1 report; the nonce follows where nobody looks.
pub fn mld_report(group: Ipv6Addr, nonce: &[u8]) -> Segment {
    let mut payload = group.octets().to_vec();
    payload.extend(nonce);
    icmp(true, 131, 0, 0, &payload)
}

/// A neighbour discovery message: the fixed part, then the nonce in the nonce option of RFC 3971.
pub fn discovery(kind: u8, word: u32, fixed: &[u8], nonce: &[u8]) -> Segment {
    let words = (2 + nonce.len()).div_ceil(8);
    let mut payload = fixed.to_vec();
    payload.extend([14, words as u8]);
    payload.extend(nonce);
    payload.resize(fixed.len() + words * 8, 0);
    icmp(true, kind, 0, word, &payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends() -> (IpAddr, IpAddr) {
        ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap())
    }

    #[test]
    fn sealed_segments_verify() {
        let (src, dst) = ends();
        let udp = udp(1, 2, None, b"abc").seal(src, dst);
        assert_eq!(checksum::with_pseudo(src, dst, UDP, &udp.bytes), 0);
        let tcp = tcp(1, 2, &TcpWords::default(), b"abcd").seal(src, dst);
        assert_eq!(checksum::with_pseudo(src, dst, TCP, &tcp.bytes), 0);
        let igmp = igmp_report(Ipv4Addr::new(239, 1, 1, 1), b"n").seal(src, dst);
        assert_eq!(checksum::plain(&igmp.bytes), 0);
    }

    #[test]
    fn a_spoiled_segment_does_not() {
        let (src, dst) = ends();
        let mut udp = udp(1, 2, None, b"abc").seal(src, dst);
        udp.spoil();
        assert_ne!(checksum::with_pseudo(src, dst, UDP, &udp.bytes), 0);
    }

    #[test]
    fn flags() {
        assert_eq!(tcp_flags("SA"), Ok(0x12));
        assert_eq!(tcp_flags("none"), Ok(0));
        assert_eq!(tcp_flags("fpu"), Ok(0x29));
        assert!(tcp_flags("x").is_err());
    }

    #[test]
    fn lengths() {
        assert_eq!(udp(1, 2, None, b"abc").bytes.len(), 11);
        assert_eq!(udp(1, 2, Some(7), b"abc").bytes[4..6], [0, 7]);
        assert_eq!(
            discovery(135, 0, &[0; 16], b"nonce1").bytes.len(),
            8 + 16 + 8
        );
        assert_eq!(
            discovery(135, 0, &[0; 16], b"nonce12").bytes.len(),
            8 + 16 + 16
        );
        let flow = "udp:192.0.2.1:40>192.0.2.2:123".parse().unwrap();
        assert_eq!(quoted(&flow, b"abcd").len(), 20 + 8 + 4);
        assert_eq!(
            dhcp_discover([2; 6], b"n").bytes[8 + 236..8 + 240],
            [99, 130, 83, 99]
        );
    }
}
