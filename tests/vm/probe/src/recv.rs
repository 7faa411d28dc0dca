// SPDX-License-Identifier: GPL-2.0
//! `probe recv`: opens an ear, runs the sender, and says whether the nonce came.

use crate::{netns, sys};
use clap::Args;
use std::io::{Error, Result};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::{Duration, Instant};

#[derive(Args)]
pub struct Recv {
    /// Network namespace to listen in
    #[arg(long, value_name = "NAME")]
    netns: Option<String>,
    /// Text that the packet must hold
    #[arg(long)]
    nonce: String,
    /// Seconds to wait after the sender has ended
    #[arg(long, default_value_t = 0.7, value_name = "SECONDS")]
    timeout: f64,
    #[command(flatten)]
    ear: Ear,
    /// Join this IPv4 group on the interface with this address first (with --udp)
    #[arg(long, value_name = "GROUP@ADDR", requires = "udp", value_parser = join)]
    join: Option<(Ipv4Addr, Ipv4Addr)>,
    /// The sender, run once the ear is open
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Where to listen. Frames are seen before any firewall of the host itself, the other two behind it.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Ear {
    /// Frames that come in on this interface: for packets forwarded to this host
    #[arg(long, value_name = "NAME")]
    iface: Option<String>,
    /// Packets of this protocol that reached this host itself: 4:NUMBER or 6:NUMBER
    #[arg(long, value_name = "FAMILY:PROTO", value_parser = raw)]
    raw: Option<(bool, u8)>,
    /// Datagrams to this UDP port
    #[arg(long, value_name = "ADDR:PORT")]
    udp: Option<SocketAddr>,
}

fn raw(text: &str) -> std::result::Result<(bool, u8), String> {
    let wrong = || format!("`{text}` is not 4:PROTOCOL or 6:PROTOCOL");
    let (family, proto) = text.split_once(':').ok_or_else(wrong)?;
    match (family, proto.parse()) {
        ("4", Ok(proto)) => Ok((false, proto)),
        ("6", Ok(proto)) => Ok((true, proto)),
        _ => Err(wrong()),
    }
}

fn join(text: &str) -> std::result::Result<(Ipv4Addr, Ipv4Addr), String> {
    let ends = text
        .split_once('@')
        .and_then(|(group, at)| Some((group.parse().ok()?, at.parse().ok()?)));
    ends.ok_or_else(|| format!("`{text}` is not GROUP@ADDRESS"))
}

impl Recv {
    /// Whether the nonce was seen.
    pub fn run(&self) -> Result<bool> {
        let fd = netns::within(self.netns.as_deref(), || self.open())?;
        run_command(&self.command)?;
        let until = Instant::now() + Duration::from_secs_f64(self.timeout);
        let mut buffer = vec![0; 65536];
        while sys::wait(&fd, false, until)? {
            let (size, outgoing) = match sys::receive(&fd, &mut buffer) {
                Ok(got) => got,
                // The interface went away and took its packets with it.
                Err(e) if e.raw_os_error() == Some(libc::ENETDOWN) => continue,
                Err(e) => return Err(e),
            };
            let packet = &buffer[..size];
            if !outgoing && contains(packet, self.nonce.as_bytes()) {
                println!("seen: {}", self.describe(packet));
                return Ok(true);
            }
        }
        println!("not seen: {}", self.nonce);
        Ok(false)
    }

    fn open(&self) -> Result<OwnedFd> {
        if let Some(name) = &self.ear.iface {
            return sys::packet_socket(name, true);
        }
        if let Some((v6, proto)) = self.ear.raw {
            return sys::raw_socket(v6, proto);
        }
        let address = self
            .ear
            .udp
            .ok_or_else(|| Error::other("say where to listen"))?;
        let socket = UdpSocket::bind(address)?;
        if let Some((group, at)) = &self.join {
            socket.join_multicast_v4(group, at)?;
        }
        Ok(socket.into())
    }

    fn describe(&self, packet: &[u8]) -> String {
        let inner = if self.ear.iface.is_some() {
            packet.get(14..).unwrap_or_default()
        } else {
            packet
        };
        match inner.first().map(|b| b >> 4) {
            Some(4) if inner.len() >= 20 => {
                let addr = |at: usize| {
                    IpAddr::from(<[u8; 4]>::try_from(&inner[at..at + 4]).unwrap_or_default())
                };
                format!(
                    "IPv4 {} > {} protocol {} ttl {}, {} bytes",
                    addr(12),
                    addr(16),
                    inner[9],
                    inner[8],
                    inner.len()
                )
            }
            Some(6) if inner.len() >= 40 && self.ear.iface.is_some() => {
                let addr = |at: usize| {
                    IpAddr::from(<[u8; 16]>::try_from(&inner[at..at + 16]).unwrap_or_default())
                };
                format!(
                    "IPv6 {} > {} next {} hops {}, {} bytes",
                    addr(8),
                    addr(24),
                    inner[6],
                    inner[7],
                    inner.len()
                )
            }
            _ => format!("{} bytes", packet.len()),
        }
    }
}

pub fn contains(packet: &[u8], nonce: &[u8]) -> bool {
    nonce.is_empty() || packet.windows(nonce.len()).any(|window| window == nonce)
}

/// Runs the command that was given after `--`, if any; its failure is ours.
pub fn run_command(words: &[String]) -> Result<()> {
    let Some((program, arguments)) = words.split_first() else {
        return Ok(());
    };
    let program = if program == "probe" {
        "/proc/self/exe"
    } else {
        program.as_str()
    };
    let status = Command::new(program).args(arguments).status()?;
    match status.success() {
        true => Ok(()),
        false => Err(Error::other(format!(
            "`{}` failed: {status}",
            words.join(" ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_are_found_anywhere() {
        assert!(contains(b"abcdef", b"cde") && contains(b"abc", b"abc"));
        assert!(!contains(b"ab", b"abc") && !contains(b"abdc", b"abc"));
    }

    #[test]
    fn ears_are_read() {
        assert_eq!(raw("6:58"), Ok((true, 58)));
        assert!(raw("5:1").is_err() && raw("4:300").is_err());
        assert!(join("239.255.255.250@192.168.8.1").is_ok() && join("239.255.255.250").is_err());
    }
}
