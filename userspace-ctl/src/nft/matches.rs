// SPDX-License-Identifier: GPL-2.0

//! What a rule matches, as conditions of nft; each alternative is one line.

use camzone_policy::{
    address::{Address, Family},
    policy::{End, Rule, Run, ZoneId},
    service::{highest, protocol, Service},
};

use super::{
    join, set,
    words::{addresses, Side, Words},
};

/// One ordered pair of zones; `None` is the router.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) from: Option<ZoneId>,
    pub(super) to: Option<ZoneId>,
}

/// Which hosts of a zone.
enum Hosts {
    All,
    These(Vec<Address>),
}

/// Whose services are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    All,
    /// Those that are meant to be sent to a broadcast address too.
    Broadcast,
}

impl Words<'_> {
    /// The hosts of `zone` among the ends; `None` when there is none.
    fn hosts(&self, run: Run, zone: Option<ZoneId>) -> Option<Hosts> {
        let mut hosts = Vec::new();
        for end in run.of(&self.policy.ends) {
            match *end {
                End::Router if zone.is_none() => return Some(Hosts::All),
                End::Zone(own) if zone == Some(own) => return Some(Hosts::All),
                End::Camera(camera) => {
                    let camera = &self.policy.cameras[camera as usize];
                    if zone == Some(camera.zone) {
                        hosts.extend_from_slice(camera.addresses.of(&self.policy.addresses));
                    }
                }
                _ => {}
            }
        }
        (!hosts.is_empty()).then_some(Hosts::These(hosts))
    }

    /// Whether the rule is about the cell.
    pub(super) fn concerns(&self, rule: &Rule, cell: Cell) -> bool {
        self.hosts(rule.from, cell.from).is_some() && self.hosts(rule.to, cell.to).is_some()
    }

    /// The rules about the cell that `wanted` says.
    pub(super) fn rules(&self, cell: Cell, wanted: impl Fn(&Rule) -> bool) -> Vec<&Rule> {
        let rules = self.policy.rules.iter();
        rules
            .filter(|rule| wanted(rule) && self.concerns(rule, cell))
            .collect()
    }

    /// The conditions under which the rule matches a flow in the cell.
    pub(super) fn flows(&self, rule: &Rule, cell: Cell, which: Which) -> Vec<String> {
        let services = services(rule.services.of(&self.policy.services), which);
        self.conditions(rule, cell, [Side::Initiator, Side::Responder], &services)
    }

    /// The conditions under which it matches an error or a reset of the router's own, which is
    /// judged for itself: by whom it is for, and by what it is.
    pub(super) fn own(&self, rule: &Rule, cell: Cell) -> Vec<String> {
        let services = own_services(rule.services.of(&self.policy.services));
        self.conditions(rule, cell, [Side::Initiator, Side::Receiver], &services)
    }

    fn conditions(
        &self,
        rule: &Rule,
        cell: Cell,
        [from, to]: [Side; 2],
        services: &[(Option<Family>, String)],
    ) -> Vec<String> {
        let named = rule.to_addresses.of(&self.policy.addresses);
        let mut ends: Vec<(Side, &[Address])> = Vec::new();
        let (sources, targets) = (
            self.hosts(rule.from, cell.from),
            self.hosts(rule.to, cell.to),
        );
        for (side, hosts) in [(from, &sources), (to, &targets)] {
            match hosts {
                Some(Hosts::These(list)) => ends.push((side, list)),
                Some(Hosts::All) => {}
                None => return Vec::new(),
            }
        }
        if !named.is_empty() {
            ends.push((to, named));
        }
        let mut out = Vec::new();
        for (of, service) in services {
            if ends.is_empty() {
                let nfproto = match of {
                    Some(Family::V4) => "meta nfproto ipv4",
                    Some(Family::V6) => "meta nfproto ipv6",
                    None => "",
                };
                out.push(join(&[nfproto, service]));
                continue;
            }
            for family in [Family::V4, Family::V6] {
                let parts: Option<Vec<String>> = ends
                    .iter()
                    .map(|(side, list)| {
                        Some(format!(
                            "{} {}",
                            side.address(family),
                            addresses(list, family)?
                        ))
                    })
                    .collect();
                if let (Some(parts), true) = (parts, of.is_none_or(|of| of == family)) {
                    out.push(join(&[&parts.join(" "), service]));
                }
            }
        }
        out
    }
}

/// Ranges that do not touch, in order: what a set of nft may have.
fn ranges(services: &[Service], number: u8) -> Vec<(u16, u16)> {
    let own = services.iter().filter(|s| s.protocol() == number);
    let mut all: Vec<(u16, u16)> = own.map(|s| (s.first(), s.last())).collect();
    all.sort_unstable();
    let mut out: Vec<(u16, u16)> = Vec::new();
    for (first, last) in all {
        match out.last_mut() {
            Some((_, end)) if u32::from(first) <= u32::from(*end) + 1 => *end = last.max(*end),
            _ => out.push((first, last)),
        }
    }
    out
}

fn words(ranges: &[(u16, u16)]) -> String {
    let word = |(first, last): &(u16, u16)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    set(&ranges.iter().map(word).collect::<Vec<_>>())
}

/// The condition of each kind of service, and the family that it is of.
fn services(list: &[Service], which: Which) -> Vec<(Option<Family>, String)> {
    let fits = |s: &&Service| which == Which::All || s.broadcast();
    let list: Vec<Service> = list.iter().filter(fits).copied().collect();
    if list.iter().any(|s| s.protocol() == protocol::ANY) {
        return vec![(None, String::new())];
    }
    let mut out = Vec::new();
    for (number, name) in [(protocol::TCP, "tcp"), (protocol::UDP, "udp")] {
        let ranges = ranges(&list, number);
        let ports = match ranges.as_slice() {
            [] => continue,
            [(0, u16::MAX)] => String::new(),
            some => format!("ct reply proto-src {}", words(some)),
        };
        out.push((None, join(&["ct original protocol", name, &ports])));
    }
    for (number, name, family) in [
        (protocol::ICMP, "icmp", Family::V4),
        (protocol::ICMPV6, "ipv6-icmp", Family::V6),
    ] {
        let ranges = ranges(&list, number);
        // Where others have a port, an ICMP tuple has the type and then the code.
        let tuples: Vec<(u16, u16)> = ranges
            .iter()
            .map(|(a, b)| (a << 8, (b << 8) | 0xff))
            .collect();
        let types = match ranges.as_slice() {
            [] => continue,
            [(0, 255)] => String::new(),
            _ => format!("ct original proto-dst {}", words(&tuples)),
        };
        out.push((Some(family), join(&["ct original protocol", name, &types])));
    }
    let mut others: Vec<u8> = list.iter().map(Service::protocol).collect();
    others.retain(|number| highest(*number).is_none());
    others.sort_unstable();
    others.dedup();
    if !others.is_empty() {
        let others: Vec<String> = others.iter().map(ToString::to_string).collect();
        out.push((None, format!("ct original protocol {}", set(&others))));
    }
    out
}

/// The same for what the router says about others' packets: ICMP by its type, and resets, whose
/// port is nobody's.
fn own_services(list: &[Service]) -> Vec<(Option<Family>, String)> {
    if list.iter().any(|s| s.protocol() == protocol::ANY) {
        return vec![(None, String::new())];
    }
    let mut out = Vec::new();
    if ranges(list, protocol::TCP)
        .first()
        .is_some_and(|(first, _)| *first == 0)
    {
        out.push((None, String::from("meta l4proto tcp")));
    }
    for (number, name, family) in [
        (protocol::ICMP, "icmp", Family::V4),
        (protocol::ICMPV6, "icmpv6", Family::V6),
    ] {
        let ranges = ranges(list, number);
        if !ranges.is_empty() {
            out.push((Some(family), format!("{name} type {}", words(&ranges))));
        }
    }
    out
}
