// SPDX-License-Identifier: GPL-2.0
//! What camzone and the ruleset of `camzonectl export --nft` differ in.

use super::super::ears::{Ears, Heard, Place};
use super::super::intended::OF_NFT;
use super::super::judge::{ip_of, loose, words};
use super::super::packet::Draft;
use super::super::world::{run, LINK_LOCAL, ROUTERS};
use super::super::{export, forget_flows, put, sockets};
use super::{between, long_udp, tcp, udp, Bench, ACK, BOTH, CAMZONE, NEITHER, ORACLE, SYN};
use crate::ip::{Extension, Header};
use crate::netns;
use crate::transport::{self, Segment, TcpWords};
use std::io::Result;

fn solicitation(payload: &[u8]) -> Segment {
    transport::discovery(135, 0, &LINK_LOCAL.octets(), payload)
}

const TWO: &str = r#"
forwarding = true
[zones.out]
interfaces = ["eth0"]
networks = "any"
ipv6 = "full"
[zones.two]
interfaces = ["eth1", "eth2", "eth4", "vrf0"]
networks = ["192.168.8.0/24", "192.168.5.0/24", "10.0.0.0/16", "fd00:8::/64", "fd00:5::/64", "fd00:a::/64"]
ipv6 = "full"
[services.some]
tcp = [21, 80]
udp = 9
[[allow]]
from = "two"
to = "router"
services = "some"
[services.named]
udp = 10
[[allow]]
from = "two"
to = "router"
services = "named"
to_address = "10.0.0.1"
[services.served]
udp = 13
[[allow]]
from = "out"
to = "router"
services = "served"
to_address = "192.168.0.1"
[services.refused]
tcp = 82
[[deny]]
from = "two"
to = "out"
services = "refused"
reject = true
[[allow]]
from = "two"
to = "out"
services = "some"
"#;

/// Shows each of the differences.
pub fn differences(ears: &mut Ears) -> Result<bool> {
    let masquerade = format!("{TWO}masquerade = true\n");
    let put_text = |text: &str| put(text, &export(text)?);
    put_text(&masquerade)?;
    forget_flows()?;
    let (out, one, router) = (Place::Wire(0), Place::Wire(1), Place::Router);
    let mut bench = Bench::new(ears);

    bench.see(
        "to the router's own address",
        BOTH,
        one,
        between("192.168.8.10", "192.168.8.1"),
        udp(1000, 9),
    )?;
    bench.differs(
        "sibling-address",
        CAMZONE,
        one,
        between("192.168.8.10", "192.168.5.200"),
        udp(1001, 9),
    )?;
    bench.see(
        "a sibling address, and no rule",
        NEITHER,
        one,
        between("192.168.8.10", "192.168.5.200"),
        udp(1007, 11),
    )?;
    errors(&mut bench)?;
    resets(&mut bench)?;
    in_pieces(&mut bench)?;

    let syn = || between("fd00:8::10", "fd00::10");
    bench.see("a SYN", BOTH, one, syn(), tcp(1000, 80, SYN))?;
    let deep = Header {
        extensions: vec![Extension::Destination; 9],
        ..syn()
    };
    bench.differs("deep-header", ORACLE, one, deep, tcp(1001, 80, SYN))?;
    let eight = Header {
        extensions: vec![Extension::Destination; 8],
        ..syn()
    };
    bench.see("as deep as may be", BOTH, one, eight, tcp(1008, 80, SYN))?;
    let hidden = || Header {
        extensions: vec![Extension::Authentication],
        ..syn()
    };
    bench.differs("behind-ah", CAMZONE, one, hidden(), tcp(1002, 80, SYN))?;
    for (what, port, flags) in [
        ("behind it, and no rule", 81, SYN),
        ("behind it, and no SYN", 80, ACK),
    ] {
        bench.see(what, NEITHER, one, hidden(), tcp(1009, port, flags))?;
    }

    let own = || between("fd00:8::1", "fd00:8::10");
    bench.see("the router's own", BOTH, router, own(), udp(1000, 9))?;
    let lie = Header {
        length: Some(200),
        ..own()
    };
    bench.differs("lying-length", ORACLE, router, lie, udp(1001, 9))?;

    let neighbour = || Header {
        ttl: 255,
        ..between("fe80::10", "ff02::1")
    };
    bench.see("a solicitation", BOTH, one, neighbour(), solicitation)?;
    let atomic = Header {
        extensions: vec![Extension::Atomic],
        ..neighbour()
    };
    bench.see(
        "one with a fragment header",
        NEITHER,
        one,
        atomic,
        solicitation,
    )?;

    bench.see(
        "a translated flow",
        BOTH,
        one,
        between("192.168.8.10", "192.168.0.10"),
        udp(1003, 9),
    )?;
    bench.see(
        "one by a port of the router's",
        BOTH,
        one,
        between("192.168.8.10", "192.168.0.10"),
        udp(13, 9),
    )?;
    let (shot, [a, b]) = bench.send(
        &[(one, between("192.168.8.11", "192.168.0.10"))],
        udp(1003, 9),
    )?;
    if a != b && !a.is_empty() && loose(&shot, &a) == loose(&shot, &b) {
        bench.shown.insert("rolled-port");
    }

    // A flow that went on its way before its translation was said.
    put_text(TWO)?;
    for (what, wanted, host, port) in [
        ("an answer", BOTH, "fd00:8::10", 1013),
        (
            "one to the router, which did not ask",
            NEITHER,
            "fd00:8::",
            1014,
        ),
    ] {
        let (there, back) = (between(host, "fd00::10"), between("fd00::10", host));
        bench.see("a question", BOTH, one, there, udp(port, 9))?;
        bench.see(what, wanted, out, back, udp(9, port))?;
    }
    let flow = || between("192.168.8.10", "192.168.0.10");
    bench.see("a plain flow", BOTH, one, flow(), udp(1004, 9))?;
    put_text(&masquerade)?;
    bench.see("its next packet", NEITHER, one, flow(), udp(1004, 9))?;
    bench.differs("flow-ended", CAMZONE, one, flow(), udp(1004, 9))?;
    bench.see(
        "a stranger's answer",
        NEITHER,
        out,
        between("192.168.0.10", "192.168.8.10"),
        udp(9, 1004),
    )?;

    expected(&mut bench)?;

    // Last, since it takes a wire away.
    let two = || between("10.0.0.10", "10.0.0.1");
    bench.see(
        "by a plain interface",
        BOTH,
        Place::Wire(4),
        two(),
        udp(1005, 10),
    )?;
    let vrf = "link add vrf0 type vrf table 100\nlink set vrf0 up\nlink set eth4 master vrf0\n";
    for name in ROUTERS {
        run(Some(name), &["ip", "-batch", "-"], vrf)?;
    }
    bench.differs("vrf-slave", ORACLE, Place::Wire(4), two(), udp(1006, 10))?;
    Ok(bench.done(&[OF_NFT, &["flow-ended", "expected-flow", "vrf-slave"]].concat()))
}

/// An error about what the router said is asked as the flow in which it did.
fn errors(bench: &mut Bench<'_>) -> Result<()> {
    let (one, sibling) = (Place::Wire(1), Place::Wire(2));
    let (host, router) = ("192.168.8.10", "192.168.8.1");
    bench.see("a flow", BOTH, one, between(host, router), udp(1010, 9))?;
    for (what, wanted, place, port) in [
        ("an error about it", BOTH, one, 1010),
        ("one by a sibling", CAMZONE, sibling, 1010),
        ("one about no flow", NEITHER, sibling, 1011),
    ] {
        bench.see(what, wanted, place, between(host, router), |payload| {
            let said = Header {
                proto: 17,
                ..between(router, host)
            };
            let said = said.wrap(&udp(9, port)(payload).bytes);
            transport::icmp(false, 3, 3, 0, &said)
        })?;
    }
    Ok(())
}

/// Who is refused is reset, but for the router itself, if somebody sent as if it were: in the name of
/// the address that every router of a link has (RFC 4291, 2.6.1).
fn resets(bench: &mut Bench<'_>) -> Result<()> {
    let one = Place::Wire(1);
    for (what, wanted, from) in [
        ("a reset", BOTH, "fd00:8::10"),
        ("a reset to the router itself", NEITHER, "fd00:8::"),
    ] {
        let header = Header {
            proto: 6,
            ..between(from, "fd00::10")
        };
        for frame in Draft::new(one, header, tcp(1012, 82, SYN)(b"")).bytes(&[]) {
            for router in 0..ROUTERS.len() {
                bench.ears.send(router, one, &frame)?;
            }
        }
        let is_reset = |(place, bytes): &Heard| match place {
            Place::Router => bytes.starts_with(&[0x60, 6]) && bytes[15] & 4 != 0,
            _ => words(ip_of(*place, bytes)).is_some_and(|w| w.proto == 6 && w.kind & 4 != 0),
        };
        let [a, b] = bench.ears.hear()?.map(|heard| heard.iter().any(is_reset));
        bench.says(what, wanted, (a, b));
    }
    Ok(())
}

/// Pieces come in where the last of them does, and none may be forged.
fn in_pieces(bench: &mut Bench<'_>) -> Result<()> {
    let (out, one, sibling) = (Place::Wire(0), Place::Wire(1), Place::Wire(2));
    let mut port = 1100;
    for (from, to) in [("192.168.8.10", "192.168.8.1"), ("fd00:8::10", "fd00:8::1")] {
        for (what, wanted, places) in [
            ("three pieces", BOTH, [one, one, one]),
            ("the first by a sibling", BOTH, [sibling, one, one]),
            ("the last by a sibling", CAMZONE, [one, one, sibling]),
            ("a forged first one", NEITHER, [out, one, one]),
            ("a forged second one", NEITHER, [one, out, one]),
            ("a forged last one", NEITHER, [one, one, out]),
        ] {
            port += 1;
            let ways = places.map(|place| (place, between(from, to)));
            bench.see_pieces(what, wanted, &ways, long_udp(port, 9))?;
        }
    }
    Ok(())
}

/// The data connection of an FTP session that conntrack's helper has read about.
fn expected(bench: &mut Bench<'_>) -> Result<()> {
    let helper = r#"
table inet helper {
	ct helper ftp { type "ftp" protocol tcp; }
	chain c { type filter hook prerouting priority -100; tcp dport 21 ct helper set "ftp"; }
}"#;
    let mut sinks = Vec::new();
    for router in ROUTERS {
        run(Some(router), &["nft", "-f", "-"], helper)?;
        for port in [21, 50_000] {
            sinks.extend(netns::within(Some(router), || sockets::sink(true, port))?);
        }
    }
    let one = Place::Wire(1);
    let (there, back) = (
        || between("192.168.8.10", "192.168.8.1"),
        || between("192.168.8.1", "192.168.8.10"),
    );
    let words = |flags, seq, ack| TcpWords {
        flags,
        seq,
        ack,
        offset: None,
    };
    bench.see("FTP: SYN", BOTH, one, there(), |n| {
        transport::tcp(4200, 21, &words(SYN, 99, 0), n)
    })?;
    // A SYN may carry data; so the numbers go on behind it.
    bench.see("FTP: SYN, ACK", BOTH, Place::Router, back(), |n| {
        transport::tcp(21, 4200, &words(SYN | ACK, 499, 108), n)
    })?;
    bench.see("FTP: ACK", BOTH, one, there(), |n| {
        transport::tcp(4200, 21, &words(ACK, 108, 508), n)
    })?;
    let line = |text: &str, n: &[u8]| [b"220 ", n, text.as_bytes(), b"\r\n"].concat();
    bench.see("FTP: 220", BOTH, Place::Router, back(), |n| {
        transport::tcp(
            21,
            4200,
            &words(ACK | 8, 508, 116),
            &line("at your service", n),
        )
    })?;
    let seq = 508 + line("at your service", &[0; 8]).len() as u32;
    bench.see("FTP: 227", BOTH, Place::Router, back(), |n| {
        let said = [
            b"227 ",
            n,
            b" Entering Passive Mode (192,168,8,1,195,80)\r\n",
        ]
        .concat();
        transport::tcp(21, 4200, &words(ACK | 8, seq, 116), &said)
    })?;
    bench.see(
        "another port",
        NEITHER,
        one,
        there(),
        tcp(4201, 50_001, SYN),
    )?;
    bench.differs(
        "expected-flow",
        CAMZONE,
        one,
        there(),
        tcp(4202, 50_000, SYN),
    )
}
