// SPDX-License-Identifier: GPL-2.0

//! The top of the file, its zones and its cameras.

use camzone_policy::{
    address::{Address, Family},
    policy::{Defaults, Ipv6Mode},
    service::protocol,
};
use toml::de::{DeTable, DeValue};

use super::{
    address,
    model::{Camera, End, PolicyFile, Rule, Spanned, Use, Word, Zone},
    rules,
    services::{self, Services},
    source::Source,
    syntax,
    tree::{wrong_type, Faults, Key, Table, Value, FORWARDING},
};
use crate::{diagnostic::Diagnostic, suggest};

const DEFAULTS: Key = ("defaults", "[defaults]");
const ZONES: Key = ("zones", "[zones.camera]");
const CAMERAS: Key = ("cameras", "[cameras.front-door]");
const SERVICES: Key = ("services", "[services.ftp-upload]");
const ALLOW: Key = ("allow", "[[allow]]");
const DENY: Key = ("deny", "[[deny]]");
const TOP: &[Key] = &[FORWARDING, DEFAULTS, ZONES, CAMERAS, SERVICES, ALLOW, DENY];

const INPUT: Key = ("input", "input = \"drop\"");
const FORWARD: Key = ("forward", "forward = \"drop\"");
const OUTPUT: Key = ("output", "output = \"accept\"");

const INTERFACES: Key = ("interfaces", "interfaces = [\"eth1\"]");
const NETWORKS: Key = ("networks", "networks = [\"192.168.8.0/24\"]");
const IPV6: Key = ("ipv6", "ipv6 = \"full\"");

const ZONE: Key = ("zone", "zone = \"camera\"");
const ADDRESS: Key = ("address", "address = \"192.168.8.110\"");
const MAC: Key = ("mac", "mac = \"52:54:00:12:34:56\"");

/// Reads a policy file as far as its words are concerned.
///
/// # Errors
///
/// All faults that were found, in the order of the file; at least one.
pub fn parse(source: &Source) -> Result<PolicyFile, Vec<Diagnostic>> {
    let (tree, errors) = DeTable::parse_recoverable(&source.text);
    if let Some(fault) = syntax::fault(source, &errors) {
        return Err(vec![fault]);
    }
    let nothing = Diagnostic::whole("the file says nothing")
        .help("a policy has at least a zone: [zones.camera], interfaces = [\"eth1\"], networks = [\"192.168.8.0/24\"]");
    if tree.get_ref().is_empty() {
        return Err(vec![nothing]);
    }
    let mut faults = Faults::new();
    let mut file = PolicyFile::default();
    let top = Table::of("a policy", tree.get_ref(), TOP, &mut faults);
    file.forwarding = top.is_true(FORWARDING, &mut faults).is_some();
    if let Some(value) = top.get(DEFAULTS) {
        file.defaults = defaults(value, &mut faults);
    }
    for (name, value) in items(&top, ZONES, &mut faults) {
        file.zones.extend(zone(name, value, &mut faults));
    }
    for (name, value) in items(&top, CAMERAS, &mut faults) {
        file.cameras
            .extend(camera(name, value, &file.zones, &mut faults));
    }
    let mut services: Services = services::builtin();
    if let Some(value) = top.get(SERVICES) {
        services::read(value, &mut services, &mut faults, &mut file.warnings);
    }
    let mut rules = rules::Rules::new(&services);
    for (key, deny) in [(ALLOW, false), (DENY, true)] {
        if let Some(value) = top.get(key) {
            rules.read(key, deny, value, &mut file, &mut faults);
        }
    }
    file.rules.sort_by_key(|rule| rule.span.start);
    rules.warn_of_unused(&mut file);
    warn(&mut file);
    if faults.is_empty() {
        return Ok(file);
    }
    faults.sort_by_key(Diagnostic::position);
    Err(faults)
}

/// The entries of a table of tables.
fn items<'a>(top: &Table<'a>, key: Key, faults: &mut Faults) -> Vec<(Word, &'a Value<'a>)> {
    let Some(value) = top.get(key) else {
        return Vec::new();
    };
    match value.get_ref() {
        DeValue::Table(table) => super::tree::entries(table),
        _ => {
            wrong_type(key, "a table of tables", value, faults);
            Vec::new()
        }
    }
}

/// Reads `[defaults]`.
fn defaults(value: &Value<'_>, faults: &mut Faults) -> Defaults {
    let mut defaults = Defaults::default();
    let known = [INPUT, FORWARD, OUTPUT];
    let Some(table) = Table::new(String::from("[defaults]"), value, &known, faults) else {
        return defaults;
    };
    let places = [
        &mut defaults.input,
        &mut defaults.forward,
        &mut defaults.output,
    ];
    for (key, place) in known.into_iter().zip(places) {
        let Some(word) = table.string(key, faults) else {
            continue;
        };
        match word.value.as_str() {
            "accept" => *place = true,
            "drop" => *place = false,
            other => {
                let message = format!("'{}' cannot be '{other}'", key.0);
                let mut fault = Diagnostic::at(word.span, message);
                if let Some(meant) = suggest::closest(other, ["accept", "drop"]) {
                    fault = fault.label(format!("did you mean \"{meant}\"?"));
                }
                faults.push(
                    fault.help("it is \"drop\" or \"accept\"; a [[deny]] may have reject = true"),
                );
            }
        }
    }
    defaults
}

/// Reads `[zones.NAME]`.
fn zone(name: Word, value: &Value<'_>, faults: &mut Faults) -> Option<Zone> {
    let what = format!("zone '{}'", name.value);
    let table = Table::new(what, value, &[INTERFACES, NETWORKS, IPV6], faults)?;
    let interfaces = table.strings(INTERFACES, faults);
    let mut any = None;
    let mut networks = Vec::new();
    for word in table.strings(NETWORKS, faults) {
        if word.value == "any" {
            any = Some(word.span);
            continue;
        }
        match address::network(&word) {
            Ok(network) => networks.push(network),
            Err(fault) => faults.push(fault),
        }
    }
    let ipv6 = table.string(IPV6, faults).and_then(|word| {
        let mode = match word.value.as_str() {
            "off" => Ipv6Mode::Off,
            "minimal" => Ipv6Mode::Minimal,
            "full" => Ipv6Mode::Full,
            other => {
                let mut fault = Diagnostic::at(word.span, format!("'ipv6' cannot be '{other}'"));
                if let Some(meant) = suggest::closest(other, ["off", "minimal", "full"]) {
                    fault = fault.label(format!("did you mean \"{meant}\"?"));
                }
                faults.push(fault.help("it is \"off\", \"minimal\" (neighbour discovery only) or \"full\" (the rules apply)"));
                return None;
            }
        };
        Some(Spanned::new(mode, word.span))
    });
    Some(Zone {
        name,
        interfaces,
        networks,
        any,
        ipv6,
    })
}

/// Reads `[cameras.NAME]`.
fn camera(name: Word, value: &Value<'_>, zones: &[Zone], faults: &mut Faults) -> Option<Camera> {
    let what = format!("camera '{}'", name.value);
    let table = Table::new(what, value, &[ZONE, ADDRESS, MAC], faults)?;
    let zone = table.string(ZONE, faults);
    if let Some(word) = &zone {
        let known = || zones.iter().map(|zone| zone.name.value.as_str());
        if !known().any(|name| name == word.value) {
            let message = format!("there is no zone '{}'", word.value);
            let mut fault = Diagnostic::at(word.span.clone(), message);
            if let Some(meant) = suggest::closest(&word.value, known()) {
                fault = fault.label(format!("did you mean \"{meant}\"?"));
            }
            faults.push(fault.help(format!("the zones are {}", suggest::list(known()))));
        }
    }
    let mac = table
        .string(MAC, faults)
        .and_then(|word| noted(address::mac(&word), faults));
    let addresses = table.strings(ADDRESS, faults);
    let addresses = addresses
        .iter()
        .filter_map(|word| noted(address::address(word), faults));
    let addresses = addresses.collect();
    Some(Camera {
        name,
        zone,
        addresses,
        mac,
    })
}

/// The value, or its fault is noted.
fn noted<T>(result: Result<T, Diagnostic>, faults: &mut Faults) -> Option<T> {
    result.map_err(|fault| faults.push(fault)).ok()
}

/// Notes what is in order but may not be meant.
fn warn(file: &mut PolicyFile) {
    for zone in &file.zones {
        let odd = zone.interfaces.iter().filter_map(odd_interface);
        file.warnings.extend(odd);
        let v6 = zone
            .networks
            .iter()
            .find(|n| n.value.address.family() == Family::V6);
        if let (Some(network), Ipv6Mode::Off) = (v6, zone.ipv6_mode()) {
            let name = &zone.name.value;
            let message = format!("zone '{name}' has an IPv6 network, but its IPv6 is off");
            let warning = Diagnostic::at(network.span.clone(), message).warning();
            file.warnings.push(warning.help(format!(
                "write {} in [zones.{name}] if its rules are to apply",
                IPV6.1
            )));
        }
    }
    for rule in file.rules.iter().filter(|rule| !rule.deny) {
        warn_of_group(rule, &mut file.warnings);
        let dead = warn_of_ipv6(rule, &file.zones, &file.cameras);
        file.warnings.extend(dead);
        let asking = |used: &&Use| used.parts.iter().any(|service| service.broadcast());
        let camera = |end: &&Spanned<End>| matches!(end.value, End::Camera(_));
        let (Some(used), Some(camera)) = (
            rule.services.iter().find(asking),
            rule.from.iter().find(camera),
        ) else {
            continue;
        };
        let name = &used.name.value;
        let message = "who asks for an address has none, and is no camera yet";
        let warning = Diagnostic::at(camera.span.clone(), message).warning();
        file.warnings.push(
            warning
                .and(used.name.span.clone(), "is asked without an address")
                .help(format!("allow '{name}' from the camera's zone")),
        );
    }
}

/// The warning of a rule that only IPv6 could match, and that is asked in no zone of its.
fn warn_of_ipv6(rule: &Rule, zones: &[Zone], cameras: &[Camera]) -> Option<Diagnostic> {
    let is_v6 = |address: &Spanned<Address>| address.value.family() == Family::V6;
    let all_v6 = |list: &[Spanned<Address>]| !list.is_empty() && list.iter().all(is_v6);
    let is_camera_of_v6 = |end: &Spanned<End>| {
        let camera = camera_of(&end.value, cameras);
        camera.is_some_and(|camera| all_v6(&camera.addresses))
    };
    let is_icmpv6 = |used: &Use| used.parts.iter().all(|p| p.protocol() == protocol::ICMPV6);
    let because = if all_v6(&rule.to_addresses) {
        rule.to_addresses.first()?.span.clone()
    } else if rule.services.iter().all(is_icmpv6) {
        rule.services.first()?.name.span.clone()
    } else {
        let mut sides = [&rule.from, &rule.to].into_iter();
        let side = sides.find(|side| side.iter().all(is_camera_of_v6))?;
        side.first()?.span.clone()
    };
    let zone_of = |end: &Spanned<End>| {
        let name = match &end.value {
            End::Router => return None,
            End::Zone(name) => name,
            End::Camera(_) => &camera_of(&end.value, cameras)?.zone.as_ref()?.value,
        };
        zones.iter().find(|zone| zone.name.value == *name)
    };
    // Where several are named, one that is full is enough.
    let mut named = rule.from.iter().chain(&rule.to).filter_map(zone_of);
    let first = named.clone().next()?;
    if named.any(|zone| zone.ipv6_mode() == Ipv6Mode::Full) {
        return None;
    }
    let name = &first.name.value;
    let message = format!("this is about IPv6, of which zone '{name}' asks no rule");
    let warning = Diagnostic::at(because, message).warning();
    Some(warning.help(format!("write {} in [zones.{name}]", IPV6.1)))
}

/// The camera that an end of a rule names.
fn camera_of<'a>(end: &End, cameras: &'a [Camera]) -> Option<&'a Camera> {
    match end {
        End::Camera(name) => cameras.iter().find(|camera| camera.name.value == *name),
        End::Router | End::Zone(_) => None,
    }
}

/// The warning of an interface's name that the kernel takes, and hardly any interface has.
fn odd_interface(word: &Word) -> Option<Diagnostic> {
    let name = &word.value;
    let warning = |message: String| Diagnostic::at(word.span.clone(), message).warning();
    // (ip-link(8) shows the other end of a pair, or what a VLAN is on, behind an '@'.)
    if let Some((own, _)) = name.split_once('@') {
        let warning = warning(format!("'{name}' would be one interface's whole name"));
        return Some(warning.help(format!(
            "what 'ip link' shows before the '@' is it: \"{own}\""
        )));
    }
    if name.contains([',', '*', '+', '$']) {
        let warning = warning(format!("'{name}' would be one interface's whole name"));
        let help = "there are no patterns: list them all, interfaces = [\"eth1\", \"eth2\"]";
        return Some(warning.help(help));
    }
    let odd = name.chars().find(|c| !c.is_ascii_graphic())?;
    let message = format!(
        "the name of this interface has {} in it",
        odd.escape_unicode()
    );
    Some(warning(message).help("is that meant? names of interfaces are mostly ASCII"))
}

/// Notes a service that is sent to a group, which no rule is about that does not name the group.
fn warn_of_group(rule: &Rule, warnings: &mut Vec<Diagnostic>) {
    let to_router = rule.to.iter().any(|end| end.value == End::Router);
    if !to_router || !rule.to_addresses.is_empty() {
        return;
    }
    for used in &rule.services {
        let name = &used.name.value;
        let Some((_, groups)) = services::GROUPS.iter().find(|(of, _)| of == name) else {
            continue;
        };
        let message = format!("'{name}' is sent to a group, which this rule is not about");
        let warning = Diagnostic::at(used.name.span.clone(), message).warning();
        warnings.push(warning.help(format!(
            "give '{name}' a rule of its own with to_address = {groups}"
        )));
    }
}
