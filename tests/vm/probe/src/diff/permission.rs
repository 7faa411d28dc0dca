// SPDX-License-Identifier: GPL-2.0
//! What a policy says of a packet, read off its rules one by one: neither by the tables that camzone
//! makes of them, nor by the ruleset of the oracle.

use super::ears::Place;
use super::intended::ingress;
use super::judge::Words;
use super::packet::Shot;
use super::policy::{End, Policy, Service};
use super::world::{self, inside, LINK_LOCAL};
use std::net::{IpAddr, Ipv6Addr};

/// What becomes of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Pass,
    Refuse,
    Drop,
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(a) if a.is_unicast_link_local())
}

fn is_router(address: IpAddr) -> bool {
    world::router_has(address).is_some()
        || address == IpAddr::from(LINK_LOCAL)
        || world::wires()
            .iter()
            .any(|wire| wire.broadcast() == address)
}

impl Policy {
    /// The zone that has an address.
    pub fn owner(&self, address: IpAddr) -> Option<usize> {
        let has = |net: &(IpAddr, u8)| inside(address, *net);
        let own = self
            .zones
            .iter()
            .position(|zone| zone.networks.iter().any(has));
        own.or_else(|| self.zones.iter().position(|zone| zone.any))
    }

    /// Whether a packet's source, or that of a piece, can be where it came from.
    pub fn may_be_there(&self, shot: &Shot, source: IpAddr) -> bool {
        let Some(wire) = ingress(shot) else {
            return shot.place == Place::Router;
        };
        let nobody = match source {
            IpAddr::V4(a) => {
                a.is_loopback() || a.is_multicast() || a.is_broadcast() || a.octets()[0] == 0
            }
            IpAddr::V6(a) => {
                a.is_loopback()
                    || a.is_multicast()
                    || a == Ipv6Addr::UNSPECIFIED
                    || a.to_ipv4_mapped().is_some()
            }
        };
        let mut cameras = self.cameras.iter();
        let camera = cameras.find(|camera| camera.mac && camera.addresses.contains(&source));
        let own_mac = camera.is_none() || shot.bytes.get(6..12) == Some(&self.mac(source)[..]);
        let zone = self.zone_of(wire);
        let there = is_link_local(source) || self.owner(source) == zone;
        !nobody && !is_router(source) && own_mac && zone.is_some() && there
    }

    /// Whether an address is at an end of a rule; one of `fe80::/10` is in every zone.
    fn is_at(&self, end: End, address: IpAddr) -> bool {
        match end {
            End::Router => is_router(address) || address.is_multicast(),
            _ if is_router(address) => false,
            End::Zone(zone) => is_link_local(address) || self.owner(address) == Some(zone),
            End::Camera(camera) => self.cameras[camera].addresses.contains(&address),
        }
    }

    /// What the rules say of the flow that a packet opens, and the defaults of what no rule is about.
    /// What the router sends is its own, whatever source it gives.
    pub fn says(&self, flow: &Words, place: Place) -> Said {
        let own = place == Place::Router;
        let closed = |address| {
            let zone = self.owner(address).filter(|_| !is_router(address));
            flow.src.is_ipv6() && zone.is_some_and(|zone| self.zones[zone].ipv6 != "full")
        };
        if (!own && closed(flow.src)) || closed(flow.dst) {
            return Said::Drop;
        }
        let opens = |end| match own {
            true => end == End::Router,
            false => self.is_at(end, flow.src),
        };
        let about = self.rules.iter().filter(|rule| {
            rule.from.iter().any(|end| opens(*end))
                && rule.to.iter().any(|end| self.is_at(*end, flow.dst))
                && (rule.to_addresses.is_empty() || rule.to_addresses.contains(&flow.dst))
                && rule.services.iter().any(|service| service.has(flow))
        });
        let default = match (own || is_router(flow.src), is_router(flow.dst)) {
            (_, true) => self.accept[0],
            (true, _) => self.accept[2],
            _ => self.accept[1],
        };
        // The least of all rules' words counts.
        let words = about.map(|rule| match (rule.deny, rule.reject) {
            (false, _) => Said::Pass,
            (true, true) => Said::Refuse,
            (true, false) => Said::Drop,
        });
        let unsaid = if default { Said::Pass } else { Said::Drop };
        words.max_by_key(|said| *said as u8).unwrap_or(unsaid)
    }
}

impl Service {
    fn has(self, flow: &Words) -> bool {
        let number = match flow.proto {
            6 | 17 => flow.ports.1,
            1 | 58 => flow.kind.into(),
            _ => 0,
        };
        let of_family = match self.proto {
            1 => flow.src.is_ipv4(),
            58 => flow.src.is_ipv6(),
            _ => true,
        };
        // Any protocol has any number.
        let own = self.proto == 0 || self.proto == flow.proto;
        own && of_family && (self.first..=self.last).contains(&number)
    }
}
