// SPDX-License-Identifier: GPL-2.0
//! The two routers, alike to the last address, and the wires that end in front of the tester.
//!
//! ```text
//!                     ┌─────────── a, b ───────────┐
//!   the outside  eth0 │ 192.168.0.1  fd00::1       │ eth3   192.168.9.1  fd00:9::1
//!                eth1 │ 192.168.8.1  fd00:8::1     │ eth3.7 192.168.7.1  fd00:7::1
//!                eth2 │ 192.168.5.200  fd00:5::200 │ eth4   10.0.0.1     fd00:a::1
//!                     └────────────────────────────┘        and 172.16.0.0/16, fd00:ac::/32 behind
//! ```
//!
//! eth0, eth1 and eth2 are the article's. Nobody answers ARP or neighbour discovery here: the
//! routers' interfaces do without, so that every packet leaves at once.

use crate::link::Mac;
use crate::netns;
use std::fs;
use std::io::{Error, ErrorKind, Result, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The namespaces of the two routers, and the one in which all wires end.
pub const ROUTERS: [&str; 2] = ["diff-a", "diff-b"];
pub const WIRES_NS: &str = "diff-w";

/// A link of the routers.
pub struct Wire {
    pub name: &'static str,
    /// The router's address, and how long the network's prefix is.
    pub v4: (Ipv4Addr, u8),
    pub v6: (Ipv6Addr, u8),
}

const fn v6(a: u16, b: u16, last: u16) -> Ipv6Addr {
    Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, last)
}

const WIRES: [Wire; 6] = [
    Wire {
        name: "eth0",
        v4: (Ipv4Addr::new(192, 168, 0, 1), 24),
        v6: (v6(0xfd00, 0, 1), 64),
    },
    Wire {
        name: "eth1",
        v4: (Ipv4Addr::new(192, 168, 8, 1), 24),
        v6: (v6(0xfd00, 8, 1), 64),
    },
    Wire {
        name: "eth2",
        v4: (Ipv4Addr::new(192, 168, 5, 200), 24),
        v6: (v6(0xfd00, 5, 0x200), 64),
    },
    Wire {
        name: "eth3",
        v4: (Ipv4Addr::new(192, 168, 9, 1), 24),
        v6: (v6(0xfd00, 9, 1), 64),
    },
    Wire {
        name: "eth4",
        v4: (Ipv4Addr::new(10, 0, 0, 1), 16),
        v6: (v6(0xfd00, 10, 1), 64),
    },
    Wire {
        name: "eth3.7",
        v4: (Ipv4Addr::new(192, 168, 7, 1), 24),
        v6: (v6(0xfd00, 7, 1), 64),
    },
];

/// How many of them the routers have.
static IN_USE: AtomicUsize = AtomicUsize::new(WIRES.len());

/// The routers' links.
pub fn wires() -> &'static [Wire] {
    &WIRES[..IN_USE.load(Ordering::Relaxed)]
}

/// Whether the routers have only the article's.
pub fn is_article() -> bool {
    wires().len() == 3
}

/// Leaves the routers the article's three links.
pub fn only_the_article() {
    IN_USE.store(3, Ordering::Relaxed);
}

/// The wire that the others' rest goes by, and the one with networks behind a neighbour.
pub const OUTSIDE: usize = 0;
pub const ROUTED: usize = 4;
/// The VLAN, and the wire that carries it.
pub const TAGGED: (usize, usize) = (5, 3);
/// Its tag.
pub const TAG: u16 = 7;

/// A link-local address that every interface of the routers has.
pub const LINK_LOCAL: Ipv6Addr = v6(0xfe80, 0, 1);

/// The hardware address of a router's interface; a VLAN has that of its link.
pub fn router_mac(wire: usize) -> Mac {
    let link = if wire == TAGGED.0 { TAGGED.1 } else { wire };
    [2, 0, 0, 1, 0, link as u8]
}

/// The hardware address of the host that has this address.
pub fn host_mac(address: IpAddr) -> Mac {
    match address {
        IpAddr::V4(a) => {
            let [_, b, c, d] = a.octets();
            [2, 4, 0, b, c, d]
        }
        IpAddr::V6(a) => {
            let o = a.octets();
            [2, 6, o[2], o[3], o[14], o[15]]
        }
    }
}

fn same_net(a: IpAddr, b: IpAddr, bits: u8) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            (u32::from(a) ^ u32::from(b)).leading_zeros() >= bits.into()
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            (u128::from(a) ^ u128::from(b)).leading_zeros() >= bits.into()
        }
        _ => false,
    }
}

/// Whether the address is in the network.
pub fn inside(address: IpAddr, (network, bits): (IpAddr, u8)) -> bool {
    same_net(address, network, bits)
}

impl Wire {
    pub fn address(&self, v6: bool) -> IpAddr {
        if v6 {
            self.v6.0.into()
        } else {
            self.v4.0.into()
        }
    }

    /// The network of the link.
    pub fn network(&self, v6: bool) -> (IpAddr, u8) {
        if v6 {
            let bits = u128::from(self.v6.0) >> (128 - self.v6.1) << (128 - self.v6.1);
            (Ipv6Addr::from(bits).into(), self.v6.1)
        } else {
            let bits = u32::from(self.v4.0) >> (32 - self.v4.1) << (32 - self.v4.1);
            (Ipv4Addr::from(bits).into(), self.v4.1)
        }
    }

    /// The broadcast address of the link.
    pub fn broadcast(&self) -> IpAddr {
        Ipv4Addr::from(u32::from(self.v4.0) | (u32::MAX >> self.v4.1)).into()
    }
}

/// The networks behind the neighbour on [`ROUTED`].
pub const BEHIND: [(IpAddr, u8); 2] = [
    (IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), 16),
    (IpAddr::V6(v6(0xfd00, 0xac, 0)), 32),
];

/// The wire by which the routers send to this address.
pub fn wire_to(address: IpAddr) -> usize {
    let v6 = address.is_ipv6();
    let own = wires()
        .iter()
        .position(|wire| inside(address, wire.network(v6)));
    own.unwrap_or_else(|| match BEHIND.iter().any(|net| inside(address, *net)) {
        true if wires().len() > ROUTED => ROUTED,
        _ => OUTSIDE,
    })
}

/// The wire whose interface has this address of the routers.
pub fn router_has(address: IpAddr) -> Option<usize> {
    wires()
        .iter()
        .position(|wire| wire.address(address.is_ipv6()) == address)
}

/// Runs a program with something to read, in a namespace.
pub fn run(ns: Option<&str>, words: &[&str], input: &str) -> Result<String> {
    let output = netns::within(ns, || {
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        // A program that read enough may close it.
        let _ = child
            .stdin
            .take()
            .map(|mut pipe| pipe.write_all(input.as_bytes()));
        child.wait_with_output()
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Error::other(format!(
            "`{}`: {}: {said}",
            words.join(" "),
            output.status
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What each router's namespace is told before it has an interface: no clock may decide what is
/// sent, and no other check than those under test may drop.
const SYSCTLS: &[(&str, &str)] = &[
    ("net/ipv4/conf/all/rp_filter", "0"),
    ("net/ipv4/conf/default/rp_filter", "0"),
    ("net/ipv4/conf/all/send_redirects", "0"),
    ("net/ipv4/conf/default/send_redirects", "0"),
    ("net/ipv4/conf/all/accept_redirects", "0"),
    ("net/ipv4/conf/default/accept_redirects", "0"),
    ("net/ipv4/icmp_ratelimit", "0"),
    ("net/ipv4/icmp_ratemask", "0"),
    ("net/ipv4/ipfrag_time", "3600"),
    ("net/ipv4/ipfrag_high_thresh", "67108864"),
    ("net/ipv4/ip_forward", "1"),
    ("net/ipv6/conf/all/accept_dad", "0"),
    ("net/ipv6/conf/default/accept_dad", "0"),
    ("net/ipv6/conf/all/accept_ra", "0"),
    ("net/ipv6/conf/default/accept_ra", "0"),
    ("net/ipv6/conf/default/accept_redirects", "0"),
    ("net/ipv6/conf/all/forwarding", "1"),
    ("net/ipv6/icmp/ratelimit", "0"),
    ("net/ipv6/icmp/ratemask", ""),
    ("net/netfilter/nf_conntrack_frag6_timeout", "3600"),
    ("net/netfilter/nf_conntrack_frag6_high_thresh", "67108864"),
    ("net/netfilter/nf_conntrack_udp_timeout", "3600"),
    ("net/netfilter/nf_conntrack_udp_timeout_stream", "3600"),
    ("net/netfilter/nf_conntrack_icmp_timeout", "3600"),
    ("net/netfilter/nf_conntrack_icmpv6_timeout", "3600"),
    ("net/netfilter/nf_conntrack_gre_timeout", "3600"),
    ("net/netfilter/nf_conntrack_gre_timeout_stream", "3600"),
    ("net/netfilter/nf_conntrack_generic_timeout", "3600"),
    ("net/netfilter/nf_conntrack_tcp_timeout_close", "3600"),
    ("net/netfilter/nf_conntrack_tcp_timeout_close_wait", "3600"),
    ("net/netfilter/nf_conntrack_tcp_timeout_fin_wait", "3600"),
    ("net/netfilter/nf_conntrack_tcp_timeout_last_ack", "3600"),
    ("net/netfilter/nf_conntrack_tcp_timeout_syn_recv", "3600"),
    ("net/netfilter/nf_conntrack_tcp_timeout_syn_sent", "3600"),
    ("net/netfilter/nf_conntrack_tcp_timeout_time_wait", "3600"),
    (
        "net/netfilter/nf_conntrack_tcp_timeout_unacknowledged",
        "3600",
    ),
];

fn write_sysctl(key: &str, value: &str) -> Result<()> {
    let path = format!("/proc/sys/{key}");
    match fs::write(&path, value) {
        // A kernel without GRE's own tracking (the debug kernel) has it tracked as any protocol.
        Err(e) if e.kind() == ErrorKind::NotFound && path.contains("_gre_") => Ok(()),
        other => other.map_err(|e| Error::other(format!("{path}: {e}"))),
    }
}

/// Makes the namespaces and links, all of them up.
pub fn set_up() -> Result<()> {
    run(
        None,
        &["modprobe", "-a", "nf_conntrack", "8021q", "veth"],
        "",
    )?;
    let spaces = ROUTERS.map(|ns| format!("netns add {ns}\n")).concat();
    let spaces = format!("{spaces}netns add {WIRES_NS}\n");
    run(None, &["ip", "-batch", "-"], &spaces)?;
    netns::within(Some(WIRES_NS), || {
        write_sysctl("net/ipv6/conf/default/disable_ipv6", "1")
    })?;
    let mut far = String::from(
        "link add tick0 type veth peer name tick1\nlink set tick0 up\nlink set tick1 up\n",
    );
    for router in ROUTERS {
        netns::within(Some(router), || {
            SYSCTLS
                .iter()
                .try_for_each(|(key, value)| write_sysctl(key, value))
        })?;
        let (mut links, mut near) = (String::new(), String::from("link set lo up\n"));
        for (i, wire) in wires().iter().enumerate() {
            let (name, end) = (wire.name, wire_end(router, i));
            if i == TAGGED.0 {
                let link = wires()[TAGGED.1].name;
                near += &format!("link add link {link} name {name} type vlan id {TAG}\n");
                far += &format!(
                    "link add link {} name {end} type vlan id {TAG}\n",
                    wire_end(router, TAGGED.1)
                );
            } else {
                let mac = router_mac(i).map(|b| format!("{b:02x}")).join(":");
                links += &format!("link add {name} index {} netns {router} address {mac} type veth peer name {end} netns {WIRES_NS}\n", 10 + i);
            }
            near += &format!("link set {name} arp off\n");
            near += &format!(
                "address add {}/{} broadcast + dev {name}\n",
                wire.v4.0, wire.v4.1
            );
            near += &format!("address add {}/{} dev {name} nodad\n", wire.v6.0, wire.v6.1);
            near += &format!("address add {LINK_LOCAL}/64 dev {name} nodad\n");
            near += &format!("link set {name} up\n");
            far += &format!("link set {end} up\n");
        }
        near += "route add default via 192.168.0.254\nroute add default via fd00::fe\n";
        if wires().len() > ROUTED {
            near += "route add 172.16.0.0/16 via 10.0.0.2\nroute add fd00:ac::/32 via fd00:a::2\n";
        }
        run(None, &["ip", "-batch", "-"], &links)?;
        run(Some(router), &["ip", "-batch", "-"], &near)?;
    }
    run(Some(WIRES_NS), &["ip", "-batch", "-"], &far)?;
    Ok(())
}

/// The name of a wire's end in front of the tester.
pub fn wire_end(router: &str, wire: usize) -> String {
    format!(
        "{}-{}",
        router.trim_start_matches("diff-"),
        wires()[wire].name
    )
}
