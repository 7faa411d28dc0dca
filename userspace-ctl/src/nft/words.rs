// SPDX-License-Identifier: GPL-2.0

//! Names and sets: what the chains call a zone, its interfaces and its networks.

use camzone_policy::{
    address::{Address, Family},
    memory::Heap,
    policy::{Ipv6Mode, Policy, Zone, ZoneId},
};

use super::{set, Script};
use crate::failure::Failure;

/// Which side of a flow, as conntrack has it.
#[derive(Clone, Copy)]
pub(super) enum Side {
    /// Who opened it: the source of the original tuple.
    Initiator,
    /// Who it was opened to: the source of the reply tuple.
    Responder,
    /// Whom this very packet is for.
    Receiver,
}

impl Side {
    /// The expression for its address.
    pub(super) const fn address(self, family: Family) -> &'static str {
        match (self, family) {
            (Side::Initiator, Family::V4) => "ct original ip saddr",
            (Side::Initiator, Family::V6) => "ct original ip6 saddr",
            (Side::Responder, Family::V4) => "ct reply ip saddr",
            (Side::Responder, Family::V6) => "ct reply ip6 saddr",
            (Side::Receiver, Family::V4) => "ip daddr",
            (Side::Receiver, Family::V6) => "ip6 daddr",
        }
    }
}

/// A policy and what its things are called.
pub(super) struct Words<'a> {
    pub(super) policy: &'a Policy<Heap>,
    zones: Vec<String>,
    interfaces: Vec<Vec<String>>,
}

impl<'a> Words<'a> {
    pub(super) fn new(policy: &'a Policy<Heap>) -> Result<Self, Failure> {
        let mut words = Words {
            policy,
            zones: Vec::new(),
            interfaces: vec![Vec::new(); policy.zones.len()],
        };
        for zone in &policy.zones {
            let name = words.free_name(zone);
            words.zones.push(name);
        }
        for interface in &policy.interfaces {
            let name = quoted(interface.name.as_str())?;
            words.interfaces[usize::from(interface.zone)].push(name);
        }
        Ok(words)
    }

    /// The zone's name in letters, digits and `_`, so that a `.` between names parts them.
    fn free_name(&self, zone: &Zone) -> String {
        let letters = zone.name.as_str().chars();
        let mut name: String = letters
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        while self.zones.contains(&name) {
            name.push('_');
        }
        name
    }

    /// Every zone.
    pub(super) fn ids(&self) -> impl Iterator<Item = ZoneId> + use<> {
        // Far fewer than a ZoneId can count.
        0..self.zones.len() as ZoneId
    }

    pub(super) fn zone(&self, id: ZoneId) -> &Zone {
        &self.policy.zones[usize::from(id)]
    }

    pub(super) fn ipv6(&self, id: ZoneId) -> Ipv6Mode {
        self.zone(id).ipv6
    }

    /// What chains call the zone; `None` is the router.
    pub(super) fn name(&self, id: Option<ZoneId>) -> &str {
        match id {
            Some(id) => &self.zones[usize::from(id)],
            None => "router",
        }
    }

    /// The zone's interfaces, each as nft spells it.
    pub(super) fn interfaces(&self, id: ZoneId) -> &[String] {
        &self.interfaces[usize::from(id)]
    }

    /// A verdict map from interfaces to a chain for each zone.
    pub(super) fn by_interface(&self, key: &str, hook: &str) -> String {
        let mut items = Vec::new();
        for id in self.ids() {
            let goto = format!("goto {hook}.{}", self.name(Some(id)));
            items.extend(self.interfaces(id).iter().map(|i| format!("{i} : {goto}")));
        }
        format!("{key} vmap {{ {} }}", items.join(", "))
    }

    /// The condition that an end is in the zone, or that it is not.
    pub(super) fn inside(&self, id: ZoneId, side: Side, family: Family, wanted: bool) -> String {
        self.lies(id, side.address(family), family, wanted)
    }

    /// The same of any expression for an address.
    pub(super) fn lies(&self, id: ZoneId, what: &str, family: Family, wanted: bool) -> String {
        let any = self.zone(id).any;
        let is = if any != wanted { "" } else { "!= " };
        let place = if any { "zones" } else { self.name(Some(id)) };
        let family = match family {
            Family::V4 => "v4",
            Family::V6 => "v6",
        };
        let prefix = if any { "" } else { "zone." };
        format!("{what} {is}@{prefix}{place}.{family}")
    }

    /// Writes the sets.
    pub(super) fn sets(&self, out: &mut Script) {
        out.remark("who is where; an address of fe80::/10 may be in any zone");
        for id in self.ids().filter(|id| !self.zone(*id).any) {
            let name = format!("zone.{}", self.name(Some(id)));
            self.set(&name, |zone| zone == id, &["fe80::/10"], out);
        }
        if self.policy.zones.iter().any(|zone| zone.any) {
            out.remark("what is in none of these is in the zone of the rest");
            self.set("zones", |_| true, &[], out);
        }
    }

    fn set(&self, name: &str, own: impl Fn(ZoneId) -> bool, more: &[&str], out: &mut Script) {
        for (family, word, kind) in [
            (Family::V4, "v4", "ipv4_addr"),
            (Family::V6, "v6", "ipv6_addr"),
        ] {
            let networks = self.policy.networks.iter();
            let mut elements: Vec<String> = networks
                .filter(|network| own(network.zone) && network.prefix.first().family() == family)
                .map(|network| network.prefix.to_string())
                .collect();
            if family == Family::V6 {
                elements.extend(more.iter().map(ToString::to_string));
            }
            out.0 += &format!("\tset {name}.{word} {{\n\t\ttype {kind}\n\t\tflags interval\n");
            if !elements.is_empty() {
                out.0 += &format!("\t\telements = {{ {} }}\n", elements.join(", "));
            }
            out.0 += "\t}\n";
        }
    }
}

/// Addresses of one family, as one or as a set.
pub(super) fn addresses(list: &[Address], family: Family) -> Option<String> {
    let own = list.iter().filter(|address| address.family() == family);
    let own: Vec<String> = own.map(ToString::to_string).collect();
    (!own.is_empty()).then(|| set(&own))
}

/// An interface's name, in which a `*` at the end is no wildcard.
fn quoted(name: &str) -> Result<String, Failure> {
    if name.contains(['"', '\\']) || !name.is_ascii() || name.contains(|c: char| c.is_control()) {
        let message = format!("nftables cannot spell the name of the interface '{name}'");
        return Err(Failure::other(message).help("rename it: ip link set NAME name OTHER"));
    }
    Ok(match name.strip_suffix('*') {
        Some(start) => format!("\"{start}\\*\""),
        None => format!("\"{name}\""),
    })
}
