// SPDX-License-Identifier: GPL-2.0

//! Everything that can be wrong with a policy is found, and found where it is.

use std::collections::BTreeSet;

use camzone_host_tests::{
    policies::{octets, End, Said},
    wire::{self, attribute, flag, nest, number, string},
};
use camzone_policy::{
    address::{Prefix, PrefixError},
    draft::Draft,
    error::{Error, Kind, Place},
    memory::Heap,
    name::Name,
    policy::{Defaults, Policy},
    service::ServiceError,
    uapi::*,
};

/// Every kind by its name. A new one does not compile until it is in here, and is missed below
/// until a message brings it about.
macro_rules! kinds {
    ($($name:ident $(($($tuple:tt)*))? $({$($fields:tt)*})?,)*) => {
        fn name_of(kind: &Kind) -> &'static str {
            match kind {
                $(Kind::$name $(($($tuple)*))? $({$($fields)*})? => stringify!($name),)*
            }
        }
        const KINDS: &[&str] = &[$(stringify!($name)),*];
    };
}

kinds! {
    Truncated, UnknownAttribute(_), Missing(_), Twice(_), BadValue(_), BadName, NameTaken(_),
    BadInterface, LoopbackInterface, InterfaceTaken { .. }, NoInterface(_), NoNetwork(_),
    AnyAndNetworks(_), SecondAny { .. }, Prefix(_), NotUnicast(_), Overlap { .. },
    UnknownZone(_), NoAddress(_), NotHost(_), AddressOutside { .. }, AddressTaken { .. }, UnknownCamera(_),
    Service(_), RouterToRouter, MasqueradeOnDeny, MasqueradeInside, RejectOnAllow,
    RejectFromRouter, AddressWithoutRouter, BadAddress(_), SameRule(_), Contradiction { .. },
    MasqueradeDiffers(_), Order, TooMany { .. }, NoZone, OutOfMemory,
}

fn name(text: &str) -> Name {
    Name::new(text.as_bytes()).unwrap()
}

fn bytes(address: &str) -> Vec<u8> {
    octets(address.parse().unwrap())
}

fn prefix(address: &str, len: u32) -> Prefix {
    Prefix::new(at(address), len).unwrap()
}

fn at(address: &str) -> camzone_policy::address::Address {
    camzone_host_tests::packets::address(address.parse().unwrap())
}

fn network(address: &str, len: u32) -> Vec<u8> {
    let address = attribute(CAMZONE_A_NETWORK_ADDRESS, &bytes(address));
    nest(
        CAMZONE_A_ZONE_NETWORK,
        &[address, number(CAMZONE_A_NETWORK_PREFIX_LEN, len)],
    )
}

fn zname(text: &str) -> Vec<u8> {
    string(CAMZONE_A_ZONE_NAME, text)
}

fn interface(text: &str) -> Vec<u8> {
    string(CAMZONE_A_ZONE_INTERFACE, text)
}

fn zone(inside: &[Vec<u8>]) -> Vec<u8> {
    nest(CAMZONE_A_ZONE, inside)
}

fn camera(inside: &[Vec<u8>]) -> Vec<u8> {
    nest(CAMZONE_A_CAMERA, inside)
}

fn cname(text: &str) -> Vec<u8> {
    string(CAMZONE_A_CAMERA_NAME, text)
}

fn czone(text: &str) -> Vec<u8> {
    string(CAMZONE_A_CAMERA_ZONE, text)
}

fn caddress(text: &str) -> Vec<u8> {
    attribute(CAMZONE_A_CAMERA_ADDRESS, &bytes(text))
}

fn action(number_of: u32) -> Vec<u8> {
    number(CAMZONE_A_RULE_ACTION, number_of)
}

fn from(zone: &str) -> Vec<u8> {
    End::Zone(zone.into()).message(CAMZONE_A_RULE_FROM)
}

fn to(zone: &str) -> Vec<u8> {
    End::Zone(zone.into()).message(CAMZONE_A_RULE_TO)
}

fn service(protocol: u32, range: Option<(u32, u32)>) -> Vec<u8> {
    camzone_host_tests::policies::Service {
        protocol,
        range,
        broadcast: false,
    }
    .message()
}

fn rule(inside: &[Vec<u8>]) -> Vec<u8> {
    nest(CAMZONE_A_RULE, inside)
}

fn named(address: &str) -> Vec<u8> {
    attribute(CAMZONE_A_RULE_TO_ADDRESS, &bytes(address))
}

/// Zones `cam`, `priv`, `ext` and a camera `door`: 3 + 1 items of one message each.
fn house() -> Vec<Vec<u8>> {
    vec![
        zone(&[zname("cam"), interface("eth1"), network("192.168.8.0", 24)]),
        zone(&[zname("priv"), interface("eth2"), network("192.168.5.0", 24)]),
        zone(&[
            zname("ext"),
            interface("eth0"),
            flag(CAMZONE_A_ZONE_ANY, true),
        ]),
        camera(&[cname("door"), czone("cam"), caddress("192.168.8.110")]),
    ]
}

/// The fault of the last of these messages, or of finishing behind it.
fn fault(messages: &[Vec<u8>]) -> Error {
    let mut draft = Draft::<Heap>::new(Defaults::default(), false);
    for (place, message) in messages.iter().enumerate() {
        if let Err(error) = draft.add(message) {
            assert_eq!(place + 1, messages.len(), "message {place}: {error:?}");
            return error;
        }
    }
    draft.finish().err().expect("the policy was accepted")
}

/// The house's first `count` items and then these.
fn after(count: usize, messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
    house()
        .into_iter()
        .take(count)
        .chain(messages.iter().cloned())
        .collect()
}

/// Offset of the `n`-th attribute inside of the item that a message is.
fn inner(message: &[u8], n: usize) -> usize {
    let mut at = 4;
    for _ in 0..n {
        let len = u16::from_ne_bytes([message[at], message[at + 1]]);
        at += usize::from(len).next_multiple_of(4);
    }
    at
}

/// An item and where in it the fault is: `None` for the item itself.
type Item = (Vec<Vec<u8>>, Option<usize>, Kind);

fn items_of_zones() -> Vec<Item> {
    let net = || network("10.0.0.0", 8);
    let z = |parts: &[Vec<u8>]| after(2, &[zone(parts)]);
    let deep = nest(CAMZONE_A_ZONE_NETWORK, &[number(7, 1)]);
    vec![
        (
            z(&[zname("x"), number(77, 1)]),
            Some(1),
            Kind::UnknownAttribute(77),
        ),
        (z(&[interface("a"), net()]), None, Kind::Missing("name")),
        (z(&[zname("x"), zname("y")]), Some(1), Kind::Twice("name")),
        (z(&[zname("X")]), Some(0), Kind::BadName),
        (z(&[zname("")]), Some(0), Kind::BadName),
        (z(&[zname(&"x".repeat(32))]), Some(0), Kind::BadName),
        (z(&[zname("-x")]), Some(0), Kind::BadName),
        (
            z(&[zname("router")]),
            Some(0),
            Kind::NameTaken(name("router")),
        ),
        (z(&[zname("cam")]), Some(0), Kind::NameTaken(name("cam"))),
        (
            z(&[zname("x"), interface("a/b")]),
            Some(1),
            Kind::BadInterface,
        ),
        (
            z(&[zname("x"), interface(&"a".repeat(16))]),
            Some(1),
            Kind::BadInterface,
        ),
        (
            z(&[zname("x"), interface("lo")]),
            Some(1),
            Kind::LoopbackInterface,
        ),
        (
            z(&[zname("x"), interface("a"), interface("eth1")]),
            Some(2),
            Kind::InterfaceTaken {
                interface: Name::interface(b"eth1").unwrap(),
                zone: name("cam"),
            },
        ),
        (
            z(&[zname("x"), interface("a"), interface("a")]),
            Some(2),
            Kind::Twice("interface"),
        ),
        (z(&[zname("x"), net()]), None, Kind::NoInterface(name("x"))),
        (
            z(&[zname("x"), interface("a")]),
            None,
            Kind::NoNetwork(name("x")),
        ),
        (
            z(&[
                zname("x"),
                interface("a"),
                net(),
                flag(CAMZONE_A_ZONE_ANY, true),
            ]),
            None,
            Kind::AnyAndNetworks(name("x")),
        ),
        (
            after(
                3,
                &[zone(&[
                    zname("x"),
                    interface("a"),
                    flag(CAMZONE_A_ZONE_ANY, true),
                ])],
            ),
            None,
            Kind::SecondAny {
                zone: name("x"),
                first: name("ext"),
            },
        ),
        (
            z(&[
                flag(CAMZONE_A_ZONE_ANY, true),
                flag(CAMZONE_A_ZONE_ANY, true),
            ]),
            Some(1),
            Kind::Twice("any"),
        ),
        (
            z(&[zname("x"), number(CAMZONE_A_ZONE_IPV6, 3)]),
            Some(1),
            Kind::BadValue("ipv6"),
        ),
        (
            z(&[attribute(CAMZONE_A_ZONE_IPV6, &[1])]),
            Some(0),
            Kind::BadValue("ipv6"),
        ),
        (
            z(&[network("10.0.0.0", 33)]),
            Some(0),
            Kind::Prefix(PrefixError::TooLong),
        ),
        (
            z(&[network("fd00::", 129)]),
            Some(0),
            Kind::Prefix(PrefixError::TooLong),
        ),
        (
            z(&[network("fd00::", 1 << 8)]),
            Some(0),
            Kind::Prefix(PrefixError::TooLong),
        ),
        (
            z(&[network("10.0.0.1", 24)]),
            Some(0),
            Kind::Prefix(PrefixError::HostBits(prefix("10.0.0.0", 24))),
        ),
        (
            z(&[network("127.0.0.0", 8)]),
            Some(0),
            Kind::NotUnicast(prefix("127.0.0.0", 8)),
        ),
        (
            z(&[network("0.1.2.0", 24)]),
            Some(0),
            Kind::NotUnicast(prefix("0.1.2.0", 24)),
        ),
        (
            z(&[network("224.0.0.0", 4)]),
            Some(0),
            Kind::NotUnicast(prefix("224.0.0.0", 4)),
        ),
        (
            z(&[network("0.0.0.0", 0)]),
            Some(0),
            Kind::NotUnicast(prefix("0.0.0.0", 0)),
        ),
        (
            z(&[network("fe80::", 64)]),
            Some(0),
            Kind::NotUnicast(prefix("fe80::", 64)),
        ),
        (
            z(&[network("fe00::", 8)]),
            Some(0),
            Kind::NotUnicast(prefix("fe00::", 8)),
        ),
        (z(&[deep]), Some(0), Kind::UnknownAttribute(7)),
    ]
}

fn items_of_cameras() -> Vec<Item> {
    let c = |parts: &[Vec<u8>]| after(3, &[camera(parts)]);
    let outside = |address: &str| Kind::AddressOutside {
        address: at(address),
        zone: name("cam"),
    };
    let mac = |mac: &[u8]| attribute(CAMZONE_A_CAMERA_MAC, mac);
    vec![
        (c(&[cname("cam")]), Some(0), Kind::NameTaken(name("cam"))),
        (
            c(&[cname("router")]),
            Some(0),
            Kind::NameTaken(name("router")),
        ),
        (
            c(&[czone("nowhere")]),
            Some(0),
            Kind::UnknownZone(name("nowhere")),
        ),
        (c(&[cname("x")]), None, Kind::Missing("zone")),
        (
            c(&[cname("x"), czone("cam")]),
            None,
            Kind::NoAddress(name("x")),
        ),
        (
            c(&[cname("x"), czone("cam"), caddress("192.168.5.1")]),
            None,
            outside("192.168.5.1"),
        ),
        (
            c(&[cname("x"), czone("cam"), caddress("192.168.9.0")]),
            None,
            outside("192.168.9.0"),
        ),
        (
            c(&[cname("x"), czone("cam"), caddress("224.0.0.1")]),
            None,
            Kind::NotHost(at("224.0.0.1")),
        ),
        (
            c(&[caddress("192.168.8.1"), caddress("192.168.8.1")]),
            Some(1),
            Kind::Twice("address"),
        ),
        (
            c(&[attribute(CAMZONE_A_CAMERA_ADDRESS, &[1, 2, 3])]),
            Some(0),
            Kind::BadValue("address"),
        ),
        (
            c(&[mac(&[1, 0, 0, 0, 0, 1])]),
            Some(0),
            Kind::BadValue("mac"),
        ),
        (c(&[mac(&[0; 6])]), Some(0), Kind::BadValue("mac")),
        (c(&[mac(&[2; 5])]), Some(0), Kind::BadValue("mac")),
        (
            c(&(1..=9)
                .map(|i| caddress(&format!("192.168.8.{i}")))
                .collect::<Vec<_>>()),
            Some(8),
            Kind::TooMany {
                what: "addresses of a camera",
                limit: 8,
            },
        ),
    ]
}

fn items_of_rules() -> Vec<Item> {
    let r = |parts: &[Vec<u8>]| after(4, &[rule(parts)]);
    let web = || service(6, Some((80, 80)));
    let router = |kind| End::Router.message(kind);
    let (to_router, from_router) = (router(CAMZONE_A_RULE_TO), router(CAMZONE_A_RULE_FROM));
    let masquerade = || flag(CAMZONE_A_RULE_MASQUERADE, true);
    let reject = || flag(CAMZONE_A_RULE_REJECT, true);
    let dhcp = || {
        camzone_host_tests::policies::Service {
            protocol: 17,
            range: Some((67, 67)),
            broadcast: true,
        }
        .message()
    };
    let camera = |camera: &str| End::Camera(camera.into()).message(CAMZONE_A_RULE_FROM);
    let (allow, deny) = (|| action(0), || action(1));
    let allowing = || rule(&[allow(), from("priv"), to("cam"), web()]);
    let range = |(first, last)| service(6, Some((first, last)));
    let bad = |error| Kind::Service(error);
    vec![
        (
            r(&[from("priv"), to("cam"), web()]),
            None,
            Kind::Missing("action"),
        ),
        (r(&[allow(), to("cam"), web()]), None, Kind::Missing("from")),
        (
            r(&[allow(), from("priv"), web()]),
            None,
            Kind::Missing("to"),
        ),
        (
            r(&[allow(), from("priv"), to("cam")]),
            None,
            Kind::Missing("service"),
        ),
        (r(&[action(2)]), Some(0), Kind::BadValue("action")),
        (r(&[allow(), allow()]), Some(1), Kind::Twice("action")),
        (
            r(&[from("nowhere")]),
            Some(0),
            Kind::UnknownZone(name("nowhere")),
        ),
        (
            r(&[camera("nobody")]),
            Some(0),
            Kind::UnknownCamera(name("nobody")),
        ),
        (
            r(&[allow(), service(256, None)]),
            Some(1),
            bad(ServiceError::Protocol),
        ),
        (
            r(&[service(47, Some((1, 2)))]),
            Some(0),
            bad(ServiceError::NoPorts),
        ),
        (
            r(&[range((2, 1))]),
            Some(0),
            bad(ServiceError::Range(65535)),
        ),
        (
            r(&[range((0, 65536))]),
            Some(0),
            bad(ServiceError::Range(65535)),
        ),
        (
            r(&[service(1, Some((0, 256)))]),
            Some(0),
            bad(ServiceError::Range(255)),
        ),
        (
            r(&[allow(), from_router.clone(), to_router.clone(), web()]),
            None,
            Kind::RouterToRouter,
        ),
        (
            r(&[deny(), from("cam"), to("ext"), web(), masquerade()]),
            Some(4),
            Kind::MasqueradeOnDeny,
        ),
        (
            r(&[allow(), from("cam"), to("ext"), web(), reject()]),
            Some(4),
            Kind::RejectOnAllow,
        ),
        (
            r(&[allow(), from("cam"), to("priv"), web(), masquerade()]),
            None,
            Kind::MasqueradeInside,
        ),
        (
            r(&[allow(), from("ext"), to("ext"), web(), masquerade()]),
            None,
            Kind::MasqueradeInside,
        ),
        (
            r(&[deny(), from_router, to("cam"), web(), reject()]),
            None,
            Kind::RejectFromRouter,
        ),
        (
            r(&[
                allow(),
                from("priv"),
                to("cam"),
                web(),
                named("192.168.8.1"),
            ]),
            None,
            Kind::AddressWithoutRouter,
        ),
        (
            r(&[named("127.0.0.1")]),
            Some(0),
            Kind::BadAddress(at("127.0.0.1")),
        ),
        (
            r(&[named("0.0.0.0")]),
            Some(0),
            Kind::BadAddress(at("0.0.0.0")),
        ),
        (after(4, &[allowing(), allowing()]), None, Kind::SameRule(0)),
        (
            after(
                4,
                &[
                    rule(&[deny(), from("ext"), to("cam"), web()]),
                    rule(&[deny(), from("ext"), to("cam"), web(), reject()]),
                ],
            ),
            None,
            Kind::SameRule(0),
        ),
        (
            after(
                4,
                &[
                    allowing(),
                    rule(&[deny(), from("priv"), to("cam"), service(0, None)]),
                ],
            ),
            None,
            Kind::Contradiction { allow: 0, deny: 1 },
        ),
        (
            after(
                4,
                &[
                    rule(&[deny(), from("priv"), to("cam"), service(0, None)]),
                    allowing(),
                ],
            ),
            None,
            Kind::Contradiction { allow: 1, deny: 0 },
        ),
        // A deny counts for broadcasts whatever its services say.
        (
            after(
                4,
                &[
                    rule(&[deny(), from("cam"), to_router.clone(), service(0, None)]),
                    rule(&[allow(), from("cam"), to_router.clone(), dhcp()]),
                ],
            ),
            None,
            Kind::Contradiction { allow: 1, deny: 0 },
        ),
        (
            after(
                4,
                &[
                    rule(&[deny(), from("cam"), to_router.clone(), dhcp()]),
                    rule(&[
                        deny(),
                        from("cam"),
                        to_router.clone(),
                        service(17, Some((67, 67))),
                    ]),
                ],
            ),
            None,
            Kind::SameRule(0),
        ),
        (
            after(
                4,
                &[
                    rule(&[allow(), from("cam"), to("ext"), service(6, None)]),
                    rule(&[allow(), camera("door"), to("ext"), web(), masquerade()]),
                ],
            ),
            None,
            Kind::MasqueradeDiffers(0),
        ),
        (
            after(4, &[allowing(), house()[3].clone()]),
            None,
            Kind::Order,
        ),
        (after(4, &[zone(&[])]), None, Kind::Order),
    ]
}

/// Faults that are found at the end of a phase name the item, not an attribute.
fn of_the_whole() -> Vec<(Vec<Vec<u8>>, Place, Kind)> {
    let b = zone(&[zname("b"), interface("b"), network("10.0.0.0", 8)]);
    let a = zone(&[zname("a"), interface("a"), network("10.1.0.0", 16)]);
    let overlap = Kind::Overlap {
        a: prefix("10.1.0.0", 16),
        b: prefix("10.0.0.0", 8),
        other: name("b"),
    };
    let narrow = [
        zone(&[zname("b"), interface("b"), network("10.0.0.4", 31)]),
        zone(&[zname("a"), interface("a"), network("10.0.0.5", 32)]),
    ];
    let last = Kind::Overlap {
        a: prefix("10.0.0.5", 32),
        b: prefix("10.0.0.4", 31),
        other: name("b"),
    };
    let camera = |n: &str, address: &str| camera(&[cname(n), czone("cam"), caddress(address)]);
    let (one, other) = ("192.168.8.7", "192.168.8.8");
    vec![
        (vec![], Place::Policy, Kind::NoZone),
        (vec![b.clone(), a.clone()], Place::Zone(1), overlap),
        (vec![a, b], Place::Zone(0), overlap),
        (narrow.to_vec(), Place::Zone(1), last),
        (
            after(
                3,
                &[camera("x", one), camera("a", other), camera("x", other)],
            ),
            Place::Camera(2),
            Kind::NameTaken(name("x")),
        ),
        (
            after(3, &[camera("z", one), camera("y", other), camera("x", one)]),
            Place::Camera(0),
            Kind::AddressTaken {
                address: at(one),
                camera: name("x"),
            },
        ),
    ]
}

/// More than there may be of everything that is counted.
fn too_many() -> Vec<(Vec<Vec<u8>>, Kind)> {
    let many = |what, limit| Kind::TooMany { what, limit };
    let z = |i: u32, interfaces: u32, networks: u32| {
        let mut parts = vec![zname(&format!("z{i}"))];
        parts.extend((0..interfaces).map(|n| interface(&format!("i{i}.{n}"))));
        let network_of = |n: u32| {
            let bits = std::net::Ipv4Addr::from((10 << 24) | (i << 16) | (n * 8));
            network(&bits.to_string(), 29)
        };
        parts.extend((0..networks).map(network_of));
        zone(&parts)
    };
    let r = |port: u32| {
        let web = service(6, Some((port, port)));
        rule(&[action(0), from("priv"), to("cam"), web])
    };
    let cam = zone(&[zname("cam"), interface("eth1"), network("10.0.0.0", 8)]);
    let c = |i: u32| {
        let address = std::net::Ipv4Addr::from((10 << 24) + i).to_string();
        camera(&[cname(&format!("c{i}")), czone("cam"), caddress(&address)])
    };
    let cameras = std::iter::once(cam).chain((0..=262_144).map(c));
    let web = || service(6, Some((80, 80)));
    let of_many = |many: Vec<Vec<u8>>, rest: &[Vec<u8>]| {
        let parts = [vec![action(0)], many, rest.to_vec()].concat();
        after(4, &[rule(&parts)])
    };
    let to_router = || End::Router.message(CAMZONE_A_RULE_TO);
    let services = |rule: u32, n: u32| {
        let port = |i: u32| (rule * 256 + i) % 65_536;
        (0..n)
            .map(move |i| service(6 + 11 * (rule / 256), Some((port(i), port(i)))))
            .collect::<Vec<_>>()
    };
    let router = |side| End::Router.message(side);
    // In each of the eight cells every port of TCP and of UDP.
    let wide = |i: u32| {
        let (from, to) = match i / 512 {
            0 => (from("priv"), to("cam")),
            1 => (from("cam"), to("priv")),
            2 => (from("priv"), to("priv")),
            3 => (from("cam"), to("cam")),
            4 => (from("priv"), router(CAMZONE_A_RULE_TO)),
            5 => (from("cam"), router(CAMZONE_A_RULE_TO)),
            6 => (router(CAMZONE_A_RULE_FROM), to("priv")),
            _ => (router(CAMZONE_A_RULE_FROM), to("cam")),
        };
        let ends = [action(0), from, to];
        rule(
            &ends
                .into_iter()
                .chain(services(i % 512, 256))
                .collect::<Vec<_>>(),
        )
    };
    // Each with 255 services that all of them have, and one more of its own before: 258 comparisons with
    // every other.
    let alike = |i: u32| {
        let port = |port| service(6, Some((port, port)));
        let ends = [action(0), from("priv"), to("cam"), port(i)];
        rule(
            &ends
                .into_iter()
                .chain((0..255).map(|n| port(60_000 + n)))
                .collect::<Vec<_>>(),
        )
    };
    vec![
        (
            of_many(vec![from("priv"); 257], &[to("cam"), web()]),
            many("ends in 'from'", 256),
        ),
        (
            of_many(vec![to("cam"); 257], &[from("priv"), web()]),
            many("ends in 'to'", 256),
        ),
        (
            of_many(services(0, 257), &[from("priv"), to("cam")]),
            many("services in a rule", 256),
        ),
        (
            of_many(
                (0..65).map(|i| named(&format!("10.9.9.{i}"))).collect(),
                &[from("priv"), to_router(), web()],
            ),
            many("addresses in a rule", 64),
        ),
        (
            after(4, &(0..=4096).map(wide).collect::<Vec<_>>()),
            many("combinations of ends and services", 1_048_576),
        ),
        ((0..257).map(|i| z(i, 1, 1)).collect(), many("zones", 256)),
        (
            (0..17).map(|i| z(i, 256, 1)).collect(),
            many("interfaces", 4096),
        ),
        (
            (0..33).map(|i| z(i, 1, 2048)).collect(),
            many("networks", 65_536),
        ),
        (cameras.collect(), many("cameras", 262_144)),
        (
            after(4, &(0..=16_384).map(r).collect::<Vec<_>>()),
            many("rules", 16_384),
        ),
        (
            after(4, &(0..=2040).map(alike).collect::<Vec<_>>()),
            many("comparisons between rules", 1 << 29),
        ),
    ]
}

#[test]
fn every_fault_is_found_where_it_is() {
    let mut seen = BTreeSet::new();
    for (messages, part, kind) in [items_of_zones(), items_of_cameras(), items_of_rules()].concat()
    {
        let error = fault(&messages);
        seen.insert(name_of(&error.kind));
        assert_eq!(error.kind, kind, "{error:?}");
        let Place::Message(place) = error.place else {
            panic!("{kind:?}: {:?}", error.place);
        };
        let last = messages.last().unwrap();
        let begins = part.map_or(0, |part| inner(last, part));
        // An unknown attribute is looked for inside the one that has it.
        let exact =
            place == begins || (matches!(kind, Kind::UnknownAttribute(7)) && place == begins + 4);
        assert!(exact, "{kind:?} at {place}, not at {begins}");
    }
    for (messages, place, kind) in of_the_whole() {
        let error = fault(&messages);
        seen.insert(name_of(&error.kind));
        assert_eq!(error, Error { place, kind });
    }
    // In the phase that a following item ends, too.
    let (zones, place, kind) = of_the_whole().swap_remove(1);
    let next = [zones, vec![camera(&[])]].concat();
    assert_eq!(fault(&next), Error { place, kind });
    for (messages, kind) in too_many() {
        let error = fault(&messages);
        seen.insert(name_of(&error.kind));
        assert_eq!(error.kind, kind);
        assert!(matches!(error.place, Place::Message(_)));
    }
    // The memory tests bring the last one about at every place.
    seen.insert("OutOfMemory");
    // Cut in the middle of an attribute, and of its header.
    let whole = house()[0].clone();
    for (cut, at) in [(whole.len() - 4, 0), (3, 0)] {
        let error = fault(&[whole[..cut].to_vec()]);
        seen.insert(name_of(&error.kind));
        assert_eq!(
            error,
            Error {
                place: Place::Message(at),
                kind: Kind::Truncated
            }
        );
    }
    let mut lying = whole.clone();
    lying[4] = 200;
    assert_eq!(
        fault(&[lying]),
        Error {
            place: Place::Message(4),
            kind: Kind::Truncated
        }
    );
    let missed: Vec<_> = KINDS.iter().filter(|kind| !seen.contains(*kind)).collect();
    assert!(missed.is_empty(), "never brought about: {missed:?}");
}

#[test]
fn begin_says_what_is_wrong() {
    let is = |message: &[u8]| Draft::<Heap>::begin(message).err();
    let defaults = |inside: &[Vec<u8>]| nest(CAMZONE_A_DEFAULTS, inside);
    let at = |at, kind| {
        Some(Error {
            place: Place::Message(at),
            kind,
        })
    };
    let input = |value| number(CAMZONE_A_DEFAULTS_INPUT, value);
    assert_eq!(is(&defaults(&[input(2)])), at(4, Kind::BadValue("default")));
    assert_eq!(
        is(&defaults(&[input(1), input(9)])),
        at(12, Kind::BadValue("default"))
    );
    assert_eq!(
        is(&defaults(&[number(9, 1)])),
        at(4, Kind::UnknownAttribute(9))
    );
    assert_eq!(is(&[1, 0, 0]), at(0, Kind::Truncated));
    // What is not about the policy is somebody else's.
    assert_eq!(is(&nest(CAMZONE_A_SAVED, &[number(1, 1)])), None);
    let policy: Policy<Heap> = wire::read(&[], &house()).unwrap();
    assert_eq!(
        policy.defaults,
        Defaults {
            input: false,
            forward: false,
            output: true
        }
    );
    assert!(!policy.forwarding);
    // Every default is the one that is named, and none of the others.
    for (kind, said) in [
        (CAMZONE_A_DEFAULTS_INPUT, (true, false, true)),
        (CAMZONE_A_DEFAULTS_FORWARD, (false, true, true)),
    ] {
        let begin = [
            defaults(&[number(kind, 1)]),
            flag(CAMZONE_A_FORWARDING, true),
        ]
        .concat();
        let policy: Policy<Heap> = wire::read(&begin, &house()).unwrap();
        let Defaults {
            input,
            forward,
            output,
        } = policy.defaults;
        assert_eq!((input, forward, output), said);
        assert!(policy.forwarding);
    }
}

/// What is not wrong.
#[test]
fn edges_are_accepted() {
    let web = |port| service(6, Some((port, port)));
    let longest = "x".repeat(31);
    let messages = after(
        4,
        &[
            rule(&[action(0), from("priv"), to("cam"), web(65535)]),
            rule(&[action(1), from("priv"), to("cam"), web(80)]),
            rule(&[
                action(0),
                from("priv"),
                to("cam"),
                service(6, Some((79, 81))),
            ]),
        ],
    );
    assert!(wire::read::<Heap>(&[], &messages).is_ok());
    let zones = [
        zone(&[
            zname(&longest),
            interface(&"i".repeat(15)),
            network("10.0.0.0", 25),
        ]),
        zone(&[
            zname("0"),
            interface("..."),
            network("10.0.0.128", 32),
            network("fd00::", 128),
        ]),
    ];
    assert!(wire::read::<Heap>(&[], &zones).is_ok());
    assert!(Said::any(&mut camzone_host_tests::dice::Dice::new(&[]))
        .policy()
        .is_ok());
}

/// The extended ACK holds 79 bytes: the longest names may be cut, what a fault is about not.
#[test]
fn faults_fit_an_extended_ack() {
    let long = Name::new(&[b'x'; 31]).unwrap();
    let net = prefix("2001:db8:1111:2222:3333:4444:5555:6666", 128);
    for kind in [
        Kind::NameTaken(long),
        Kind::UnknownZone(long),
        Kind::NoInterface(long),
        Kind::AnyAndNetworks(long),
        Kind::NoAddress(long),
        Kind::AddressOutside {
            address: net.first(),
            zone: long,
        },
        Kind::AddressTaken {
            address: net.first(),
            camera: long,
        },
        Kind::NotUnicast(net),
        Kind::MasqueradeInside,
        Kind::Contradiction {
            allow: 16_383,
            deny: 16_382,
        },
        Kind::TooMany {
            what: "addresses of a camera",
            limit: 8,
        },
    ] {
        let shown = kind.to_string();
        let subject = match kind {
            Kind::NotHost(address)
            | Kind::AddressOutside { address, .. }
            | Kind::AddressTaken { address, .. } => address.to_string(),
            Kind::NotUnicast(prefix) => prefix.to_string(),
            Kind::NameTaken(name) | Kind::UnknownZone(name) => name.to_string(),
            _ => shown.clone(),
        };
        let told = &shown[..shown.len().min(79)];
        assert!(told.contains(&subject), "{} bytes: {shown}", shown.len());
        assert!(
            !shown.ends_with('.') && !shown.starts_with(char::is_uppercase),
            "{shown}"
        );
    }
}
