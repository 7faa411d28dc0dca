// SPDX-License-Identifier: GPL-2.0
//! Random policies for the routers' interfaces, as files that camzonectl reads, and what the
//! generator of packets has to know of them to aim at their rules.

use super::dice::Dice;
use super::world::{self, host_mac, wire_to, wires, BEHIND, OUTSIDE};
use crate::link::Mac;
use std::net::IpAddr;

type Network = (IpAddr, u8);

#[derive(Clone, Debug)]
pub struct Zone {
    pub name: String,
    pub interfaces: Vec<usize>,
    pub networks: Vec<Network>,
    pub any: bool,
    pub ipv6: &'static str,
}

#[derive(Clone, Debug)]
pub struct Camera {
    pub name: String,
    pub zone: usize,
    pub addresses: Vec<IpAddr>,
    pub mac: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Router,
    Zone(usize),
    Camera(usize),
}

/// A protocol (0 is any) and its ports or types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    pub proto: u8,
    pub first: u16,
    pub last: u16,
    pub broadcast: bool,
}

#[derive(Clone, Debug)]
pub struct Rule {
    pub deny: bool,
    pub reject: bool,
    pub masquerade: bool,
    pub from: Vec<End>,
    pub to: Vec<End>,
    pub services: Vec<Service>,
    pub to_addresses: Vec<IpAddr>,
}

#[derive(Clone, Debug, Default)]
pub struct Policy {
    pub accept: [bool; 3],
    pub zones: Vec<Zone>,
    pub cameras: Vec<Camera>,
    pub rules: Vec<Rule>,
}

/// Services of every kind; those of TCP and UDP have two ends to be off by one at.
const SERVICES: &[(u8, u16, u16)] = &[
    (6, 80, 80),
    (6, 21, 21),
    (6, 50000, 50100),
    (6, 0, 65535),
    (6, 65535, 65535),
    (6, 0, 1023),
    (17, 53, 53),
    (17, 53, 123),
    (17, 67, 67),
    (17, 5353, 5353),
    (17, 0, 65535),
    (17, 32768, 65535),
    (1, 8, 8),
    (1, 13, 13),
    (1, 0, 255),
    (1, 3, 3),
    (58, 128, 128),
    (58, 0, 255),
    (58, 1, 1),
    (47, 0, 65535),
    (132, 0, 65535),
    (136, 0, 65535),
    (200, 0, 65535),
    (0, 0, 65535),
];

/// What a rule may name besides the router's addresses.
const NAMED: &[&str] = &[
    "224.0.0.251",
    "ff02::fb",
    "255.255.255.255",
    "192.168.8.255",
    "224.0.0.1",
    "ff02::1",
];

fn parse(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// The networks that zones may have: each link's, whole or in halves, and those behind.
fn networks(dice: &mut Dice) -> Vec<Network> {
    let mut out = Vec::new();
    for wire in &wires()[1..] {
        for v6 in [false, true] {
            let (address, bits) = wire.network(v6);
            if dice.chance(25) {
                out.extend(halves((address, bits)));
            } else {
                out.push((address, bits));
            }
        }
    }
    out.extend(BEHIND);
    out
}

fn halves((address, bits): Network) -> [Network; 2] {
    let upper = match address {
        IpAddr::V4(a) => IpAddr::from((u32::from(a) | (1 << (31 - bits))).to_be_bytes()),
        IpAddr::V6(a) => IpAddr::from((u128::from(a) | (1 << (127 - bits))).to_be_bytes()),
    };
    [(address, bits + 1), (upper, bits + 1)]
}

impl Policy {
    /// Any policy. Its rules may still contradict each other.
    pub fn any(dice: &mut Dice) -> Policy {
        let mut policy = Policy {
            accept: [dice.chance(20), dice.chance(20), !dice.chance(30)],
            ..Policy::default()
        };
        policy.add_zones(dice);
        for i in 0..dice.within(0..=5) {
            policy.add_camera(i as usize, dice);
        }
        // Something of each verdict, whatever else there is.
        let wanted: [fn(&Rule) -> bool; 3] = [
            |rule| !rule.deny && rule.to == [End::Router],
            |rule| {
                !rule.deny && !rule.from.contains(&End::Router) && !rule.to.contains(&End::Router)
            },
            |rule| rule.reject,
        ];
        for wanted in wanted {
            let tries: Vec<Rule> = (0..60).map(|_| policy.any_rule(dice)).collect();
            policy.rules.extend(tries.into_iter().find(wanted));
        }
        for _ in 0..dice.within(1..=8) {
            let rule = policy.any_rule(dice);
            policy.rules.push(rule);
        }
        policy
    }

    /// What examples/article.toml says.
    pub fn article() -> Policy {
        let zone = |name: &str, wire: usize, networks: &[Network]| Zone {
            name: name.to_owned(),
            interfaces: vec![wire],
            networks: networks.to_vec(),
            any: networks.is_empty(),
            ipv6: "off",
        };
        let camera = |name: &str, last: u8| Camera {
            name: name.to_owned(),
            zone: 1,
            addresses: vec![IpAddr::from([192, 168, 8, last])],
            mac: false,
        };
        let ports = |list: &[(u8, u16, u16)]| -> Vec<Service> {
            let service = |&(proto, first, last): &(u8, u16, u16)| Service {
                proto,
                first,
                last,
                broadcast: false,
            };
            list.iter().map(service).collect()
        };
        let allow = |from: &[usize], to: End, services: Vec<Service>| Rule {
            deny: false,
            reject: false,
            masquerade: false,
            from: from.iter().map(|zone| End::Zone(*zone)).collect(),
            to: vec![to],
            services,
            to_addresses: Vec::new(),
        };
        Policy {
            accept: [false, false, true],
            zones: vec![
                zone("external", 0, &[]),
                zone("camera", 1, &[(IpAddr::from([192, 168, 8, 0]), 24)]),
                zone("private", 2, &[(IpAddr::from([192, 168, 5, 0]), 24)]),
            ],
            cameras: vec![camera("front-door", 110), camera("yard", 111)],
            rules: vec![
                allow(
                    &[1],
                    End::Router,
                    ports(&[(6, 21, 21), (6, 50_000, 50_100)]),
                ),
                allow(&[2], End::Router, ports(&[(6, 22, 22)])),
                allow(&[0, 1, 2], End::Router, ports(&[(1, 8, 8)])),
                allow(&[2], End::Zone(1), ports(&[(6, 80, 80)])),
            ],
        }
    }

    fn add_zones(&mut self, dice: &mut Dice) {
        let count = dice.within(2..=5) as usize;
        let names = dice.pick(&[
            ["cam", "zone.b", "zone-b", "4g", "lan"],
            ["z", "y", "x", "w", "v"],
            ["input", "accept", "drop", "set", "ip"],
        ]);
        for name in &names[..count] {
            self.zones.push(Zone {
                name: (*name).to_owned(),
                interfaces: Vec::new(),
                networks: Vec::new(),
                any: false,
                ipv6: dice.pick(&[
                    "full", "full", "full", "full", "full", "full", "minimal", "off",
                ]),
            });
        }
        // Most interfaces are in a zone; each zone has one.
        let mut owner: Vec<Option<usize>> = (0..wires().len())
            .map(|_| (!dice.chance(4)).then(|| dice.place(count)))
            .collect();
        for (zone, wire) in (0..count).zip([0, 1, 2, 3, 4, 5].iter().cycle().skip(dice.place(6))) {
            owner[*wire] = Some(zone);
        }
        for (wire, zone) in owner.iter().enumerate() {
            if let Some(zone) = zone {
                self.zones[*zone].interfaces.push(wire);
            }
        }
        if dice.chance(85) {
            let any = owner[OUTSIDE].filter(|_| dice.chance(85));
            let any = any.unwrap_or_else(|| dice.place(count));
            self.zones[any].any = true;
        }
        for network in networks(dice) {
            let home = owner[wire_to(network.0)].filter(|_| dice.chance(95));
            let zone = home.or_else(|| dice.chance(60).then(|| dice.place(count)));
            if let Some(zone) = zone.filter(|zone| !self.zones[*zone].any) {
                self.zones[zone].networks.push(network);
            }
        }
        for (i, zone) in self.zones.iter_mut().enumerate() {
            if zone.networks.is_empty() && !zone.any {
                zone.networks
                    .push((IpAddr::from([100, 64, i as u8, 0]), 24));
            }
        }
    }

    fn add_camera(&mut self, i: usize, dice: &mut Dice) {
        let zone = dice.place(self.zones.len());
        let mut addresses = Vec::new();
        for _ in 0..dice.within(1..=3) {
            let address = self.host(zone, None, dice);
            let taken = self.cameras.iter().any(|c| c.addresses.contains(&address));
            if !taken && !addresses.contains(&address) && world::router_has(address).is_none() {
                addresses.push(address);
            }
        }
        if !addresses.is_empty() {
            self.cameras.push(Camera {
                name: format!("c{i}"),
                zone,
                addresses,
                mac: dice.chance(40),
            });
        }
    }

    /// The zone of an interface.
    pub fn zone_of(&self, wire: usize) -> Option<usize> {
        self.zones
            .iter()
            .position(|zone| zone.interfaces.contains(&wire))
    }

    /// The hardware address of a host; a camera has one, whatever address it uses.
    pub fn mac(&self, address: IpAddr) -> Mac {
        let camera = self.cameras.iter().find(|c| c.addresses.contains(&address));
        host_mac(camera.map_or(address, |camera| camera.addresses[0]))
    }

    /// The address of a host of a zone.
    pub fn host(&self, zone: usize, v6: Option<bool>, dice: &mut Dice) -> IpAddr {
        let zone = &self.zones[zone];
        let fits = |net: &&Network| v6.is_none_or(|v6| v6 == net.0.is_ipv6());
        let own: Vec<Network> = zone.networks.iter().filter(fits).copied().collect();
        if own.is_empty() || zone.any {
            let v6 = v6.unwrap_or_else(|| dice.chance(40));
            return parse(dice.pick(match v6 {
                true => &["fd00::10", "2001:db8::7", "2a00::1", "fd00::11"][..],
                false => &["192.168.0.10", "198.51.100.7", "8.8.8.8", "192.168.0.11"][..],
            }));
        }
        let (network, bits) = dice.pick(&own);
        let last = dice.pick(&[10u16, 11, 110, 111]);
        match network {
            IpAddr::V4(a) => {
                let hosts = u32::MAX >> bits;
                IpAddr::from((u32::from(a) | u32::from(last) & hosts).to_be_bytes())
            }
            IpAddr::V6(a) => IpAddr::from((u128::from(a) | u128::from(last)).to_be_bytes()),
        }
    }

    fn any_end(&self, dice: &mut Dice) -> End {
        match dice.within(0..=6) {
            0 | 1 => End::Router,
            2 | 3 if !self.cameras.is_empty() => End::Camera(dice.place(self.cameras.len())),
            _ => End::Zone(dice.place(self.zones.len())),
        }
    }

    fn zone_of_end(&self, end: End) -> Option<&Zone> {
        match end {
            End::Router => None,
            End::Zone(zone) => Some(&self.zones[zone]),
            End::Camera(camera) => Some(&self.zones[self.cameras[camera].zone]),
        }
    }

    /// Any rule that is sound by itself.
    pub fn any_rule(&self, dice: &mut Dice) -> Rule {
        let deny = dice.chance(33);
        let (mut from, mut to) = (vec![self.any_end(dice)], vec![self.any_end(dice)]);
        if dice.chance(30) {
            from.push(self.any_end(dice));
        }
        if dice.chance(30) {
            to.push(self.any_end(dice));
        }
        if from.contains(&End::Router) && to.contains(&End::Router) {
            from = vec![End::Zone(dice.place(self.zones.len()))];
        }
        let outside = self.zones.iter().position(|zone| zone.any);
        if let (Some(outside), true) = (outside, dice.chance(15)) {
            to = vec![End::Zone(outside)];
            from.retain(|end| self.zone_of_end(*end).is_some_and(|zone| !zone.any));
            if from.is_empty() {
                let inner = self.zones.iter().position(|zone| !zone.any);
                from = vec![inner.map_or(End::Router, End::Zone)];
            }
        }
        from.dedup();
        to.dedup();
        let services = (0..dice.within(1..=2))
            .map(|_| {
                let (proto, first, last) = dice.pick(SERVICES);
                Service {
                    proto,
                    first,
                    last,
                    broadcast: dice.chance(25),
                }
            })
            .collect();
        let mut to_addresses = Vec::new();
        if to.iter().all(|end| *end == End::Router) && dice.chance(35) {
            for _ in 0..dice.within(1..=3) {
                to_addresses.push(match dice.chance(50) {
                    true => parse(dice.pick(NAMED)),
                    false => wires()[dice.place(wires().len())].address(dice.chance(50)),
                });
            }
            to_addresses.sort();
            to_addresses.dedup();
        }
        let is_outside = |end: &End| self.zone_of_end(*end).map(|zone| zone.any);
        let outwards = from.iter().all(|end| is_outside(end) == Some(false))
            && to.iter().all(|end| is_outside(end) == Some(true));
        Rule {
            deny,
            reject: deny && !from.contains(&End::Router) && dice.chance(85),
            masquerade: !deny && outwards && dice.chance(70),
            from,
            to,
            services,
            to_addresses,
        }
    }
}
