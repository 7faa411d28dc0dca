// SPDX-License-Identifier: GPL-2.0

//! Small worlds, whole: every policy of one meets every packet of it, and the verdict is the naive
//! reference's. `CAMZONE_EXHAUSTIVE=large` takes larger worlds, for `make soak`.

use std::net::IpAddr;

use camzone_host_tests::{
    every::Every,
    packets::address,
    policies::{Camera, End, Rule, Said, Service, Zone},
    reference,
};
use camzone_policy::{
    address::Address,
    decide::{decide, Decision, Guard, Reason},
    facts::{Ends, Facts, Flow, Hook, Port, State, Track},
    header::{Fragment, Header, Transport},
    policy::ZoneId,
    tables::Compiled,
};

/// A camera of the zone `a` with a hardware address, one without, another host there, and the
/// router's address there; a host of the zone `b`, which is everything else; one of `c`.
const V4: [&str; 6] = [
    "10.0.0.2", "10.0.0.3", "10.0.0.1", "10.0.0.0", "9.9.9.9", "10.0.0.8",
];
const V6: [&str; 6] = [
    "fd00::2", "fd00::3", "fd00::1", "fd00::", "2a00::9", "fd00::8",
];
const CAMERA: usize = 0;
const OTHER_CAMERA: usize = 1;
const ROUTER: usize = 2;
const HOST: usize = 3;
const OUTSIDE: usize = 4;
const THIRD: usize = 5;

/// The zones' numbers are the order of their names.
const A: ZoneId = 0;
const B: ZoneId = 1;
const C: ZoneId = 2;

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

fn large() -> bool {
    std::env::var("CAMZONE_EXHAUSTIVE").is_ok_and(|size| size == "large")
}

/// The first, and in a large world all of them.
fn some_of<T>(first: usize, all: &[T]) -> &[T] {
    if large() {
        all
    } else {
        &all[..first]
    }
}

fn at(text: &str) -> Address {
    address(text.parse().unwrap())
}

fn zone(name: &str, networks: &[(&str, u32)], ipv6: u32) -> Zone {
    Zone {
        name: name.into(),
        interfaces: vec![format!("eth-{name}")],
        networks: networks
            .iter()
            .map(|(address, len)| (address.parse().unwrap(), *len))
            .collect(),
        any: networks.is_empty(),
        ipv6,
    }
}

/// A world without rules. Its third zone has no camera, and is only there in a large world.
fn world(accept: [bool; 3], ipv6: [u32; 2]) -> Said {
    let mut zones = vec![
        zone("a", &[("10.0.0.0", 30), ("fd00::", 126)], ipv6[0]),
        zone("b", &[], ipv6[1]),
    ];
    if large() {
        zones.push(zone("c", &[("10.0.0.8", 32), ("fd00::8", 128)], 2));
    }
    let camera = |name: &str, place: usize, mac| Camera {
        name: name.into(),
        zone: "a".into(),
        addresses: [V4, V6]
            .map(|all| all[place].parse::<IpAddr>().unwrap())
            .into(),
        mac,
    };
    Said {
        accept,
        zones,
        cameras: vec![
            camera("x", CAMERA, Some(MAC)),
            camera("y", OTHER_CAMERA, None),
        ],
        ..Said::default()
    }
}

/// Any rule; the policy may refuse it.
fn rule(every: &mut Every, services: &[(u32, Option<(u32, u32)>)]) -> Rule {
    let named = |name: &str| name.to_string();
    let ends = [
        End::Router,
        End::Zone(named("a")),
        End::Camera(named("x")),
        End::Zone(named("b")),
        End::Camera(named("y")),
        End::Zone(named("c")),
    ];
    let ends = some_of(4, &ends);
    let (from, to) = (every.pick(ends), every.pick(ends));
    let (protocol, range) = every.pick(services);
    let (deny, also) = (every.maybe(), every.maybe());
    let to_router = to == End::Router;
    let broadcast = to_router && protocol == 17 && every.maybe();
    let to_address = to_router && every.maybe();
    Rule {
        deny,
        from: vec![from],
        to: vec![to],
        services: vec![Service {
            protocol,
            range,
            broadcast,
        }],
        to_addresses: if to_address {
            [V4, V6].map(|all| all[ROUTER].parse().unwrap()).into()
        } else {
            vec![]
        },
        masquerade: !deny && also,
        reject: deny && also,
    }
}

/// The ways through the router; strange ones lead through an interface in no zone, or `lo`.
fn way(every: &mut Every, strange: bool) -> (Hook, Port, Port) {
    let zoned = [Port::Zone(A), Port::Zone(B), Port::Zone(C)];
    let zoned = some_of(2, &zoned);
    let mut ports = zoned.to_vec();
    if strange {
        ports.extend([Port::Unzoned, Port::Loopback]);
    }
    match every.pick(&[Hook::LocalIn, Hook::Forward, Hook::LocalOut]) {
        Hook::LocalIn => (Hook::LocalIn, every.pick(&ports), Port::Unzoned),
        Hook::LocalOut => (Hook::LocalOut, Port::Unzoned, every.pick(&ports)),
        hook => (hook, every.pick(&ports), every.pick(&ports)),
    }
}

/// A packet of a new flow between these ends, with nothing strange about it.
fn plain((hook, ingress, egress): (Hook, Port, Port), ends: Ends, reply: bool) -> Facts {
    let (source, destination) = match reply {
        false => (ends.initiator, ends.responder),
        true => (ends.responder, ends.initiator),
    };
    let state = if reply {
        State::Established
    } else {
        State::New
    };
    Facts {
        hook,
        ingress,
        egress,
        is_own: true,
        looped_back: false,
        header: Some(Header {
            source,
            destination,
            protocol: ends.protocol,
            hop_limit: 64,
            fragment: Fragment::Whole,
            source_route: false,
            transport: match ends.protocol {
                6 => Transport::Tcp(2),
                17 => Transport::Udp {
                    from: 68,
                    to: ends.port,
                },
                1 | 58 => Transport::Icmp {
                    kind: ends.port as u8,
                    code: 0,
                },
                _ => Transport::Other,
            },
        }),
        source_is_local: false,
        source_mac: Some(MAC),
        home: ingress.zone(),
        broadcast: false,
        anycast: false,
        track: Track::Flow(Flow {
            state,
            reply,
            confirmed: reply,
            source_nat: false,
            ends,
            master: None,
        }),
    }
}

fn ends(initiator: &str, responder: &str, (protocol, port): (u8, u16)) -> Ends {
    Ends {
        initiator: at(initiator),
        responder: at(responder),
        protocol,
        port,
    }
}

/// Asks both of everything, and says how much that was: at least so many reasons are among it.
fn agree(name: &str, policies: impl IntoIterator<Item = Said>, packets: &[Facts], reasons: usize) {
    let (mut said_policies, mut accepted) = (0u64, 0u64);
    let mut told = std::collections::BTreeSet::new();
    for said in policies {
        said_policies += 1;
        let Ok(policy) = said.policy() else { continue };
        accepted += 1;
        let compiled = Compiled::new(policy).unwrap();
        for facts in packets {
            let is = decide(&Guard::Armed(&compiled), facts);
            let should = reference::decide(reference::Guard::Armed(&compiled.policy), facts);
            assert!(
                same(is, should),
                "{is:#?}, not {should:#?}\n{facts:#?}\n{said:#?}"
            );
            told.insert(is.reason);
        }
    }
    let cases = accepted * packets.len() as u64;
    println!(
        "{name}: {accepted} policies (of {said_policies} that can be said) x {} packets = {cases} cases, {} reasons",
        packets.len(),
        told.len(),
    );
    assert!(told.len() >= reasons, "only {told:?}");
}

/// The cell matters where a rule was asked for.
fn same(is: Decision, should: Decision) -> bool {
    let asked = matches!(
        is.reason,
        Some(Reason::Allowed | Reason::Denied | Reason::Default | Reason::NoRule)
    );
    (is.verdict, is.reason, is.rule) == (should.verdict, should.reason, should.rule)
        && (!asked || is.cell == should.cell)
}

/// Up to two rules of every kind, and the packets that differ by what rules ask for.
#[test]
fn every_two_rules() {
    let services = [(6, Some((7, 7))), (0, None), (6, Some((6, 7))), (17, None)];
    let services = some_of(2, &services);
    let defaults = [[false, false, true], [true, true, false]];
    let with = |said: &Said, rule: &Rule| {
        let mut said = said.clone();
        said.rules.push(rule.clone());
        said
    };
    // The rules that are sound alone, and every two of them.
    let none = world(defaults[0], [2, 2]);
    let mut rules = Every::all(|every| Some(rule(every, services)));
    rules.retain(|rule| with(&none, rule).policy().is_ok());
    let policies = some_of(1, &defaults).iter().flat_map(|accept| {
        let none = world(*accept, [2, 2]);
        let one = rules.iter().enumerate().flat_map({
            let (none, rules) = (none.clone(), &rules);
            move |(place, rule)| {
                let one = with(&none, rule);
                let two = rules[..place].iter().map({
                    let one = one.clone();
                    move |other| with(&one, other)
                });
                two.chain([one]).collect::<Vec<_>>()
            }
        });
        one.chain([none])
    });
    let hosts = [
        V4[CAMERA],
        V4[HOST],
        V4[OUTSIDE],
        V4[ROUTER],
        V4[OTHER_CAMERA],
        V4[THIRD],
    ];
    let hosts = some_of(4, &hosts);
    let ports = [(6, 7), (6, 8), (6, 6), (17, 7)];
    let packets = Every::all(|every| {
        let (way, reply) = (way(every, false), every.maybe());
        // The router is the end that the way says, with this address or another.
        let (initiator, responder) = match (way.0, reply) {
            (Hook::LocalIn, false) | (Hook::LocalOut, true) => {
                (every.pick(hosts), every.pick(&[V4[ROUTER], "10.9.9.9"]))
            }
            (Hook::LocalOut, false) | (Hook::LocalIn, true) => (V4[ROUTER], every.pick(hosts)),
            _ => (every.pick(hosts), every.pick(hosts)),
        };
        let service = every.pick(some_of(2, &ports));
        Some(plain(way, ends(initiator, responder, service), reply))
    });
    agree("two rules", policies, &packets, 6);
}

/// A world with no rule, and with each alone that is sound.
fn one_rule(
    accept: [bool; 3],
    ipv6: [u32; 2],
    services: &[(u32, Option<(u32, u32)>)],
) -> Vec<Said> {
    let none = world(accept, ipv6);
    let mut policies = vec![none.clone()];
    policies.extend(Every::all(|every| {
        let mut said = none.clone();
        said.rules.push(rule(every, services));
        said.policy().is_ok().then_some(said)
    }));
    policies
}

/// What may announce a flow: one with the same ends, or the other way round, or of somebody else.
fn master(every: &mut Every, of: Ends, stranger: &str) -> Option<Ends> {
    let control = Ends { port: 7, ..of };
    let (initiator, responder) = (control.responder, control.initiator);
    let other = Ends {
        initiator: at(stranger),
        ..control
    };
    every.pick(&[
        None,
        Some(control),
        Some(Ends {
            initiator,
            responder,
            ..control
        }),
        Some(other),
    ])
}

/// Makes a flow's packet any other that may be taken for one of it.
fn tracked(every: &mut Every, mut facts: Facts, errors: &[u8], stranger: &str) -> Facts {
    let (Track::Flow(mut flow), Some(mut header)) = (facts.track, facts.header) else {
        unreachable!()
    };
    flow.state = every.pick(&[State::New, State::Established, State::Related]);
    flow.master = master(every, flow.ends, stranger);
    let (tcp, v6) = (
        flow.ends.protocol == 6,
        header.source.octets(&mut [0; 16]).len() == 16,
    );
    if flow.state == State::Related && every.maybe() {
        let kind = every.pick(errors);
        header.protocol = if v6 { 58 } else { 1 };
        header.transport = Transport::Icmp { kind, code: 1 };
    } else if tcp {
        let flags = [2, 0x10, 6, 4, 3, 0x12, 0xc2, 0x14].map(Transport::Tcp);
        let mut all = vec![Transport::Other];
        all.extend(some_of(4, &flags));
        header.transport = every.pick(&all);
    }
    facts.header = Some(header);
    facts.track = Track::Flow(flow);
    facts.is_own = facts.hook != Hook::LocalOut || every.maybe();
    facts
}

/// Packets of flows of these services between these hosts, by every way.
fn between(hosts: &[&str], services: &[(u8, u16)], errors: &[u8], stranger: &str) -> Vec<Facts> {
    Every::all(|every| {
        let (way, reply) = (way(every, false), every.maybe());
        let ends = ends(every.pick(hosts), every.pick(hosts), every.pick(services));
        Some(tracked(every, plain(way, ends, reply), errors, stranger))
    })
}

/// Up to one rule, and packets of flows of every kind by every way.
#[test]
fn every_packet() {
    let services = [(6, Some((7, 7))), (1, Some((3, 3))), (0, None)];
    let mut policies = Vec::new();
    for accept in some_of(1, &[[false, false, true], [true, true, false]]) {
        policies.extend(one_rule(*accept, [2, 2], some_of(2, &services)));
    }
    let hosts = [
        V4[CAMERA],
        V4[OUTSIDE],
        V4[ROUTER],
        V4[HOST],
        "255.255.255.255",
        "0.0.0.0",
    ];
    let hosts = some_of(3, &hosts);
    let mut packets = between(hosts, &[(6, 7), (1, 8)], &[3, 5, 8, 11], V4[HOST]);
    // What of a flow is only looked at where it may pass.
    packets.extend(Every::all(|every| {
        let (way, reply) = (way(every, true), every.maybe());
        let (initiator, responder) = match (way.0, reply) {
            (Hook::LocalIn, false) | (Hook::LocalOut, true) => (V4[CAMERA], V4[ROUTER]),
            (Hook::LocalOut, false) | (Hook::LocalIn, true) => (V4[ROUTER], V4[CAMERA]),
            _ => every.pick(&[(V4[CAMERA], V4[OUTSIDE]), (V4[OUTSIDE], V4[CAMERA])]),
        };
        let mut facts = plain(way, ends(initiator, responder, (6, 7)), reply);
        let Track::Flow(flow) = &mut facts.track else {
            unreachable!()
        };
        (flow.confirmed, flow.source_nat) = (every.maybe(), every.maybe());
        if let (true, Hook::LocalIn, Some(header)) = (reply, facts.hook, &mut facts.header) {
            header.destination = every.pick(&[header.destination, at("10.9.9.9")]);
        }
        flow.master = every.pick(&[None, Some(flow.ends)]);
        (facts.looped_back, facts.source_is_local) =
            every.pick(&[(false, false), (true, false), (true, true)]);
        facts.broadcast = every.maybe();
        facts.anycast = reply && facts.hook == Hook::LocalIn && every.maybe();
        facts.home = every.pick(&[None, Some(A), Some(B)]);
        facts.source_mac = every.pick(some_of(2, &[Some(MAC), None, Some([9; 6])]));
        let (tracks, header) = (
            [facts.track, Track::Invalid, Track::Untracked],
            facts.header,
        );
        (facts.track, facts.header) = every.pick(&[
            (tracks[0], header),
            (tracks[1], header),
            (tracks[2], header),
            (tracks[0], None),
        ]);
        Some(facts)
    }));
    // To groups and to all, from nobody: DHCP asks like this.
    packets.extend(Every::all(|every| {
        let way = way(every, false);
        let initiator = every.pick(&["0.0.0.0", V4[CAMERA], V4[OUTSIDE]]);
        let responder = every.pick(&["255.255.255.255", "224.0.0.1", "10.0.0.3", V4[ROUTER]]);
        let ends = ends(initiator, responder, (17, every.pick(&[67, 7])));
        let mut facts = plain(way, ends, every.maybe());
        facts.broadcast = every.maybe();
        Some(facts)
    }));
    agree("one rule", policies, &packets, 17);
}

/// No rule is asked in PRE_ROUTING: every source that there is, and what it may be about.
#[test]
fn every_source() {
    let policies = Every::all(|every| {
        Some(world(
            [true; 3],
            [every.pick(&[0, 1, 2]), every.pick(&[0, 2])],
        ))
    });
    let packets = Every::all(|every| {
        let v4 = every.maybe();
        let strange: &[&str] = if v4 {
            &[
                "0.0.0.0",
                "0.1.2.3",
                "127.0.0.1",
                "224.0.0.1",
                "255.255.255.255",
                "239.1.1.1",
                "240.0.0.1",
                "10.0.0.4",
            ]
        } else {
            &[
                "::",
                "::1",
                "ff02::1",
                "fe80::1",
                "febf::1",
                "fec0::1",
                "::ffff:10.0.0.2",
                "fd00::4",
            ]
        };
        let mut sources = if v4 { V4 } else { V6 }.to_vec();
        sources.extend(strange);
        let source = every.pick(&sources);
        let (group, unicast) = if v4 {
            ("255.255.255.255", V4[ROUTER])
        } else {
            ("ff02::16", V6[ROUTER])
        };
        // 60 is a header (RFC 8200, 4.6) that was not followed: one too many, or too long.
        let protocol = every.pick(&[17, 58, 6, 1, 60]);
        let transport = match (every.maybe(), protocol) {
            (true, _) => Transport::Other,
            (_, 60) => return None,
            (_, 17) => {
                let (from, to) = every.pick(&[(68, 67), (67, 68), (68, 68)]);
                Transport::Udp { from, to }
            }
            (_, 6) => Transport::Tcp(2),
            _ => {
                let kind = every.pick(&[135, 143, 131, 130, 137, 128, 129, 138]);
                Transport::Icmp { kind, code: 0 }
            }
        };
        Some(Facts {
            hook: Hook::PreRouting,
            ingress: every.pick(&[Port::Zone(A), Port::Zone(B), Port::Unzoned, Port::Loopback]),
            egress: Port::Unzoned,
            is_own: true,
            looped_back: every.maybe(),
            header: Some(Header {
                source: at(source),
                destination: at(every.pick(&[group, unicast])),
                protocol,
                hop_limit: every.pick(&[255, 1, 64]),
                fragment: every.pick(&[Fragment::Whole, Fragment::First, Fragment::Later]),
                source_route: every.maybe(),
                transport,
            }),
            source_is_local: every.maybe(),
            source_mac: every.pick(&[Some(MAC), None]),
            home: None,
            broadcast: false,
            anycast: false,
            track: Track::Invalid,
        })
    });
    agree("sources", policies, &packets, 7);
}

/// IPv6 that is off, minimal and full, and the ICMPv6 that carries on the network itself.
#[test]
fn every_packet_of_ipv6() {
    let services = [(0, None), (58, Some((128, 128))), (6, Some((7, 7)))];
    let mut policies = Vec::new();
    for ipv6 in [[0, 2], [1, 2], [2, 1], [2, 2]] {
        policies.extend(one_rule([false, false, true], ipv6, some_of(1, &services)));
    }
    let hosts = [
        V6[CAMERA],
        V6[OUTSIDE],
        "fe80::7",
        V6[ROUTER],
        V6[HOST],
        "ff02::1",
    ];
    let hosts = some_of(3, &hosts);
    let services = some_of(1, &[(6, 7), (58, 128)]);
    let mut packets = between(hosts, services, &[2, 137, 128, 4, 1, 5, 0], V6[HOST]);
    packets.extend(Every::all(|every| {
        let way = way(every, true);
        let source = every.pick(&["fe80::7", "::", V6[CAMERA], V6[OUTSIDE]]);
        let kind = every.pick(&[
            128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 143, 144,
        ]);
        let mut facts = plain(way, ends(source, "ff02::1", (58, kind)), false);
        facts.header = facts.header.map(|header| Header {
            hop_limit: every.pick(&[255, 1, 254]),
            fragment: every.pick(&[Fragment::Whole, Fragment::First]),
            ..header
        });
        facts.track = every.pick(&[Track::Untracked, Track::Invalid, facts.track]);
        Some(facts)
    }));
    agree("IPv6", policies, &packets, 18);
}
