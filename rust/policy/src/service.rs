// SPDX-License-Identifier: GPL-2.0

//! What a flow carries: a protocol and a range of destination ports or ICMP types.

use crate::address::Family;

/// IP protocol numbers (IANA "Protocol Numbers") that are treated apart.
pub mod protocol {
    /// In a service: every protocol.
    pub const ANY: u8 = 0;
    /// ICMP (RFC 792).
    pub const ICMP: u8 = 1;
    /// TCP (RFC 9293).
    pub const TCP: u8 = 6;
    /// UDP (RFC 768).
    pub const UDP: u8 = 17;
    /// ICMPv6 (RFC 4443).
    pub const ICMPV6: u8 = 58;

    /// Whether it is an extension header of IPv6 that the kernel follows (`ipv6_ext_hdr` of
    /// `net/ipv6/exthdrs_core.c`): hop-by-hop and destination options, routing, fragment and
    /// authentication header.
    pub const fn is_extension(protocol: u8) -> bool {
        matches!(protocol, 0 | 43 | 44 | 51 | 60)
    }
}

/// The highest port or type that means something for a protocol; `None` where it has neither.
///
/// Those of SCTP, DCCP and UDP-Lite are not always in a flow's tuple (`nf_ct_get_tuple` of
/// `net/netfilter/nf_conntrack_core.c`), so a rule must not hang on them.
pub const fn highest(protocol: u8) -> Option<u16> {
    match protocol {
        protocol::TCP | protocol::UDP => Some(u16::MAX),
        protocol::ICMP | protocol::ICMPV6 => Some(u8::MAX as u16),
        _ => None,
    }
}

/// A range of destination ports of one protocol, or of ICMP types.
///
/// # Invariants
///
/// `first <= last`. Where the protocol has neither ports nor types the range is `0..=65535`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service {
    protocol: u8,
    first: u16,
    last: u16,
    broadcast: bool,
}

/// What is wrong with a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceError {
    /// The protocol number is greater than 255.
    Protocol,
    /// The protocol has no ports and no types, but a range was given.
    NoPorts,
    /// The range is empty, or beyond the highest port or type (this one).
    Range(u16),
}

impl Service {
    /// A service of protocol number `protocol` ([`protocol::ANY`] for all). `first` is 0 and
    /// `last` the highest possible where they are `None`. With `broadcast` it matches what is
    /// sent to a broadcast address too.
    ///
    /// # Errors
    ///
    /// [`ServiceError`] for a number out of range.
    pub fn new(
        protocol: u32,
        first: Option<u32>,
        last: Option<u32>,
        broadcast: bool,
    ) -> Result<Self, ServiceError> {
        let protocol = u8::try_from(protocol).map_err(|_| ServiceError::Protocol)?;
        let Some(highest) = highest(protocol) else {
            return match (first.unwrap_or(0), last.unwrap_or(u16::MAX.into())) {
                (0, 0xffff) => Ok(Service {
                    protocol,
                    first: 0,
                    last: u16::MAX,
                    broadcast,
                }),
                _ => Err(ServiceError::NoPorts),
            };
        };
        let out = |_| ServiceError::Range(highest);
        let first = u16::try_from(first.unwrap_or(0)).map_err(out)?;
        let last = u16::try_from(last.unwrap_or(highest.into())).map_err(out)?;
        if first > last || last > highest {
            return Err(ServiceError::Range(highest));
        }
        Ok(Service {
            protocol,
            first,
            last,
            broadcast,
        })
    }

    /// The protocol number; [`protocol::ANY`] stands for all.
    #[inline]
    pub const fn protocol(&self) -> u8 {
        self.protocol
    }

    /// The first port or type.
    #[inline]
    pub const fn first(&self) -> u16 {
        self.first
    }

    /// The last port or type.
    #[inline]
    pub const fn last(&self) -> u16 {
        self.last
    }

    /// Whether it matches what is sent to a broadcast address too.
    #[inline]
    pub const fn broadcast(&self) -> bool {
        self.broadcast
    }

    /// Whether a flow of `family` and `protocol` to `port` (for ICMP: of that type) is meant.
    #[inline]
    pub const fn matches(&self, family: Family, protocol: u8, port: u16) -> bool {
        if self.protocol == protocol::ANY {
            return true;
        }
        let foreign = match family {
            Family::V4 => protocol::ICMPV6,
            Family::V6 => protocol::ICMP,
        };
        protocol != foreign && self.protocol == protocol && self.first <= port && port <= self.last
    }

    /// Whether every flow that `other` matches is matched by this.
    pub const fn covers(&self, other: &Service) -> bool {
        (self.broadcast || !other.broadcast) && self.covers_of_deny(other)
    }

    /// The same of a deny's service, which is of broadcasts too, whether it says so or not.
    pub const fn covers_of_deny(&self, other: &Service) -> bool {
        self.protocol == protocol::ANY
            || (self.protocol == other.protocol
                && self.first <= other.first
                && other.last <= self.last)
    }

    /// Whether some flow is matched by both.
    pub const fn meets(&self, other: &Service) -> bool {
        self.protocol == protocol::ANY
            || other.protocol == protocol::ANY
            || (self.protocol == other.protocol
                && self.first <= other.last
                && other.first <= self.last)
    }
}
