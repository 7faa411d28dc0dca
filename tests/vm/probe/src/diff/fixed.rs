// SPDX-License-Identifier: GPL-2.0
//! Each intended difference, shown by a packet of its own. Beside it goes one that is like it but
//! for what the difference is about, and that passes both routers.

use super::ears::{Ears, Heard, Place};
use super::intended::{OF_NFT, OF_THE_ARTICLE};
use super::judge::{ip_of, is_answer, loose, sort, words};
use super::packet::{nonce, Draft, Shot};
use super::world::{run, LINK_LOCAL, ROUTERS};
use super::{apply, export, forget_flows, put, sockets};
use crate::ip::{Extension, Header};
use crate::netns;
use crate::transport::{self, Segment, TcpWords};
use std::collections::BTreeSet;
use std::io::{Error, Result};
use std::net::IpAddr;

const SYN: u8 = 2;
const ACK: u8 = 16;

/// Which of the routers let a packet pass: camzone's, the other.
type Passed = (bool, bool);
const BOTH: Passed = (true, true);
const NEITHER: Passed = (false, false);
const CAMZONE: Passed = (true, false);
const ORACLE: Passed = (false, true);

struct Bench<'a> {
    ears: &'a mut Ears,
    number: u32,
    shown: BTreeSet<&'static str>,
    wrong: usize,
}

fn at(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

impl Bench<'_> {
    fn new(ears: &mut Ears) -> Bench<'_> {
        Bench {
            ears,
            number: 0xf000_0000,
            shown: BTreeSet::new(),
            wrong: 0,
        }
    }

    /// Sends a packet, whose payload is what `body` makes of its number.
    fn send(
        &mut self,
        place: Place,
        header: Header,
        body: impl FnOnce(&[u8]) -> Segment,
    ) -> Result<(Shot, [Vec<Heard>; 2])> {
        self.number += 1;
        let segment = body(&nonce(self.number));
        let header = Header {
            proto: segment.proto,
            id: self.number,
            ..header
        };
        let draft = Draft::new(place, header, segment);
        let bytes = draft
            .bytes(&[])
            .pop()
            .ok_or_else(|| Error::other("no packet"))?;
        for router in 0..ROUTERS.len() {
            self.ears.send(router, place, &bytes)?;
        }
        let number = self.number;
        let heard = self
            .ears
            .hear()?
            .map(|heard| sort(heard).of.remove(&number).unwrap_or_default());
        let shot = Shot {
            place,
            bytes,
            number,
            flow: 0,
            back: false,
            bent: Vec::new(),
        };
        Ok((shot, heard))
    }

    /// Sends it, and says whether each router let it pass as it should.
    fn see(
        &mut self,
        what: &str,
        wanted: Passed,
        place: Place,
        header: Header,
        body: impl FnOnce(&[u8]) -> Segment,
    ) -> Result<[Vec<Heard>; 2]> {
        let (shot, heard) = self.send(place, header, body)?;
        let itself = words(ip_of(shot.place, &shot.bytes)).is_some_and(|words| is_answer(&words));
        // An answer about the packet is not the packet.
        let passed = |heard: &[Heard]| {
            let answer =
                |one: &Heard| words(ip_of(one.0, &one.1)).is_some_and(|words| is_answer(&words));
            heard.iter().any(|one| itself || !answer(one))
        };
        let [a, b] = &heard;
        let got = (passed(a), passed(b));
        if got != wanted {
            self.wrong += 1;
        }
        let word = if got == wanted { "as meant" } else { "WRONG" };
        println!("{what}: {word}: camzone {}, the oracle {}", got.0, got.1);
        Ok(heard)
    }

    /// The same of an intended difference.
    fn differs(
        &mut self,
        name: &'static str,
        wanted: Passed,
        place: Place,
        header: Header,
        body: impl FnOnce(&[u8]) -> Segment,
    ) -> Result<()> {
        let wrong = self.wrong;
        self.see(name, wanted, place, header, body)?;
        if self.wrong == wrong {
            self.shown.insert(name);
        }
        Ok(())
    }

    /// Whether all that should be seen was.
    fn done(&self, names: &[&'static str]) -> bool {
        let missing: Vec<_> = names
            .iter()
            .filter(|name| !self.shown.contains(*name))
            .collect();
        if !missing.is_empty() {
            println!("not shown: {missing:?}");
        }
        self.wrong == 0 && missing.is_empty()
    }
}

fn between(from: &str, to: &str) -> Header {
    Header::new(at(from), at(to), 0)
}

fn udp(from: u16, to: u16) -> impl FnOnce(&[u8]) -> Segment {
    move |payload| transport::udp(from, to, None, payload)
}

fn tcp(from: u16, to: u16, flags: u8) -> impl FnOnce(&[u8]) -> Segment {
    move |payload| {
        transport::tcp(
            from,
            to,
            &TcpWords {
                flags,
                seq: 1000,
                ..TcpWords::default()
            },
            payload,
        )
    }
}

fn echo(payload: &[u8]) -> Segment {
    transport::icmp(false, 8, 0, 0x0007_0001, payload)
}

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
[[allow]]
from = "two"
to = "out"
services = "some"
"#;

/// What camzone and the exported ruleset differ in.
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

    let syn = || between("fd00:8::10", "fd00::10");
    bench.see("a SYN", BOTH, one, syn(), tcp(1000, 80, SYN))?;
    let deep = Header {
        extensions: vec![Extension::Destination; 9],
        ..syn()
    };
    bench.differs("deep-header", ORACLE, one, deep, tcp(1001, 80, SYN))?;
    let hidden = Header {
        extensions: vec![Extension::Authentication],
        ..syn()
    };
    bench.differs("behind-ah", CAMZONE, one, hidden, tcp(1002, 80, SYN))?;

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
    bench.differs("atomic-neighbour", CAMZONE, one, atomic, solicitation)?;

    bench.see(
        "a translated flow",
        BOTH,
        one,
        between("192.168.8.10", "192.168.0.10"),
        udp(1003, 9),
    )?;
    let (shot, [a, b]) = bench.send(one, between("192.168.8.11", "192.168.0.10"), udp(1003, 9))?;
    if a != b && !a.is_empty() && loose(&shot, &a) == loose(&shot, &b) {
        bench.shown.insert("rolled-port");
    }

    // A flow that went on its way before its translation was said.
    put_text(TWO)?;
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
    run(Some(ROUTERS[1]), &["env", &path, "sh", "-e", script], "").map(drop)
}

/// What camzone and the article's script differ in.
pub fn article(ears: &mut Ears, policy: &str) -> Result<bool> {
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
