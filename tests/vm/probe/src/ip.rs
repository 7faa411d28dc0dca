// SPDX-License-Identifier: GPL-2.0
//! IPv4 and IPv6 headers around a payload: options, extension headers, fragments, and fields that lie.

use crate::checksum;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

const FRAGMENT: u8 = 44;

/// One IPv6 extension header, by its short name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    HopByHop,
    /// Hop-by-hop with an option that nobody knows, which is to be told the source (RFC 8200, 4.2).
    Unknown,
    /// Hop-by-hop with the router alert of MLD.
    RouterAlert,
    Destination,
    /// A routing header of type 0 with a segment left.
    Routing,
    /// A routing header of type 4 (RFC 8754): one more segment, to this address.
    Segments(Ipv6Addr),
    /// A fragment header on a packet that is whole.
    Atomic,
    Authentication,
    /// A header of HIP, which hosts follow and Linux does not.
    Hip,
    /// "No next header": what follows is not to be looked at.
    Nothing,
}

impl FromStr for Extension {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "hop" => Self::HopByHop,
            "unknown" => Self::Unknown,
            "alert" => Self::RouterAlert,
            "dst" => Self::Destination,
            "route" => Self::Routing,
            "atomic" => Self::Atomic,
            "ah" => Self::Authentication,
            "hip" => Self::Hip,
            "none" => Self::Nothing,
            _ => {
                let last = text.strip_prefix("srh=").and_then(|last| last.parse().ok());
                Self::Segments(last.ok_or_else(|| {
                    format!("`{text}` is none of hop, alert, dst, route, srh=ADDRESS, atomic, ah, hip, none")
                })?)
            }
        })
    }
}

impl Extension {
    fn number(self) -> u8 {
        match self {
            Self::HopByHop | Self::Unknown | Self::RouterAlert => 0,
            Self::Destination => 60,
            Self::Routing | Self::Segments(_) => 43,
            Self::Atomic => FRAGMENT,
            Self::Authentication => 51,
            Self::Hip => 139,
            Self::Nothing => 59,
        }
    }

    fn bytes(self, next: u8) -> Vec<u8> {
        match self {
            Self::HopByHop | Self::Destination | Self::Hip => vec![next, 0, 1, 4, 0, 0, 0, 0],
            Self::Unknown => vec![next, 0, 0x9e, 4, 0, 0, 0, 0],
            Self::RouterAlert => vec![next, 0, 5, 2, 0, 0, 1, 0],
            Self::Routing => {
                let mut bytes = vec![next, 2, 0, 1, 0, 0, 0, 0];
                bytes.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
                bytes
            }
            Self::Segments(last) => {
                let mut bytes = vec![next, 4, 4, 1, 1, 0, 0, 0];
                // The last segment first; the one that it is sent to is not read any more.
                bytes.extend(last.octets());
                bytes.extend([0; 16]);
                bytes
            }
            Self::Atomic => vec![next, 0, 0, 0, 0, 0, 0, 1],
            Self::Authentication => {
                let mut bytes = vec![next, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
                bytes.extend([0; 12]);
                bytes
            }
            Self::Nothing => Vec::new(),
        }
    }
}

/// A piece of a payload: `OFFSET:LENGTH`, with `+` at the end when more follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub offset: usize,
    pub length: usize,
    pub more: bool,
}

impl FromStr for Piece {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not OFFSET:LENGTH or OFFSET:LENGTH+");
        let (body, more) = match text.strip_suffix('+') {
            Some(body) => (body, true),
            None => (text, false),
        };
        let (offset, length) = body.split_once(':').ok_or_else(wrong)?;
        let piece = Piece {
            offset: offset.parse().map_err(|_| wrong())?,
            length: length.parse().map_err(|_| wrong())?,
            more,
        };
        if piece.offset % 8 != 0 || piece.offset > 0xfff8 {
            return Err(format!(
                "offset {} cannot be said in a header: use multiples of 8 up to 65528",
                piece.offset
            ));
        }
        Ok(piece)
    }
}

/// Cuts `length` bytes into pieces of at most `size`.
pub fn pieces(length: usize, size: usize) -> Vec<Piece> {
    let size = (size & !7).max(8);
    (0..length)
        .step_by(size)
        .map(|offset| Piece {
            offset,
            length: size.min(length - offset),
            more: offset + size < length,
        })
        .collect()
}

/// What the IP header says.
#[derive(Clone, Debug)]
pub struct Header {
    pub src: IpAddr,
    pub dst: IpAddr,
    pub proto: u8,
    pub ttl: u8,
    pub id: u32,
    /// IPv4 options, padded here to whole words.
    pub options: Vec<u8>,
    pub extensions: Vec<Extension>,
    /// IPv4 total length or IPv6 payload length, to make it lie.
    pub length: Option<u16>,
    /// IPv4 header length in words, to make it lie.
    pub ihl: Option<u8>,
    pub bad_checksum: bool,
}

impl Header {
    pub fn new(src: IpAddr, dst: IpAddr, proto: u8) -> Self {
        Header {
            src,
            dst,
            proto,
            ttl: 64,
            id: 0x4321,
            options: Vec::new(),
            extensions: Vec::new(),
            length: None,
            ihl: None,
            bad_checksum: false,
        }
    }

    /// One whole packet.
    pub fn wrap(&self, payload: &[u8]) -> Vec<u8> {
        self.packet(payload, None)
    }

    /// One fragment of the packet that carries `payload`; a piece may reach past its end.
    pub fn fragment(&self, payload: &[u8], piece: Piece) -> Vec<u8> {
        let end = payload.len().min(piece.offset + piece.length);
        let mut bytes = payload.get(piece.offset..end).unwrap_or_default().to_vec();
        bytes.resize(piece.length, b'.');
        self.packet(&bytes, Some(piece))
    }

    fn packet(&self, payload: &[u8], piece: Option<Piece>) -> Vec<u8> {
        match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                self.v4(src.octets(), dst.octets(), payload, piece)
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                self.v6(src.octets(), dst.octets(), payload, piece)
            }
            _ => unreachable!("the families are compared where the addresses are read"),
        }
    }

    fn v4(&self, src: [u8; 4], dst: [u8; 4], payload: &[u8], piece: Option<Piece>) -> Vec<u8> {
        let mut options = self.options.clone();
        options.resize(options.len().next_multiple_of(4), 0);
        let header = 20 + options.len();
        let length = self.length.unwrap_or((header + payload.len()) as u16);
        let field = piece.map_or(0, |p| {
            (p.offset / 8) as u16 | if p.more { 0x2000 } else { 0 }
        });
        let mut bytes = vec![0x40 | self.ihl.unwrap_or((header / 4) as u8) & 15, 0];
        for word in [length, self.id as u16, field] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend([self.ttl, self.proto, 0, 0]);
        bytes.extend(src);
        bytes.extend(dst);
        bytes.extend(options);
        let sum = checksum::plain(&bytes) ^ if self.bad_checksum { 0x55 } else { 0 };
        bytes[10..12].copy_from_slice(&sum.to_be_bytes());
        bytes.extend(payload);
        bytes
    }

    fn v6(&self, src: [u8; 16], dst: [u8; 16], payload: &[u8], piece: Option<Piece>) -> Vec<u8> {
        // Built from the inside out; of a fragment the chain stands before the fragment header.
        let (mut next, mut body) = (self.proto, payload.to_vec());
        if let Some(p) = piece {
            let mut head = vec![next, 0];
            head.extend((p.offset as u16 | u16::from(p.more)).to_be_bytes());
            head.extend(self.id.to_be_bytes());
            (next, body) = (FRAGMENT, [head, body].concat());
        }
        for extension in self.extensions.iter().rev() {
            (next, body) = (extension.number(), [extension.bytes(next), body].concat());
        }
        let length = self.length.unwrap_or(body.len() as u16);
        let mut bytes = vec![0x60, 0, 0, 0];
        bytes.extend(length.to_be_bytes());
        bytes.extend([next, self.ttl]);
        bytes.extend(src);
        bytes.extend(dst);
        bytes.extend(body);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4() -> Header {
        Header::new(
            "192.0.2.1".parse().unwrap(),
            "192.0.2.2".parse().unwrap(),
            17,
        )
    }

    fn v6() -> Header {
        Header::new("fd00::1".parse().unwrap(), "fd00::2".parse().unwrap(), 17)
    }

    #[test]
    fn v4_header_verifies() {
        let packet = v4().wrap(b"12345678");
        assert_eq!((packet.len(), packet[0]), (28, 0x45));
        assert_eq!(checksum::plain(&packet[..20]), 0);
        let bad = Header {
            bad_checksum: true,
            ..v4()
        }
        .wrap(b"");
        assert_ne!(checksum::plain(&bad[..20]), 0);
    }

    #[test]
    fn options_are_padded() {
        let packet = Header {
            options: vec![7, 7, 4, 0, 0, 0, 0],
            ..v4()
        }
        .wrap(b"");
        assert_eq!((packet.len(), packet[0]), (28, 0x47));
        assert_eq!(checksum::plain(&packet[..28]), 0);
    }

    #[test]
    fn fragments_cover_the_payload() {
        let payload: Vec<u8> = (0..50).collect();
        let parts = pieces(payload.len(), 24);
        assert_eq!(
            parts.iter().map(|p| p.more).collect::<Vec<_>>(),
            [true, true, false]
        );
        let whole: Vec<u8> = parts
            .iter()
            .flat_map(|p| v4().fragment(&payload, *p)[20..].to_vec())
            .collect();
        assert_eq!(whole, payload);
        assert_eq!(v4().fragment(&payload, parts[1])[6..8], [0x20, 3]);
        assert_eq!(v6().fragment(&payload, parts[1])[40..44], [17, 0, 0, 25]);
    }

    #[test]
    fn extension_chain() {
        let extensions = vec![
            Extension::HopByHop,
            Extension::Destination,
            Extension::Atomic,
        ];
        let packet = Header { extensions, ..v6() }.wrap(b"x");
        assert_eq!(
            (packet[6], packet[40], packet[48], packet[56]),
            (0, 60, 44, 17)
        );
        assert_eq!(packet[4..6], [0, 25]);
        let quiet = Header {
            extensions: vec![Extension::Nothing],
            ..v6()
        }
        .wrap(b"x");
        assert_eq!((quiet[6], quiet.len()), (59, 41));
    }

    #[test]
    fn pieces_are_read() {
        let read = |text: &str| text.parse::<Piece>();
        assert_eq!(
            read("8:16+"),
            Ok(Piece {
                offset: 8,
                length: 16,
                more: true
            })
        );
        assert!(read("7:16").is_err() && read("8").is_err() && read("8:x").is_err());
    }

    #[test]
    fn lies_stay() {
        let packet = Header {
            length: Some(9),
            ihl: Some(15),
            ..v4()
        }
        .wrap(b"abc");
        assert_eq!((packet[0], packet[3], packet.len()), (0x4f, 9, 23));
    }
}
