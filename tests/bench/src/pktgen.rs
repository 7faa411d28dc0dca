// SPDX-License-Identifier: GPL-2.0
//! The kernel's packet generator, which hands packets to an interface as if they had come in
//! there. Under `-icount` its nanoseconds are instructions.

use crate::run::{read, run, write};
use anyhow::{bail, Context, Result};
use std::net::IpAddr;

fn thread(cpu: u32) -> String {
    format!("/proc/net/pktgen/kpktgend_{cpu}")
}

/// A stream of packets.
#[derive(Clone, Debug)]
pub struct Stream {
    pub interface: &'static str,
    /// The first and the last; IPv6 has only the first.
    pub sources: (IpAddr, IpAddr),
    pub destinations: (IpAddr, IpAddr),
    /// The first and the one after the last.
    pub source_ports: (u16, u16),
    pub destination_ports: (u16, u16),
    /// UDP's, which only IPv4 may leave out.
    pub checksum: bool,
    pub packets: u64,
    /// How long until its next turn; streams with delays share the time by them.
    pub delay: u64,
    /// Which processor sends it.
    pub cpu: u32,
}

pub fn load() -> Result<()> {
    run("modprobe pktgen")?;
    Ok(())
}

/// Sends all streams, each packet of them in its turn; how many nanoseconds that took.
pub fn send(streams: &[Stream]) -> Result<u64> {
    for cpu in 0..std::thread::available_parallelism()?.get() {
        write(&thread(cpu as u32), "rem_device_all")?;
    }
    let mut devices = Vec::new();
    for (i, stream) in streams.iter().enumerate() {
        let device = format!("{}@{i}", stream.interface);
        write(&thread(stream.cpu), &format!("add_device {device}"))?;
        let file = format!("/proc/net/pktgen/{device}");
        let mac = read(&format!("/sys/class/net/{}/address", stream.interface))?;
        let v6 = stream.sources.0.is_ipv6();
        let mut orders = vec![
            "xmit_mode netif_receive".to_owned(),
            // Every packet an sk_buff of its own, as from a driver.
            "flag !SHARED".to_owned(),
            format!("delay {}", stream.delay),
            format!("count {}", stream.packets),
            format!("dst_mac {}", mac.trim()),
            format!("udp_src_min {}", stream.source_ports.0),
            format!("udp_src_max {}", stream.source_ports.1),
            format!("udp_dst_min {}", stream.destination_ports.0),
            format!("udp_dst_max {}", stream.destination_ports.1),
        ];
        if stream.checksum {
            orders.push("flag UDPCSUM".into());
        }
        if v6 {
            orders.push("flag IPV6".into());
            orders.push("pkt_size 80".into());
            orders.push(format!("src6 {}", stream.sources.0));
            orders.push(format!("dst6 {}", stream.destinations.0));
        } else {
            orders.push("pkt_size 60".into());
            orders.push(format!("src_min {}", stream.sources.0));
            orders.push(format!("src_max {}", stream.sources.1));
            orders.push(format!("dst_min {}", stream.destinations.0));
            orders.push(format!("dst_max {}", stream.destinations.1));
        }
        for order in orders {
            write(&file, &order)?;
        }
        devices.push((file, stream.packets));
    }
    write("/proc/net/pktgen/pgctrl", "start")?;
    let mut longest = 0;
    for (file, packets) in devices {
        let text = read(&file)?;
        let (time, sent) = result(&text).with_context(|| format!("{file}: no result: {text}"))?;
        if sent != packets {
            bail!("{file}: {sent} of {packets} packets sent");
        }
        longest = longest.max(time);
    }
    Ok(longest * 1000)
}

/// Microseconds and packets of "Result: OK: 53(c53+d0) usec, 10 (60byte,0frags)".
fn result(text: &str) -> Option<(u64, u64)> {
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Result: OK: "))?;
    let (time, rest) = line.split_once('(')?;
    let sent = rest.split_once("usec, ")?.1.split_whitespace().next()?;
    Some((time.parse().ok()?, sent.parse().ok()?))
}
