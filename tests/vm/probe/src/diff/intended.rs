// SPDX-License-Identifier: GPL-2.0
//! The differences between the two routers that are meant, each with a name. Nothing else may be
//! different, and each of these has to be seen: [`super::fixed`] shows it.

use super::ears::{Heard, Place};
use super::judge::{ip_of, is_answer, loose, words, Words};
use super::packet::Shot;
use super::policy::Policy;
use super::world::{self, inside, TAG, TAGGED};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What camzone and the ruleset of `camzonectl export --nft` differ in.
pub const OF_NFT: &[&str] = &[
    // nftables asks only the interface that a packet came by whether it has an address.
    "sibling-address",
    // camzone looks at the first 128 bytes of a packet, and follows eight extension headers.
    "deep-header",
    // camzone does not let the router itself send a packet that lies about its length.
    "lying-length",
    // nftables does not look behind an authentication header of IPv6.
    "behind-ah",
    // The kernel itself rolls dice for a translated port, where the flow's own is taken.
    "rolled-port",
];

/// What camzone and the article's script differ in: always, the script lets more pass.
pub const OF_THE_ARTICLE: &[&str] = &[
    // It asks about sources in INPUT and on eth1 only, after ESTABLISHED.
    "spoofed",
    // Its rule for the cameras' web pages has no destination.
    "port-80-anywhere",
    // Whoever may talk to the router may talk to all its addresses.
    "weak-host",
    // What is allowed to the router may be sent to all, and to groups.
    "to-all",
    // The router may pick up TCP in mid-stream.
    "not-syn-out",
    // RELATED passes, whatever it is: redirects, source quench, and from whomever it comes.
    "related-blindly",
    // IPv6 may leave the router, although nothing may come back.
    "ipv6-out",
];

/// How the two are to be held against each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Oracle {
    Nft,
    Article,
}

impl Oracle {
    /// The name of an intended difference that the packet shows.
    pub fn intended(
        self,
        policy: &Policy,
        shot: &Shot,
        camzone: &[Heard],
        oracle: &[Heard],
    ) -> Option<&'static str> {
        let ip = ip_of(shot.place, &shot.bytes);
        let words = words(ip)?;
        if loose(shot, camzone) == loose(shot, oracle) {
            return Some("rolled-port");
        }
        // The script takes the forged piece, and so has no use for the true one later.
        let forged = |bent: &&'static str| bent.contains("forged piece");
        if self == Oracle::Article && shot.bent.iter().any(forged) {
            return Some("spoofed");
        }
        match self {
            Oracle::Nft if camzone.len() > oracle.len() => more(policy, shot, &words),
            Oracle::Nft => less(shot, ip, &words),
            Oracle::Article if camzone.len() > oracle.len() => None,
            Oracle::Article => scripts(policy, shot, &words),
        }
    }

    /// Whether the packet leaves traces in the oracle's connection tracking, even if it is dropped
    /// there too: the script asks for sources after that, camzone before.
    pub fn remembers(self, policy: &Policy, shot: &Shot) -> bool {
        let (Place::Wire(wire), Some(words)) = (shot.place, words(ip_of(shot.place, &shot.bytes)))
        else {
            return false;
        };
        self == Oracle::Article && words.dst.is_ipv4() && !may_be_there(policy, wire, words.src)
    }
}

/// The interface that a packet comes in by: a VLAN's where it has the tag.
fn ingress(shot: &Shot) -> Option<usize> {
    let Place::Wire(wire) = shot.place else {
        return None;
    };
    // A tag of VLAN 0 only has a priority: the kernel takes it off, and looks at the next.
    let mut tags = shot
        .bytes
        .get(12..)
        .unwrap_or(&[])
        .chunks_exact(4)
        .take_while(|tag| tag[..2] == [0x81, 0])
        .map(|tag| u16::from_be_bytes([tag[2] & 15, tag[3]]));
    let tagged = wire == TAGGED.1;
    let tag = tags.find(|tag| *tag != 0);
    Some(if tagged && tag == Some(TAG) {
        TAGGED.0
    } else {
        wire
    })
}

/// More came out of camzone than of the ruleset.
fn more(policy: &Policy, shot: &Shot, words: &Words) -> Option<&'static str> {
    if words.authenticated {
        return Some("behind-ah");
    }
    let wire = ingress(shot)?;
    // In pieces, it came in where the last of them did, for nftables.
    let pieces = shot.bent.contains(&"pieces");
    let home = world::router_has(words.dst).filter(|home| *home != wire || pieces)?;
    let zone = policy.zone_of(wire)?;
    (policy.zone_of(home) == Some(zone)).then_some("sibling-address")
}

/// Less did.
fn less(shot: &Shot, ip: &[u8], words: &Words) -> Option<&'static str> {
    if words.dst.is_ipv4() {
        return None;
    }
    let said = 40 + usize::from(u16::from_be_bytes([ip[4], ip[5]]));
    if shot.place == Place::Router && said != ip.len() {
        return Some("lying-length");
    }
    (words.at > 100).then_some("deep-header")
}

/// The script let something pass.
fn scripts(policy: &Policy, shot: &Shot, words: &Words) -> Option<&'static str> {
    // Nothing of it comes in; but the router answers some of it before it asks the script.
    if words.dst.is_ipv6() {
        return Some("ipv6-out");
    }
    let Place::Wire(wire) = shot.place else {
        return match words.proto {
            1 if is_answer(words) => Some("related-blindly"),
            6 if words.kind & 0x17 != 2 => Some("not-syn-out"),
            _ => None,
        };
    };
    if !may_be_there(policy, wire, words.src) {
        return Some("spoofed");
    }
    if words.proto == 1 && is_answer(words) {
        return Some("related-blindly");
    }
    let to_all = words.dst.is_multicast()
        || words.dst == IpAddr::V4(Ipv4Addr::BROADCAST)
        || world::wires()
            .iter()
            .any(|wire| wire.broadcast() == words.dst);
    if to_all {
        return Some("to-all");
    }
    match world::router_has(words.dst) {
        Some(home) => (home != wire).then_some("weak-host"),
        None => {
            (words.proto == 6 && policy.zones[wire].name == "private").then_some("port-80-anywhere")
        }
    }
}

/// Whether a source belongs to the zone of the wire. In the article each zone has one.
fn may_be_there(policy: &Policy, wire: usize, source: IpAddr) -> bool {
    let nobody = match source {
        IpAddr::V4(a) => {
            a.is_loopback() || a.is_multicast() || a.is_broadcast() || a.octets()[0] == 0
        }
        IpAddr::V6(a) => a.is_loopback() || a.is_multicast() || a == Ipv6Addr::UNSPECIFIED,
    };
    let routers = world::router_has(source).is_some()
        || world::wires().iter().any(|wire| wire.broadcast() == source);
    let owner = policy
        .zones
        .iter()
        .position(|zone| zone.networks.iter().any(|net| inside(source, *net)));
    let owner = owner.or_else(|| policy.zones.iter().position(|zone| zone.any));
    !nobody && !routers && owner == policy.zone_of(wire)
}
