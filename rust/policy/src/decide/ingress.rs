// SPDX-License-Identifier: GPL-2.0

//! PRE_ROUTING, before defragmentation: whether a source can be where its packet came from.

use super::{icmp, Reason, Ruling};
use crate::{
    address::{Address, Family},
    facts::{Packet, Port},
    header::{Fragment, Header, Transport},
    memory::Memory,
    policy::Ipv6Mode,
    service::protocol,
    tables::Compiled,
};

/// DHCP's ports (RFC 2131, 4.1).
const DHCP_CLIENT: u16 = 68;
const DHCP_SERVER: u16 = 67;

/// The verdict on one packet, or on one fragment of it: fragments of different interfaces end up
/// in one queue, so every single one has to be asked.
#[inline(always)]
pub(super) fn check<M: Memory>(
    compiled: &Compiled<M>,
    packet: &impl Packet,
    ingress: Port,
) -> Ruling {
    let Port::Zone(zone) = ingress else {
        return Ruling::drop(Reason::NoZone);
    };
    if packet.family() == Family::V6 {
        let mode = compiled.policy.zone(zone).map(|zone| zone.ipv6);
        if mode.unwrap_or(Ipv6Mode::Off) == Ipv6Mode::Off {
            return Ruling::drop(Reason::Ipv6Off);
        }
    }
    if packet.plain().is_none() {
        if let Some(ruling) = unusual(packet) {
            return ruling;
        }
    }
    let source = packet.source();
    let host = compiled.sender(zone, source);
    // No network has what is nobody's: these are elsewhere.
    let nobody = || source.is_unspecified() || is_nobody(source);
    if host.zone() != zone || (host.is_elsewhere() && nobody()) {
        return if source.is_unspecified() {
            match packet.header() {
                Some(header) if may_be_unspecified(&header) => Ruling::GO_ON,
                _ => Ruling::drop(Reason::Spoofed),
            }
        } else if source.is_link_local_v6() && !packet.source_is_local() {
            // In every zone, and no camera has one.
            Ruling::GO_ON
        } else {
            Ruling::drop(Reason::Spoofed)
        };
    }
    if packet.source_is_local() {
        return Ruling::drop(Reason::Spoofed);
    }
    if host.has_mac() {
        return check_mac(compiled, packet);
    }
    Ruling::GO_ON
}

/// What is wrong with a packet that has options or extension headers, or cannot be read. What is not seen
/// here of where it goes and what it is, the kernel would find out when everybody was asked.
#[cold]
#[inline(never)]
fn unusual(packet: &impl Packet) -> Option<Ruling> {
    let Some(header) = &packet.header() else {
        return Some(Ruling::drop(Reason::Malformed));
    };
    if header.source_route {
        return Some(Ruling::drop(Reason::SourceRoute));
    }
    let hides = header.family() == Family::V6
        && (icmp::is_part_of_neighbour(header) || hides_headers(header));
    hides.then(|| Ruling::drop(Reason::Malformed))
}

/// Whether there are more extension headers than are followed, or longer ones than are looked at,
/// in a packet, or the part of one that has to have all of them (RFC 7112, 5). What is behind
/// them could be a source route.
fn hides_headers(header: &Header) -> bool {
    header.fragment != Fragment::Later && protocol::is_extension(header.protocol)
}

fn check_mac<M: Memory>(compiled: &Compiled<M>, packet: &impl Packet) -> Ruling {
    if has_its_mac(compiled, packet) {
        Ruling::GO_ON
    } else {
        Ruling::drop(Reason::MacMismatch)
    }
}

/// Whether the packet comes with the hardware address that its sender has to have, if that is a
/// camera which has to.
#[inline(never)]
pub(super) fn has_its_mac<M: Memory>(compiled: &Compiled<M>, packet: &impl Packet) -> bool {
    match compiled.mac_of(packet.source()) {
        None => true,
        mac => mac == packet.source_mac(),
    }
}

/// Addresses that are no host's, and so no packet's source (RFC 1122, 3.2.1.3; RFC 4291, 2.7).
fn is_nobody(source: Address) -> bool {
    source.is_this_network()
        || source.is_loopback()
        || source.is_multicast()
        || source.is_limited_broadcast()
        || source.is_v4_mapped()
}

/// A host without an address asks for one by DHCP (RFC 2131, 4.1), looks whether somebody has
/// the one it wants (RFC 4862, 5.4.2), or joins the group that this takes (RFC 3810, 5.2.13).
fn may_be_unspecified(header: &Header) -> bool {
    if header.fragment != Fragment::Whole {
        return false;
    }
    match (header.family(), header.transport) {
        (Family::V4, Transport::Udp { from, to }) => {
            header.destination.is_limited_broadcast() && from == DHCP_CLIENT && to == DHCP_SERVER
        }
        (Family::V6, Transport::Icmp { kind, .. }) => {
            header.protocol == protocol::ICMPV6
                && header.destination.is_multicast()
                && matches!((kind, header.hop_limit), (135, 255) | (131 | 132 | 143, 1))
        }
        _ => false,
    }
}
