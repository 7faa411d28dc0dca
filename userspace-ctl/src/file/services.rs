// SPDX-License-Identifier: GPL-2.0

//! Services: names for protocols and ports, the file's own and those that every file may name.

use std::collections::BTreeMap;

use camzone_policy::service::{highest, protocol, Service};
use toml::de::DeTable;

use super::{
    model::Spanned,
    tree::{as_integer, as_string, entries, wrong_type, Faults, Key, Table, Value},
};
use crate::{
    diagnostic::{Diagnostic, Span},
    suggest,
};

/// The file of the built-in services.
pub const BUILTIN: &str = include_str!("../../services.toml");

const TCP: Key = ("tcp", "tcp = [21, \"50000-50100\"]");
const UDP: Key = ("udp", "udp = 123");
const ICMP: Key = ("icmp", "icmp = \"echo-request\"");
const ICMPV6: Key = ("icmpv6", "icmpv6 = \"echo-request\"");
const PROTOCOLS: Key = ("protocols", "protocols = [\"gre\", 50]");
const BROADCAST: Key = ("broadcast", "broadcast = true");
const KEYS: &[Key] = &[TCP, UDP, ICMP, ICMPV6, PROTOCOLS, BROADCAST];

/// The keys that hold ports or types, and their protocols.
pub const WITH_NUMBERS: &[(&str, u8)] = &[
    ("tcp", protocol::TCP),
    ("udp", protocol::UDP),
    ("icmp", protocol::ICMP),
    ("icmpv6", protocol::ICMPV6),
];

/// Built-in services that are sent to groups, and the groups (IANA "IPv4 Multicast Address Space",
/// "IPv6 Multicast Address Space").
pub const GROUPS: &[(&str, &str)] = &[
    ("dhcpv6", "\"ff02::1:2\""),
    ("igmp", "\"224.0.0.22\""),
    ("mdns", "[\"224.0.0.251\", \"ff02::fb\"]"),
    ("ssdp", "[\"239.255.255.250\", \"ff02::c\"]"),
    ("ws-discovery", "[\"239.255.255.250\", \"ff02::c\"]"),
];

/// Protocols that have a name in a policy file (IANA "Protocol Numbers").
pub const PROTOCOL_NAMES: &[(&str, u8)] = &[
    ("any", protocol::ANY),
    ("icmp", protocol::ICMP),
    ("igmp", 2),
    ("ipip", 4),
    ("tcp", protocol::TCP),
    ("udp", protocol::UDP),
    ("dccp", 33),
    ("ipv6", 41),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmpv6", protocol::ICMPV6),
    ("ospf", 89),
    ("pim", 103),
    ("vrrp", 112),
    ("l2tp", 115),
    ("sctp", 132),
    ("udplite", 136),
];

/// Types that have a name (IANA "ICMP Parameters", "ICMPv6 Parameters").
const TYPE_NAMES: &[(&str, u8, u16)] = &[
    ("echo-reply", protocol::ICMP, 0),
    ("destination-unreachable", protocol::ICMP, 3),
    ("echo-request", protocol::ICMP, 8),
    ("time-exceeded", protocol::ICMP, 11),
    ("timestamp-request", protocol::ICMP, 13),
    ("destination-unreachable", protocol::ICMPV6, 1),
    ("packet-too-big", protocol::ICMPV6, 2),
    ("time-exceeded", protocol::ICMPV6, 3),
    ("echo-request", protocol::ICMPV6, 128),
    ("echo-reply", protocol::ICMPV6, 129),
];

/// A service that has a name.
#[derive(Clone, Debug)]
pub struct Named {
    /// What it stands for.
    pub parts: Vec<Service>,
    /// Where its name is; `None` for a built-in one.
    pub span: Option<Span>,
}

/// Services by name.
pub type Services = BTreeMap<String, Named>;

/// The built-in services.
pub fn builtin() -> Services {
    let mut services = Services::new();
    let mut faults = Faults::new();
    if let Ok(tree) = DeTable::parse(BUILTIN) {
        if let Some(table) = tree.get_ref().get("services") {
            read(table, &mut services, &mut faults, &mut Vec::new());
        }
    }
    services
        .values_mut()
        .for_each(|service| service.span = None);
    services
}

/// Reads the table `[services]`.
pub fn read(
    value: &Value<'_>,
    services: &mut Services,
    faults: &mut Faults,
    warnings: &mut Vec<Diagnostic>,
) {
    let Some(table) = value.get_ref().as_table() else {
        let fault = Diagnostic::at(value.span(), "'services' is to be a table");
        faults.push(fault.help("write [services.NAME], and its keys in the lines below"));
        return;
    };
    for (name, value) in entries(table) {
        let what = format!("service '{}'", name.value);
        let noted = faults.len();
        let parts = one(what.clone(), value, faults);
        warnings.extend(parts.iter().filter_map(|part| said_already(part, &parts)));
        let parts: Vec<_> = parts.into_iter().map(|part| part.value).collect();
        if parts.is_empty() && noted == faults.len() {
            let fault = Diagnostic::at(name.span.clone(), format!("{what} stands for nothing"));
            faults.push(fault.help(format!("write {}", TCP.1)));
        }
        if let Some(same) = services.get(&name.value) {
            let message = format!("'{}' is a built-in service", name.value);
            let mut fault = Diagnostic::at(name.span.clone(), message);
            fault = fault.label(format!("it stands for {}", describe(&same.parts)));
            faults.push(fault.help(format!(
                "give yours another name, such as my-{}",
                name.value
            )));
            continue;
        }
        let span = Some(name.span);
        services.insert(name.value, Named { parts, span });
    }
}

/// Reads one service.
fn one(what: String, value: &Value<'_>, faults: &mut Faults) -> Vec<Spanned<Service>> {
    let Some(table) = Table::new(what, value, KEYS, faults) else {
        return Vec::new();
    };
    let broadcast = table.is_true(BROADCAST, faults).is_some();
    let mut parts: Vec<Spanned<Service>> = Vec::new();
    let keys = [TCP, UDP, ICMP, ICMPV6, PROTOCOLS];
    for key in keys {
        for value in table.list(key, faults) {
            let read = match WITH_NUMBERS.iter().find(|(name, _)| *name == key.0) {
                Some((_, protocol)) => numbers(key, *protocol, value, faults),
                None => protocol_of(value, faults).map(|protocol| (protocol, None)),
            };
            let Some((protocol, range)) = read else {
                continue;
            };
            let (first, last) = range.unzip();
            let Ok(part) = Service::new(protocol.into(), first, last, broadcast) else {
                continue;
            };
            if let Some(same) = parts.iter().find(|other| other.value == part) {
                let fault = Diagnostic::at(value.span(), "this is listed twice");
                faults.push(fault.and(same.span.clone(), "first here"));
                continue;
            }
            parts.push(Spanned::new(part, value.span()));
        }
    }
    parts
}

/// The warning of a part that adds nothing: another one is wider.
fn said_already(part: &Spanned<Service>, parts: &[Spanned<Service>]) -> Option<Diagnostic> {
    let wider =
        |other: &&Spanned<Service>| other.value != part.value && other.value.covers(&part.value);
    let other = parts.iter().find(wider)?;
    let message = format!("{} adds nothing", describe(&[part.value]));
    let warning = Diagnostic::at(part.span.clone(), message).warning();
    let wider = format!("this is {}, all of it", describe(&[other.value]));
    Some(
        warning
            .and(other.span.clone(), wider)
            .help("leave one of the two out"),
    )
}

/// A protocol, and a range of its ports or types.
type Numbers = (u8, Option<(u32, u32)>);

/// Reads a port, a type, or a range of them.
fn numbers(key: Key, protocol: u8, value: &Value<'_>, faults: &mut Faults) -> Option<Numbers> {
    let most = u32::from(highest(protocol).unwrap_or(0));
    let ports = most > 255;
    let what = if ports { "port" } else { "type" };
    let lowest = u32::from(ports);
    let out = |number: &str| {
        let fault = Diagnostic::at(value.span(), format!("{number} is not a {what}"));
        fault.help(format!("a {what} is a number from {lowest} to {most}"))
    };
    if let Some(integer) = as_integer(value) {
        let number = integer.ok().and_then(|n| u32::try_from(n).ok());
        if let Some(number) = number.filter(|n| (lowest..=most).contains(n)) {
            return Some((protocol, Some((number, number))));
        }
        let text = integer.map_or(String::from("this"), |n| n.to_string());
        faults.push(out(&text));
        return None;
    }
    let Some(word) = as_string(value) else {
        let wanted = format!("a {what}, a range \"first-last\", or a list of these");
        wrong_type(key, &wanted, value, faults);
        return None;
    };
    let text = word.value.trim();
    let named = |(name, p, _): &&(&str, u8, u16)| *p == protocol && *name == text;
    if let Some((_, _, number)) = TYPE_NAMES.iter().find(named) {
        return Some((protocol, Some(((*number).into(), (*number).into()))));
    }
    let (first, last) = text.split_once(['-', ':']).unwrap_or((text, text));
    let (first, last) = (first.trim(), last.trim());
    let (Ok(low), Ok(high)) = (first.parse::<u64>(), last.parse::<u64>()) else {
        let fault = Diagnostic::at(word.span.clone(), format!("'{text}' is not a {what}"));
        let known: Vec<_> = TYPE_NAMES
            .iter()
            .filter(|(_, p, _)| *p == protocol)
            .collect();
        faults.push(
            match suggest::closest(text, known.iter().map(|(name, ..)| *name)) {
                Some(meant) => fault.label(format!("did you mean \"{meant}\"?")),
                None if ports => fault.help("write the number: names of ports are not looked up"),
                None => fault.help(format!(
                    "types are numbers, or {}",
                    suggest::list(known.iter().map(|(n, ..)| *n))
                )),
            },
        );
        return None;
    };
    if low > u64::from(most) || high > u64::from(most) {
        faults.push(out(&low.max(high).to_string()));
        return None;
    }
    if low > high {
        let fault = Diagnostic::at(
            word.span.clone(),
            format!("the range {low}-{high} is reversed"),
        );
        faults.push(fault.help(format!("write \"{high}-{low}\"")));
        return None;
    }
    Some((
        protocol,
        Some((u32::try_from(low).ok()?, u32::try_from(high).ok()?)),
    ))
}

/// Reads a protocol, by number or by name.
fn protocol_of(value: &Value<'_>, faults: &mut Faults) -> Option<u8> {
    if let Some(integer) = as_integer(value) {
        let number = integer
            .ok()
            .and_then(|n| u8::try_from(n).ok())
            .filter(|n| *n > 0);
        if number.is_none() {
            let text = integer.map_or(String::from("this"), |n| n.to_string());
            let fault = Diagnostic::at(value.span(), format!("{text} is not a protocol"));
            faults.push(fault.help("a protocol is a number from 1 to 255; \"any\" is every one"));
        }
        return number;
    }
    let Some(word) = as_string(value) else {
        wrong_type(
            PROTOCOLS,
            "a protocol, or a list of protocols",
            value,
            faults,
        );
        return None;
    };
    let found = PROTOCOL_NAMES.iter().find(|(name, _)| *name == word.value);
    if found.is_none() {
        let names = PROTOCOL_NAMES.iter().map(|(name, _)| *name);
        let mut fault = Diagnostic::at(word.span, format!("there is no protocol '{}'", word.value));
        if let Some(meant) = suggest::closest(&word.value, names.clone()) {
            fault = fault.label(format!("did you mean \"{meant}\"?"));
        }
        faults.push(fault.help(format!(
            "protocols are numbers, or {}",
            suggest::list(names)
        )));
    }
    found.map(|(_, number)| *number)
}

/// A service in a few words, such as `tcp 21, 50000-50100`.
pub fn describe(parts: &[Service]) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut last = None;
    for part in parts {
        let named = |(_, number): &&(&str, u8)| *number == part.protocol();
        let name = PROTOCOL_NAMES
            .iter()
            .find(named)
            .map(|(name, _)| (*name).to_owned());
        let name = name.unwrap_or_else(|| format!("protocol {}", part.protocol()));
        let whole =
            highest(part.protocol()).is_none_or(|most| (part.first(), part.last()) == (0, most));
        let range = match (whole, part.first() == part.last()) {
            (true, _) => String::new(),
            (_, true) => part.first().to_string(),
            (_, false) => format!("{}-{}", part.first(), part.last()),
        };
        let word = match last == Some(part.protocol()) {
            true if !whole => range,
            _ => format!("{name} {range}").trim_end().to_owned(),
        };
        last = Some(part.protocol());
        out.push(word);
    }
    let broadcast = parts.iter().any(Service::broadcast);
    format!(
        "{}{}",
        out.join(", "),
        if broadcast { " (also broadcast)" } else { "" }
    )
}
