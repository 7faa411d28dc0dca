// SPDX-License-Identifier: GPL-2.0

//! Policies of every kind, as a tool would say them.

use std::net::{IpAddr, Ipv4Addr};

use camzone_policy::{memory::Heap, policy::Policy, uapi};

use crate::{
    dice::Dice,
    wire::{self, attribute, flag, nest, number, string},
};

/// Networks that do not overlap; some touch, so that an error by one shows.
const NETWORKS: &[(&str, u32)] = &[
    ("192.168.8.0", 24),
    ("192.168.9.0", 24),
    ("192.168.5.0", 25),
    ("192.168.5.128", 25),
    ("10.0.0.0", 9),
    ("10.128.0.0", 30),
    ("10.128.0.4", 32),
    ("172.16.0.0", 12),
    ("223.255.255.0", 24),
    ("fd00:8::", 64),
    ("fd00:8:0:1::", 64),
    ("fd00:5::", 127),
    ("fd00:5::2", 128),
    ("2001:db8::", 32),
];

/// A network for a zone that got none of the others.
const OWN: &[(&str, u32)] = &[
    ("100.64.0.0", 24),
    ("100.64.1.0", 24),
    ("100.64.2.0", 24),
    ("100.64.3.0", 24),
    ("100.64.4.0", 24),
    ("100.64.5.0", 24),
];

/// What a rule may name in `to_addresses`.
pub const NAMED: &[&str] = &[
    "255.255.255.255",
    "224.0.0.251",
    "192.168.8.255",
    "192.168.8.1",
    "192.168.5.1",
    "ff02::fb",
    "fd00:8::1",
    "fe80::1",
    "10.0.0.1",
];

/// `(protocol, first, last)`, without a range where it is `None`.
const SERVICES: &[(u32, Option<(u32, u32)>)] = &[
    (6, Some((80, 80))),
    (6, Some((21, 21))),
    (6, Some((50000, 50100))),
    (0, None),
    (17, Some((53, 123))),
    (17, Some((67, 67))),
    (1, Some((8, 8))),
    (58, Some((128, 128))),
    (6, None),
    (17, Some((5353, 65535))),
    (1, None),
    (58, None),
    (132, None),
    (33, None),
    (136, None),
    (47, None),
];

/// A zone.
#[derive(Clone, Debug)]
pub struct Zone {
    pub name: String,
    pub interfaces: Vec<String>,
    pub networks: Vec<(IpAddr, u32)>,
    pub any: bool,
    pub ipv6: u32,
}

impl Zone {
    /// A zone of these networks, or of any if there are none, with an interface of its own name.
    pub fn of(name: &str, networks: &[(&str, u32)]) -> Self {
        Zone {
            name: name.into(),
            interfaces: vec![name.into()],
            networks: networks
                .iter()
                .map(|(network, len)| (network.parse().unwrap(), *len))
                .collect(),
            any: networks.is_empty(),
            ipv6: 2,
        }
    }
}

/// A camera.
#[derive(Clone, Debug)]
pub struct Camera {
    pub name: String,
    pub zone: String,
    pub addresses: Vec<IpAddr>,
    pub mac: Option<[u8; 6]>,
}

/// One end of a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    Router,
    Zone(String),
    Camera(String),
}

/// A service.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    pub protocol: u32,
    pub range: Option<(u32, u32)>,
    pub broadcast: bool,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    pub deny: bool,
    pub from: Vec<End>,
    pub to: Vec<End>,
    pub services: Vec<Service>,
    pub to_addresses: Vec<IpAddr>,
    pub masquerade: bool,
    pub reject: bool,
}

/// A policy, in any order.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub accept: [bool; 3],
    pub forwarding: bool,
    pub zones: Vec<Zone>,
    pub cameras: Vec<Camera>,
    pub rules: Vec<Rule>,
}

/// An address as the family has it.
pub fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(a) => a.octets().to_vec(),
        IpAddr::V6(a) => a.octets().to_vec(),
    }
}

impl Zone {
    /// The item of a `policy-add`.
    pub fn message(&self) -> Vec<u8> {
        let mut inside = vec![string(uapi::CAMZONE_A_ZONE_NAME, &self.name)];
        inside.extend(
            self.interfaces
                .iter()
                .map(|i| string(uapi::CAMZONE_A_ZONE_INTERFACE, i)),
        );
        inside.extend(self.networks.iter().map(|(address, len)| {
            nest(
                uapi::CAMZONE_A_ZONE_NETWORK,
                &[
                    attribute(uapi::CAMZONE_A_NETWORK_ADDRESS, &octets(*address)),
                    number(uapi::CAMZONE_A_NETWORK_PREFIX_LEN, *len),
                ],
            )
        }));
        inside.push(flag(uapi::CAMZONE_A_ZONE_ANY, self.any));
        inside.push(number(uapi::CAMZONE_A_ZONE_IPV6, self.ipv6));
        nest(uapi::CAMZONE_A_ZONE, &inside)
    }
}

impl Camera {
    /// The item of a `policy-add`.
    pub fn message(&self) -> Vec<u8> {
        let mut inside = vec![
            string(uapi::CAMZONE_A_CAMERA_NAME, &self.name),
            string(uapi::CAMZONE_A_CAMERA_ZONE, &self.zone),
        ];
        let address = |a: &IpAddr| attribute(uapi::CAMZONE_A_CAMERA_ADDRESS, &octets(*a));
        inside.extend(self.addresses.iter().map(address));
        inside.extend(
            self.mac
                .map(|mac| attribute(uapi::CAMZONE_A_CAMERA_MAC, &mac)),
        );
        nest(uapi::CAMZONE_A_CAMERA, &inside)
    }
}

impl End {
    /// The attribute of a rule, of this type.
    pub fn message(&self, kind: u32) -> Vec<u8> {
        let (number_of, name) = match self {
            End::Router => (uapi::CAMZONE_END_KIND_ROUTER, None),
            End::Zone(name) => (uapi::CAMZONE_END_KIND_ZONE, Some(name)),
            End::Camera(name) => (uapi::CAMZONE_END_KIND_CAMERA, Some(name)),
        };
        let mut inside = vec![number(uapi::CAMZONE_A_END_KIND, number_of)];
        inside.extend(name.map(|name| string(uapi::CAMZONE_A_END_NAME, name)));
        nest(kind, &inside)
    }
}

impl Service {
    /// The attribute of a rule.
    pub fn message(&self) -> Vec<u8> {
        let mut inside = vec![number(uapi::CAMZONE_A_SERVICE_PROTOCOL, self.protocol)];
        if let Some((first, last)) = self.range {
            inside.push(number(uapi::CAMZONE_A_SERVICE_FIRST, first));
            inside.push(number(uapi::CAMZONE_A_SERVICE_LAST, last));
        }
        inside.push(flag(uapi::CAMZONE_A_SERVICE_BROADCAST, self.broadcast));
        nest(uapi::CAMZONE_A_RULE_SERVICE, &inside)
    }
}

impl Rule {
    /// The item of a `policy-add`.
    pub fn message(&self) -> Vec<u8> {
        let mut inside = vec![number(uapi::CAMZONE_A_RULE_ACTION, u32::from(self.deny))];
        inside.extend(
            self.from
                .iter()
                .map(|end| end.message(uapi::CAMZONE_A_RULE_FROM)),
        );
        inside.extend(
            self.to
                .iter()
                .map(|end| end.message(uapi::CAMZONE_A_RULE_TO)),
        );
        inside.extend(self.services.iter().map(Service::message));
        let address = |a: &IpAddr| attribute(uapi::CAMZONE_A_RULE_TO_ADDRESS, &octets(*a));
        inside.extend(self.to_addresses.iter().map(address));
        inside.push(flag(uapi::CAMZONE_A_RULE_MASQUERADE, self.masquerade));
        inside.push(flag(uapi::CAMZONE_A_RULE_REJECT, self.reject));
        nest(uapi::CAMZONE_A_RULE, &inside)
    }
}

impl Said {
    /// Any policy that is accepted: rules that the draft refuses, since they repeat or
    /// contradict others, are left out.
    pub fn any(dice: &mut Dice<'_>) -> Said {
        let mut said = Said {
            accept: [dice.chance(25), dice.chance(25), !dice.chance(25)],
            forwarding: dice.chance(50),
            ..Said::default()
        };
        said.add_zones(dice);
        said.add_cameras(dice);
        for _ in 0..dice.within(1..=9) {
            let rule = said.any_rule(dice);
            said.rules.push(rule);
            if said.policy().is_err() {
                said.rules.pop();
            }
        }
        said
    }

    fn add_zones(&mut self, dice: &mut Dice<'_>) {
        let count = dice.within(2..=6);
        let any = dice.within(0..=count);
        // In the order of their numbers, against it, and neither.
        let names = dice.pick(&["abcdef", "fedcba", "cafebd"]);
        for (i, letter) in names.chars().take(count).enumerate() {
            self.zones.push(Zone {
                name: format!("zone-{letter}"),
                interfaces: (0..dice.within(1..=2))
                    .map(|n| format!("eth{i}.{n}"))
                    .collect(),
                networks: Vec::new(),
                any: i == any,
                ipv6: dice.pick(&[2, 2, 2, 2, 1, 0]),
            });
        }
        for (address, len) in NETWORKS {
            let owner = dice.within(0..=count);
            if let Some(zone) = self.zones.get_mut(owner).filter(|zone| !zone.any) {
                zone.networks.push((address.parse().unwrap(), *len));
            }
        }
        for (zone, (address, len)) in self.zones.iter_mut().zip(OWN) {
            if zone.networks.is_empty() && !zone.any {
                zone.networks.push((address.parse().unwrap(), *len));
            }
        }
    }

    fn add_cameras(&mut self, dice: &mut Dice<'_>) {
        let mut taken = Vec::new();
        for i in 0..dice.within(0..=6) {
            let zone = &self.zones[dice.within(0..=self.zones.len() - 1)];
            let mut addresses = Vec::new();
            for _ in 0..dice.within(1..=3) {
                let address = any_host(zone, dice);
                if !taken.contains(&address) {
                    taken.push(address);
                    addresses.push(address);
                }
            }
            if !addresses.is_empty() {
                self.cameras.push(Camera {
                    name: format!("{}cam", ["m", "z", "a", "q", "zone-a", "0"][i]),
                    zone: zone.name.clone(),
                    addresses,
                    mac: dice.chance(50).then(|| [2, 0, 0, 0, 0, dice.byte() % 3]),
                });
            }
        }
    }

    fn any_end(&self, dice: &mut Dice<'_>) -> End {
        let camera = dice.within(0..=9);
        match dice.within(0..=5) {
            0 | 5 => End::Router,
            1 | 2 if camera < self.cameras.len() => End::Camera(self.cameras[camera].name.clone()),
            _ => End::Zone(
                self.zones[dice.within(0..=self.zones.len() - 1)]
                    .name
                    .clone(),
            ),
        }
    }

    fn is_outside(&self, end: &End) -> bool {
        let zone = match end {
            End::Router => return false,
            End::Zone(name) => name,
            End::Camera(name) => &self.cameras.iter().find(|c| c.name == *name).unwrap().zone,
        };
        self.zones.iter().any(|z| z.name == *zone && z.any)
    }

    /// Any rule that is sound by itself.
    pub fn any_rule(&self, dice: &mut Dice<'_>) -> Rule {
        let deny = dice.chance(35);
        let mut list = |n: usize| -> Vec<End> { (0..n).map(|_| self.any_end(dice)).collect() };
        let (mut from, mut to) = (list(1), list(1));
        let more = list(3);
        for end in more {
            match dice.within(0..=4) {
                0 => from.push(end),
                1 => to.push(end),
                _ => {}
            }
        }
        if from.contains(&End::Router) && to.contains(&End::Router) {
            // Router to router is loopback.
            from = vec![End::Zone(
                self.zones[dice.within(0..=self.zones.len() - 1)]
                    .name
                    .clone(),
            )];
        }
        if let (Some(any), true) = (self.zones.iter().find(|z| z.any), dice.chance(20)) {
            // What masquerade is for.
            to = vec![End::Zone(any.name.clone())];
            from.retain(|end| *end != End::Router && !self.is_outside(end));
            if from.is_empty() {
                let inside = self.zones.iter().find(|z| !z.any).unwrap();
                from = vec![End::Zone(inside.name.clone())];
            }
        }
        let services = (0..dice.within(1..=3))
            .map(|_| {
                let (protocol, range) = dice.pick(SERVICES);
                Service {
                    protocol,
                    range,
                    broadcast: dice.chance(25),
                }
            })
            .collect();
        let to_router = to.iter().all(|end| *end == End::Router);
        let to_addresses = if to_router && dice.chance(40) {
            let named = (0..dice.within(1..=3)).map(|_| dice.pick(NAMED).parse().unwrap());
            named.collect()
        } else {
            Vec::new()
        };
        let outwards = !deny
            && !from.contains(&End::Router)
            && !from.iter().any(|end| self.is_outside(end))
            && to.iter().all(|end| self.is_outside(end));
        Rule {
            deny,
            services,
            to_addresses,
            masquerade: outwards && dice.chance(80),
            reject: deny && !from.contains(&End::Router) && dice.chance(50),
            from,
            to,
        }
    }

    /// The message of the `policy-begin`.
    pub fn begin(&self) -> Vec<u8> {
        let [input, forward, output] = self.accept.map(u32::from);
        [
            nest(
                uapi::CAMZONE_A_DEFAULTS,
                &[
                    number(uapi::CAMZONE_A_DEFAULTS_INPUT, input),
                    number(uapi::CAMZONE_A_DEFAULTS_FORWARD, forward),
                    number(uapi::CAMZONE_A_DEFAULTS_OUTPUT, output),
                ],
            ),
            flag(uapi::CAMZONE_A_FORWARDING, self.forwarding),
        ]
        .concat()
    }

    /// The messages of the `policy-add`s, one item each.
    pub fn adds(&self) -> Vec<Vec<u8>> {
        let zones = self.zones.iter().map(Zone::message);
        let cameras = self.cameras.iter().map(Camera::message);
        let rules = self.rules.iter().map(Rule::message);
        zones.chain(cameras).chain(rules).collect()
    }

    /// The policy that the crate makes of it.
    pub fn policy(&self) -> Result<Policy<Heap>, (usize, camzone_policy::error::Error)> {
        wire::read(&self.begin(), &self.adds())
    }

    /// The same policy said in another order.
    pub fn reordered(&self, dice: &mut Dice<'_>) -> Said {
        let mut said = self.clone();
        dice.shuffle(&mut said.zones);
        dice.shuffle(&mut said.cameras);
        dice.shuffle(&mut said.rules);
        for zone in &mut said.zones {
            dice.shuffle(&mut zone.interfaces);
            dice.shuffle(&mut zone.networks);
        }
        for camera in &mut said.cameras {
            dice.shuffle(&mut camera.addresses);
        }
        for rule in &mut said.rules {
            dice.shuffle(&mut rule.from);
            dice.shuffle(&mut rule.to);
            dice.shuffle(&mut rule.services);
            dice.shuffle(&mut rule.to_addresses);
            // Lists are sets.
            let again = rule.services[0];
            rule.services.push(again);
        }
        said
    }
}

/// An address that a host of the zone can have.
pub fn any_host(zone: &Zone, dice: &mut Dice<'_>) -> IpAddr {
    if zone.any {
        return match dice.chance(25) {
            true => format!("2a00::{:x}", dice.byte()).parse().unwrap(),
            false => Ipv4Addr::new(203, 0, 113, dice.byte() % 8).into(),
        };
    }
    let (network, len) = zone.networks[dice.within(0..=zone.networks.len() - 1)];
    // Near either end of the network.
    let low = u128::from(dice.byte() % 8);
    let high = dice.chance(40);
    match network {
        IpAddr::V4(a) => {
            let hosts = u32::MAX.checked_shr(len).unwrap_or(0);
            let low = low as u32 & hosts;
            IpAddr::from(Ipv4Addr::from(
                u32::from(a) | if high { hosts - low } else { low },
            ))
        }
        IpAddr::V6(a) => {
            let hosts = u128::MAX.checked_shr(len).unwrap_or(0);
            let low = low & hosts;
            let bits = u128::from(a) | if high { hosts - low } else { low };
            IpAddr::from(std::net::Ipv6Addr::from(bits))
        }
    }
}
