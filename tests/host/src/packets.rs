// SPDX-License-Identifier: GPL-2.0

//! What hooks may know of packets: mostly flows that some rule is about, and every kind of
//! stranger among them.

use std::net::IpAddr;

use camzone_policy::{
    address::{Address, Family},
    facts::{Ends, Facts, Flow, Hook, Port, State, Track},
    header::{Fragment, Header, Transport},
    memory::Heap,
    policy::{Policy, ZoneId},
};

use crate::{
    dice::Dice,
    policies::{any_host, octets, End, Rule, Said, Service, NAMED},
};

/// Addresses that the router may have.
const ROUTER: &[&str] = &[
    "192.168.8.1",
    "192.168.5.1",
    "10.0.0.1",
    "203.0.113.1",
    "fd00:8::1",
    "fd00:5::",
    "fe80::1",
    "2a00::1",
];

/// Addresses with a meaning of their own.
const STRANGE: &[&str] = &[
    "0.0.0.0",
    "0.1.2.3",
    "255.255.255.255",
    "224.0.0.1",
    "127.0.0.1",
    "192.168.8.255",
    "239.255.255.255",
    "223.255.255.255",
    "10.128.0.5",
    "128.0.0.0",
    "::",
    "::1",
    "ff02::1",
    "fe80::2",
    "febf::3",
    "fec0::1",
    "::ffff:192.168.8.7",
    "fd00:5::3",
    "ff00::",
    "::2",
];

/// From the standard library's form.
pub fn address(ip: IpAddr) -> Address {
    Address::from_bytes(&octets(ip)).unwrap()
}

fn parse(text: &str) -> Address {
    address(text.parse().unwrap())
}

/// One of the list, of the family if it has one.
fn pick_of(family: Option<Family>, list: &[&str], dice: &mut Dice<'_>) -> Address {
    let all = list.iter().map(|text| parse(text));
    let fits: Vec<Address> = all
        .filter(|a| family.is_none_or(|f| f == a.family()))
        .collect();
    dice.pick(&fits)
}

/// One that a camera may have to have, or none.
fn mac(dice: &mut Dice<'_>) -> Option<[u8; 6]> {
    match dice.within(0..=3) {
        3 => None,
        last => Some([2, 0, 0, 0, 0, last as u8]),
    }
}

/// A generator of facts about packets that meet a policy.
pub struct Packets<'a> {
    said: &'a Said,
    policy: &'a Policy<Heap>,
}

/// Where a flow's end is: in this place of `said.zones`, or the router.
type Place = Option<usize>;

impl<'a> Packets<'a> {
    /// Packets for a policy and how it was said.
    pub fn new(said: &'a Said, policy: &'a Policy<Heap>) -> Self {
        Packets { said, policy }
    }

    /// A zone's number in the policy.
    fn id(&self, zone: usize) -> ZoneId {
        let name = &self.said.zones[zone].name;
        let place = self
            .policy
            .zones
            .iter()
            .position(|z| z.name.as_str() == name);
        place.unwrap().try_into().unwrap()
    }

    fn place(&self, end: &End) -> Place {
        let name = match end {
            End::Router => return None,
            End::Zone(name) => name,
            End::Camera(name) => {
                &self
                    .said
                    .cameras
                    .iter()
                    .find(|c| c.name == *name)
                    .unwrap()
                    .zone
            }
        };
        self.said.zones.iter().position(|z| z.name == *name)
    }

    fn any_zone(&self, dice: &mut Dice<'_>) -> usize {
        dice.within(0..=self.said.zones.len() - 1)
    }

    fn port(&self, zone: usize, dice: &mut Dice<'_>) -> Port {
        match dice.within(0..=59) {
            58 => Port::Unzoned,
            59 => Port::Loopback,
            57 => Port::Zone(self.id(self.any_zone(dice))),
            _ => Port::Zone(self.id(zone)),
        }
    }

    /// An address at an end, of the family where one can be found.
    fn at(&self, end: &End, family: Option<Family>, dice: &mut Dice<'_>) -> Address {
        for _ in 0..4 {
            let found = match (end, self.place(end)) {
                (End::Camera(name), _) => {
                    let camera = self.said.cameras.iter().find(|c| c.name == *name).unwrap();
                    address(dice.pick(&camera.addresses))
                }
                (_, Some(zone)) => {
                    let zone = &self.said.zones[zone];
                    let camera = &self.said.cameras.get(dice.within(0..=5));
                    match camera.filter(|c| c.zone == zone.name) {
                        Some(camera) => address(dice.pick(&camera.addresses)),
                        None => address(any_host(zone, dice)),
                    }
                }
                (_, None) => return pick_of(family, ROUTER, dice),
            };
            if family.is_none_or(|f| f == found.family()) {
                return found;
            }
        }
        pick_of(family, STRANGE, dice)
    }

    /// The facts of any packet.
    pub fn any(&self, dice: &mut Dice<'_>) -> Facts {
        if dice.chance(22) {
            return self.pre_routing(dice);
        }
        let mut facts = self.tracked(dice);
        if dice.chance(12) {
            self.make_neighbour(&mut facts, dice);
        }
        match dice.within(0..=63) {
            60 => facts.header = None,
            61 => facts.looped_back = true,
            62 => facts.track = Track::Invalid,
            63 => facts.track = Track::Untracked,
            _ => {}
        }
        facts
    }

    fn pre_routing(&self, dice: &mut Dice<'_>) -> Facts {
        let zone = self.any_zone(dice);
        let other = self.any_zone(dice);
        let end = |zone: usize| End::Zone(self.said.zones[zone].name.clone());
        let source = match dice.within(0..=5) {
            4 => self.at(&end(other), None, dice),
            5 => pick_of(None, STRANGE, dice),
            _ => self.at(&end(zone), None, dice),
        };
        let family = Some(source.family());
        let mut hop_limit = dice.byte();
        let (destination, protocol, transport) = if source.is_unspecified() {
            let kind = dice.pick(&[135, 131, 143, 132, 130, 133, 136, 128]);
            hop_limit = dice.pick(&[if kind == 135 { 255 } else { 1 }, 1, 255]);
            let v4 = source.family() == Family::V4;
            let (from, to) = dice.pick(&[(68, 67), (68, 67), (67, 68), (68, 69), (67, 67)]);
            match dice.within(0..=4) {
                0..=2 if v4 => (parse("255.255.255.255"), 17, Transport::Udp { from, to }),
                3 if v4 => (parse("192.168.8.255"), 17, Transport::Udp { from, to }),
                0..=3 => (parse("ff02::1"), 58, Transport::Icmp { kind, code: 0 }),
                _ => (pick_of(family, STRANGE, dice), 17, Transport::Other),
            }
        } else {
            (
                pick_of(family, ROUTER, dice),
                6,
                Transport::Tcp(dice.byte()),
            )
        };
        Facts {
            hook: Hook::PreRouting,
            ingress: self.port(zone, dice),
            egress: Port::Unzoned,
            is_own: !dice.chance(10),
            looped_back: dice.chance(2),
            header: (!dice.chance(3)).then_some(Header {
                source,
                destination,
                protocol,
                hop_limit,
                fragment: dice.pick(&[
                    Fragment::Whole,
                    Fragment::Whole,
                    Fragment::Atomic,
                    Fragment::First,
                    Fragment::Later,
                ]),
                source_route: dice.chance(2),
                transport,
            }),
            source_is_local: dice.chance(7),
            source_mac: mac(dice),
            home: None,
            broadcast: dice.chance(5),
            anycast: dice.chance(5),
            track: Track::Invalid,
        }
    }

    /// A flow that a rule is about, or that goes between any two places.
    fn tracked(&self, dice: &mut Dice<'_>) -> Facts {
        let aimed = dice.chance(75) && !self.said.rules.is_empty();
        let rule = if aimed {
            self.said.rules[dice.within(0..=self.said.rules.len() - 1)].clone()
        } else {
            self.said.any_rule(dice)
        };
        let pick =
            |list: &[End], dice: &mut Dice<'_>| list[dice.within(0..=list.len() - 1)].clone();
        let (from, to) = (pick(&rule.from, dice), pick(&rule.to, dice));
        let ends = self.ends(&rule, &from, &to, dice);
        let reply = dice.chance(35);
        let state = match (reply, dice.within(0..=9)) {
            (_, 8 | 9) => State::Related,
            (false, 0..=4) => State::New,
            _ => State::Established,
        };
        let master = dice.chance(if state == State::Related { 50 } else { 8 });
        let flow = Flow {
            state,
            reply,
            confirmed: dice.chance(50),
            source_nat: dice.chance(40),
            ends,
            master: master.then(|| self.master(&from, &to, ends, dice)),
        };
        let (from, to) = (self.place(&from), self.place(&to));
        let (ingress, egress) = if reply { (to, from) } else { (from, to) };
        let hook = match (ingress, egress) {
            (Some(_), Some(_)) => Hook::Forward,
            (Some(_), None) => Hook::LocalIn,
            (None, _) => Hook::LocalOut,
        };
        let port = |place: Place, dice: &mut Dice<'_>| match place {
            Some(zone) => self.port(zone, dice),
            None => Port::Unzoned,
        };
        let home = match dice.within(0..=7) {
            6 => None,
            7 => Some(self.id(self.any_zone(dice))),
            _ => from.or(to).map(|zone| self.id(zone)),
        };
        let netbroadcast = ends.responder == parse("192.168.8.255");
        let mut header = self.header(&flow, dice);
        // An answer to somebody whose translation is over.
        if hook == Hook::LocalIn && reply && dice.chance(8) {
            header.destination = self.at(&End::Router, Some(ends.initiator.family()), dice);
        }
        Facts {
            hook,
            ingress: port(ingress, dice),
            egress: port(egress, dice),
            is_own: !dice.chance(10),
            looped_back: dice.chance(2),
            header: Some(header),
            source_is_local: dice.chance(50),
            source_mac: mac(dice),
            home,
            broadcast: (netbroadcast && !reply && dice.chance(80)) || dice.chance(4),
            anycast: dice.chance(5),
            track: Track::Flow(flow),
        }
    }

    fn ends(&self, rule: &Rule, from: &End, to: &End, dice: &mut Dice<'_>) -> Ends {
        let mut service = rule.services[dice.within(0..=rule.services.len() - 1)];
        let named = !rule.to_addresses.is_empty() && dice.chance(80);
        let named = named.then(|| address(dice.pick(&rule.to_addresses)));
        // ICMP is of one family.
        let family = match (named, service.protocol) {
            (Some(address), _) => Some(address.family()),
            (_, 1) if dice.chance(90) => Some(Family::V4),
            (_, 58) if dice.chance(90) => Some(Family::V6),
            _ => None,
        };
        let mut initiator = self.at(from, family, dice);
        let family = Some(initiator.family());
        let mut responder = match named {
            Some(named) if named.family() == initiator.family() => named,
            _ => self.at(to, family, dice),
        };
        match dice.within(0..=23) {
            20 => initiator = pick_of(family, STRANGE, dice),
            21 => responder = pick_of(family, STRANGE, dice),
            22 => responder = pick_of(family, NAMED, dice),
            23 if family == Some(Family::V4) => {
                initiator = parse("0.0.0.0");
                responder = parse("255.255.255.255");
                service = Service {
                    protocol: 17,
                    range: Some((67, 67)),
                    broadcast: false,
                };
            }
            _ => {}
        }
        let protocol = match service.protocol {
            0 => dice.pick(&[6, 17, 1, 58, 47, 132, 0]),
            other => other as u8,
        };
        let port = match service.range {
            Some((first, last)) => {
                let (first, last) = (first as u16, last as u16);
                dice.pick(&[
                    first,
                    last,
                    first,
                    last,
                    first.wrapping_sub(1),
                    last.wrapping_add(1),
                ])
            }
            None if [6, 17].contains(&protocol) => dice.word(),
            None if [1, 58].contains(&protocol) => dice.byte().into(),
            None => 0,
        };
        Ends {
            initiator,
            responder,
            protocol,
            port,
        }
    }

    /// A flow that may have announced the one between these ends.
    fn master(&self, from: &End, to: &End, ends: Ends, dice: &mut Dice<'_>) -> Ends {
        let family = Some(ends.initiator.family());
        let mut master = if dice.chance(60) && !self.said.rules.is_empty() {
            let rule = &self.said.rules[dice.within(0..=self.said.rules.len() - 1)];
            self.ends(rule, from, to, dice)
        } else {
            Ends {
                protocol: 6,
                port: dice.pick(&[21, 80]),
                ..ends
            }
        };
        master.initiator = if dice.chance(70) {
            ends.initiator
        } else {
            self.at(from, family, dice)
        };
        master.responder = if dice.chance(70) {
            ends.responder
        } else {
            self.at(to, family, dice)
        };
        if dice.chance(40) {
            std::mem::swap(&mut master.initiator, &mut master.responder);
        }
        master
    }

    fn header(&self, flow: &Flow, dice: &mut Dice<'_>) -> Header {
        let Ends {
            initiator,
            responder,
            mut protocol,
            port,
        } = flow.ends;
        let (mut source, destination) = match flow.reply {
            true => (responder, initiator),
            false => (initiator, responder),
        };
        let v6 = source.family() == Family::V6;
        let mut kind = port as u8;
        let about = if flow.master.is_none() { 85 } else { 30 };
        if flow.state == State::Related && dice.chance(about) {
            protocol = if v6 { 58 } else { 1 };
            kind = if v6 {
                dice.pick(&[1, 2, 3, 4, 1, 137, 128, 0, 5])
            } else {
                dice.pick(&[3, 11, 12, 3, 5, 5, 4, 8, 0])
            };
            if dice.chance(50) {
                // Of somebody on the flow's way, or who says so.
                let zone = &self.said.zones[self.any_zone(dice)].name;
                source = self.at(&End::Zone(zone.clone()), Some(source.family()), dice);
            }
        }
        let transport = match protocol {
            6 if flow.state == State::New && dice.chance(75) => Transport::Tcp(2),
            6 => Transport::Tcp(dice.pick(&[2, 0xc2, 0x12, 0x10, 0x18, 4, 0x14, 3, 0, 0x2a])),
            17 => Transport::Udp {
                from: dice.word(),
                to: port,
            },
            1 | 58 => Transport::Icmp {
                kind,
                code: dice.byte() % 8,
            },
            _ => Transport::Other,
        };
        Header {
            source,
            destination,
            protocol,
            hop_limit: dice.pick(&[64, 255, 1]),
            fragment: dice.pick(&[Fragment::Whole, Fragment::Whole, Fragment::First]),
            source_route: dice.chance(2),
            transport: if dice.chance(3) {
                Transport::Other
            } else {
                transport
            },
        }
    }

    /// Makes the packet neighbour discovery or MLD, or something like it.
    fn make_neighbour(&self, facts: &mut Facts, dice: &mut Dice<'_>) {
        // It never crosses a router, but its bridges; some of it may try.
        match (facts.hook, dice.within(0..=4)) {
            (Hook::Forward, 0) => {}
            (Hook::Forward, 1) => facts.egress = facts.ingress,
            (Hook::Forward, _) => {
                facts.hook = Hook::LocalIn;
                facts.egress = Port::Unzoned;
            }
            _ => {}
        }
        let kind = dice.pick(&[
            134, 135, 134, 136, 133, 134, 130, 131, 132, 143, 137, 129, 138, 142, 144,
        ]);
        let mld = matches!(kind, 130..=132 | 143);
        let right = if mld { 1 } else { 255 };
        let source = pick_of(
            Some(Family::V6),
            &["fe80::7", "fe80::7", "::", "fd00:8::7"],
            dice,
        );
        facts.header = Some(Header {
            source,
            destination: parse("ff02::16"),
            protocol: 58,
            hop_limit: dice.pick(&[right, right, right, 1, 255, 254, 2, 0]),
            fragment: dice.pick(&[
                Fragment::Whole,
                Fragment::Whole,
                Fragment::Whole,
                Fragment::Atomic,
                Fragment::First,
            ]),
            source_route: dice.chance(2),
            transport: Transport::Icmp { kind, code: 0 },
        });
        facts.track = match (facts.track, dice.within(0..=3)) {
            (Track::Flow(flow), 1) if flow.ends.initiator.family() == Family::V6 => {
                let mut ends = Ends {
                    protocol: 58,
                    port: kind.into(),
                    ..flow.ends
                };
                // A packet of the flow is from one of its ends.
                match flow.reply {
                    false => ends.initiator = source,
                    true => ends.responder = source,
                }
                Track::Flow(Flow { ends, ..flow })
            }
            (_, 2) => Track::Invalid,
            _ => Track::Untracked,
        };
    }
}
