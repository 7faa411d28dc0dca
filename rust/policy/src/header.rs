// SPDX-License-Identifier: GPL-2.0

//! Reading a packet's header from its first bytes.

use crate::{
    address::{Address, Family},
    service::protocol,
};

/// How many of a packet's first bytes are looked at, from the IP header on. A header that goes
/// further, which takes a chain of IPv6 extension headers, has no readable transport header.
pub const WINDOW: usize = 128;

/// The most IPv6 extension headers that are followed.
const MAX_EXTENSIONS: usize = 8;

/// Whether a packet is a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment {
    /// It is whole.
    Whole,
    /// It is whole, and has a fragment header all the same (RFC 6946).
    Atomic,
    /// It is the first part and has the transport header.
    First,
    /// It is a later part.
    Later,
}

/// The part of a transport header that a verdict can hang on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP with these flags (the fourteenth byte of RFC 9293, 3.1).
    Tcp(u8),
    /// UDP from one port to another.
    Udp {
        /// The source port.
        from: u16,
        /// The destination port.
        to: u16,
    },
    /// ICMP or ICMPv6.
    Icmp {
        /// The type.
        kind: u8,
        /// The code.
        code: u8,
    },
    /// Another protocol, a later fragment, or a header that is cut off.
    Other,
}

/// What a packet's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The source.
    pub source: Address,
    /// The destination.
    pub destination: Address,
    /// The protocol behind the extension headers.
    pub protocol: u8,
    /// The time to live, or hop limit.
    pub hop_limit: u8,
    /// Whether it is a part of a packet.
    pub fragment: Fragment,
    /// It is sent by a way that its sender chose: it has a source route of IPv4 (RFC 791, 3.1), or a
    /// routing header of IPv6 with segments left, whatever its type (RFC 8200, 4.4).
    pub source_route: bool,
    /// The transport header.
    pub transport: Transport,
}

impl Header {
    /// Reads the header at the beginning of `bytes`, which are the first of a packet that is
    /// `packet_len` bytes long from there. `None` when it is cut off or its lengths cannot be.
    pub fn parse(bytes: &[u8], packet_len: usize) -> Option<Header> {
        match bytes.first()? >> 4 {
            4 => parse_v4(bytes, packet_len),
            6 => parse_v6(bytes, packet_len),
            _ => None,
        }
    }

    /// The family.
    #[inline]
    pub const fn family(&self) -> Family {
        self.source.family()
    }
}

fn fragment(offset_and_more: (bool, bool)) -> Fragment {
    match offset_and_more {
        (false, false) => Fragment::Whole,
        (false, true) => Fragment::First,
        (true, _) => Fragment::Later,
    }
}

// RFC 791, 3.1.
fn parse_v4(bytes: &[u8], packet_len: usize) -> Option<Header> {
    let (fixed, _) = bytes.split_first_chunk::<20>()?;
    let [version_ihl, _, len_a, len_b, _, _, off_a, off_b, hop_limit, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
        *fixed;
    let header_len = usize::from(version_ihl & 0xf).wrapping_mul(4);
    let total_len = match u16::from_be_bytes([len_a, len_b]) {
        // What the kernel itself put together and cannot say (`iph_totlen` of linux/ip.h).
        0 if packet_len > usize::from(u16::MAX) => packet_len,
        len => usize::from(len),
    };
    if header_len < 20 || total_len < header_len || total_len > packet_len {
        return None;
    }
    let offset = u16::from_be_bytes([off_a, off_b]);
    let fragment = fragment((offset & 0x1fff != 0, offset & 0x2000 != 0));
    let payload = bytes.get(header_len..total_len.min(bytes.len()))?;
    let options = bytes.get(20..header_len)?;
    Some(Header {
        source: Address::v4([s0, s1, s2, s3]),
        destination: Address::v4([d0, d1, d2, d3]),
        protocol,
        hop_limit,
        fragment,
        source_route: has_source_route(options),
        transport: transport(protocol, fragment, payload),
    })
}

/// Whether there is a loose or strict source route among these options, the last entries of which
/// are ignored if their lengths cannot be: the kernel drops such a packet (`ip_options_compile`).
fn has_source_route(mut options: &[u8]) -> bool {
    const END: u8 = 0;
    const NO_OPERATION: u8 = 1;
    const LOOSE: u8 = 131;
    const STRICT: u8 = 137;
    loop {
        let len = match *options {
            [] | [END, ..] => return false,
            [NO_OPERATION, ..] => 1,
            [LOOSE | STRICT, ..] => return true,
            [_, len, ..] => usize::from(len).max(1),
            [_] => return false,
        };
        options = options.get(len..).unwrap_or(&[]);
    }
}

// RFC 8200, 3 and 4.
fn parse_v6(bytes: &[u8], packet_len: usize) -> Option<Header> {
    let (fixed, mut rest) = bytes.split_first_chunk::<40>()?;
    let (start, addresses) = fixed.split_first_chunk::<8>()?;
    let [_, _, _, _, len_a, len_b, mut next, hop_limit] = *start;
    let (source, destination) = addresses.split_first_chunk::<16>()?;
    let payload_len = usize::from(u16::from_be_bytes([len_a, len_b]));
    // A length of 0 stands for a jumbogram, whose length is the packet's own.
    if payload_len != 0 {
        if payload_len > packet_len.checked_sub(40)? {
            return None;
        }
        rest = rest.get(..payload_len.min(rest.len()))?;
    }
    let mut part = Fragment::Whole;
    let mut readable = true;
    let mut source_route = false;
    for _ in 0..MAX_EXTENSIONS {
        // Those that the kernel follows (`ipv6_ext_hdr`), and no others: what looks like a header
        // behind mobility, HIP or shim6 is none to it.
        let Some([following, len, third, fourth, ..]) = rest.first_chunk::<8>() else {
            break;
        };
        // Of a routing header the fourth byte is how many segments are left.
        source_route |= next == 43 && *fourth != 0;
        let len = usize::from(*len);
        let len = match next {
            0 | 43 | 60 => len.wrapping_mul(8).wrapping_add(8),
            44 => {
                let offset = u16::from_be_bytes([*third, *fourth]);
                part = match fragment((offset & 0xfff8 != 0, offset & 1 != 0)) {
                    Fragment::Whole => Fragment::Atomic,
                    part => part,
                };
                8
            }
            51 => len.wrapping_mul(4).wrapping_add(8),
            _ => break,
        };
        next = *following;
        match rest.get(len..) {
            // Behind the header of a later fragment stand bytes of any meaning.
            Some(behind) if part != Fragment::Later => rest = behind,
            _ => {
                readable = false;
                break;
            }
        }
    }
    let transport = if readable {
        transport(next, part, rest)
    } else {
        Transport::Other
    };
    Some(Header {
        source: Address::v6(*source),
        destination: Address::from_bytes(destination)?,
        protocol: next,
        hop_limit,
        fragment: part,
        source_route,
        transport,
    })
}

fn transport(protocol: u8, fragment: Fragment, payload: &[u8]) -> Transport {
    if fragment == Fragment::Later {
        return Transport::Other;
    }
    match (protocol, payload) {
        (protocol::TCP, [_, _, _, _, _, _, _, _, _, _, _, _, _, flags, ..]) => {
            Transport::Tcp(*flags)
        }
        (protocol::UDP, [a, b, c, d, _, _, _, _, ..]) => Transport::Udp {
            from: u16::from_be_bytes([*a, *b]),
            to: u16::from_be_bytes([*c, *d]),
        },
        (protocol::ICMP | protocol::ICMPV6, [kind, code, _, _, ..]) => Transport::Icmp {
            kind: *kind,
            code: *code,
        },
        _ => Transport::Other,
    }
}
