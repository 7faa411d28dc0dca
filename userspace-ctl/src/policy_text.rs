// SPDX-License-Identifier: GPL-2.0

//! A policy as a file that says it, and as JSON: printed item by item as it is dumped, however long
//! it is.

use std::io::{self, Write};

use camzone_policy::{
    policy::{Action, Defaults, Ipv6Mode},
    service::{highest, protocol, Service},
};
use serde_json::{json, Value};

use crate::{
    file::{
        address::format_mac,
        services::{self, PROTOCOL_NAMES, WITH_NUMBERS},
    },
    json::{escaped, Document},
    names::Names,
    netlink::{
        item::{each, Camera, Item, Rule, Settings, Zone},
        socket::Error,
    },
    spool::Stop,
};

/// A TOML string.
fn quoted(text: &str) -> String {
    // JSON's escapes are TOML's.
    escaped(json!(text).to_string())
}

fn array(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
    format!("[{}]", items.join(", "))
}

/// One string, or an array of several.
fn list(items: &[String]) -> String {
    match items {
        [one] => quoted(one),
        many => array(many),
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

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

/// Prints the messages of a policy's dump as a file. Applied, it makes the same policy again.
///
/// # Errors
///
/// Why the messages or the output ended early.
pub fn to_toml(
    messages: impl IntoIterator<Item = Result<Vec<u8>, Error>>,
    out: &mut impl Write,
) -> Result<(), Stop> {
    let mut names = Names::default();
    each(messages, |item| {
        let text = match item {
            Item::Settings(settings) => toml_settings(settings),
            Item::Zone(zone) => toml_zone(&zone),
            Item::Camera(camera) => toml_camera(&camera),
            Item::Rule(rule) => toml_rule(&rule, &mut names),
        };
        Ok::<(), Stop>(out.write_all(text.as_bytes())?)
    })?;
    for (name, parts) in &names.own {
        write!(out, "\n[services.{}]\n{}", key(name), service(parts))?;
    }
    Ok(())
}

const fn verdict(accept: bool) -> &'static str {
    if accept {
        "accept"
    } else {
        "drop"
    }
}

fn toml_settings(settings: Settings) -> String {
    let forwarding = if settings.forwarding {
        "forwarding = true\n\n"
    } else {
        ""
    };
    let Defaults {
        input,
        forward,
        output,
    } = settings.defaults;
    format!(
        "{forwarding}[defaults]\ninput = \"{}\"\nforward = \"{}\"\noutput = \"{}\"\n",
        verdict(input),
        verdict(forward),
        verdict(output)
    )
}

fn toml_zone(zone: &Zone) -> String {
    let mut out = format!("\n[zones.{}]\n", key(&zone.name));
    out += &format!("interfaces = {}\n", array(&zone.interfaces));
    out += &match zone.any {
        true => String::from("networks = \"any\"\n"),
        false => format!("networks = {}\n", array(&texts(&zone.networks))),
    };
    if zone.ipv6 != Ipv6Mode::Off {
        out += &format!("ipv6 = \"{}\"\n", mode(zone.ipv6));
    }
    out
}

fn toml_camera(camera: &Camera) -> String {
    let mut out = format!("\n[cameras.{}]\n", key(&camera.name));
    out += &format!("zone = {}\n", quoted(&camera.zone));
    out += &format!("address = {}\n", list(&texts(&camera.addresses)));
    if let Some(mac) = camera.mac {
        out += &format!("mac = \"{}\"\n", format_mac(mac));
    }
    out
}

fn toml_rule(rule: &Rule, names: &mut Names) -> String {
    let mut out = format!("\n[[{}]]\n", action(rule.action));
    out += &format!("from = {}\n", list(&rule.from));
    out += &format!("to = {}\n", list(&rule.to));
    out += &format!("services = {}\n", array(&names.name(&rule.services)));
    if !rule.to_addresses.is_empty() {
        out += &format!("to_address = {}\n", list(&texts(&rule.to_addresses)));
    }
    match rule.action {
        Action::Allow { masquerade: true } => out += "masquerade = true\n",
        Action::Deny { reject: true } => out += "reject = true\n",
        _ => {}
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

/// The word for a rule's kind.
pub const fn action(action: Action) -> &'static str {
    match action {
        Action::Allow { .. } => "allow",
        Action::Deny { .. } => "deny",
    }
}

/// Prints the messages of a policy's dump as members of the innermost object, with the keys of the
/// file.
///
/// # Errors
///
/// Why the messages or the output ended early.
pub fn to_json<W: Write>(
    messages: impl IntoIterator<Item = Result<Vec<u8>, Error>>,
    out: &mut Document<'_, W>,
) -> Result<(), Stop> {
    let mut names = Names::default();
    let mut section = Section::Settings;
    each(messages, |item| {
        match item {
            Item::Settings(settings) => {
                let Defaults {
                    input,
                    forward,
                    output,
                } = settings.defaults;
                let defaults = json!({
                    "input": verdict(input),
                    "forward": verdict(forward),
                    "output": verdict(output),
                });
                out.member("forwarding", &json!(settings.forwarding))?;
                out.member("defaults", &defaults)?;
            }
            Item::Zone(zone) => {
                section.reach(Section::Zones, out)?;
                out.member(&zone.name, &json_zone(&zone))?;
            }
            Item::Camera(camera) => {
                section.reach(Section::Cameras, out)?;
                out.member(&camera.name, &json_camera(&camera))?;
            }
            Item::Rule(rule) => {
                section.reach(Section::Rules, out)?;
                out.element(&json_rule(&rule, &mut names))?;
            }
        }
        Ok::<(), Stop>(())
    })?;
    section.reach(Section::Services, out)?;
    for (name, parts) in &names.own {
        out.member(name, &json!(services::describe(parts)))?;
    }
    Ok(out.end()?)
}

/// The part of the JSON that is being printed. They come in this order, as in the dump.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Section {
    Settings,
    Zones,
    Cameras,
    Rules,
    Services,
}

impl Section {
    /// Goes on to this one, by way of those between, which are empty.
    fn reach<W: Write>(&mut self, to: Section, out: &mut Document<'_, W>) -> io::Result<()> {
        while *self < to {
            if *self > Section::Settings {
                out.end()?;
            }
            *self = match *self {
                Section::Settings => Section::Zones,
                Section::Zones => Section::Cameras,
                Section::Cameras => Section::Rules,
                Section::Rules | Section::Services => Section::Services,
            };
            match *self {
                Section::Zones => out.object("zones")?,
                Section::Cameras => out.object("cameras")?,
                Section::Rules => out.list("rules")?,
                Section::Settings | Section::Services => out.object("services")?,
            }
        }
        Ok(())
    }
}

fn json_zone(zone: &Zone) -> Value {
    json!({
        "interfaces": zone.interfaces,
        "networks": if zone.any { json!("any") } else { json!(texts(&zone.networks)) },
        "ipv6": mode(zone.ipv6),
    })
}

fn json_camera(camera: &Camera) -> Value {
    json!({
        "zone": camera.zone,
        "address": texts(&camera.addresses),
        "mac": camera.mac.map(format_mac),
    })
}

fn json_rule(rule: &Rule, names: &mut Names) -> Value {
    let (masquerade, reject) = match rule.action {
        Action::Allow { masquerade } => (masquerade, false),
        Action::Deny { reject } => (false, reject),
    };
    json!({
        "id": rule.id.map(format_id),
        "action": action(rule.action),
        "from": rule.from,
        "to": rule.to,
        "services": names.name(&rule.services),
        "to_address": texts(&rule.to_addresses),
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
