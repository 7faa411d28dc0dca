// SPDX-License-Identifier: GPL-2.0

//! A policy as a file that says it, and as JSON.

use camzone_policy::{
    memory::Heap,
    policy::{Action, End, Ipv6Mode, Policy, Rule, Run, ZoneId},
    service::{highest, protocol, Service},
};
use serde_json::{json, Value};

use crate::{
    file::{
        address::format_mac,
        services::{self, PROTOCOL_NAMES, WITH_NUMBERS},
    },
    names::Names,
};

/// A TOML string.
fn quoted(text: &str) -> String {
    // JSON's escapes are TOML's; JSON leaves one control character as it is.
    json!(text).to_string().replace('\u{7f}', "\\u007f")
}

fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
    match items.as_slice() {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    }
}

/// A part of a key, quoted where TOML wants it.
fn key(name: &str) -> String {
    match name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// The policy as a file. Applied, it makes the same policy again.
pub fn to_toml(policy: &Policy<Heap>) -> String {
    let mut names = Names::new(policy);
    let verdict = |accept| if accept { "accept" } else { "drop" };
    let mut out = String::new();
    if policy.forwarding {
        out += "forwarding = true\n\n";
    }
    let d = policy.defaults;
    out += &format!("[defaults]\ninput = \"{}\"\n", verdict(d.input));
    out += &format!(
        "forward = \"{}\"\noutput = \"{}\"\n",
        verdict(d.forward),
        verdict(d.output)
    );
    for (place, zone) in policy.zones.iter().enumerate() {
        out += &format!("\n[zones.{}]\n", key(zone.name.as_str()));
        let (interfaces, networks) = zone_lists(policy, place);
        let interfaces: Vec<_> = interfaces.iter().map(|name| quoted(name)).collect();
        out += &format!("interfaces = [{}]\n", interfaces.join(", "));
        let networks: Vec<_> = networks.iter().map(|network| quoted(network)).collect();
        out += &match zone.any {
            true => String::from("networks = \"any\"\n"),
            false => format!("networks = [{}]\n", networks.join(", ")),
        };
        if zone.ipv6 != Ipv6Mode::Off {
            out += &format!("ipv6 = \"{}\"\n", mode(zone.ipv6));
        }
    }
    for camera in &policy.cameras {
        out += &format!("\n[cameras.{}]\n", key(camera.name.as_str()));
        out += &format!(
            "zone = {}\n",
            quoted(policy.end_name(End::Zone(camera.zone)))
        );
        let addresses = camera.addresses.of(&policy.addresses);
        let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        out += &format!("address = {}\n", list(&addresses));
        if let Some(mac) = camera.mac {
            out += &format!("mac = \"{}\"\n", format_mac(mac));
        }
    }
    for (name, parts) in &names.own {
        out += &format!("\n[services.{}]\n{}", key(name), service(parts));
    }
    for rule in &policy.rules {
        out += &self::rule(policy, rule, &mut names);
    }
    out
}

const fn mode(mode: Ipv6Mode) -> &'static str {
    match mode {
        Ipv6Mode::Off => "off",
        Ipv6Mode::Minimal => "minimal",
        Ipv6Mode::Full => "full",
    }
}

/// The interfaces and the networks of the zone in this place.
fn zone_lists(policy: &Policy<Heap>, place: usize) -> (Vec<String>, Vec<String>) {
    let own = |zone: ZoneId| usize::from(zone) == place;
    let interfaces = policy
        .interfaces
        .iter()
        .filter(|interface| own(interface.zone));
    let networks = policy.networks.iter().filter(|network| own(network.zone));
    (
        interfaces
            .map(|interface| interface.name.to_string())
            .collect(),
        networks.map(|network| network.prefix.to_string()).collect(),
    )
}

/// The lines of a service.
fn service(parts: &[Service]) -> String {
    let mut out = String::new();
    for (name, number) in WITH_NUMBERS {
        let own = parts.iter().filter(|part| part.protocol() == *number);
        let own: Vec<String> = own.map(|part| range(*part)).collect();
        match own.as_slice() {
            [] => {}
            [one] => out += &format!("{name} = {one}\n"),
            many => out += &format!("{name} = [{}]\n", many.join(", ")),
        }
    }
    let others = parts
        .iter()
        .filter(|part| highest(part.protocol()).is_none());
    let others: Vec<String> = others.map(|part| protocol_name(part.protocol())).collect();
    if !others.is_empty() {
        out += &format!("protocols = [{}]\n", others.join(", "));
    }
    if parts.iter().any(Service::broadcast) {
        out += "broadcast = true\n";
    }
    out
}

fn range(part: Service) -> String {
    match (part.first(), part.last()) {
        // The port 0 alone is refused as a number, since it is none.
        (0, 0) if part.protocol() != protocol::ICMP && part.protocol() != protocol::ICMPV6 => {
            String::from("\"0-0\"")
        }
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("\"{first}-{last}\""),
    }
}

fn protocol_name(number: u8) -> String {
    let found = PROTOCOL_NAMES.iter().find(|(_, named)| *named == number);
    found.map_or(number.to_string(), |(name, _)| quoted(name))
}

/// The names of a rule's ends.
pub fn ends(policy: &Policy<Heap>, run: Run) -> Vec<String> {
    let ends = run.of(&policy.ends).iter();
    ends.map(|end| policy.end_name(*end).to_owned()).collect()
}

/// The word for a rule's kind.
pub const fn action(rule: &Rule) -> &'static str {
    match rule.action {
        Action::Allow { .. } => "allow",
        Action::Deny { .. } => "deny",
    }
}

fn rule(policy: &Policy<Heap>, rule: &Rule, names: &mut Names) -> String {
    let mut out = format!("\n[[{}]]\n", action(rule));
    out += &format!("from = {}\n", list(&ends(policy, rule.from)));
    out += &format!("to = {}\n", list(&ends(policy, rule.to)));
    let services = names.name(rule.services.of(&policy.services));
    let services: Vec<String> = services.iter().map(|name| quoted(name)).collect();
    out += &format!("services = [{}]\n", services.join(", "));
    let addresses = rule.to_addresses.of(&policy.addresses);
    if !addresses.is_empty() {
        let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        out += &format!("to_address = {}\n", list(&addresses));
    }
    match rule.action {
        Action::Allow { masquerade: true } => out += "masquerade = true\n",
        Action::Deny { reject: true } => out += "reject = true\n",
        _ => {}
    }
    out
}

/// The policy as JSON, with the keys of the file; `ids` are those of its rules.
pub fn to_json(policy: &Policy<Heap>, ids: &[u64]) -> Value {
    let mut names = Names::new(policy);
    let verdict = |accept| if accept { "accept" } else { "drop" };
    let d = policy.defaults;
    let mut zones = json!({});
    for (place, zone) in policy.zones.iter().enumerate() {
        let (interfaces, networks) = zone_lists(policy, place);
        zones[zone.name.as_str()] = json!({
            "interfaces": interfaces,
            "networks": if zone.any { json!("any") } else { json!(networks) },
            "ipv6": mode(zone.ipv6),
        });
    }
    let mut cameras = json!({});
    for camera in &policy.cameras {
        let addresses = camera.addresses.of(&policy.addresses).iter();
        cameras[camera.name.as_str()] = json!({
            "zone": policy.end_name(End::Zone(camera.zone)),
            "address": addresses.map(ToString::to_string).collect::<Vec<_>>(),
            "mac": camera.mac.map(format_mac),
        });
    }
    let rules: Vec<Value> = policy
        .rules
        .iter()
        .zip(ids.iter().map(Some).chain(std::iter::repeat(None)))
        .map(|(rule, id)| rule_json(policy, rule, id.copied(), &mut names))
        .collect();
    let own = names
        .own
        .iter()
        .map(|(name, parts)| (name.clone(), json!(services::describe(parts))));
    let own: serde_json::Map<String, Value> = own.collect();
    json!({
        "forwarding": policy.forwarding,
        "defaults": { "input": verdict(d.input), "forward": verdict(d.forward), "output": verdict(d.output) },
        "zones": zones,
        "cameras": cameras,
        "services": own,
        "rules": rules,
    })
}

/// A rule as JSON.
pub fn rule_json(policy: &Policy<Heap>, rule: &Rule, id: Option<u64>, names: &mut Names) -> Value {
    let addresses = rule.to_addresses.of(&policy.addresses).iter();
    let (masquerade, reject) = match rule.action {
        Action::Allow { masquerade } => (masquerade, false),
        Action::Deny { reject } => (false, reject),
    };
    json!({
        "id": id.map(format_id),
        "action": action(rule),
        "from": ends(policy, rule.from),
        "to": ends(policy, rule.to),
        "services": names.name(rule.services.of(&policy.services)),
        "to_address": addresses.map(ToString::to_string).collect::<Vec<_>>(),
        "masquerade": masquerade,
        "reject": reject,
    })
}

/// A rule's id as it is shown: the bytes of the digest it begins, in their order.
pub fn format_id(id: u64) -> String {
    hex(&id.to_le_bytes())
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
