// SPDX-License-Identifier: GPL-2.0
//! The few system calls that the standard library does not have: packet and raw sockets, and waiting.

use std::ffi::CString;
use std::io::{Error, ErrorKind, Result};
use std::mem;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Instant;

const ETH_P_ALL: u16 = 0x0003;
pub const ETH_P_IP: u16 = 0x0800;
pub const ETH_P_ARP: u16 = 0x0806;
pub const ETH_P_IPV6: u16 = 0x86dd;

pub fn checked(result: i32) -> Result<i32> {
    match result {
        ..0 => Err(Error::last_os_error()),
        fine => Ok(fine),
    }
}

pub fn socket(domain: i32, kind: i32, proto: i32) -> Result<OwnedFd> {
    // SAFETY: socket() takes three numbers and gives a new descriptor, which nobody else owns yet.
    unsafe {
        checked(libc::socket(domain, kind | libc::SOCK_CLOEXEC, proto))
            .map(|fd| OwnedFd::from_raw_fd(fd))
    }
}

pub fn ifindex(name: &str) -> Result<u32> {
    let text = CString::new(name).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
    // SAFETY: `text` is a string that ends in zero and lives through the call.
    match unsafe { libc::if_nametoindex(text.as_ptr()) } {
        0 => Err(Error::other(format!(
            "interface {name}: {}",
            Error::last_os_error()
        ))),
        index => Ok(index),
    }
}

/// The MAC of an interface of the current namespace.
pub fn own_mac(name: &str) -> Result<[u8; 6]> {
    let fd = socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    // SAFETY: ifreq is plain numbers.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    // The last byte stays zero.
    for (to, from) in request
        .ifr_name
        .iter_mut()
        .take(libc::IFNAMSIZ - 1)
        .zip(name.bytes())
    {
        *to = from as libc::c_char;
    }
    // SAFETY: SIOCGIFHWADDR reads the name and writes the address, both inside `request`.
    checked(unsafe { libc::ioctl(fd.as_raw_fd(), libc::SIOCGIFHWADDR, &raw mut request) })
        .map_err(|e| Error::other(format!("interface {name}: {e}")))?;
    // SAFETY: SIOCGIFHWADDR has filled this arm of the union.
    let data = unsafe { request.ifr_ifru.ifru_hwaddr.sa_data };
    Ok(std::array::from_fn(|i| data[i] as u8))
}

pub fn link_address(ifindex: u32, proto: u16) -> libc::sockaddr_ll {
    // SAFETY: sockaddr_ll is plain numbers, for which all zeroes is a value.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = proto.to_be();
    address.sll_ifindex = ifindex as i32;
    address.sll_halen = 6;
    address
}

/// A packet socket on one interface; it sees every frame when `hear` is set, else it only sends.
pub fn packet_socket(interface: &str, hear: bool) -> Result<OwnedFd> {
    let proto = if hear { ETH_P_ALL } else { 0 };
    let fd = socket(libc::AF_PACKET, libc::SOCK_RAW, 0)?;
    let address = link_address(ifindex(interface)?, proto);
    let size = mem::size_of_val(&address) as u32;
    // SAFETY: the pointer and size are those of `address`, which lives through the call.
    checked(unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), size) })?;
    Ok(fd)
}

/// A raw socket: it gets packets behind LOCAL_IN, after reassembly, and sends through LOCAL_OUT.
pub fn raw_socket(v6: bool, proto: u8) -> Result<OwnedFd> {
    let domain = if v6 { libc::AF_INET6 } else { libc::AF_INET };
    socket(domain, libc::SOCK_RAW, i32::from(proto))
}

/// Sends a packet with the header that we made, by the router's own output path.
pub fn send_by_router(packet: &[u8], dst: IpAddr) -> Result<()> {
    let fd = raw_socket(dst.is_ipv6(), libc::IPPROTO_RAW as u8)?;
    let sent = match dst {
        IpAddr::V4(dst) => {
            // SAFETY: sockaddr_in is plain numbers.
            let mut address: libc::sockaddr_in = unsafe { mem::zeroed() };
            address.sin_family = libc::AF_INET as u16;
            address.sin_addr.s_addr = u32::from(dst).to_be();
            send_to(&fd, packet, &address)
        }
        IpAddr::V6(dst) => {
            // SAFETY: sockaddr_in6 is plain numbers.
            let mut address: libc::sockaddr_in6 = unsafe { mem::zeroed() };
            address.sin6_family = libc::AF_INET6 as u16;
            address.sin6_addr.s6_addr = dst.octets();
            send_to(&fd, packet, &address)
        }
    };
    // A dropped packet on the way out is reported as EPERM: that is an answer, not a fault.
    match sent {
        Err(e) if e.raw_os_error() == Some(libc::EPERM) => Ok(()),
        other => other,
    }
}

/// Sends a frame as it is.
pub fn send_frame(fd: &OwnedFd, interface: &str, frame: &[u8]) -> Result<()> {
    send_to(fd, frame, &link_address(ifindex(interface)?, 0))
}

pub fn send_to<A>(fd: &OwnedFd, bytes: &[u8], address: &A) -> Result<()> {
    let size = mem::size_of::<A>() as u32;
    let to: *const A = address;
    // SAFETY: both pointers and sizes describe borrowed memory that lives through the call.
    let sent = unsafe {
        libc::sendto(
            fd.as_raw_fd(),
            bytes.as_ptr().cast(),
            bytes.len(),
            0,
            to.cast(),
            size,
        )
    };
    if sent < 0 {
        return Err(Error::last_os_error());
    }
    Ok(())
}

/// Waits until `fd` can be read (or written, when `out`); `false` when the time is over.
pub fn wait(fd: &impl AsRawFd, out: bool, until: Instant) -> Result<bool> {
    loop {
        let left = until
            .saturating_duration_since(Instant::now())
            .as_millis()
            .min(60_000) as i32;
        let events = if out { libc::POLLOUT } else { libc::POLLIN };
        let mut entry = libc::pollfd {
            fd: fd.as_raw_fd(),
            events,
            revents: 0,
        };
        // SAFETY: `entry` is one pollfd, as the count says.
        match checked(unsafe { libc::poll(&raw mut entry, 1, left) }) {
            Ok(ready) => return Ok(ready > 0),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Takes one packet from `fd`; the flag says that it was on its way out of this host.
pub fn receive(fd: &OwnedFd, buffer: &mut [u8]) -> Result<(usize, bool)> {
    let mut from = link_address(0, 0);
    let mut size = mem::size_of_val(&from) as u32;
    // SAFETY: the buffer's pointer and length belong together; `from` is larger than what an
    // AF_PACKET socket writes, and of other families we do not read it.
    let got = unsafe {
        let at = (&raw mut from).cast();
        libc::recvfrom(
            fd.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            0,
            at,
            &raw mut size,
        )
    };
    if got < 0 {
        return Err(Error::last_os_error());
    }
    let outgoing =
        i32::from(from.sll_family) == libc::AF_PACKET && from.sll_pkttype == libc::PACKET_OUTGOING;
    Ok((got as usize, outgoing))
}
