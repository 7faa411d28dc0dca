// SPDX-License-Identifier: GPL-2.0

//! Addresses and networks of both families.

use core::fmt;

/// The IP family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Length of an address, in bits.
    pub const fn bits(self) -> u8 {
        match self {
            Family::V4 => 32,
            Family::V6 => 128,
        }
    }
}

/// An IPv4 or IPv6 address. IPv4 orders before IPv6.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    family: Family,
    // An IPv4 address in the low 32 bits.
    bits: u128,
}

impl Address {
    /// From four bytes in network order.
    #[inline]
    pub const fn v4(bytes: [u8; 4]) -> Self {
        Address {
            family: Family::V4,
            bits: u32::from_be_bytes(bytes) as u128,
        }
    }

    /// From sixteen bytes in network order.
    #[inline]
    pub const fn v6(bytes: [u8; 16]) -> Self {
        Address {
            family: Family::V6,
            bits: u128::from_be_bytes(bytes),
        }
    }

    /// From four or sixteen bytes in network order; `None` for any other number.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
            return Some(Self::v4(bytes));
        }
        <[u8; 16]>::try_from(bytes).ok().map(Self::v6)
    }

    /// The family.
    #[inline]
    pub const fn family(self) -> Family {
        self.family
    }

    /// Writes the address in network order and returns the part that was written.
    pub fn octets(self, buffer: &mut [u8; 16]) -> &[u8] {
        *buffer = self.bits.to_be_bytes();
        match self.family {
            Family::V6 => buffer,
            Family::V4 => buffer.get(12..).unwrap_or(&[]),
        }
    }

    /// The address as a number; one of IPv4 in the low 32 bits.
    #[inline]
    pub(crate) const fn bits(self) -> u128 {
        self.bits
    }

    /// `0.0.0.0` or `::`.
    #[inline]
    pub const fn is_unspecified(self) -> bool {
        self.bits == 0
    }

    /// `0.0.0.0/8` (RFC 1122, 3.2.1.3), with `0.0.0.0`.
    #[inline]
    pub const fn is_this_network(self) -> bool {
        matches!(self.family, Family::V4) && self.bits >> 24 == 0
    }

    /// `127.0.0.0/8` (RFC 1122, 3.2.1.3) or `::1` (RFC 4291, 2.5.3).
    #[inline]
    pub const fn is_loopback(self) -> bool {
        match self.family {
            Family::V4 => self.bits >> 24 == 127,
            Family::V6 => self.bits == 1,
        }
    }

    /// `224.0.0.0/4` (RFC 5771) or `ff00::/8` (RFC 4291, 2.7).
    #[inline]
    pub const fn is_multicast(self) -> bool {
        match self.family {
            Family::V4 => self.bits >> 28 == 0xe,
            Family::V6 => self.bits >> 120 == 0xff,
        }
    }

    /// `255.255.255.255` (RFC 919).
    #[inline]
    pub const fn is_limited_broadcast(self) -> bool {
        matches!(self.family, Family::V4) && self.bits == 0xffff_ffff
    }

    /// `fe80::/10` (RFC 4291, 2.5.6).
    #[inline]
    pub const fn is_link_local_v6(self) -> bool {
        matches!(self.family, Family::V6) && self.bits >> 118 == 0x3fa
    }

    /// `::ffff:0:0/96`, which never stands in a packet (RFC 4942, 2.2).
    #[inline]
    pub const fn is_v4_mapped(self) -> bool {
        matches!(self.family, Family::V6) && self.bits >> 32 == 0xffff
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; 16];
        let octets = self.octets(&mut buffer);
        match <[u8; 4]>::try_from(octets) {
            Ok(v4) => core::net::Ipv4Addr::from(v4).fmt(f),
            Err(_) => core::net::Ipv6Addr::from(self.bits).fmt(f),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A network in prefix form, with no host bit set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    address: Address,
    len: u8,
}

/// What is wrong with a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefixError {
    /// The length is greater than the address is long.
    TooLong,
    /// Bits behind the prefix are set; the prefix without them is this one.
    HostBits(Prefix),
}

impl Prefix {
    /// The network of `len` bits at `address`.
    ///
    /// # Errors
    ///
    /// [`PrefixError`] when `len` is out of range or a host bit is set.
    pub fn new(address: Address, len: u32) -> Result<Self, PrefixError> {
        let len = u8::try_from(len).map_err(|_| PrefixError::TooLong)?;
        if len > address.family.bits() {
            return Err(PrefixError::TooLong);
        }
        let prefix = Prefix { address, len };
        let clean = Prefix {
            address: Address {
                bits: address.bits & !prefix.host_mask(),
                ..address
            },
            len,
        };
        if clean != prefix {
            return Err(PrefixError::HostBits(clean));
        }
        Ok(prefix)
    }

    /// The network of a single address.
    pub const fn of_host(address: Address) -> Self {
        Prefix {
            address,
            len: address.family.bits(),
        }
    }

    /// The bits behind the prefix.
    const fn host_mask(&self) -> u128 {
        let host = self.address.family.bits().saturating_sub(self.len) as u32;
        match u128::MAX.checked_shl(host) {
            Some(net) => !net,
            None => u128::MAX,
        }
    }

    /// The first address, which is how the network is written.
    #[inline]
    pub const fn first(&self) -> Address {
        self.address
    }

    /// The last address.
    pub const fn last(&self) -> Address {
        Address {
            family: self.address.family,
            bits: self.address.bits | self.host_mask(),
        }
    }

    /// The number of network bits.
    pub const fn bits(&self) -> u8 {
        self.len
    }

    /// Whether `address` is in the network.
    pub fn contains(&self, address: Address) -> bool {
        self.first() <= address && address <= self.last()
    }

    /// Where the network stands in respect of `address`: before it, around it or behind it.
    #[inline]
    pub fn compare(&self, address: Address) -> core::cmp::Ordering {
        if self.last() < address {
            core::cmp::Ordering::Less
        } else if self.first() > address {
            core::cmp::Ordering::Greater
        } else {
            core::cmp::Ordering::Equal
        }
    }

    /// Whether the two networks have an address in common.
    pub fn overlaps(&self, other: &Prefix) -> bool {
        self.contains(other.first()) || other.contains(self.first())
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.len)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
