// SPDX-License-Identifier: GPL-2.0
//! The system calls behind [`super::ears`]: sockets that never wait, and that lose nothing.

use crate::sys::{checked, link_address, send_to, socket};
use std::io::{Error, ErrorKind, Result};
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

/// Room for what arrives before it is read.
const BUFFER: i32 = 64 << 20;

pub fn set<T>(fd: &OwnedFd, level: i32, name: i32, value: &T) -> Result<()> {
    let size = mem::size_of::<T>() as u32;
    // SAFETY: pointer and size are those of `value`, which lives through the call.
    checked(unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(value).cast(),
            size,
        )
    })
    .map(drop)
}

/// Makes a socket one that never waits and has room.
pub fn make_ear(fd: &OwnedFd) -> Result<()> {
    // SAFETY: F_SETFL takes a number.
    checked(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) })?;
    set(fd, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &BUFFER)
}

/// A packet socket that hears everything that comes in on any interface of the namespace.
pub fn packet_socket_all() -> Result<OwnedFd> {
    let fd = socket(libc::AF_PACKET, libc::SOCK_RAW, 0)?;
    make_ear(&fd)?;
    set(&fd, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &1i32)?;
    let address = link_address(0, libc::ETH_P_ALL as u16);
    let size = mem::size_of_val(&address) as u32;
    // SAFETY: pointer and size are those of `address`, which lives through the call.
    checked(unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), size) })?;
    Ok(fd)
}

/// Sends a frame on the interface of this number.
pub fn send_frame_to(fd: &OwnedFd, ifindex: u32, frame: &[u8]) -> Result<()> {
    send_to(fd, frame, &link_address(ifindex, 0))
}

/// Takes a packet, and the number of the interface that it came by (of a packet socket).
pub fn receive_from(fd: &OwnedFd, buffer: &mut [u8]) -> Result<(usize, u32)> {
    let mut from = link_address(0, 0);
    let mut size = mem::size_of_val(&from) as u32;
    // SAFETY: the buffer's pointer and length belong together; no address that is longer than
    // `size` is written.
    let got = unsafe {
        libc::recvfrom(
            fd.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            0,
            (&raw mut from).cast(),
            &raw mut size,
        )
    };
    match usize::try_from(got) {
        Ok(got) => Ok((got, from.sll_ifindex as u32)),
        Err(_) => Err(Error::last_os_error()),
    }
}

/// Which of the sockets have something to read.
pub fn ready(fds: &[&OwnedFd]) -> Result<Vec<usize>> {
    let entry = |fd: &&OwnedFd| libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let mut entries: Vec<libc::pollfd> = fds.iter().map(entry).collect();
    // SAFETY: the pointer and the count are those of `entries`.
    checked(unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, 0) })?;
    let hot = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry.revents != 0);
    Ok(hot.map(|(place, _)| place).collect())
}

/// Has an interface join a group.
pub fn join_group(fd: &OwnedFd, group: IpAddr, ifindex: u32) -> Result<()> {
    match group {
        IpAddr::V4(group) => {
            let request = libc::ip_mreqn {
                imr_multiaddr: libc::in_addr {
                    s_addr: u32::from(group).to_be(),
                },
                imr_address: libc::in_addr { s_addr: 0 },
                imr_ifindex: ifindex as i32,
            };
            set(fd, libc::IPPROTO_IP, libc::IP_ADD_MEMBERSHIP, &request)
        }
        IpAddr::V6(group) => {
            let request = libc::ipv6_mreq {
                ipv6mr_multiaddr: libc::in6_addr {
                    s6_addr: group.octets(),
                },
                ipv6mr_interface: ifindex,
            };
            set(fd, libc::IPPROTO_IPV6, libc::IPV6_ADD_MEMBERSHIP, &request)
        }
    }
}

/// Has multicast from this socket leave by the interface.
pub fn multicast_by(fd: &OwnedFd, v6: bool, ifindex: u32) -> Result<()> {
    if v6 {
        return set(fd, libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_IF, &ifindex);
    }
    let request = libc::ip_mreqn {
        imr_multiaddr: libc::in_addr { s_addr: 0 },
        imr_address: libc::in_addr { s_addr: 0 },
        imr_ifindex: ifindex as i32,
    };
    set(fd, libc::IPPROTO_IP, libc::IP_MULTICAST_IF, &request)
}

/// Lets a socket send to broadcast addresses.
pub fn may_broadcast(fd: &OwnedFd) -> Result<()> {
    set(fd, libc::SOL_SOCKET, libc::SO_BROADCAST, &1i32)
}

fn socket_address(to: SocketAddr) -> (libc::sockaddr_in6, u32) {
    // SAFETY: sockaddr_in6 is plain numbers.
    let mut out: libc::sockaddr_in6 = unsafe { mem::zeroed() };
    match to {
        SocketAddr::V4(to) => {
            let v4: *mut libc::sockaddr_in = (&raw mut out).cast();
            // SAFETY: a sockaddr_in is shorter than a sockaddr_in6, and no more strictly aligned.
            unsafe {
                (*v4).sin_family = libc::AF_INET as u16;
                (*v4).sin_port = to.port().to_be();
                (*v4).sin_addr.s_addr = u32::from(*to.ip()).to_be();
            }
            (out, mem::size_of::<libc::sockaddr_in>() as u32)
        }
        SocketAddr::V6(to) => {
            out.sin6_family = libc::AF_INET6 as u16;
            out.sin6_port = to.port().to_be();
            out.sin6_addr.s6_addr = to.ip().octets();
            out.sin6_scope_id = to.scope_id();
            (out, mem::size_of::<libc::sockaddr_in6>() as u32)
        }
    }
}

/// Sends a packet with a header of its own through a raw socket.
pub fn send_raw(fd: &OwnedFd, packet: &[u8], to: SocketAddr) -> Result<()> {
    let (address, size) = socket_address(to);
    // SAFETY: both pointers and sizes describe borrowed memory that lives through the call.
    let sent = unsafe {
        libc::sendto(
            fd.as_raw_fd(),
            packet.as_ptr().cast(),
            packet.len(),
            0,
            (&raw const address).cast(),
            size,
        )
    };
    if sent < 0 {
        return Err(Error::last_os_error());
    }
    Ok(())
}

/// A socket that holds a port and takes what comes there without a word: neither a reset nor an
/// ICMP error, and no handshake. `None` when the port is taken.
pub fn sink(tcp: bool, port: u16) -> Result<Option<OwnedFd>> {
    let kind = if tcp {
        libc::SOCK_STREAM
    } else {
        libc::SOCK_DGRAM
    };
    let fd = socket(libc::AF_INET6, kind, 0)?;
    // BPF_RET | BPF_K with 0: nothing passes.
    let mut code = libc::sock_filter {
        code: 6,
        jt: 0,
        jf: 0,
        k: 0,
    };
    let filter = libc::sock_fprog {
        len: 1,
        filter: &raw mut code,
    };
    set(&fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &filter)?;
    let any = SocketAddr::new(std::net::Ipv6Addr::UNSPECIFIED.into(), port);
    let (address, size) = socket_address(any);
    // SAFETY: pointer and size are those of `address`, which lives through the call.
    match checked(unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), size) }) {
        Err(e) if e.kind() == ErrorKind::AddrInUse => return Ok(None),
        other => other?,
    };
    if tcp {
        // SAFETY: listen() takes two numbers.
        checked(unsafe { libc::listen(fd.as_raw_fd(), 8) })?;
    }
    Ok(Some(fd))
}

/// Keeps this thread on one processor: what it sends is handled there, and in order.
pub fn stay_on(processor: u8) -> Result<()> {
    // SAFETY: cpu_set_t is plain bits, of more processors than a byte can count; CPU_SET sets one.
    let set = unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        libc::CPU_SET(processor.into(), &mut set);
        set
    };
    // SAFETY: pointer and size are those of `set`.
    checked(unsafe { libc::sched_setaffinity(0, mem::size_of_val(&set), &raw const set) }).map(drop)
}
