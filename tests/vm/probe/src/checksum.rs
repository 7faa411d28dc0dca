// SPDX-License-Identifier: GPL-2.0
//! The Internet checksum (RFC 1071) and the pseudo headers of TCP, UDP and ICMPv6.

use std::net::IpAddr;

/// Sums `bytes` as big-endian 16-bit words onto `sum`; an odd last byte counts as its word's high half.
pub fn add(mut sum: u32, bytes: &[u8]) -> u32 {
    for word in bytes.chunks(2) {
        let low = word.get(1).copied().unwrap_or(0);
        sum += u32::from(u16::from_be_bytes([word[0], low]));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum
}

/// Folds a running sum into the value that goes into a header.
pub fn finish(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    !(((sum & 0xffff) + (sum >> 16)) as u16)
}

/// The checksum of plain bytes, as IPv4, ICMP and IGMP have it.
pub fn plain(bytes: &[u8]) -> u16 {
    finish(add(0, bytes))
}

/// The checksum over pseudo header and `bytes`, as TCP, UDP and ICMPv6 have it.
pub fn with_pseudo(src: IpAddr, dst: IpAddr, proto: u8, bytes: &[u8]) -> u16 {
    let length = bytes.len() as u32;
    let mut sum = 0;
    for addr in [src, dst] {
        sum = match addr {
            IpAddr::V4(a) => add(sum, &a.octets()),
            IpAddr::V6(a) => add(sum, &a.octets()),
        };
    }
    sum = add(sum, &length.to_be_bytes());
    sum = add(sum, &[0, proto]);
    finish(add(sum, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_ipv4_header() {
        // The worked example that every text book has: 0xb861.
        let header = [
            0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0x00, 0x00, 0xc0, 0xa8,
            0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7,
        ];
        assert_eq!(plain(&header), 0xb861);
    }

    #[test]
    fn odd_length_pads_with_zero() {
        assert_eq!(plain(&[0x12, 0x34, 0x56]), plain(&[0x12, 0x34, 0x56, 0x00]));
    }

    #[test]
    fn a_correct_packet_sums_to_zero() {
        let (src, dst) = ("fd00::10".parse().unwrap(), "fd00:8::110".parse().unwrap());
        let mut bytes = vec![128, 0, 0, 0, 1, 2, 3, 4, 5];
        let sum = with_pseudo(src, dst, 58, &bytes);
        bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(with_pseudo(src, dst, 58, &bytes), 0);
    }
}
