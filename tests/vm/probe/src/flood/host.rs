// SPDX-License-Identifier: GPL-2.0
//! Where a flood's packets go onto the wire and come off it: hosts behind the router, and itself.

use super::flow::Ear;
use crate::diff::sockets::{self, packet_socket_all, receive_from, send_frame_to};
use crate::link::{self, Mac};
use crate::{netns, sys};
use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

const INTERFACE: &str = "eth0";
/// Ethernet, and what UDP has before its payload.
const ETHERNET: usize = 14;
const UDP: usize = 8;

/// A namespace that sends and hears frames.
pub struct Host {
    name: String,
    output: OwnedFd,
    input: OwnedFd,
    ifindex: Option<u32>,
    own: Mac,
    gateway: Mac,
}

impl Host {
    /// `magic` is what payloads that are for us begin with.
    pub fn open(name: &str, magic: u32) -> Result<Self> {
        netns::within(Some(name), || {
            let own = sys::own_mac(INTERFACE)?;
            let somewhere = IpAddr::from([192, 0, 2, 1]);
            let input = packet_socket_all()?;
            only(&input, magic)?;
            Ok(Host {
                name: name.into(),
                // Bound to no interface, since that may go and come back.
                output: sys::socket(libc::AF_PACKET, libc::SOCK_RAW, 0)?,
                input,
                ifindex: Some(sys::ifindex(INTERFACE)?),
                own,
                gateway: link::next_hop(INTERFACE, own, somewhere, None)?,
            })
        })
    }

    /// Sends a packet to the router; `false` when there is no interface just now.
    pub fn send(&mut self, packet: &[u8], v6: bool) -> Result<bool> {
        let kind = if v6 { sys::ETH_P_IPV6 } else { sys::ETH_P_IP };
        let ifindex = match self.ifindex {
            Some(ifindex) => ifindex,
            None => match netns::within(Some(&self.name), || sys::ifindex(INTERFACE)) {
                Ok(ifindex) => *self.ifindex.insert(ifindex),
                Err(_) => return Ok(false),
            },
        };
        let frame = link::frame(self.gateway, self.own, kind, packet);
        match send_frame_to(&self.output, ifindex, &frame) {
            Ok(()) => Ok(true),
            Err(e) if is_away(&e) => {
                self.ifindex = None;
                Ok(false)
            }
            Err(e) => Err(e),
        }
    }
}

/// The interface is not there, not up, or has just come up and sends nothing yet.
fn is_away(e: &Error) -> bool {
    matches!(
        e.raw_os_error(),
        Some(libc::ENXIO | libc::ENODEV | libc::ENETDOWN | libc::ENOBUFS)
    )
}

/// The router itself: what reaches it, and what it sends.
pub struct Router {
    input: [OwnedFd; 2],
    output: [OwnedFd; 2],
    /// They hold the ports, so that nobody is told that these are closed.
    _ports: Vec<OwnedFd>,
}

impl Router {
    pub fn open(ports: impl Iterator<Item = u16>) -> Result<Self> {
        let input = |v6| -> Result<OwnedFd> {
            let fd = sys::raw_socket(v6, libc::IPPROTO_UDP as u8)?;
            sockets::make_ear(&fd)?;
            Ok(fd)
        };
        let output = |v6| sys::raw_socket(v6, libc::IPPROTO_RAW as u8);
        let held: Result<Vec<_>> = ports.map(|port| sockets::sink(false, port)).collect();
        Ok(Router {
            input: [input(false)?, input(true)?],
            output: [output(false)?, output(true)?],
            _ports: held?.into_iter().flatten().collect(),
        })
    }

    /// Sends a packet by the output path. That one was dropped there is no fault.
    pub fn send(&self, packet: &[u8], to: IpAddr) -> Result<bool> {
        let fd = &self.output[usize::from(to.is_ipv6())];
        match sockets::send_raw(fd, packet, SocketAddr::new(to, 0)) {
            Err(e) if e.raw_os_error() != Some(libc::EPERM) => Err(e),
            _ => Ok(true),
        }
    }
}

/// Everybody.
pub struct World {
    pub hosts: Vec<Host>,
    pub router: Router,
}

impl World {
    pub fn host(&mut self, name: &str) -> Result<&mut Host> {
        let host = self.hosts.iter_mut().find(|host| host.name == name);
        host.ok_or_else(|| Error::other(format!("no host {name}")))
    }

    /// Hands everything that has come to `take`: where, and the payload of UDP.
    pub fn hear(&self, mut take: impl FnMut(&Ear, &[u8])) -> Result<()> {
        let mut buffer = [0; 2048];
        for host in &self.hosts {
            let ear = Ear::Host(host.name.clone());
            while let Some(size) = next(&host.input, &mut buffer)? {
                let header = match buffer[12..14] {
                    [0x86, 0xdd] => 40,
                    _ => 20,
                };
                take(
                    &ear,
                    buffer[..size]
                        .get(ETHERNET + header + UDP..)
                        .unwrap_or_default(),
                );
            }
        }
        // Raw sockets have IPv4's header and not IPv6's.
        for (fd, header) in self.router.input.iter().zip([20, 0]) {
            while let Some(size) = next(fd, &mut buffer)? {
                take(
                    &Ear::Router,
                    buffer[..size].get(header + UDP..).unwrap_or_default(),
                );
            }
        }
        Ok(())
    }
}

/// The next packet, if there is one; that an interface went away is none.
fn next(fd: &OwnedFd, buffer: &mut [u8]) -> Result<Option<usize>> {
    loop {
        match receive_from(fd, buffer) {
            Ok((size, _)) => return Ok(Some(size)),
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(e) if is_away(&e) => {}
            Err(e) => return Err(e),
        }
    }
}

/// Has a packet socket hear only UDP whose payload begins with these four bytes.
fn only(fd: &OwnedFd, magic: u32) -> Result<()> {
    let word = |at: usize| (0x20, 0, 0, at as u32); // BPF_LD | BPF_W | BPF_ABS
    let equal = |yes, no| (0x15, yes, no, magic); // BPF_JMP | BPF_JEQ | BPF_K
    let end = |bytes| (0x06, 0, 0, bytes); // BPF_RET | BPF_K
    let program = [
        word(ETHERNET + 20 + UDP),
        equal(2, 0),
        word(ETHERNET + 40 + UDP),
        equal(0, 1),
        end(0xffff),
        end(0),
    ];
    let mut code = program.map(|(code, jt, jf, k)| libc::sock_filter { code, jt, jf, k });
    let filter = libc::sock_fprog {
        len: code.len() as u16,
        filter: code.as_mut_ptr(),
    };
    sockets::set(fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &filter)
}
