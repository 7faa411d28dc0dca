// SPDX-License-Identifier: GPL-2.0
//! A policy as the file that camzonectl reads.

use super::policy::{End, Policy, Service};
use super::world::{host_mac, wires};
use std::fmt::Write;

impl Policy {
    fn end_name(&self, end: End) -> &str {
        match end {
            End::Router => "router",
            End::Zone(zone) => &self.zones[zone].name,
            End::Camera(camera) => &self.cameras[camera].name,
        }
    }

    /// The policy file.
    pub fn toml(&self) -> String {
        let verdict = |accept: bool| if accept { "accept" } else { "drop" };
        let list = |items: Vec<String>| format!("[{}]", items.join(", "));
        let [input, forward, output] = self.accept.map(verdict);
        let mut out = String::new();
        // A String takes everything.
        let _ = writeln!(out, "forwarding = true\n[defaults]\ninput = \"{input}\"\nforward = \"{forward}\"\noutput = \"{output}\"");
        for zone in &self.zones {
            let interfaces = zone
                .interfaces
                .iter()
                .map(|i| format!("\"{}\"", wires()[*i].name));
            let networks = zone
                .networks
                .iter()
                .map(|(a, bits)| format!("\"{a}/{bits}\""));
            let networks = match zone.any {
                true => String::from("\"any\""),
                false => list(networks.collect()),
            };
            let _ = writeln!(
                out,
                "[zones.\"{}\"]\ninterfaces = {}\nnetworks = {networks}\nipv6 = \"{}\"",
                zone.name,
                list(interfaces.collect()),
                zone.ipv6
            );
        }
        for camera in &self.cameras {
            let addresses = camera.addresses.iter().map(|a| format!("\"{a}\""));
            let zone = &self.zones[camera.zone].name;
            let _ = writeln!(
                out,
                "[cameras.{}]\nzone = \"{zone}\"\naddress = {}",
                camera.name,
                list(addresses.collect())
            );
            if camera.mac {
                let mac = host_mac(camera.addresses[0])
                    .map(|b| format!("{b:02x}"))
                    .join(":");
                let _ = writeln!(out, "mac = \"{mac}\"");
            }
        }
        let mut names = String::new();
        for (i, rule) in self.rules.iter().enumerate() {
            let mut services = Vec::new();
            for (j, service) in rule.services.iter().enumerate() {
                let _ = writeln!(names, "[services.s{i}-{j}]\n{}", service.toml());
                services.push(format!("\"s{i}-{j}\""));
            }
            let ends = |ends: &[End]| {
                list(
                    ends.iter()
                        .map(|e| format!("\"{}\"", self.end_name(*e)))
                        .collect(),
                )
            };
            let word = if rule.deny { "deny" } else { "allow" };
            let _ = writeln!(
                out,
                "[[{word}]]\nfrom = {}\nto = {}\nservices = {}",
                ends(&rule.from),
                ends(&rule.to),
                list(services)
            );
            if !rule.to_addresses.is_empty() {
                let addresses = rule.to_addresses.iter().map(|a| format!("\"{a}\""));
                let _ = writeln!(out, "to_address = {}", list(addresses.collect()));
            }
            for (word, said) in [("reject", rule.reject), ("masquerade", rule.masquerade)] {
                if said {
                    let _ = writeln!(out, "{word} = true");
                }
            }
        }
        out + &names
    }
}

impl Service {
    fn toml(self) -> String {
        let range = match (self.first, self.last) {
            (first, last) if first == last && first != 0 => first.to_string(),
            (first, last) => format!("\"{first}-{last}\""),
        };
        let mut out = match self.proto {
            0 => String::from("protocols = \"any\""),
            6 => format!("tcp = {range}"),
            17 => format!("udp = {range}"),
            1 => format!("icmp = {range}"),
            58 => format!("icmpv6 = {range}"),
            other => format!("protocols = [{other}]"),
        };
        if self.broadcast {
            out += "\nbroadcast = true";
        }
        out
    }
}
