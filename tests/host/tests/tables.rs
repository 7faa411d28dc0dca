// SPDX-License-Identifier: GPL-2.0

//! What counters hang on: the numbers of cells and answers, and which answer a verdict names.

use std::{collections::BTreeSet, net::IpAddr};

use camzone_host_tests::{
    config,
    dice::{bytes, Bytes},
    packets::{address, Packets},
    policies::{Camera, End, Rule, Said, Service, Zone},
};
use camzone_policy::{
    decide::{decide, Cell, Guard, Reason},
    facts::{Ends, Facts, Flow, Hook, Port, State, Track},
    header::{Fragment, Header, Transport},
    memory::Heap,
    policy::ZoneId,
    tables::{CompileError, Compiled},
};
use proptest::{collection::vec, prelude::*};

fn compiled(policy: &Bytes) -> (Said, Compiled<Heap>) {
    let said = Said::any(&mut policy.dice());
    let compiled = Compiled::new(said.policy().unwrap()).unwrap();
    (said, compiled)
}

/// Every cell, the router's last.
fn cells(compiled: &Compiled<Heap>) -> Vec<Cell> {
    let zones = 0..compiled.policy.zones.len();
    let mut places: Vec<Option<ZoneId>> = zones.map(|zone| Some(zone as ZoneId)).collect();
    places.push(None);
    let from = |from: &Option<ZoneId>| places.iter().map(|to| (*from, *to)).collect::<Vec<_>>();
    let all = places.iter().flat_map(from);
    all.map(|(from, to)| Cell { from, to }).collect()
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn cells_have_numbers(policy in bytes(400)) {
        let (_, compiled) = compiled(&policy);
        let cells = cells(&compiled);
        prop_assert_eq!(compiled.cells(), cells.len());
        for (place, cell) in cells.iter().enumerate() {
            prop_assert_eq!(compiled.cell_index(*cell), place);
            prop_assert_eq!(compiled.cell_at(place), *cell);
        }
    }

    /// Each rule has an answer in each cell that its ends make, and no other.
    #[test]
    fn answers_are_rules_in_cells(policy in bytes(400)) {
        let (_, compiled) = compiled(&policy);
        let policy = &compiled.policy;
        let mut wanted = BTreeSet::new();
        for (rule, id) in policy.rules.iter().zip(0u32..) {
            for from in rule.from.of(&policy.ends) {
                for to in rule.to.of(&policy.ends) {
                    let cell = Cell {
                        from: policy.zone_of_end(*from),
                        to: policy.zone_of_end(*to),
                    };
                    wanted.insert((id, compiled.cell_index(cell)));
                }
            }
        }
        let answers = compiled.answers();
        let is: BTreeSet<_> = answers.iter().map(|answer| (answer.rule, answer.cell)).collect();
        prop_assert_eq!(is.len(), answers.len());
        prop_assert_eq!(&is, &wanted);
        for answer in answers {
            prop_assert_eq!(answer.action, policy.rule(answer.rule).unwrap().action);
        }
        let with = |wanted: &dyn Fn(u32, usize) -> bool| -> Vec<u32> {
            let numbered = answers.iter().zip(0u32..);
            let those = numbered.filter(|(answer, _)| wanted(answer.rule, answer.cell));
            those.map(|(_, id)| id).collect()
        };
        for (_, id) in policy.rules.iter().zip(0u32..) {
            let of_rule: Vec<_> = compiled.answers_of_rule(id).collect();
            prop_assert_eq!(of_rule, with(&|rule, _| rule == id));
        }
        for place in 0..compiled.cells() {
            let of_cell: Vec<_> = compiled.answers_of_cell(place).collect();
            prop_assert_eq!(of_cell, with(&|_, cell| cell == place));
        }
    }

    /// What is counted by its answer belongs to the rule and the cell that are told.
    #[test]
    fn a_verdict_by_a_rule_names_its_answer(policy in bytes(400), packets in vec(bytes(96), 1..96)) {
        let (said, compiled) = compiled(&policy);
        let generator = Packets::new(&said, &compiled.policy);
        for packet in packets {
            let facts = generator.any(&mut packet.dice());
            let is = decide(&Guard::Armed(&compiled), &facts);
            let answer = is.answer.map(|id| *compiled.answer(id).unwrap());
            prop_assert_eq!(answer.map(|answer| answer.rule), is.rule, "{:?}", is);
            if let Some(answer) = answer {
                prop_assert_eq!(answer.cell, compiled.cell_index(is.cell.unwrap()), "{:?}\n{:#?}", is, said);
            }
            let by_rule = matches!(
                is.reason,
                Some(Reason::Allowed | Reason::Denied | Reason::NatChanged)
            );
            prop_assert_eq!(is.rule.is_some(), by_rule, "{:?}", is);
        }
    }
}

/// Cameras of two zones that the same rule names. (The second's flows were counted in the first's
/// cell.)
#[test]
fn a_group_is_of_one_zone() {
    let camera = |name: &str, zone: &str, at: &str| Camera {
        name: name.into(),
        zone: zone.into(),
        addresses: vec![at.parse().unwrap()],
        mac: None,
    };
    let said = Said {
        zones: vec![
            Zone::of("a", &[("10.0.0.0", 24)]),
            Zone::of("b", &[("10.0.1.0", 24)]),
            Zone::of("c", &[]),
        ],
        cameras: vec![camera("x", "a", "10.0.0.1"), camera("y", "b", "10.0.1.1")],
        rules: vec![Rule {
            deny: false,
            from: vec![End::Camera("x".into()), End::Camera("y".into())],
            to: vec![End::Zone("c".into())],
            services: vec![Service {
                protocol: 17,
                range: None,
                broadcast: false,
            }],
            to_addresses: vec![],
            masquerade: false,
            reject: false,
        }],
        ..Said::default()
    };
    let compiled = Compiled::new(said.policy().unwrap()).unwrap();
    let at = |text: &str| address(text.parse().unwrap());
    for (zone, source) in [(0, "10.0.0.1"), (1, "10.0.1.1")] {
        let ends = Ends {
            initiator: at(source),
            responder: at("9.9.9.9"),
            protocol: 17,
            port: 53,
        };
        let facts = Facts {
            hook: Hook::Forward,
            ingress: Port::Zone(zone),
            egress: Port::Zone(2),
            is_own: true,
            looped_back: false,
            header: Some(Header {
                source: ends.initiator,
                destination: ends.responder,
                protocol: 17,
                hop_limit: 64,
                fragment: Fragment::Whole,
                source_route: false,
                transport: Transport::Udp { from: 53, to: 53 },
            }),
            source_is_local: false,
            source_mac: None,
            home: None,
            broadcast: false,
            anycast: false,
            track: Track::Flow(Flow {
                state: State::New,
                reply: false,
                confirmed: false,
                source_nat: false,
                ends,
                master: None,
            }),
        };
        let is = decide(&Guard::Armed(&compiled), &facts);
        let answer = compiled.answer(is.answer.unwrap()).unwrap();
        let cell = compiled.cell_at(answer.cell);
        assert_eq!((cell.from, cell.to), (Some(zone), Some(2)));
    }
}

/// Addresses that were looked for, of cameras or of networks: all of them have one hash. Neither the
/// kernel that makes the tables nor a packet must walk along a row of a million.
#[test]
fn what_was_made_to_collide_is_refused() {
    let phi = 0x9e37_79b9_7f4a_7c15_u64;
    let at = |i: u32| {
        let high = 0xfd00_0008_0000_0000_u64 + u64::from(i);
        let low = high.wrapping_mul(phi);
        IpAddr::V6(((u128::from(high) << 64) | u128::from(low)).into())
    };
    let compile = |n| try_many(n, at, std::iter::empty());
    assert_eq!(compile(256).map(|compiled| compiled.most_steps()), Ok(256));
    assert_eq!(compile(257).err(), Some(CompileError::Collisions));
    let compile = |n: u32| {
        let all: Vec<_> = (0..n).map(|i| at(i).to_string()).collect();
        let zone = |name, all: &[String]| {
            let all: Vec<_> = all.iter().map(|at| (at.as_str(), 128)).collect();
            Zone::of(name, &all)
        };
        let (some, others) = all.split_at(128);
        let said = Said {
            zones: vec![zone("a", some), zone("b", others)],
            ..Said::default()
        };
        Compiled::<Heap>::new(said.policy().unwrap())
    };
    assert_eq!(compile(256).map(|compiled| compiled.most_steps()), Ok(256));
    assert_eq!(compile(257).err(), Some(CompileError::Collisions));
}

/// A policy of many cameras, with what each of them may do.
fn many(
    cameras: u32,
    at: impl Fn(u32) -> IpAddr,
    rules: impl Iterator<Item = (Vec<End>, Vec<End>)>,
) -> Compiled<Heap> {
    try_many(cameras, at, rules).unwrap()
}

fn try_many(
    cameras: u32,
    at: impl Fn(u32) -> IpAddr,
    rules: impl Iterator<Item = (Vec<End>, Vec<End>)>,
) -> Result<Compiled<Heap>, CompileError> {
    let camera = |i: u32| Camera {
        name: format!("c{i:05}"),
        zone: "a".into(),
        addresses: vec![at(i)],
        mac: None,
    };
    let rule = |(from, to)| Rule {
        deny: false,
        from,
        to,
        services: vec![Service {
            protocol: 6,
            range: Some((554, 554)),
            broadcast: false,
        }],
        to_addresses: vec![],
        masquerade: false,
        reject: false,
    };
    let said = Said {
        zones: vec![
            Zone::of("a", &[("10.0.0.0", 9), ("fd00:8::", 32)]),
            Zone::of("b", &[("10.128.0.0", 9), ("fd00:9::", 64)]),
        ],
        cameras: (0..cameras).map(camera).collect(),
        rules: rules.map(rule).collect(),
        ..Said::default()
    };
    Compiled::new(said.policy().unwrap())
}

/// Addresses that stand in rows, and rules between cameras that do: a table that is half full has a
/// row of some 35 by chance, and 1.5 steps in the mean. (With the two halves of a pair folded onto
/// each other, as they once were, 64 cameras with 64 others took 87 steps.)
#[test]
fn what_is_regular_collides_no_more_than_chance() {
    let named = |i: u32| End::Camera(format!("c{i:05}"));
    let v4 = |i: u32| IpAddr::V4((0x0a00_0001 + i).into());
    let sparse = |i: u32| IpAddr::V4((0x0a00_0001 + 256 * i).into());
    // As stateless configuration makes them of a vendor's hardware addresses (RFC 4291, appendix A).
    let eui = |i: u32| {
        IpAddr::V6(((0xfd00_0008_u128 << 96) | 0x5054_00ff_fe00_0000 | u128::from(i)).into())
    };
    let upper =
        |i: u32| IpAddr::V6(((0xfd00_0008_u128 << 96) | (u128::from(i + 1) << 40) | 1).into());
    for n in [10, 100, 1000, 4000] {
        let to_zone = |i| (vec![named(i)], vec![End::Zone("b".into())]);
        let recorder = |i| (vec![named(i)], vec![named(n + i / 2)]);
        let next = |i| (vec![named(i)], vec![named((i + 1) % n)]);
        for steps in [
            many(n, v4, (0..n).map(to_zone)).most_steps(),
            many(n + n / 2, v4, (0..n).map(recorder)).most_steps(),
            many(n, v4, (0..n).map(next)).most_steps(),
            many(n, sparse, (0..n).map(to_zone)).most_steps(),
            many(n, eui, (0..n).map(to_zone)).most_steps(),
            many(n, upper, (0..n).map(to_zone)).most_steps(),
        ] {
            assert!(steps <= 48, "{n} cameras: {steps}");
        }
    }
    // Everyone with everyone, in as many groups.
    for n in [16, 64, 128] {
        let pairs = (0..n * n).map(|i| (vec![named(i / n)], vec![named(n + i % n)]));
        let steps = many(2 * n, v4, pairs).most_steps();
        let without = many(2 * n, v4, std::iter::empty()).most_steps();
        assert!(
            without < steps && steps <= 48,
            "{n} by {n}: {steps}, {without} of them the addresses'"
        );
    }
}
