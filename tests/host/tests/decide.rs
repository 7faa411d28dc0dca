// SPDX-License-Identifier: GPL-2.0

//! The verdict is the naive reference's, and keeps the promises of the design page.

use std::{cell::Cell, collections::BTreeMap};

use camzone_host_tests::{
    config,
    dice::{bytes, Bytes},
    packets::{address, Packets},
    policies::{End, Rule, Said, Service, Zone},
    reference, wire,
};
use camzone_policy::{
    address::Family,
    decide::{
        self, allows, decide, masquerades, rule_on, serves, Decision, Guard, Reason, Verdict,
    },
    facts::{Ends, Facts, Flow, Hook, Port, State, Track},
    header::{Fragment, Header, Transport},
    memory::Heap,
    policy::{Action, Policy, ZoneId},
    service::protocol,
    tables::Compiled,
};
use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};

/// Packets that meet each policy.
const PACKETS: usize = 96;
/// Bytes from which a packet is made.
const PACKET: usize = 96;
/// Bytes from which a policy is made.
const POLICY: usize = 400;

/// Packets by the bytes they are made from.
fn packets() -> impl Strategy<Value = Vec<Bytes>> {
    vec(bytes(PACKET), 1..=PACKETS)
}

fn compiled(said: &Said) -> Compiled<Heap> {
    Compiled::new(said.policy().unwrap()).unwrap()
}

fn both(compiled: &Compiled<Heap>, facts: &Facts) -> (Decision, Decision) {
    let is = decide(&Guard::Armed(compiled), facts);
    // What is counted with the answer is what the verdict says.
    if let Some(id) = is.answer {
        let answer = compiled.answer(id).unwrap();
        assert_eq!(Some(compiled.cell_at(answer.cell)), is.cell, "{facts:#?}");
        assert_eq!(Some(answer.rule), is.rule);
    }
    (
        is,
        reference::decide(reference::Guard::Armed(&compiled.policy), facts),
    )
}

type Told = (Verdict, Option<Reason>, Option<u32>, Option<decide::Cell>);

/// What of a decision is told to anyone. The cell matters where a rule was asked for.
fn told(decision: Decision) -> Told {
    let asked = matches!(
        decision.reason,
        Some(Reason::Allowed | Reason::Denied | Reason::Default | Reason::NoRule)
    );
    let cell = decision.cell.filter(|_| asked);
    (decision.verdict, decision.reason, decision.rule, cell)
}

/// A policy with another rule, if it is accepted.
fn with(said: &Said, rule: Rule) -> Option<(Said, Compiled<Heap>)> {
    let mut said = said.clone();
    said.rules.push(rule);
    let policy = said.policy().ok()?;
    Some((said, Compiled::new(policy).unwrap()))
}

fn end(compiled: &Compiled<Heap>, zone: Option<ZoneId>) -> End {
    match zone {
        None => End::Router,
        Some(zone) => End::Zone(compiled.policy.zone(zone).unwrap().name.to_string()),
    }
}

/// The deny that says no more than that this flow is to be stopped.
fn deny(compiled: &Compiled<Heap>, decision: Decision, facts: &Facts) -> Option<Rule> {
    let (Track::Flow(flow), Some(cell)) = (facts.track, decision.cell) else {
        return None;
    };
    let asked = flow.master.unwrap_or(flow.ends);
    let ranged = matches!(asked.protocol, 1 | 6 | 17 | 58);
    // ICMP of the other family is in no service but the one of every protocol.
    let foreign = match asked.initiator.family() {
        Family::V4 => asked.protocol == protocol::ICMPV6,
        Family::V6 => asked.protocol == protocol::ICMP,
    };
    Some(Rule {
        deny: true,
        from: vec![end(compiled, cell.from)],
        to: vec![end(compiled, cell.to)],
        services: vec![Service {
            protocol: if foreign { 0 } else { asked.protocol.into() },
            range: (ranged && !foreign).then_some((asked.port.into(), asked.port.into())),
            broadcast: false,
        }],
        to_addresses: vec![],
        masquerade: false,
        reject: false,
    })
}

/// The first packet of the flow that the packet answers, the same way in the other direction.
fn original(compiled: &Compiled<Heap>, facts: &Facts) -> Option<Facts> {
    let (Track::Flow(flow), Some(header)) = (facts.track, facts.header) else {
        return None;
    };
    let hook = match facts.hook {
        Hook::LocalIn => Hook::LocalOut,
        Hook::LocalOut => Hook::LocalIn,
        Hook::Forward => Hook::Forward,
        Hook::PreRouting => return None,
    };
    if !flow.reply || flow.state != State::Established {
        return None;
    }
    let (ingress, egress) = (facts.egress, facts.ingress);
    Some(Facts {
        hook,
        ingress,
        egress,
        header: Some(Header {
            source: header.destination,
            destination: header.source,
            transport: match flow.ends.protocol {
                protocol::TCP => Transport::Tcp(2),
                _ => header.transport,
            },
            ..header
        }),
        home: match ingress {
            Port::Zone(zone) => Some(zone),
            _ => None,
        },
        is_own: true,
        looped_back: false,
        source_mac: compiled.mac_of(flow.ends.initiator),
        broadcast: false,
        anycast: false,
        track: Track::Flow(Flow {
            reply: false,
            state: State::New,
            ..flow
        }),
        ..*facts
    })
}

/// The others are about promises; this one is what their number is told of.
#[test]
fn agrees_with_the_reference() {
    let config = config(1000);
    let policies = config.cases;
    let cases = Cell::new(0u64);
    let one = |(policy, packets): (Bytes, Vec<Bytes>)| {
        let said = Said::any(&mut policy.dice());
        let compiled = compiled(&said);
        let generator = Packets::new(&said, &compiled.policy);
        for packet in packets {
            let facts = generator.any(&mut packet.dice());
            let (is, should) = both(&compiled, &facts);
            prop_assert_eq!(told(is), told(should), "{:#?}\n{:#?}", facts, said);
            // What the module counts without a look at the rest.
            let allowed = is.answer.filter(|_| is.reason == Some(Reason::Allowed));
            let ruling = rule_on(&Guard::Armed(&compiled), &facts);
            prop_assert_eq!(ruling.allowed_by(), allowed);
            cases.set(cases.get() + 1);
        }
        Ok(())
    };
    let run = TestRunner::new(config).run(&(bytes(POLICY), packets()), one);
    run.unwrap_or_else(|failure| panic!("{failure}"));
    let cases = cases.get();
    println!("random: {policies} policies = {cases} cases");
    // Half of what a policy may get, on average.
    assert!(policies < 100 || cases > u64::from(policies) * PACKETS as u64 * 2 / 5);
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn idle_and_sealed_know_no_policy(policy in bytes(POLICY), packets in packets()) {
        let said = Said::any(&mut policy.dice());
        let compiled = compiled(&said);
        let generator = Packets::new(&said, &compiled.policy);
        for packet in packets {
            let facts = generator.any(&mut packet.dice());
            let idle = decide(&Guard::<Heap>::Idle, &facts);
            prop_assert_eq!(idle, reference::decide(reference::Guard::Idle, &facts));
            prop_assert_eq!(idle.verdict, Verdict::Accept);
            let sealed = decide(&Guard::<Heap>::Sealed, &facts);
            prop_assert_eq!(sealed, reference::decide(reference::Guard::Sealed, &facts));
            let own = facts.looped_back && matches!(facts.hook, Hook::PreRouting | Hook::LocalIn);
            let loopback = [facts.ingress, facts.egress].contains(&Port::Loopback);
            prop_assert!(sealed.verdict == Verdict::Drop || own || loopback);
        }
    }

    #[test]
    fn a_rule_more_changes_one_way(
        policy in bytes(POLICY), packets in packets(), rule in bytes(64),
    ) {
        let said = Said::any(&mut policy.dice());
        let before = compiled(&said);
        let generator = Packets::new(&said, &before.policy);
        let rule = said.any_rule(&mut rule.dice());
        let denies = rule.deny;
        if let Some((_, after)) = with(&said, rule) {
            for packet in packets {
                let facts = generator.any(&mut packet.dice());
                let was = decide(&Guard::Armed(&before), &facts);
                let is = decide(&Guard::Armed(&after), &facts);
                if denies {
                    prop_assert!(was.verdict == Verdict::Accept || is.verdict != Verdict::Accept);
                } else if was.reason == Some(Reason::Denied) {
                    prop_assert_eq!((is.verdict, is.reason), (was.verdict, was.reason));
                }
            }
        }
    }

    #[test]
    fn order_never_matters(policy in bytes(POLICY), order in bytes(200), packets in packets()) {
        let said = Said::any(&mut policy.dice());
        let other = said.reordered(&mut order.dice());
        let (a, b) = (compiled(&said), compiled(&other));
        prop_assert_eq!(wire::dump(&a.policy), wire::dump(&b.policy), "{:#?}", said);
        let generator = Packets::new(&said, &a.policy);
        for packet in packets {
            let facts = generator.any(&mut packet.dice());
            prop_assert_eq!(
                decide(&Guard::Armed(&a), &facts),
                decide(&Guard::Armed(&b), &facts)
            );
        }
    }

    #[test]
    fn what_is_dumped_is_the_policy(policy in bytes(POLICY), packets in packets()) {
        let said = Said::any(&mut policy.dice());
        let a = compiled(&said);
        let items = wire::dump(&a.policy);
        prop_assert_eq!(items.len(), 1 + said.zones.len() + said.cameras.len() + said.rules.len());
        let b: Policy<Heap> = wire::read(&items[0], &items[1..]).unwrap();
        let b = Compiled::new(b).unwrap();
        prop_assert_eq!(&items, &wire::dump(&b.policy));
        // In one message, and with the ids that a dump shows.
        let mut whole = Vec::new();
        let mut place = 1;
        while let Some(item) = camzone_policy::dump::item(&a.policy, place) {
            camzone_policy::dump::write(&a.policy, item, Some(place as u64), &mut whole).unwrap();
            place += 1;
        }
        let c: Policy<Heap> = wire::read(&items[0], &[whole]).unwrap();
        prop_assert_eq!(&items, &wire::dump(&c));
        let generator = Packets::new(&said, &a.policy);
        for packet in packets {
            let facts = generator.any(&mut packet.dice());
            prop_assert_eq!(
                decide(&Guard::Armed(&a), &facts),
                decide(&Guard::Armed(&b), &facts)
            );
        }
    }
}

/// Something that holds of packets under policies. It says of which packets it could say anything, and
/// `share` of a thousand have to be such.
fn holds(
    default: u32,
    share: u64,
    property: impl Fn(&Said, &Compiled<Heap>, &Facts) -> Result<bool, TestCaseError>,
) {
    let config = config(default);
    let policies = config.cases;
    let (all, said_of) = (Cell::new(0u64), Cell::new(0u64));
    let one = |(policy, packets): (Bytes, Vec<Bytes>)| {
        let said = Said::any(&mut policy.dice());
        let compiled = compiled(&said);
        let generator = Packets::new(&said, &compiled.policy);
        for packet in packets {
            let facts = generator.any(&mut packet.dice());
            let judged = property(&said, &compiled, &facts)?;
            all.set(all.get() + 1);
            said_of.set(said_of.get() + u64::from(judged));
        }
        Ok(())
    };
    let run = TestRunner::new(config).run(&(bytes(POLICY), packets()), one);
    run.unwrap_or_else(|failure| panic!("{failure}"));
    let (all, said_of) = (all.get(), said_of.get());
    println!("it was about {said_of} of {all} packets");
    assert!(policies < 100 || said_of * 1000 >= all * share);
}

#[test]
fn a_deny_beats_every_allow() {
    holds(1000, 70, |said, before, facts| {
        let was = decide(&Guard::Armed(before), facts);
        // Asked a rule, and not on the way of the router's own errors, which names no flow.
        if !matches!(was.reason, Some(Reason::Allowed | Reason::Default)) {
            return Ok(false);
        }
        // A deny that leaves nothing of an allow is no rule beside it.
        let Some((_, after)) = deny(before, was, facts).and_then(|deny| with(said, deny)) else {
            return Ok(false);
        };
        let is = decide(&Guard::Armed(&after), facts);
        let stopped = (Verdict::Drop, Some(Reason::Denied));
        prop_assert_eq!((is.verdict, is.reason), stopped, "{:#?}", facts);
        Ok(true)
    });
}

#[test]
fn a_reply_needs_what_its_flow_needs() {
    holds(1000, 25, |_, compiled, facts| {
        let reply = decide(&Guard::Armed(compiled), facts);
        let judged = matches!(reply.reason, Some(Reason::Allowed | Reason::Default));
        let first = original(compiled, facts);
        let (true, Some(first)) = (judged && reply.verdict == Verdict::Accept, first) else {
            return Ok(false);
        };
        // The router's own answers come from none of these.
        let Track::Flow(flow) = facts.track else {
            unreachable!()
        };
        let to = flow.ends.responder;
        if to.is_multicast() || to.is_limited_broadcast() {
            return Ok(false);
        }
        let first_is = decide(&Guard::Armed(compiled), &first);
        prop_assert_eq!(
            first_is.verdict,
            Verdict::Accept,
            "{:#?}\n{:?}",
            first,
            first_is
        );
        // Which conntrack never calls a flow.
        if first_is.reason != Some(Reason::NeighbourDiscovery) {
            prop_assert_eq!(first_is.cell, reply.cell);
            prop_assert_eq!(first_is.rule, reply.rule);
        }
        Ok(true)
    });
}

#[test]
fn masquerade_is_what_the_verdict_says() {
    holds(1000, 12, |_, compiled, facts| {
        let is = decide(&Guard::Armed(compiled), facts);
        let Track::Flow(flow) = facts.track else {
            return Ok(false);
        };
        // Asked behind FORWARD, of a flow's first packets; an expected flow's are RELATED.
        let first = !flow.reply
            && match flow.master {
                None => flow.state == State::New,
                Some(_) => flow.state == State::Related && !about_a_flow(facts),
            };
        if facts.hook != Hook::Forward || !first || is.reason != Some(Reason::Allowed) {
            return Ok(false);
        }
        // ip6_forward() has dropped it before it asks the hook.
        let asked = flow.master.unwrap_or(flow.ends);
        if flow.ends.initiator.is_link_local_v6() || asked.initiator.is_link_local_v6() {
            return Ok(false);
        }
        let rule = compiled.policy.rule(is.rule.unwrap()).unwrap();
        // What comes against its master's direction goes to the inside, and as it is.
        let Port::Zone(to) = facts.egress else {
            unreachable!()
        };
        let along = flow.master.is_none() || is.cell.unwrap().to == Some(to);
        let wanted = along && rule.action == Action::Allow { masquerade: true };
        prop_assert_eq!(masquerades(compiled, &asked, to), wanted, "{:#?}", facts);
        Ok(true)
    });
}

#[test]
fn a_flow_is_allowed_as_its_first_packet_is() {
    holds(500, 34, |_, compiled, facts| {
        let Track::Flow(flow) = facts.track else {
            return Ok(false);
        };
        let to_router = facts.hook == Hook::LocalIn;
        let Ends {
            initiator,
            responder,
            ..
        } = flow.ends;
        let cast =
            |a: camzone_policy::address::Address| a.is_multicast() || a.is_limited_broadcast();
        // Of these more is known once a packet is there.
        if flow.reply
            || flow.state != State::New
            || flow.master.is_some()
            || facts.broadcast
            || initiator == responder
            || [initiator, responder]
                .iter()
                .any(|a| a.is_link_local_v6() || a.is_unspecified() || cast(*a))
            || (to_router && facts.home != compiled.zone_of(responder))
        {
            return Ok(false);
        }
        let is = decide(&Guard::Armed(compiled), facts);
        use Reason::{Allowed, Default, Denied, NatChanged, NoRule, WrongAddress};
        let asked = [Allowed, Denied, Default, NoRule, WrongAddress, NatChanged].map(Some);
        let (true, Some(cell)) = (asked.contains(&is.reason), is.cell) else {
            return Ok(false);
        };
        let routers =
            |a| (cell.from.is_none() && a == initiator) || (cell.to.is_none() && a == responder);
        let passes = is.verdict == Verdict::Accept || is.reason == Some(NatChanged);
        prop_assert_eq!(
            allows(compiled, &flow.ends, routers),
            passes,
            "{:#?}",
            facts
        );
        Ok(true)
    });
}

#[test]
fn what_is_served_is_what_a_rule_lets_in() {
    holds(500, 12, |_, compiled, facts| {
        let (Track::Flow(flow), Port::Zone(zone)) = (facts.track, facts.ingress) else {
            return Ok(false);
        };
        let responder = flow.ends.responder;
        let cast = responder.is_multicast() || responder.is_limited_broadcast() || facts.broadcast;
        let first = flow.state == State::New && !flow.reply && flow.master.is_none();
        if facts.hook != Hook::LocalIn || !first || cast || facts.home != Some(zone) {
            return Ok(false);
        }
        let is = decide(&Guard::Armed(compiled), facts);
        use Reason::{Allowed, Default, Denied, NoRule};
        if ![Allowed, Default, Denied, NoRule]
            .map(Some)
            .contains(&is.reason)
        {
            return Ok(false);
        }
        let served = serves(compiled, &flow.ends, zone);
        prop_assert_eq!(served, is.reason == Some(Allowed), "{:#?}", facts);
        Ok(true)
    });
}

/// Whether a RELATED packet is about its flow, and not of it.
fn about_a_flow(facts: &Facts) -> bool {
    let other = |header: Header, flow: Flow| header.protocol != flow.ends.protocol;
    match (facts.header, facts.track) {
        (Some(header), Track::Flow(flow)) => other(header, flow),
        _ => true,
    }
}

/// The article's zones, with an ftp helper's flows in mind.
fn article() -> (Said, Compiled<Heap>) {
    let said = Said {
        accept: [false, false, true],
        zones: vec![
            Zone::of("camera", &[("fd00:8::", 64)]),
            Zone::of("external", &[]),
            Zone {
                ipv6: 1,
                ..Zone::of("little", &[("fd00:7::", 64)])
            },
        ],
        rules: vec![Rule {
            deny: false,
            from: vec![End::Router],
            to: vec![End::Zone("camera".into())],
            services: vec![Service {
                protocol: 6,
                range: Some((21, 21)),
                broadcast: false,
            }],
            to_addresses: vec![],
            masquerade: false,
            reject: false,
        }],
        ..Said::default()
    };
    let compiled = compiled(&said);
    (said, compiled)
}

/// A packet to the router about a flow of the router's, from this zone and host.
fn error_about(zone: ZoneId, from: &str, kind: u8, flow: Flow) -> Facts {
    let router = address("fd00:8::1".parse().unwrap());
    Facts {
        hook: Hook::LocalIn,
        ingress: Port::Zone(zone),
        egress: Port::Unzoned,
        is_own: true,
        looped_back: false,
        header: Some(Header {
            source: address(from.parse().unwrap()),
            destination: router,
            protocol: protocol::ICMPV6,
            hop_limit: 64,
            fragment: Fragment::Whole,
            source_route: false,
            transport: Transport::Icmp { kind, code: 0 },
        }),
        source_is_local: false,
        source_mac: None,
        home: Some(zone),
        broadcast: false,
        anycast: false,
        track: Track::Flow(flow),
    }
}

fn flow(initiator: &str, responder: &str, port: u16, reply: bool) -> Flow {
    Flow {
        state: State::Related,
        reply,
        confirmed: true,
        source_nat: false,
        ends: Ends {
            initiator: address(initiator.parse().unwrap()),
            responder: address(responder.parse().unwrap()),
            protocol: protocol::TCP,
            port,
        },
        master: None,
    }
}

/// An error about an expected flow has that flow's master, and is an error all the same. (Was
/// taken for the flow's own packet: redirects passed, and `packet too big` was `malformed`.)
#[test]
fn errors_about_expected_flows_are_errors() {
    let (_, compiled) = article();
    let verdict = |facts: &Facts| {
        let (is, should) = both(&compiled, facts);
        assert_eq!(told(is), told(should));
        (is.verdict, is.reason.unwrap())
    };
    let master = Some(flow("fd00:8::1", "fd00:8::110", 21, false).ends);
    // Passive: the router opens the data flow too.
    let passive = Flow {
        master,
        ..flow("fd00:8::1", "fd00:8::110", 40000, true)
    };
    let too_big = error_about(0, "fd00:8::110", 2, passive);
    assert_eq!(verdict(&too_big), (Verdict::Accept, Reason::Allowed));
    let ping = error_about(0, "fd00:8::110", 128, passive);
    assert_eq!(verdict(&ping), (Verdict::Drop, Reason::IcmpError));
    // Active: the camera does.
    let active = Flow {
        master,
        ..flow("fd00:8::110", "fd00:8::1", 40000, false)
    };
    let too_big = error_about(0, "fd00:8::110", 2, active);
    assert_eq!(verdict(&too_big), (Verdict::Accept, Reason::Allowed));
    // IPv4's redirects have no hop limit that stops them earlier.
    let mut redirect = error_about(0, "fd00:8::110", 5, passive);
    let v4 = |text: &str| address(text.parse().unwrap());
    let ends = |port| Ends {
        initiator: v4("10.0.0.1"),
        responder: v4("10.0.0.9"),
        protocol: protocol::TCP,
        port,
    };
    redirect.header = redirect.header.map(|header| Header {
        source: v4("10.0.0.9"),
        destination: v4("10.0.0.1"),
        protocol: protocol::ICMP,
        ..header
    });
    redirect.ingress = Port::Zone(1);
    redirect.track = Track::Flow(Flow {
        ends: ends(40000),
        master: Some(ends(21)),
        ..passive
    });
    assert_eq!(verdict(&redirect), (Verdict::Drop, Reason::IcmpRedirect));
}

/// Behind more extension headers than are looked through, no protocol is seen. (Was taken for the
/// expected flow's own packet: an error of any type passed as allowed.)
#[test]
fn errors_out_of_sight_are_not_an_expected_flows_own() {
    let (_, compiled) = article();
    let expected = Flow {
        master: Some(flow("fd00:8::1", "fd00:8::110", 21, false).ends),
        ..flow("fd00:8::1", "fd00:8::110", 40000, true)
    };
    let mut hidden = error_about(0, "fd00:8::110", 2, expected);
    hidden.header = hidden.header.map(|header| Header {
        protocol: 60,
        transport: Transport::Other,
        ..header
    });
    let (is, should) = both(&compiled, &hidden);
    assert_eq!(told(is), told(should));
    assert_eq!(is.reason, Some(Reason::IcmpError));
    assert_eq!(is.verdict, Verdict::Drop);
}

/// A minimal zone's errors are about its own hosts' flows. (Were accepted about anyone's.)
#[test]
fn errors_of_minimal_zones_are_about_their_own() {
    let (_, compiled) = article();
    let verdict = |facts: &Facts| {
        let (is, should) = both(&compiled, facts);
        assert_eq!(told(is), told(should));
        (is.verdict, is.reason.unwrap())
    };
    let own = flow("fd00:7::1", "fd00:7::9", 80, true);
    let is = verdict(&error_about(2, "fd00:7::9", 2, own));
    assert_eq!(is, (Verdict::Accept, Reason::IcmpError));
    let foreign = flow("2a00::1", "2a00::99", 443, true);
    let is = verdict(&error_about(2, "fd00:7::9", 2, foreign));
    assert_eq!(is, (Verdict::Drop, Reason::WrongZone));
}

/// Tests can only see what is generated: every reason and verdict is, often.
#[test]
fn generators_reach_every_reason() {
    let mut runner = TestRunner::deterministic();
    let mut reasons: BTreeMap<Option<Reason>, u32> = BTreeMap::new();
    let mut at: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut total = 0;
    for _ in 0..400 {
        let policy = bytes(POLICY).new_tree(&mut runner).unwrap().current();
        let said = Said::any(&mut policy.dice());
        let compiled = compiled(&said);
        let generator = Packets::new(&said, &compiled.policy);
        for packet in packets().new_tree(&mut runner).unwrap().current() {
            let facts = generator.any(&mut packet.dice());
            let (decision, _) = both(&compiled, &facts);
            *reasons.entry(decision.reason).or_default() += 1;
            let key = (
                format!("{:?}", facts.hook),
                format!("{:?}", decision.verdict),
            );
            *at.entry(key).or_default() += 1;
            total += 1;
        }
    }
    println!("{total}: {reasons:#?} {at:#?}");
    for reason in Reason::ALL {
        let share = reasons.get(&Some(*reason)).copied().unwrap_or(0);
        match reason {
            Reason::Idle | Reason::Sealed => assert_eq!(share, 0),
            _ => assert!(share * 500 >= total, "{reason:?}: {share} of {total}"),
        }
    }
    for hook in [
        Hook::PreRouting,
        Hook::LocalIn,
        Hook::Forward,
        Hook::LocalOut,
    ] {
        for verdict in [Verdict::Accept, Verdict::Drop, Verdict::Reject] {
            let share = at
                .get(&(format!("{hook:?}"), format!("{verdict:?}")))
                .copied();
            let can = verdict != Verdict::Reject || matches!(hook, Hook::LocalIn | Hook::Forward);
            match share.unwrap_or(0) {
                0 => assert!(!can, "{hook:?} {verdict:?} never"),
                share => assert!(can && share * 200 >= total, "{hook:?} {verdict:?}: {share}"),
            }
        }
    }
}
