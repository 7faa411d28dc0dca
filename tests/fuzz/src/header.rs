// SPDX-License-Identifier: GPL-2.0

//! A packet's first bytes: see docs/trust.md, "Fuzzing", for what has to hold.

use std::{cell::OnceCell, net::IpAddr};

use camzone_host_tests::{
    policies::{Camera, End, Rule, Said, Service, Zone},
    reference,
};
use camzone_policy::{
    decide::{decide, Guard, Verdict},
    facts::{Ends, Facts, Flow, Hook, Port, State, Track},
    header::{Fragment, Header, Transport, WINDOW},
    memory::Heap,
    tables::Compiled,
};

use crate::{first, within};

/// The first bytes of a packet: the first of these say how long it is, and where it is seen.
pub fn header(bytes: &[u8]) {
    let (how, bytes) = first(bytes);
    let (longer, bytes) = first(bytes);
    let packet_len = match how & 3 {
        0 => bytes.len(),
        1 => bytes.len() + usize::from(longer),
        2 => usize::from(longer),
        _ => 65_535 + usize::from(longer),
    };
    let window = &bytes[..bytes.len().min(WINDOW)];
    let read = within(window, |bytes| Header::parse(bytes, packet_len));
    if let Some(header) = read {
        is_sound(&header, window);
        // Less of the same packet says less, and nothing else.
        for cut in 0..window.len() {
            if let Some(less) = Header::parse(&window[..cut], packet_len) {
                says_less(&less, &header);
            }
        }
    }
    verdict(how, read);
}

fn is_sound(header: &Header, window: &[u8]) {
    let at = match header.source.octets(&mut [0; 16]).len() {
        4 => (12, 16, 20),
        _ => (8, 24, 40),
    };
    let mut buffer = [0; 16];
    assert_eq!(header.source.octets(&mut buffer), &window[at.0..at.1]);
    let len = at.1 - at.0;
    assert_eq!(
        header.destination.octets(&mut buffer),
        &window[at.1..at.1 + len]
    );
    assert!(window.len() >= at.2);
    if header.fragment == Fragment::Later {
        assert_eq!(header.transport, Transport::Other);
    }
    let protocol = match header.transport {
        Transport::Tcp(_) => 6,
        Transport::Udp { .. } => 17,
        Transport::Icmp { .. } if header.protocol == 1 => 1,
        Transport::Icmp { .. } => 58,
        Transport::Other => header.protocol,
    };
    assert_eq!(header.protocol, protocol);
}

fn says_less(less: &Header, header: &Header) {
    assert_eq!(
        (less.source, less.destination, less.hop_limit),
        (header.source, header.destination, header.hop_limit)
    );
    if less.transport != Transport::Other {
        assert_eq!(less, header);
    }
}

/// What the packet gets is what the naive reference says, and one that cannot be read gets nowhere.
fn verdict(how: u8, header: Option<Header>) {
    thread_local!(static POLICY: OnceCell<Compiled<Heap>> = const { OnceCell::new() });
    let hooks = [
        Hook::PreRouting,
        Hook::LocalIn,
        Hook::Forward,
        Hook::LocalOut,
    ];
    let hook = hooks[usize::from(how >> 2) & 3];
    let ports = match hook {
        Hook::PreRouting | Hook::LocalIn => (Port::Zone(0), Port::Unzoned),
        Hook::Forward => (Port::Zone(0), Port::Zone(1)),
        Hook::LocalOut => (Port::Unzoned, Port::Zone(0)),
    };
    let flow = header.map(|header| Flow {
        state: [State::New, State::Related][usize::from(how >> 4) & 1],
        reply: how & 32 != 0,
        confirmed: false,
        source_nat: false,
        ends: Ends {
            initiator: header.source,
            responder: header.destination,
            protocol: header.protocol,
            port: match header.transport {
                Transport::Udp { to, .. } => to,
                Transport::Icmp { kind, .. } => kind.into(),
                _ => 0,
            },
        },
        master: None,
    });
    let facts = Facts {
        hook,
        ingress: ports.0,
        egress: ports.1,
        is_own: true,
        looped_back: false,
        header,
        source_is_local: how & 64 != 0,
        source_mac: None,
        home: Some(0),
        broadcast: how & 128 != 0,
        anycast: how & 64 != 0,
        track: flow.map_or(Track::Untracked, Track::Flow),
    };
    POLICY.with(|policy| {
        let policy = policy.get_or_init(compiled);
        let is = decide(&Guard::Armed(policy), &facts);
        let should = reference::decide(reference::Guard::Armed(&policy.policy), &facts);
        assert_eq!(
            (is.verdict, is.reason, is.rule),
            (should.verdict, should.reason, should.rule)
        );
        assert!(header.is_some() || is.verdict == Verdict::Drop);
    });
}

fn compiled() -> Compiled<Heap> {
    let rule = |deny, from: &str, to: End, protocol, broadcast| Rule {
        deny,
        from: vec![End::Zone(from.into())],
        to: vec![to],
        services: vec![Service {
            protocol,
            range: None,
            broadcast,
        }],
        to_addresses: vec![],
        masquerade: false,
        reject: deny,
    };
    let said = Said {
        accept: [false, false, true],
        zones: vec![
            Zone::of("a", &[("10.0.0.0", 8), ("fd00::", 8)]),
            Zone::of("b", &[]),
        ],
        cameras: vec![Camera {
            name: "c".into(),
            zone: "a".into(),
            addresses: ["10.0.0.2", "fd00::2"]
                .map(|a| a.parse::<IpAddr>().unwrap())
                .into(),
            mac: None,
        }],
        rules: vec![
            rule(false, "a", End::Zone("b".into()), 6, false),
            rule(false, "a", End::Router, 17, true),
            rule(true, "a", End::Router, 1, false),
        ],
        ..Said::default()
    };
    Compiled::new(said.policy().unwrap()).unwrap()
}
