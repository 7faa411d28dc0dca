// SPDX-License-Identifier: GPL-2.0
//! Ethernet: whose MAC a frame must carry to reach its next hop, and the frame itself.

use crate::{netns, sys};
use std::fs;
use std::io::{Error, Result};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

pub type Mac = [u8; 6];

pub fn parse_mac(text: &str) -> std::result::Result<Mac, String> {
    let bytes: Vec<u8> = text
        .split(':')
        .map(|part| u8::from_str_radix(part, 16))
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| format!("`{text}` is no MAC address"))?;
    bytes
        .try_into()
        .map_err(|_| format!("`{text}` has not six bytes"))
}

/// The destination MAC for `dst`: by rule for multicast and broadcast, else the next hop's.
pub fn next_hop(interface: &str, own: Mac, dst: IpAddr, via: Option<Ipv4Addr>) -> Result<Mac> {
    match dst {
        IpAddr::V4(a) if a.is_broadcast() || a.octets()[3] == 255 => return Ok([0xff; 6]),
        IpAddr::V4(a) if a.is_multicast() => {
            let o = a.octets();
            return Ok([1, 0, 0x5e, o[1] & 0x7f, o[2], o[3]]);
        }
        IpAddr::V6(a) if a.is_multicast() => {
            let o = a.octets();
            return Ok([0x33, 0x33, o[12], o[13], o[14], o[15]]);
        }
        _ => {}
    }
    // ARP finds the router for IPv6 too: it has one MAC, and no firewall of IP stands before it.
    let hop = via.map_or_else(|| gateway(interface), Ok)?;
    match cached(interface, hop) {
        Some(mac) => Ok(mac),
        None => ask(interface, own, hop),
    }
}

fn gateway(interface: &str) -> Result<Ipv4Addr> {
    let table = fs::read_to_string("/proc/thread-self/net/route")?;
    let default = table.lines().skip(1).find_map(|line| {
        let mut words = line.split_whitespace();
        let (name, dst, gateway) = (words.next()?, words.next()?, words.next()?);
        let gateway = u32::from_str_radix(gateway, 16).ok()?;
        (name == interface && dst == "00000000").then(|| Ipv4Addr::from(gateway.to_ne_bytes()))
    });
    default.ok_or_else(|| {
        Error::other(format!(
            "no default route on {interface}: say --via or --dst-mac"
        ))
    })
}

fn cached(interface: &str, hop: Ipv4Addr) -> Option<Mac> {
    let table = fs::read_to_string("/proc/thread-self/net/arp").ok()?;
    table.lines().skip(1).find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let hit = words.len() == 6
            && words[0] == hop.to_string()
            && words[5] == interface
            && words[2] != "0x0";
        hit.then(|| parse_mac(words[3]).ok()).flatten()
    })
}

fn ask(interface: &str, own: Mac, hop: Ipv4Addr) -> Result<Mac> {
    let fd = sys::packet_socket(interface, true)?;
    // An ARP probe: sender address 0.0.0.0, so that nobody learns anything from it.
    let mut body = vec![0, 1, 8, 0, 6, 4, 0, 1];
    body.extend(own);
    body.extend([0; 4]);
    body.extend([0; 6]);
    body.extend(hop.octets());
    let question = frame([0xff; 6], own, sys::ETH_P_ARP, &body);
    let mut buffer = [0; 2048];
    // One question may be lost: a link that was just made has no carrier at once.
    for _ in 0..25 {
        sys::send_frame(&fd, interface, &question)?;
        let until = Instant::now() + Duration::from_millis(200);
        while sys::wait(&fd, false, until)? {
            let (size, outgoing) = sys::receive(&fd, &mut buffer)?;
            let got = &buffer[..size];
            let answer = size >= 42 && !outgoing && got[12..14] == [8, 6] && got[20..22] == [0, 2];
            if answer && got[28..32] == hop.octets() {
                return got[22..28].try_into().map_err(Error::other);
            }
        }
    }
    Err(Error::other(format!(
        "{hop} does not answer ARP on {interface}"
    )))
}

/// `probe arp`: whether a neighbour answers, whatever firewall stands before its IP.
#[derive(clap::Args)]
pub struct Arp {
    /// The neighbour
    address: Ipv4Addr,
    /// Network namespace to ask from
    #[arg(long, value_name = "NAME")]
    netns: Option<String>,
    /// Interface to ask on
    #[arg(long, default_value = "eth0")]
    iface: String,
}

impl Arp {
    pub fn run(&self) -> Result<bool> {
        netns::within(self.netns.as_deref(), || {
            let mac = ask(&self.iface, sys::own_mac(&self.iface)?, self.address)?;
            let text: Vec<String> = mac.iter().map(|b| format!("{b:02x}")).collect();
            println!("{} is at {}", self.address, text.join(":"));
            Ok(true)
        })
    }
}

pub fn frame(dst: Mac, src: Mac, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(14 + payload.len());
    bytes.extend(dst);
    bytes.extend(src);
    bytes.extend(ethertype.to_be_bytes());
    bytes.extend(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macs() {
        assert_eq!(parse_mac("02:00:00:00:08:6e"), Ok([2, 0, 0, 0, 8, 0x6e]));
        assert!(parse_mac("02:00").is_err() && parse_mac("x").is_err());
    }

    #[test]
    fn group_addresses_need_no_question() {
        let hop = |dst: &str| next_hop("none", [0; 6], dst.parse().unwrap(), None).unwrap();
        assert_eq!(hop("255.255.255.255"), [0xff; 6]);
        assert_eq!(hop("239.255.255.250"), [1, 0, 0x5e, 0x7f, 0xff, 0xfa]);
        assert_eq!(hop("ff02::1"), [0x33, 0x33, 0, 0, 0, 1]);
    }
}
