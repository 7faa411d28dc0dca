// SPDX-License-Identifier: GPL-2.0
//! The policy for nftables: at its best (verdict maps and sets, so that no packet walks along
//! rules), with a flow table besides, and rule after rule.

use crate::row::{Family, Permission};
use crate::shape::{Shape, CAMERA, EXTERNAL, PRIVATE, ROUTER_PORT};
use std::fmt::{Display, Write};

fn join<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut out = String::new();
    for item in items {
        let _ = write!(out, "{}{item}", if out.is_empty() { "" } else { ", " });
    }
    out
}

/// The words of the family: table, address, ping.
fn family(shape: &Shape) -> (&'static str, &'static str, &'static str) {
    match shape.family {
        Family::V4 => ("ip", "ipv4_addr", "icmp type echo-request accept"),
        Family::V6 => (
            "ip6",
            "ipv6_addr",
            "icmpv6 type { echo-request, nd-neighbor-solicit, nd-neighbor-advert } accept",
        ),
    }
}

/// With verdict maps and sets.
pub fn best(shape: &Shape, flowtable: bool) -> String {
    let (ip, kind, ping) = family(shape);
    let zones = shape.inner_zones();
    let mut sets = String::new();
    let mut sources = String::new();
    let mut spoof = vec![format!("{EXTERNAL} : jump from_external")];
    for (i, zone) in zones.iter().enumerate() {
        spoof.push(format!("{} : jump from_{i}", zone.interface));
        let networks = match zone.networks.as_slice() {
            [one] => one.to_string(),
            many => {
                let _ = writeln!(
                    sets,
                    " set networks_{i} {{ type {kind}; flags interval; elements = {{ {} }}; }}",
                    join(many)
                );
                format!("@networks_{i}")
            }
        };
        let _ = writeln!(
            sources,
            " chain from_{i} {{ {ip} saddr != {networks} drop; }}"
        );
    }
    let _ = writeln!(
        sources,
        " chain from_external {{ {ip} saddr {{ {} }} drop; }}",
        join(zones.iter().flat_map(|zone| &zone.networks))
    );
    let services = join(shape.ports().map(|port| format!("udp . {port}")));
    let _ = writeln!(
        sets,
        " set services {{ type inet_proto . inet_service; elements = {{ {services} }}; }}"
    );
    let permit = match shape.permission {
        Permission::Zone => "meta l4proto . th dport @services accept;".to_owned(),
        Permission::Camera => {
            let all = join(
                shape
                    .permissions()
                    .map(|(camera, port)| format!("{camera} . udp . {port}")),
            );
            let _ = writeln!(
                sets,
                " set permissions {{ type {kind} . inet_proto . inet_service; elements = {{ {all} }}; }}"
            );
            format!("{ip} saddr . meta l4proto . th dport @permissions accept;")
        }
    };
    let mut cells = vec![
        format!("{CAMERA} . {PRIVATE} : jump camera_private"),
        format!("{PRIVATE} . {CAMERA} : jump private_camera"),
    ];
    cells.extend(
        zones
            .iter()
            .skip(2)
            .map(|zone| format!("{} . {PRIVATE} : jump site_private", zone.interface)),
    );
    let (mut table, mut offload) = (String::new(), "");
    if flowtable {
        table = format!(
            " flowtable f {{ hook ingress priority 0; devices = {{ {CAMERA}, {PRIVATE} }}; }}\n"
        );
        offload = "  meta l4proto { tcp, udp } ct state established flow add @f\n";
    }
    format!(
        "table {ip} bench {{
{table}{sets}{sources} chain sources {{
  type filter hook prerouting priority raw; policy accept;
  iif vmap {{ {} }}
 }}
 chain camera_private {{ {permit} }}
 chain site_private {{ meta l4proto . th dport @services accept; }}
 chain private_camera {{ tcp dport 80 accept; }}
 chain camera_router {{ meta l4proto . th dport {{ tcp . 21, tcp . 50000-50100, udp . {ROUTER_PORT} }} accept; }}
 chain private_router {{ tcp dport 22 accept; }}
 chain forward {{
  type filter hook forward priority filter; policy drop;
{offload}  ct state vmap {{ established : accept, related : accept, invalid : drop }}
  iif . oif vmap {{ {} }}
 }}
 chain input {{
  type filter hook input priority filter; policy drop;
  iif lo accept
  ct state vmap {{ established : accept, related : accept, invalid : drop }}
  iif vmap {{ {CAMERA} : jump camera_router, {PRIVATE} : jump private_router }}
  {ping}
 }}
}}
",
        join(spoof),
        join(cells),
    )
}

/// Rule after rule.
pub fn linear(shape: &Shape) -> String {
    let (ip, _, ping) = family(shape);
    let zones = shape.inner_zones();
    let mut spoof = String::new();
    for zone in &zones {
        let networks = match zone.networks.as_slice() {
            [one] => one.to_string(),
            many => format!("{{ {} }}", join(many)),
        };
        let _ = writeln!(
            spoof,
            "  iif {} {ip} saddr != {networks} drop",
            zone.interface
        );
        for network in &zone.networks {
            let _ = writeln!(spoof, "  iif {EXTERNAL} {ip} saddr {network} drop");
        }
    }
    let camera = &zones[0].networks[0];
    let mut rules = String::new();
    match shape.permission {
        Permission::Zone => {
            for port in shape.ports() {
                let _ = writeln!(
                    rules,
                    "  iif {CAMERA} oif {PRIVATE} {ip} saddr {camera} udp dport {port} accept"
                );
            }
        }
        Permission::Camera => {
            for (source, port) in shape.permissions() {
                let _ = writeln!(
                    rules,
                    "  iif {CAMERA} oif {PRIVATE} {ip} saddr {source} udp dport {port} accept"
                );
            }
        }
    }
    for zone in &zones[2..] {
        for port in shape.ports() {
            let _ = writeln!(
                rules,
                "  iif {} oif {PRIVATE} udp dport {port} accept",
                zone.interface
            );
        }
    }
    format!(
        "table {ip} bench {{
 chain sources {{
  type filter hook prerouting priority raw; policy accept;
{spoof} }}
 chain forward {{
  type filter hook forward priority filter; policy drop;
  ct state invalid drop
  ct state established,related accept
  iif {PRIVATE} oif {CAMERA} tcp dport 80 accept
{rules} }}
 chain input {{
  type filter hook input priority filter; policy drop;
  iif lo accept
  ct state invalid drop
  ct state established,related accept
  {ping}
  iif {CAMERA} tcp dport 21 accept
  iif {PRIVATE} tcp dport 22 accept
  iif {CAMERA} tcp dport 50000-50100 accept
  iif {CAMERA} udp dport {ROUTER_PORT} accept
 }}
}}
"
    )
}
