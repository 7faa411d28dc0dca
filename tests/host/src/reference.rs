// SPDX-License-Identifier: GPL-2.0

//! The design page's "way of a packet" once more, as naively as can be.
//!
//! Written from the words of the page ("P1" to "P7" are its seven points) and not from
//! `decide.rs`: it reads the lists of the parsed policy only, scans them from end to end for
//! every question, and does its own arithmetic on `std::net` addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use camzone_policy::{
    address::{Address, Family},
    decide::{Cell, Decision, Reason, Verdict},
    facts::{Ends, Facts, Flow, Hook, Port, State, Track},
    header::{Fragment, Header, Transport},
    memory::Heap,
    policy::{Action, End, Ipv6Mode, Policy, Rule, ZoneId},
    service::Service,
};

/// What guards the namespace.
#[derive(Clone, Copy)]
pub enum Guard<'a> {
    /// Nothing.
    Idle,
    /// Nobody passes.
    Sealed,
    /// This policy.
    Armed(&'a Policy<Heap>),
}

/// The address in the standard library's form.
pub fn ip(address: Address) -> IpAddr {
    let mut buffer = [0; 16];
    let octets = address.octets(&mut buffer);
    match octets.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(octets).unwrap()),
        _ => IpAddr::from(<[u8; 16]>::try_from(octets).unwrap()),
    }
}

/// Whether the first `len` bits of the two are the same, counted one by one.
pub fn in_network(address: IpAddr, network: IpAddr, len: u8) -> bool {
    let octets = |a: IpAddr| -> ([u8; 16], usize) {
        let mut octets = [0; 16];
        match a {
            IpAddr::V4(a) => octets[..4].copy_from_slice(&a.octets()),
            IpAddr::V6(a) => octets = a.octets(),
        }
        (octets, if a.is_ipv4() { 4 } else { 16 })
    };
    let ((a, size), (n, size_of_network)) = (octets(address), octets(network));
    let bit = |octets: [u8; 16], i: usize| octets[i / 8] & (0x80 >> (i % 8)) != 0;
    size == size_of_network && (0..len.into()).all(|i| bit(a, i) == bit(n, i))
}

fn is_link_local_v6(a: IpAddr) -> bool {
    in_network(a, "fe80::".parse().unwrap(), 10)
}

fn is_limited_broadcast(a: IpAddr) -> bool {
    a == IpAddr::V4(Ipv4Addr::BROADCAST)
}

fn is_v4_mapped(a: IpAddr) -> bool {
    matches!(a, IpAddr::V6(a) if a.to_ipv4_mapped().is_some())
}

/// Multicast, or a broadcast that needs no interface to be known as one.
fn is_cast(a: IpAddr) -> bool {
    a.is_multicast() || is_limited_broadcast(a)
}

fn verdict(verdict: Verdict, reason: Reason) -> Decision {
    Decision {
        verdict,
        reason: Some(reason),
        cell: None,
        rule: None,
        answer: None,
    }
}

fn drop(reason: Reason) -> Decision {
    verdict(Verdict::Drop, reason)
}

fn accept(reason: Reason) -> Decision {
    verdict(Verdict::Accept, reason)
}

/// The verdict on a packet.
pub fn decide(guard: Guard<'_>, facts: &Facts) -> Decision {
    let mut decision = decide_at(guard, facts);
    // `Decision::reason`: PRE_ROUTING's accept is not the last word, and has none.
    if facts.hook == Hook::PreRouting && decision.verdict == Verdict::Accept {
        decision.reason = None;
    }
    decision
}

fn decide_at(guard: Guard<'_>, facts: &Facts) -> Decision {
    let unseen = facts
        .header
        .is_some_and(|header| answers_unseen(facts, &header));
    // P1: loopback is accepted in both families, whatever the state. What came by `lo` and is
    // forwarded (a route of somebody's through it) leaves the machine, and is no loopback.
    // "the router's own looped-back multicast": where it comes in, the source tells whose it is.
    let loopback = match facts.hook {
        Hook::PreRouting | Hook::LocalIn => {
            facts.ingress == Port::Loopback || (facts.looped_back && facts.source_is_local)
        }
        Hook::Forward => false,
        // What a device of others hands over (ipvlan) is not the router's own.
        Hook::LocalOut => facts.egress == Port::Loopback && facts.is_own && !unseen,
    };
    if loopback {
        return accept(Reason::Loopback);
    }
    // Words: idle drops nothing; sealed passes only loopback.
    let policy = match guard {
        Guard::Idle => return accept(Reason::Idle),
        Guard::Sealed => return drop(Reason::Sealed),
        Guard::Armed(policy) => policy,
    };
    // "An interface in no zone is sealed", before anything is read.
    if facts.hook == Hook::PreRouting && !matches!(facts.ingress, Port::Zone(_)) {
        return drop(Reason::NoZone);
    }
    let Some(header) = facts.header else {
        return drop(Reason::Malformed);
    };
    let reference = Reference { policy };
    match facts.hook {
        Hook::PreRouting => reference.pre_routing(facts, &header),
        _ => reference.judge(facts, &header),
    }
}

/// "Whether a source can be where its packet came from" was not asked of what this answers.
fn answers_unseen(facts: &Facts, header: &Header) -> bool {
    let (kind, code) = match header.transport {
        Transport::Icmp { kind, code } => (kind, code),
        _ => return false,
    };
    let v6 = header.source.family() == Family::V6 && header.protocol == 58;
    facts.hook == Hook::LocalOut && v6 && kind == 4 && (code == 0 || code == 2)
}

/// The two places of the packet's way; `None` is the router.
#[derive(Clone, Copy)]
struct Way {
    from: Option<ZoneId>,
    to: Option<ZoneId>,
}

struct Reference<'a> {
    policy: &'a Policy<Heap>,
}

impl Reference<'_> {
    /// Words: a zone's networks; `any` is every source that is no other zone's.
    fn lies_in(&self, address: IpAddr, zone: ZoneId) -> bool {
        // P2: fe80::/10 belongs to every zone with IPv6.
        if is_link_local_v6(address) {
            return self.policy.zones[usize::from(zone)].ipv6 != Ipv6Mode::Off;
        }
        let mut owner = None;
        for network in self.policy.networks.iter() {
            if in_network(address, ip(network.prefix.first()), network.prefix.bits()) {
                assert!(owner.is_none(), "networks overlap at {address}");
                owner = Some(network.zone);
            }
        }
        match owner {
            None => self.policy.zones[usize::from(zone)].any,
            Some(owner) => owner == zone,
        }
    }

    // P2, on every single fragment.
    fn pre_routing(&self, facts: &Facts, header: &Header) -> Decision {
        let source = ip(header.source);
        // "An interface in no zone is sealed."
        let Port::Zone(zone) = facts.ingress else {
            return drop(Reason::NoZone);
        };
        // P7: off is the default.
        if source.is_ipv6() && self.policy.zones[usize::from(zone)].ipv6 == Ipv6Mode::Off {
            return drop(Reason::Ipv6Off);
        }
        // Whoever chooses the packet's way chooses its receiver, of whom nobody asks.
        if header.source_route {
            return drop(Reason::SourceRoute);
        }
        let go_on = Decision {
            verdict: Verdict::Accept,
            reason: None,
            cell: None,
            rule: None,
            answer: None,
        };
        let whole = header.fragment == Fragment::Whole;
        // RFC 6980: neighbour discovery is never fragmented; only here a fragment can be seen.
        if let (true, Transport::Icmp { kind, .. }) = (source.is_ipv6(), header.transport) {
            if header.protocol == 58 && !whole && ((130..=137).contains(&kind) || kind == 143) {
                return drop(Reason::Malformed);
            }
        }
        // What hides behind too many or too long headers could be just that, or a source route.
        let part = matches!(header.fragment, Fragment::First | Fragment::Atomic);
        let hidden = header.transport == Transport::Other
            && match header.protocol {
                0 | 43 | 44 | 51 | 60 => part || whole,
                58 => part,
                _ => false,
            };
        if source.is_ipv6() && hidden {
            return drop(Reason::Malformed);
        }
        if source == IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
            // "0.0.0.0 only to DHCP (68 -> 255.255.255.255:67)."
            let dhcp = whole
                && header.protocol == 17
                && header.transport == Transport::Udp { from: 68, to: 67 }
                && ip(header.destination) == IpAddr::V4(Ipv4Addr::BROADCAST);
            return if dhcp { go_on } else { drop(Reason::Spoofed) };
        }
        if source == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
            // "`::` only to DAD and MLD": a solicitation (RFC 4862, 5.4.2; RFC 4861, 7.1.1), and
            // reports and done (RFC 3590; RFC 3810, 5.2.13), all of them to a group.
            let Transport::Icmp { kind, .. } = header.transport else {
                return drop(Reason::Spoofed);
            };
            let dad = kind == 135 && header.hop_limit == 255;
            let mld = [131, 132, 143].contains(&kind) && header.hop_limit == 1;
            let to_group = ip(header.destination).is_multicast();
            let fits = whole && header.protocol == 58 && to_group && (dad || mld);
            return if fits { go_on } else { drop(Reason::Spoofed) };
        }
        // "no other zone's network, no address of the router, no loopback or multicast address
        // may appear as a source"
        if facts.source_is_local
            || source.is_loopback()
            || in_network(source, Ipv4Addr::UNSPECIFIED.into(), 8)
            || is_cast(source)
            || is_v4_mapped(source)
            || !self.lies_in(source, zone)
        {
            return drop(Reason::Spoofed);
        }
        if !self.has_its_mac(facts, source) {
            return drop(Reason::MacMismatch);
        }
        go_on
    }

    // Words: a camera's optional MAC.
    fn has_its_mac(&self, facts: &Facts, sender: IpAddr) -> bool {
        self.policy.cameras.iter().all(|camera| {
            let addresses = camera.addresses.of(&self.policy.addresses);
            !addresses.iter().any(|address| ip(*address) == sender)
                || camera.mac.is_none()
                || facts.source_mac == camera.mac
        })
    }

    fn judge(&self, facts: &Facts, header: &Header) -> Decision {
        // P2: an interface in no zone is sealed. P5: which hook stands between what.
        let way = match (facts.hook, facts.ingress, facts.egress) {
            (Hook::LocalIn, Port::Zone(zone), _) => Way {
                from: Some(zone),
                to: None,
            },
            (Hook::LocalOut, _, Port::Zone(zone)) => Way {
                from: None,
                to: Some(zone),
            },
            (Hook::Forward, Port::Zone(from), Port::Zone(to)) => Way {
                from: Some(from),
                to: Some(to),
            },
            _ => return drop(Reason::NoZone),
        };
        // P7.
        let v6 = header.source.family() == Family::V6;
        let modes: Vec<Ipv6Mode> = [way.from, way.to]
            .into_iter()
            .flatten()
            .map(|zone| self.policy.zones[usize::from(zone)].ipv6)
            .collect();
        if v6 && modes.contains(&Ipv6Mode::Off) {
            return drop(Reason::Ipv6Off);
        }
        // What a device of others hands over (ipvlan) is not the router's own.
        let foreign = facts.hook == Hook::LocalOut && !facts.is_own;
        if let Some(decision) = self.neighbours(facts, header, way) {
            return match foreign {
                true => drop(Reason::WrongZone),
                false => decision,
            };
        }
        // P3.
        let flow = match facts.track {
            Track::Invalid => return drop(Reason::Invalid),
            Track::Untracked => return drop(Reason::Untracked),
            Track::Flow(flow) => flow,
        };
        let icmp = match (v6, header.protocol, header.transport) {
            (false, 1, Transport::Icmp { kind, .. }) => Some(kind),
            (true, 58, Transport::Icmp { kind, .. }) => Some(kind),
            _ => None,
        };
        let reset = match header.transport {
            Transport::Tcp(flags) => header.protocol == 6 && flags & 4 != 0,
            _ => false,
        };
        // P4: "an ICMP error (RELATED without a master of its own)": the flow that it carries
        // may well have one, which is then `flow.master`. Nothing that a helper expects is ICMP,
        // so an error has another protocol than the flow; and no flow begins with a reset.
        let about_a_flow = flow.state == State::Related
            && (flow.master.is_none()
                || header.protocol != flow.ends.protocol
                || (reset && facts.hook == Hook::LocalOut));
        // (A reset has no socket.)
        if about_a_flow && foreign && !reset {
            return drop(Reason::WrongZone);
        }
        if about_a_flow && answers_unseen(facts, header) {
            return drop(Reason::IcmpError);
        }
        // P7: of what is not neighbour discovery or MLD, minimal lets RFC 4890's errors pass. No
        // rule is asked, but P4 holds: "must arrive from the zone that owns its sender".
        if v6 && modes.contains(&Ipv6Mode::Minimal) {
            let error = about_a_flow && matches!(icmp, Some(1..=4));
            if !error || facts.hook == Hook::Forward {
                return drop(Reason::Ipv6Off);
            }
            let fits = match facts.hook {
                Hook::LocalOut => self.may_be_sent_to(facts, header, way),
                _ if flow.reply => self.lies_in(ip(flow.ends.responder), way.from.unwrap()),
                _ => self.lies_in(ip(flow.ends.initiator), way.from.unwrap()),
            };
            return if fits {
                accept(Reason::IcmpError)
            } else {
                drop(Reason::WrongZone)
            };
        }
        if about_a_flow {
            // P4: "redirects never pass", not even the router's own.
            let redirect = if v6 { 137 } else { 5 };
            if icmp == Some(redirect) {
                return drop(Reason::IcmpRedirect);
            }
            let passes = match (v6, icmp) {
                (false, Some(3 | 11 | 12)) => true,
                (true, Some(1..=4)) => true,
                _ => reset && facts.hook == Hook::LocalOut,
            };
            if !passes {
                return drop(Reason::IcmpError);
            }
            // P4: "The router's own errors and resets are judged as router -> zone."
            if facts.hook == Hook::LocalOut {
                return self.own_error(facts, header, way, icmp);
            }
        }
        // P3: "A NEW TCP packet must be a plain SYN, in every direction."
        let opens = match flow.state {
            State::New => true,
            State::Related => flow.master.is_some(),
            State::Established => false,
        };
        if opens && !about_a_flow && !flow.reply && header.protocol == 6 {
            match header.transport {
                Transport::Tcp(flags) => {
                    let (fin, syn, rst, ack) = (1, 2, 4, 16);
                    if flags & (fin | syn | rst | ack) != syn {
                        return drop(Reason::NotSyn);
                    }
                }
                _ => return drop(Reason::Malformed),
            }
        }
        self.permission(facts, &flow, way)
    }

    // P7: neighbour discovery and MLD, which never cross a router, but its bridges.
    fn neighbours(&self, facts: &Facts, header: &Header, way: Way) -> Option<Decision> {
        let crosses = facts.hook == Hook::Forward && way.from != way.to;
        if header.source.family() != Family::V6 || header.protocol != 58 || crosses {
            return None;
        }
        let Transport::Icmp { kind, .. } = header.transport else {
            return None;
        };
        let source = ip(header.source);
        let sound = match kind {
            // P4: "redirects never pass"
            137 => return Some(drop(Reason::IcmpRedirect)),
            // RFC 4861, 6.1 and 7.1.
            133..=136 => header.hop_limit == 255,
            // RFC 2710, 3; RFC 3810, 5; RFC 3590.
            130 | 131 | 132 | 143 => {
                header.hop_limit == 1
                    && (is_link_local_v6(source) || source == IpAddr::V6(Ipv6Addr::UNSPECIFIED))
            }
            _ => return None,
        };
        if !sound {
            return Some(drop(Reason::Malformed));
        }
        // P7: "never router advertisements ... from a camera zone"; only from the outside.
        if let (134, Some(zone)) = (kind, way.from) {
            let has_cameras = self.policy.cameras.iter().any(|c| c.zone == zone);
            if has_cameras || !self.policy.zones[usize::from(zone)].any {
                return Some(drop(Reason::RogueRouter));
            }
        }
        Some(accept(Reason::NeighbourDiscovery))
    }

    fn may_be_sent_to(&self, facts: &Facts, header: &Header, way: Way) -> bool {
        let destination = ip(header.destination);
        self.lies_in(destination, way.to.unwrap()) || is_cast(destination) || facts.broadcast
    }

    fn own_error(&self, facts: &Facts, header: &Header, way: Way, icmp: Option<u8>) -> Decision {
        if !self.may_be_sent_to(facts, header, way) {
            return drop(Reason::WrongZone);
        }
        let ends = Ends {
            initiator: header.source,
            responder: header.destination,
            protocol: header.protocol,
            // The facts carry no port of a reset.
            port: icmp.map_or(0, u16::from),
        };
        let cell = Cell {
            from: None,
            to: way.to,
        };
        let deny = self
            .matching(cell, &ends, &|_| true)
            .into_iter()
            .find(|(_, rule)| is_deny(rule));
        match deny {
            Some((place, _)) => Decision {
                cell: Some(cell),
                rule: Some(place),
                ..drop(Reason::Denied)
            },
            None => accept(Reason::IcmpError),
        }
    }

    // P4: "permission, not history", and P5, P6.
    fn permission(&self, facts: &Facts, flow: &Flow, way: Way) -> Decision {
        let Ends {
            initiator,
            responder,
            ..
        } = flow.ends;
        let (initiator_ip, responder_ip) = (ip(initiator), ip(responder));
        // The flow's own ends in the order of the packet's way.
        let cell = if flow.reply {
            Cell {
                from: way.to,
                to: way.from,
            }
        } else {
            Cell {
                from: way.from,
                to: way.to,
            }
        };
        let cast = !flow.reply && (is_cast(responder_ip) || facts.broadcast);
        // What a bridge hands from one host of a zone to others of it.
        let bridged = facts.hook == Hook::Forward
            && way.from == way.to
            && !flow.reply
            && flow.master.is_none();
        // P4: "must arrive from the zone that owns its sender and leave towards the zone that
        // owns its receiver".
        let initiator_fits = match cell.from {
            None => flow.reply || facts.hook != Hook::LocalOut || facts.is_own,
            Some(zone) => {
                let dhcp = (facts.hook == Hook::LocalIn || bridged)
                    && initiator_ip == IpAddr::V4(Ipv4Addr::UNSPECIFIED);
                self.lies_in(initiator_ip, zone) || dhcp
            }
        };
        let responder_fits = match cell.to {
            None => facts.hook != Hook::LocalOut || facts.is_own,
            Some(zone) => {
                self.lies_in(responder_ip, zone)
                    || (cast && (facts.hook == Hook::LocalOut || bridged))
            }
        };
        if !initiator_fits || !responder_fits {
            return drop(Reason::WrongZone);
        }
        // "a packet sees the old policy or the new one": PRE_ROUTING's may have been another.
        let sender = facts.header.map(|header| ip(header.source));
        if facts.hook != Hook::LocalOut && sender.is_some_and(|s| !self.has_its_mac(facts, s)) {
            return drop(Reason::MacMismatch);
        }
        // P4: the direction is a fact only if the flow is the router's: what comes back to it comes
        // to the address that opened the flow.
        // (Only of one whose address is translated can it be another.)
        let back = facts.hook == Hook::LocalIn && flow.reply;
        let astray = flow.source_nat && facts.header.is_some_and(|h| h.destination != initiator);
        // No packet of the router's has an anycast address for its source.
        if back && (astray || facts.anycast) {
            return drop(Reason::WrongAddress);
        }
        // Words: "a deny beats every allow"; the stricter deny first, then the canonical order.
        let arrives = facts.hook == Hook::LocalIn && !flow.reply && flow.master.is_none();
        let refused = |cell: Cell, matching: &[(u32, Rule)]| {
            let wants = |reject| {
                let deny = Action::Deny { reject };
                matching.iter().find(|(_, rule)| rule.action == deny)
            };
            let (place, rule) = wants(false).or_else(|| wants(true))?;
            // P6: reject only in LOCAL_IN and FORWARD. RFC 1122, 3.2.2: nobody is told about what
            // was sent to many.
            let many = cast && (arrives || bridged);
            let rejects = rule.action == (Action::Deny { reject: true })
                && facts.hook != Hook::LocalOut
                && !many;
            let kind = if rejects {
                Verdict::Reject
            } else {
                Verdict::Drop
            };
            Some(Decision {
                cell: Some(cell),
                rule: Some(*place),
                ..verdict(kind, Reason::Denied)
            })
        };
        // P4: "judged, in every state, by its master's permission", and between the same two.
        let (cell, asked) = match flow.master {
            None => (cell, flow.ends),
            Some(master) => {
                let along = (master.initiator, master.responder) == (initiator, responder);
                let against = (master.responder, master.initiator) == (initiator, responder);
                let turned = Cell {
                    from: cell.to,
                    to: cell.from,
                };
                if !along && !against {
                    return drop(Reason::WrongZone);
                }
                // "every allow": also that of a master.
                if let Some(refused) = refused(cell, &self.matching(cell, &flow.ends, &is_deny)) {
                    return refused;
                }
                (if along { cell } else { turned }, master)
            }
        };
        // P5: to the router, original direction only.
        let strange = arrives && !cast && facts.home != way.from;
        let named = |rule: &Rule| {
            let named = rule.to_addresses.of(&self.policy.addresses);
            named.iter().any(|a| ip(*a) == ip(asked.responder))
        };
        let allows = |rule: &Rule| -> bool {
            if arrives && cast {
                // "broadcast and multicast need a rule of their own"
                let broadcast = !ip(asked.responder).is_multicast()
                    && self
                        .services_of(rule)
                        .iter()
                        .any(|service| service.broadcast() && service_matches(service, &asked));
                return named(rule) || broadcast;
            }
            !strange || named(rule)
        };
        let matching = self.matching(cell, &asked, &|rule| is_deny(rule) || allows(rule));
        if let Some(refused) = refused(cell, &matching) {
            return refused;
        }
        let within = |decision: Decision, rule: Option<u32>| Decision {
            cell: Some(cell),
            rule,
            ..decision
        };
        if let Some((place, rule)) = matching.first() {
            // P4: "A flow whose NAT differs from what the policy in force says is killed".
            let masquerade = rule.action == Action::Allow { masquerade: true };
            if masquerade
                && facts.hook == Hook::Forward
                && flow.confirmed
                && !flow.source_nat
                && flow.master.is_none()
            {
                return within(drop(Reason::NatChanged), Some(*place));
            }
            return within(accept(Reason::Allowed), Some(*place));
        }
        if arrives && cast {
            return within(drop(Reason::Broadcast), None);
        }
        if strange {
            return within(drop(Reason::WrongAddress), None);
        }
        // P5: the defaults.
        let defaults = self.policy.defaults;
        let open = match (cell.from, cell.to) {
            (_, None) => defaults.input,
            (None, Some(_)) => defaults.output,
            (Some(_), Some(_)) => defaults.forward,
        };
        if open {
            within(accept(Reason::Default), None)
        } else {
            within(drop(Reason::NoRule), None)
        }
    }

    fn services_of(&self, rule: &Rule) -> Vec<Service> {
        rule.services.of(&self.policy.services).to_vec()
    }

    /// Every rule that matches, in canonical order.
    fn matching(&self, cell: Cell, ends: &Ends, also: &dyn Fn(&Rule) -> bool) -> Vec<(u32, Rule)> {
        let end_matches = |end: &End, place: Option<ZoneId>, address: Address| match *end {
            End::Router => place.is_none(),
            End::Zone(zone) => place == Some(zone),
            End::Camera(camera) => {
                let camera = &self.policy.cameras[camera as usize];
                let addresses = camera.addresses.of(&self.policy.addresses);
                place == Some(camera.zone) && addresses.iter().any(|a| ip(*a) == ip(address))
            }
        };
        let mut found = Vec::new();
        for (place, rule) in self.policy.rules.iter().enumerate() {
            let from = rule.from.of(&self.policy.ends);
            let to = rule.to.of(&self.policy.ends);
            let named = rule.to_addresses.of(&self.policy.addresses);
            if from
                .iter()
                .any(|end| end_matches(end, cell.from, ends.initiator))
                && to
                    .iter()
                    .any(|end| end_matches(end, cell.to, ends.responder))
                && self
                    .services_of(rule)
                    .iter()
                    .any(|service| service_matches(service, ends))
                && (named.is_empty() || named.iter().any(|a| ip(*a) == ip(ends.responder)))
                && also(rule)
            {
                found.push((place as u32, *rule));
            }
        }
        found
    }
}

fn is_deny(rule: &Rule) -> bool {
    matches!(rule.action, Action::Deny { .. })
}

// Words: a service is protocols and destination ports or ICMP types.
fn service_matches(service: &Service, ends: &Ends) -> bool {
    if service.protocol() == 0 {
        return true;
    }
    // ICMP is IPv4's, ICMPv6 is IPv6's.
    let foreign = match ip(ends.responder) {
        IpAddr::V4(_) => 58,
        IpAddr::V6(_) => 1,
    };
    service.protocol() == ends.protocol
        && ends.protocol != foreign
        && (service.first()..=service.last()).contains(&ends.port)
}
