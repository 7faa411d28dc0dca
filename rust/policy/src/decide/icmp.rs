// SPDX-License-Identifier: GPL-2.0

//! ICMP that carries on the network itself: errors, redirects, neighbour discovery.

use super::{Reason, Ruling};
use crate::{
    address::Family,
    header::{Fragment, Header, Transport},
    memory::Memory,
    policy::ZoneId,
    service::protocol,
    tables::Compiled,
};

/// Redirects: RFC 792 and RFC 4861, 4.5.
const REDIRECT_V4: u8 = 5;
const REDIRECT_V6: u8 = 137;

/// Whether the packet is ICMP of its own family.
pub(super) fn is_icmp(header: &Header) -> bool {
    let own = match header.family() {
        Family::V4 => protocol::ICMP,
        Family::V6 => protocol::ICMPV6,
    };
    header.protocol == own
}

/// Its type, if it is.
fn kind(header: &Header) -> Option<u8> {
    match header.transport {
        Transport::Icmp { kind, .. } if is_icmp(header) => Some(kind),
        _ => None,
    }
}

/// Whether the packet is an error that may pass: destination unreachable, time exceeded and
/// parameter problem (RFC 792), and packet too big (RFC 4443, 3; RFC 4890, 4.3.1 and 4.4.1).
/// Source quench is no more (RFC 6633).
pub(super) fn is_error(header: &Header) -> bool {
    match (header.family(), kind(header)) {
        (Family::V4, Some(kind)) => matches!(kind, 3 | 11 | 12),
        (Family::V6, Some(kind)) => matches!(kind, 1..=4),
        (_, None) => false,
    }
}

/// Why a packet about a flow that is not an error is dropped.
pub(super) fn reason_of_error(header: &Header) -> Reason {
    match (header.family(), kind(header)) {
        (Family::V4, Some(REDIRECT_V4)) | (Family::V6, Some(REDIRECT_V6)) => Reason::IcmpRedirect,
        _ => Reason::IcmpError,
    }
}

/// Whether the packet, which the router sends, may answer one that no hook has seen: what is wrong with a
/// hop-by-hop option of IPv6 is told before PRE_ROUTING (`ip6_rcv_core` of net/ipv6/ip6_input.c), to a
/// source that anybody may have given, and with what else the packet carries. As if it were about a talk
/// of that source, it would bring that there, or end the talk. It is a parameter problem (RFC 4443,
/// 3.4) of code 0, erroneous header field, or 2, unrecognized option; so are some that answer later.
pub(super) fn answers_unseen(header: &Header) -> bool {
    let told = matches!(
        header.transport,
        Transport::Icmp {
            kind: 4,
            code: 0 | 2
        }
    );
    told && is_icmp(header) && header.family() == Family::V6
}

/// Whether the packet is, or may be, a part of neighbour discovery or multicast listener discovery,
/// which never come in parts, nor in the only one (RFC 6980, 5). Behind defragmentation nobody can
/// tell any more.
pub(super) fn is_part_of_neighbour(header: &Header) -> bool {
    match kind(header) {
        Some(kind) => header.fragment != Fragment::Whole && matches!(kind, 130..=137 | 143),
        // Its type is in another part.
        None => matches!(header.fragment, Fragment::Atomic | Fragment::First) && is_icmp(header),
    }
}

/// The verdict on neighbour discovery (RFC 4861) and multicast listener discovery (RFC 2710,
/// RFC 3810), which connection tracking leaves alone; `None` for all other packets. `from` is
/// the zone they come from, `None` when the router sends them. None crosses a router; but with
/// `br_netfilter` what a bridge hands over goes through FORWARD, with its hop limit as it came,
/// and the hosts of a bridge could not find each other without.
pub(super) fn neighbour<M: Memory>(
    compiled: &Compiled<M>,
    header: &Header,
    from: Option<ZoneId>,
) -> Option<Ruling> {
    let kind = kind(header)?;
    let source = header.source;
    let local = match kind {
        // Neither can come from beyond the link: RFC 4861, 6.1 and 7.1; RFC 3810, 5.
        133..=137 => header.hop_limit == 255,
        130..=132 | 143 => {
            header.hop_limit == 1 && (source.is_link_local_v6() || source.is_unspecified())
        }
        _ => return None,
    };
    let outside = |zone: ZoneId| {
        let zone = compiled.policy.zone(zone);
        zone.is_some_and(|zone| zone.any && !zone.has_cameras)
    };
    Some(if kind == REDIRECT_V6 {
        Ruling::drop(Reason::IcmpRedirect)
    } else if !local {
        Ruling::drop(Reason::Malformed)
    } else if kind == 134 && !from.is_none_or(outside) {
        Ruling::drop(Reason::RogueRouter)
    } else {
        Ruling::accept(Reason::NeighbourDiscovery)
    })
}
