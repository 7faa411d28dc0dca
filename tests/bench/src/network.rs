// SPDX-License-Identifier: GPL-2.0
//! The router's interfaces, which lead nowhere (what is sent through them is counted and gone),
//! and the sockets that take what is sent to the router.

use crate::row::Family;
use crate::run::{feed, read, read_number, run, write};
use crate::shape::{Shape, CAMERA, CLOSED_PORT, EXTERNAL, PRIVATE, ROUTER_PORT};
use anyhow::{Context, Result};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Has nothing but what is measured: no router solicitations, no duplicate address detection.
const QUIET: [(&str, &str); 3] = [
    ("ipv4", "rp_filter"),
    ("ipv6", "accept_dad"),
    ("ipv6", "router_solicitations"),
];

/// Makes the interfaces of a policy which has the most zones of all that will be measured.
pub fn up(zones: u32) -> Result<()> {
    run("modprobe dummy numdummies=0")?;
    // A line of the log is dear enough without the serial console.
    write("/proc/sys/kernel/printk", "1")?;
    let shapes = [Family::V4, Family::V6].map(|family| Shape {
        zones,
        ..Shape::usual(family)
    });
    let [v4, v6] = shapes.map(|shape| shape.inner_zones());
    let mut interfaces = vec![(
        EXTERNAL.to_owned(),
        shapes.map(|shape| shape.external_router()),
    )];
    interfaces.extend(
        v4.into_iter()
            .zip(v6)
            .map(|(v4, v6)| (v4.interface, [v4.router, v6.router])),
    );
    for (family, name) in QUIET {
        write(&format!("/proc/sys/net/{family}/conf/default/{name}"), "0")?;
    }
    // One process for all of them, where each costs as much as a thousand packets.
    let mut batch = String::new();
    for (name, addresses) in interfaces {
        batch += &format!("link add {name} type dummy\n");
        for address in addresses {
            batch += &format!("address add {address} dev {name}\n");
        }
        batch += &format!("link set {name} up\n");
    }
    feed("ip -batch -", &batch)?;
    write("/proc/sys/net/ipv4/conf/all/rp_filter", "0")?;
    write("/proc/sys/net/ipv4/ip_forward", "1")?;
    write("/proc/sys/net/ipv6/conf/all/forwarding", "1")
}

/// Sockets that take every datagram to the router's two ports and throw it away at once.
pub struct Sinks {
    _sockets: Vec<Socket>,
    answers: [UdpSocket; 2],
}

impl Sinks {
    pub fn open() -> Result<Sinks> {
        let mut sockets = Vec::new();
        let mut answers = Vec::new();
        for (domain, any) in [
            (Domain::IPV4, IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            (Domain::IPV6, IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        ] {
            for port in [ROUTER_PORT, CLOSED_PORT] {
                let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
                if domain == Domain::IPV6 {
                    socket.set_only_v6(true)?;
                }
                // BPF_RET | BPF_K, 0: nothing is wanted.
                socket.attach_filter(&[libc_filter(0x06, 0)])?;
                socket.bind(&SockAddr::from(SocketAddr::new(any, port)))?;
                if port == ROUTER_PORT {
                    answers.push(socket.try_clone()?.into());
                }
                sockets.push(socket);
            }
        }
        let answers = answers.try_into().ok().context("two families")?;
        Ok(Sinks {
            _sockets: sockets,
            answers,
        })
    }

    /// One answer of the router, from the port that the cameras send to.
    pub fn answer(&self, to: SocketAddr) -> Result<()> {
        let socket = &self.answers[usize::from(to.is_ipv6())];
        socket
            .send_to(b"x", to)
            .with_context(|| format!("an answer to {to}"))?;
        Ok(())
    }
}

fn libc_filter(code: u16, k: u32) -> socket2::SockFilter {
    socket2::SockFilter::new(code, 0, 0, k)
}

/// What became of packets, so far.
#[derive(Clone, Copy)]
pub struct Counts {
    /// Sent through the interface to `private`.
    pub private: u64,
    /// Sent through the cameras'.
    pub camera: u64,
    /// Came to a socket of the router, which threw them away.
    pub router: u64,
}

fn sent(interface: &str) -> Result<u64> {
    read_number(&format!("/sys/class/net/{interface}/statistics/tx_packets"))
}

fn udp_errors(family: Family) -> Result<u64> {
    match family {
        Family::V4 => {
            let text = read("/proc/net/snmp")?;
            let mut lines = text.lines().filter_map(|line| line.strip_prefix("Udp: "));
            let names = lines.next().context("no UDP")?.split_whitespace();
            let values = lines.next().context("no UDP")?.split_whitespace();
            let (_, value) = names
                .zip(values)
                .find(|(name, _)| *name == "InErrors")
                .context("no InErrors")?;
            Ok(value.parse()?)
        }
        Family::V6 => {
            let text = read("/proc/net/snmp6")?;
            let mut lines = text
                .lines()
                .filter_map(|line| line.strip_prefix("Udp6InErrors"));
            Ok(lines.next().context("no Udp6InErrors")?.trim().parse()?)
        }
    }
}

impl Counts {
    pub fn now(family: Family) -> Result<Counts> {
        Ok(Counts {
            private: sent(PRIVATE)?,
            camera: sent(CAMERA)?,
            router: udp_errors(family)?,
        })
    }
}
