// SPDX-License-Identifier: GPL-2.0
//! `probe send`: one crafted packet, or the pieces of one, onto the wire.

use crate::flow::Flow;
use crate::ip::{self, Extension, Header, Piece};
use crate::link::{self, Mac};
use crate::transport::{self as l4, Segment, TcpWords};
use crate::{netns, sys};
use clap::{Args, Subcommand};
use std::io::{Error, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::thread;
use std::time::Duration;

fn hex(text: &str) -> std::result::Result<Bytes, String> {
    let digits: Vec<u8> = text.bytes().filter(|b| *b != b':').collect();
    digits
        .chunks(2)
        .map(|pair| {
            std::str::from_utf8(pair)
                .ok()
                .and_then(|p| u8::from_str_radix(p, 16).ok())
        })
        .collect::<Option<Vec<u8>>>()
        .map(Bytes)
        .ok_or_else(|| format!("`{text}` is not hexadecimal"))
}

/// Bytes given in hexadecimal.
#[derive(Clone, Debug)]
pub struct Bytes(Vec<u8>);

#[derive(Args)]
pub struct Send {
    /// Network namespace to send from
    #[arg(long, global = true, value_name = "NAME")]
    netns: Option<String>,
    /// Interface to send on
    #[arg(long, global = true, default_value = "eth0")]
    iface: String,
    /// Source address, true or forged
    #[arg(long, global = true)]
    src: Option<IpAddr>,
    /// Destination address
    #[arg(long, global = true)]
    dst: Option<IpAddr>,
    /// Text in the payload by which `probe recv` knows the packet
    #[arg(long, global = true, default_value = "probe")]
    nonce: String,
    /// Source MAC, true or forged [default: the interface's]
    #[arg(long, global = true, value_parser = link::parse_mac)]
    src_mac: Option<Mac>,
    /// Destination MAC [default: that of the next hop]
    #[arg(long, global = true, value_parser = link::parse_mac)]
    dst_mac: Option<Mac>,
    /// IPv4 address of the next hop, also for IPv6 [default: the default gateway]
    #[arg(long, global = true, value_name = "ADDR")]
    via: Option<Ipv4Addr>,
    /// Send through the host's own output path (LOCAL_OUT) instead of onto the wire
    #[arg(long, global = true)]
    local: bool,
    /// TTL or hop limit [default: 64; 255 for neighbour discovery, 1 for IGMP and MLD]
    #[arg(long, global = true)]
    ttl: Option<u8>,
    /// IP identification, IPv6 fragment identification
    #[arg(long, global = true, default_value_t = 0x4321)]
    id: u32,
    /// IPv4 options in hexadecimal
    #[arg(long, global = true, value_name = "HEX", value_parser = hex)]
    options: Option<Bytes>,
    /// IPv6 extension headers in order: hop, alert, dst, route, atomic, ah, hip, none
    #[arg(long, global = true, value_delimiter = ',', value_name = "NAMES")]
    ext: Vec<Extension>,
    /// Cut the payload into fragments of this size
    #[arg(long, global = true, value_name = "BYTES")]
    frag_size: Option<usize>,
    /// Of these fragments send only the ones with these numbers, from 0, in this order
    #[arg(long, global = true, value_delimiter = ',', value_name = "NUMBERS")]
    only: Vec<usize>,
    /// Send this fragment (OFFSET:LENGTH, `+` for more to follow); may repeat, overlap and lie
    #[arg(long, global = true)]
    piece: Vec<Piece>,
    /// Fill the payload up to this many bytes
    #[arg(long, global = true, value_name = "BYTES", default_value_t = 0)]
    size: usize,
    /// Cut the packet after this many bytes of IP
    #[arg(long, global = true, value_name = "BYTES")]
    cut: Option<usize>,
    /// Lie about the IP length (IPv4 total, IPv6 payload)
    #[arg(long, global = true, value_name = "N")]
    ip_length: Option<u16>,
    /// Lie about the IPv4 header length, in words
    #[arg(long, global = true, value_name = "WORDS")]
    ihl: Option<u8>,
    /// Make the IPv4 header's checksum wrong
    #[arg(long, global = true)]
    bad_ip_checksum: bool,
    /// Make the payload's checksum wrong
    #[arg(long, global = true)]
    bad_checksum: bool,
    /// How many times to send
    #[arg(long, global = true, default_value_t = 1)]
    count: u32,
    /// Pause between two packets, in milliseconds
    #[arg(long, global = true, default_value_t = 0, value_name = "MS")]
    gap: u64,
    /// Print the frames in hexadecimal
    #[arg(long, short, global = true)]
    verbose: bool,
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Subcommand)]
enum Kind {
    /// A UDP datagram
    Udp {
        #[arg(long, default_value_t = 40000)]
        sport: u16,
        #[arg(long)]
        dport: u16,
        /// Lie about the UDP length
        #[arg(long)]
        length: Option<u16>,
    },
    /// A TCP segment; flags are letters of FSRPAUEC, or `none`
    Tcp {
        #[arg(long, default_value_t = 40000)]
        sport: u16,
        #[arg(long)]
        dport: u16,
        #[arg(long, default_value = "S", value_parser = l4::tcp_flags)]
        flags: u8,
        #[arg(long, default_value_t = 1000)]
        seq: u32,
        #[arg(long, default_value_t = 0)]
        ack: u32,
        /// Lie about the header length, in words
        #[arg(long)]
        offset: Option<u8>,
    },
    /// ICMP or ICMPv6, by the family of the addresses [default: echo request]
    Icmp {
        #[arg(long = "type")]
        kind: Option<u8>,
        #[arg(long, default_value_t = 0)]
        code: u8,
        /// The second word: id and sequence, MTU or gateway
        #[arg(long, default_value_t = 0x0007_0001)]
        word: u32,
        /// The packet that an error quotes: udp:SRC:PORT>DST:PORT
        #[arg(long)]
        inner: Option<Flow>,
    },
    /// Any other protocol, by its number
    Proto { number: u8 },
    /// DHCP DISCOVER, 0.0.0.0:68 to 255.255.255.255:67
    Dhcp,
    /// IGMPv2 report for a group
    Igmp { group: Ipv4Addr },
    /// MLDv1 report for a group
    Mld { group: Ipv6Addr },
    /// Neighbour solicitation
    Ns { target: Ipv6Addr },
    /// Neighbour advertisement, overriding
    Na { target: Ipv6Addr },
    /// Router solicitation
    Rs,
    /// Router advertisement of a default router
    Ra,
    /// ICMPv6 redirect: DESTINATION is better reached by TARGET
    Redirect {
        target: Ipv6Addr,
        destination: Ipv6Addr,
    },
}

/// A segment with the addresses and TTL that go with it when the command line names none.
struct Draft {
    segment: Segment,
    src: Option<IpAddr>,
    dst: Option<IpAddr>,
    ttl: u8,
}

fn draft(kind: &Kind, v6: bool, mac: Mac, nonce: &[u8]) -> Draft {
    let all = Some(IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1)));
    let nd = |segment| Draft {
        segment,
        src: None,
        dst: all,
        ttl: 255,
    };
    let plain = |segment| Draft {
        segment,
        src: None,
        dst: None,
        ttl: 64,
    };
    match kind {
        Kind::Udp {
            sport,
            dport,
            length,
        } => plain(l4::udp(*sport, *dport, *length, nonce)),
        Kind::Tcp {
            sport,
            dport,
            flags,
            seq,
            ack,
            offset,
        } => {
            let words = TcpWords {
                flags: *flags,
                seq: *seq,
                ack: *ack,
                offset: *offset,
            };
            plain(l4::tcp(*sport, *dport, &words, nonce))
        }
        Kind::Icmp {
            kind,
            code,
            word,
            inner,
        } => {
            let kind = kind.unwrap_or(if v6 { 128 } else { 8 });
            let payload = inner
                .as_ref()
                .map_or_else(|| nonce.to_vec(), |flow| l4::quoted(flow, nonce));
            plain(l4::icmp(v6, kind, *code, *word, &payload))
        }
        Kind::Proto { number } => plain(Segment {
            proto: *number,
            bytes: nonce.to_vec(),
        }),
        Kind::Dhcp => Draft {
            segment: l4::dhcp_discover(mac, nonce),
            src: Some(Ipv4Addr::UNSPECIFIED.into()),
            dst: Some(Ipv4Addr::BROADCAST.into()),
            ttl: 64,
        },
        Kind::Igmp { group } => Draft {
            segment: l4::igmp_report(*group, nonce),
            src: None,
            dst: Some((*group).into()),
            ttl: 1,
        },
        Kind::Mld { group } => Draft {
            segment: l4::mld_report(*group, nonce),
            src: None,
            dst: Some((*group).into()),
            ttl: 1,
        },
        Kind::Ns { target } => nd(l4::discovery(135, 0, &target.octets(), nonce)),
        Kind::Na { target } => nd(l4::discovery(136, 0x2000_0000, &target.octets(), nonce)),
        Kind::Rs => nd(l4::discovery(133, 0, &[], nonce)),
        Kind::Ra => nd(l4::discovery(134, 0x4000_0708, &[0; 8], nonce)),
        Kind::Redirect {
            target,
            destination,
        } => nd(l4::discovery(
            137,
            0,
            &[target.octets(), destination.octets()].concat(),
            nonce,
        )),
    }
}

impl Send {
    pub fn run(&self) -> Result<()> {
        netns::within(self.netns.as_deref(), || self.send_here())
    }

    fn send_here(&self) -> Result<()> {
        let own = match self.src_mac {
            Some(mac) => mac,
            None if self.local => [0; 6],
            None => sys::own_mac(&self.iface)?,
        };
        let mut nonce = self.nonce.clone().into_bytes();
        nonce.resize(nonce.len().max(self.size), b'.');
        let v6 = self.dst.or(self.src).is_some_and(|a| a.is_ipv6());
        let draft = draft(&self.kind, v6, own, &nonce);
        let missing = |what| Error::other(format!("say --{what}"));
        let src = self.src.or(draft.src).ok_or_else(|| missing("src"))?;
        let dst = self.dst.or(draft.dst).ok_or_else(|| missing("dst"))?;
        if src.is_ipv4() != dst.is_ipv4() {
            return Err(Error::other("--src and --dst are of two families"));
        }

        let packets = self.packets(src, dst, draft);
        let ethertype = if dst.is_ipv4() {
            sys::ETH_P_IP
        } else {
            sys::ETH_P_IPV6
        };
        let target = match self.dst_mac {
            Some(mac) => mac,
            None if self.local => [0; 6],
            None => link::next_hop(&self.iface, own, dst, self.via)?,
        };
        let fd = if self.local {
            None
        } else {
            Some(sys::packet_socket(&self.iface, false)?)
        };
        for round in 0..self.count {
            if round > 0 {
                thread::sleep(Duration::from_millis(self.gap));
            }
            for packet in &packets {
                let frame = link::frame(target, own, ethertype, packet);
                if self.verbose {
                    let hex: Vec<String> = frame.iter().map(|b| format!("{b:02x}")).collect();
                    println!("{}", hex.concat());
                }
                match &fd {
                    Some(fd) => sys::send_frame(fd, &self.iface, &frame)?,
                    None => sys::send_by_router(packet, dst)?,
                }
            }
        }
        Ok(())
    }

    fn packets(&self, src: IpAddr, dst: IpAddr, draft: Draft) -> Vec<Vec<u8>> {
        let mut segment = match self.kind {
            // Any bytes under any number: there may be no room for a checksum.
            Kind::Proto { .. } => draft.segment,
            _ => draft.segment.seal(src, dst),
        };
        if self.bad_checksum {
            segment.spoil();
        }
        let mut extensions = self.ext.clone();
        if matches!(self.kind, Kind::Mld { .. }) && extensions.is_empty() {
            extensions.push(Extension::RouterAlert);
        }
        let alert = if matches!(self.kind, Kind::Igmp { .. }) {
            vec![148, 4, 0, 0]
        } else {
            Vec::new()
        };
        let header = Header {
            ttl: self.ttl.unwrap_or(draft.ttl),
            id: self.id,
            options: self.options.clone().map_or(alert, |bytes| bytes.0),
            extensions,
            length: self.ip_length,
            ihl: self.ihl,
            bad_checksum: self.bad_ip_checksum,
            ..Header::new(src, dst, segment.proto)
        };
        let mut pieces = self.piece.clone();
        if let Some(size) = self.frag_size {
            pieces.extend(ip::pieces(segment.bytes.len(), size));
        }
        if !self.only.is_empty() {
            pieces = self
                .only
                .iter()
                .filter_map(|n| pieces.get(*n).copied())
                .collect();
        }
        let mut packets: Vec<Vec<u8>> = if pieces.is_empty() {
            vec![header.wrap(&segment.bytes)]
        } else {
            pieces
                .iter()
                .map(|piece| header.fragment(&segment.bytes, *piece))
                .collect()
        };
        if let Some(cut) = self.cut {
            packets.iter_mut().for_each(|packet| packet.truncate(cut));
        }
        packets
    }
}
