// SPDX-License-Identifier: GPL-2.0
//! Sending the same packet into both routers, and hearing all that comes out of them.

use super::sockets;
use super::world::{wire_end, wires, ROUTERS, WIRES_NS};
use crate::{netns, sys};
use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Where a packet is put in, or comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// On this wire.
    Wire(usize),
    /// At the router itself: sent by it, or delivered to it.
    Router,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Wire(wire) => f.write_str(wires()[*wire].name),
            Place::Router => f.write_str("router"),
        }
    }
}

/// The protocols that are heard at the routers themselves.
const PROTOCOLS: &[u8] = &[
    1, 2, 4, 6, 17, 33, 41, 47, 50, 51, 58, 59, 89, 132, 136, 200,
];

/// One router's end of everything.
struct Router {
    ends: Vec<u32>,
    /// Senders of raw packets, one for each family.
    raw: [OwnedFd; 2],
    /// What is delivered: family and protocol of each.
    ears: Vec<(bool, u8, OwnedFd)>,
    indexes: Vec<u32>,
}

/// All sockets.
pub struct Ears {
    routers: [Router; 2],
    /// Sends on every wire.
    voice: OwnedFd,
    /// Hears every wire.
    ear: OwnedFd,
    ticks: [u32; 2],
    tick: u32,
    buffer: Vec<u8>,
}

/// One packet that came out: where, and its bytes, from the IP header on where there is one.
pub type Heard = (Place, Vec<u8>);

/// The groups that the routers are in, besides those of every host.
pub const GROUPS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251)),
    IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb)),
];

impl Ears {
    pub fn open() -> Result<Self> {
        let mut routers = Vec::new();
        for router in ROUTERS {
            routers.push(Router::open(router)?);
        }
        let [a, b] = routers
            .try_into()
            .map_err(|_| Error::other("two routers"))?;
        netns::within(Some(WIRES_NS), || {
            let ear = sockets::packet_socket_all()?;
            Ok(Ears {
                routers: [a, b],
                voice: sys::packet_socket("tick0", false)?,
                ear,
                ticks: [sys::ifindex("tick0")?, sys::ifindex("tick1")?],
                tick: 0,
                buffer: vec![0; 1 << 17],
            })
        })
    }

    /// Puts a packet in: a frame on a wire, or an IP packet at the router itself.
    pub fn send(&self, router: usize, place: Place, bytes: &[u8]) -> Result<()> {
        let own = &self.routers[router];
        match place {
            Place::Wire(wire) => sockets::send_frame_to(&self.voice, own.ends[wire], bytes),
            Place::Router => own.send(bytes),
        }
    }

    /// Waits until nothing is on its way any more, and gives all that came out of either router.
    pub fn hear(&mut self) -> Result<[Vec<Heard>; 2]> {
        let mut heard = [Vec::new(), Vec::new()];
        // What is sent is queued for this CPU behind all that was queued before. A packet that is
        // forwarded is queued once more, and so may be an answer to it.
        for _ in 0..5 {
            self.tick += 1;
            let mark = self.tick;
            let frame = [
                &[0xff; 12][..],
                &[0x88, 0xb5],
                &mark.to_be_bytes()[..],
                &[0; 46],
            ]
            .concat();
            sockets::send_frame_to(&self.voice, self.ticks[0], &frame)?;
            let until = Instant::now() + Duration::from_secs(20);
            while !self.wires(mark, &mut heard)? {
                if !sys::wait(&self.ear, false, until)? {
                    return Err(Error::other("a tick was lost: too many packets at once"));
                }
            }
        }
        for (router, heard) in self.routers.iter().zip(&mut heard) {
            router.hear(&mut self.buffer, heard)?;
        }
        Ok(heard)
    }

    /// Takes what is there from the wires; whether the tick is among it.
    fn wires(&mut self, mark: u32, heard: &mut [Vec<Heard>; 2]) -> Result<bool> {
        loop {
            let (size, index) = match sockets::receive_from(&self.ear, &mut self.buffer) {
                Ok(got) => got,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(e) => return Err(e),
            };
            let frame = &self.buffer[..size];
            if index == self.ticks[1] {
                if frame.get(14..18) == Some(&mark.to_be_bytes()[..]) {
                    return Ok(true);
                }
                continue;
            }
            for (router, heard) in self.routers.iter().zip(heard.iter_mut()) {
                if let Some(wire) = router.ends.iter().position(|end| *end == index) {
                    heard.push((Place::Wire(wire), frame.to_vec()));
                }
            }
        }
    }
}

impl Router {
    fn open(name: &str) -> Result<Self> {
        let ends = netns::within(Some(WIRES_NS), || {
            (0..wires().len())
                .map(|wire| sys::ifindex(&wire_end(name, wire)))
                .collect()
        })?;
        netns::within(Some(name), || {
            let raw = [sys::raw_socket(false, 255)?, sys::raw_socket(true, 255)?];
            let mut ears = Vec::new();
            for v6 in [false, true] {
                for proto in PROTOCOLS {
                    let ear = sys::raw_socket(v6, *proto)?;
                    sockets::make_ear(&ear)?;
                    ears.push((v6, *proto, ear));
                }
            }
            // What goes to groups goes to the cameras.
            for (v6, fd) in [false, true].into_iter().zip(&raw) {
                sockets::multicast_by(fd, v6, sys::ifindex(wires()[1].name)?)?;
            }
            sockets::may_broadcast(&raw[0])?;
            let indexes: Vec<u32> = wires()
                .iter()
                .map(|wire| sys::ifindex(wire.name))
                .collect::<Result<_>>()?;
            for index in &indexes {
                for group in GROUPS {
                    let of_family = ears.iter().find(|(v6, ..)| *v6 == group.is_ipv6());
                    sockets::join_group(&of_family.ok_or(ErrorKind::NotFound)?.2, group, *index)?;
                }
            }
            Ok(Router {
                ends,
                raw,
                ears,
                indexes,
            })
        })
    }

    fn send(&self, packet: &[u8]) -> Result<()> {
        let (v6, to): (bool, SocketAddr) = match packet.first().map(|b| b >> 4) {
            Some(4) => {
                let to: [u8; 4] = packet[16..20].try_into().map_err(Error::other)?;
                (false, SocketAddrV4::new(to.into(), 0).into())
            }
            _ => {
                let to: [u8; 16] = packet[24..40].try_into().map_err(Error::other)?;
                let to = Ipv6Addr::from(to);
                // Of link-local scope, a packet goes to the first wire with cameras.
                let scoped = to.is_unicast_link_local() || to.octets()[..2] == [0xff, 2];
                (
                    true,
                    SocketAddrV6::new(to, 0, 0, if scoped { self.indexes[1] } else { 0 }).into(),
                )
            }
        };
        match sockets::send_raw(&self.raw[usize::from(v6)], packet, to) {
            // A drop on the way out is told to the sender, and so is no route.
            Err(e)
                if matches!(
                    e.raw_os_error(),
                    Some(
                        libc::EPERM
                            | libc::ENETUNREACH
                            | libc::EHOSTUNREACH
                            | libc::EINVAL
                            | libc::EACCES
                            | libc::EMSGSIZE
                    )
                ) =>
            {
                Ok(())
            }
            other => other,
        }
    }

    fn hear(&self, buffer: &mut [u8], heard: &mut Vec<Heard>) -> Result<()> {
        let fds: Vec<&OwnedFd> = self.ears.iter().map(|(.., fd)| fd).collect();
        for ready in sockets::ready(&fds)? {
            let (v6, proto, fd) = &self.ears[ready];
            loop {
                match sockets::receive_from(fd, buffer) {
                    Ok((size, _)) => {
                        // IPv6 raw sockets keep the header to themselves.
                        let mut bytes = if *v6 { vec![0x60, *proto] } else { Vec::new() };
                        bytes.extend(&buffer[..size]);
                        heard.push((Place::Router, bytes));
                    }
                    Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                    // An ICMP error that was delivered: the packet itself comes by another ear.
                    Err(e) if e.raw_os_error() != Some(libc::EBADF) => {}
                    Err(e) => return Err(e),
                }
            }
        }
        Ok(())
    }
}
