// SPDX-License-Identifier: GPL-2.0
//! What camzone and the article's script differ in.

use super::super::ears::{Ears, Place};
use super::super::intended::OF_THE_ARTICLE;
use super::super::world::{run, ROUTERS};
use super::super::{apply, forget_flows, sockets};
use super::{at, between, long_udp, tcp, udp, Bench, ACK, BOTH, NEITHER, ORACLE, SYN};
use crate::ip::Header;
use crate::netns;
use crate::transport::{self, Segment, TcpWords};
use std::io::{Error, Result};

fn echo(payload: &[u8]) -> Segment {
    transport::icmp(false, 8, 0, 0x0007_0001, payload)
}
/// The article's script in force in the other router, by the iptables that it was written for.
pub fn run_script(script: &str) -> Result<()> {
    let path = std::env::temp_dir().join("legacy");
    std::fs::create_dir_all(&path)?;
    for name in ["iptables", "ip6tables"] {
        let link = path.join(name);
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(format!("/usr/sbin/{name}-legacy"), link)?;
    }
    let path = format!("PATH={}:/usr/sbin:/usr/bin:/sbin:/bin", path.display());
    run(Some(ROUTERS[1]), &["env", &path, "sh", "-e", script], "")?;
    // With its table of translations on, the kernel drops errors whose checksum is wrong, and cuts
    // those in pieces anew (`nf_nat_icmp_reply_translation`); so it is on in both.
    let nat = "table ip translation {\nchain out { type nat hook postrouting priority 100; }\n}";
    run(Some(ROUTERS[0]), &["nft", "-f", "-"], nat).map(drop)
}

/// Shows each of the differences.
pub fn differences(ears: &mut Ears, policy: &str) -> Result<bool> {
    forget_flows()?;
    let mut sinks = Vec::new();
    for router in ROUTERS {
        for (tcp, port) in [(true, 21), (false, 123)] {
            sinks.extend(netns::within(Some(router), || sockets::sink(tcp, port))?);
        }
    }
    let (ext, cam, private, router) = (
        Place::Wire(0),
        Place::Wire(1),
        Place::Wire(2),
        Place::Router,
    );
    let mut bench = Bench::new(ears);

    bench.see(
        "the router asks for the time",
        BOTH,
        router,
        between("192.168.0.1", "192.168.0.10"),
        udp(123, 123),
    )?;
    bench.see(
        "and is answered",
        BOTH,
        ext,
        between("192.168.0.10", "192.168.0.1"),
        udp(123, 123),
    )?;
    bench.differs(
        "spoofed",
        ORACLE,
        cam,
        between("192.168.0.10", "192.168.0.1"),
        udp(123, 123),
    )?;
    let answer = |from: &str| between(from, "192.168.0.1");
    let forged = |from| {
        [
            (ext, answer("192.168.0.10")),
            (cam, answer(from)),
            (ext, answer("192.168.0.10")),
        ]
    };
    bench.see_pieces(
        "with a forged piece",
        ORACLE,
        &forged("192.168.0.10"),
        long_udp(123, 123),
    )?;
    bench.see_pieces(
        "with another host's piece",
        NEITHER,
        &forged("192.168.8.110"),
        long_udp(123, 123),
    )?;

    bench.see(
        "a camera's page",
        BOTH,
        private,
        between("192.168.5.10", "192.168.8.110"),
        tcp(1000, 80, SYN),
    )?;
    bench.differs(
        "port-80-anywhere",
        ORACLE,
        private,
        between("192.168.5.10", "192.168.0.10"),
        tcp(1001, 80, SYN),
    )?;
    for (what, to, port) in [
        ("port 81 anywhere", "192.168.0.10", 81),
        ("port 81 of a camera", "192.168.8.110", 81),
    ] {
        bench.see(
            what,
            NEITHER,
            private,
            between("192.168.5.10", to),
            tcp(1002, port, SYN),
        )?;
    }

    bench.see(
        "an upload",
        BOTH,
        cam,
        between("192.168.8.110", "192.168.8.1"),
        tcp(1000, 21, SYN),
    )?;
    bench.differs(
        "weak-host",
        ORACLE,
        cam,
        between("192.168.8.110", "192.168.5.200"),
        tcp(1001, 21, SYN),
    )?;

    bench.see(
        "a ping",
        BOTH,
        cam,
        between("192.168.8.110", "192.168.8.1"),
        echo,
    )?;
    bench.differs(
        "to-all",
        ORACLE,
        cam,
        between("192.168.8.110", "192.168.8.255"),
        echo,
    )?;

    bench.see(
        "the router's SYN",
        BOTH,
        router,
        between("192.168.0.1", "192.168.0.10"),
        tcp(1000, 80, SYN),
    )?;
    bench.differs(
        "not-syn-out",
        ORACLE,
        router,
        between("192.168.0.1", "192.168.0.10"),
        tcp(1001, 80, ACK),
    )?;

    let about = |kind, code| {
        move |payload: &[u8]| {
            let inner =
                transport::udp(123, 123, None, payload).seal(at("192.168.0.1"), at("192.168.0.10"));
            let quoted = Header {
                proto: 17,
                ..between("192.168.0.1", "192.168.0.10")
            }
            .wrap(&inner.bytes);
            transport::icmp(false, kind, code, 0, &quoted)
        }
    };
    bench.see(
        "port unreachable",
        BOTH,
        ext,
        between("192.168.0.10", "192.168.0.1"),
        about(3, 3),
    )?;
    bench.differs(
        "related-blindly",
        ORACLE,
        ext,
        between("192.168.0.10", "192.168.0.1"),
        about(5, 1),
    )?;
    bench.differs(
        "ipv6-out",
        ORACLE,
        router,
        between("fd00::1", "fd00::10"),
        udp(1000, 9),
    )?;

    // Permission instead of history: the rule goes while a flow lives by it.
    let (there, back) = (
        || between("192.168.5.10", "192.168.8.110"),
        || between("192.168.8.110", "192.168.5.10"),
    );
    let words = |flags, seq, ack| TcpWords {
        flags,
        seq,
        ack,
        offset: None,
    };
    bench.see("a live flow: SYN", BOTH, private, there(), |n| {
        transport::tcp(2000, 80, &words(SYN, 99, 0), n)
    })?;
    bench.see("a live flow: SYN, ACK", BOTH, cam, back(), |n| {
        transport::tcp(80, 2000, &words(SYN | ACK, 499, 108), n)
    })?;
    bench.see("a live flow: data", BOTH, private, there(), |n| {
        transport::tcp(2000, 80, &words(ACK, 108, 508), n)
    })?;
    let rule = "services = [\"http\"]";
    if !policy.contains(rule) {
        return Err(Error::other(
            "the article's policy has no rule for http any more",
        ));
    }
    apply(&policy.replace(rule, "services = [\"rtsp\"]"))?;
    let words_of = "/usr/sbin/iptables-legacy -D FORWARD -p tcp -i eth2 --dport 80 --syn -m state --state NEW -j ACCEPT";
    run(
        Some(ROUTERS[1]),
        &words_of.split(' ').collect::<Vec<_>>(),
        "",
    )?;
    bench.see("a new flow", NEITHER, private, there(), tcp(2001, 80, SYN))?;
    bench.differs("history", ORACLE, private, there(), |n| {
        transport::tcp(2000, 80, &words(ACK, 116, 508), n)
    })?;
    Ok(bench.done(&[OF_THE_ARTICLE, &["history"]].concat()))
}
