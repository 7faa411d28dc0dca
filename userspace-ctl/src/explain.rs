// SPDX-License-Identifier: GPL-2.0

//! What the policy crate found, in the words of the file, and what would be right.

use camzone_policy::{
    address::{Address, Prefix, PrefixError},
    error::Kind,
    name::Name,
};

use crate::{
    diagnostic::{Diagnostic, Span},
    encode::Item,
    file::model::{End, PolicyFile, Spanned, Zone},
    suggest,
    validate::{address_span, camera_named, zone_named, View},
};

/// A fault of the text at `span`, which is a part of `item`.
pub fn explain(view: View<'_>, kind: &Kind, span: Option<Span>, item: Option<Item>) -> Diagnostic {
    let file = view.file;
    let here = |message: String| match &span {
        Some(span) => Diagnostic::at(span.clone(), message),
        None => Diagnostic::whole(message),
    };
    let plain = || here(kind.to_string());
    match kind {
        Kind::BadName => bad_name(plain(), span.clone(), file),
        Kind::NameTaken(name) if name.as_str() == "router" => {
            here(String::from("'router' is the machine itself, and no other name")).help("give it another name")
        }
        Kind::NameTaken(name) => match zone_named(file, name) {
            Some(zone) => here(format!("the name '{name}' is taken"))
                .and(zone.name.span.clone(), "by this zone")
                .help("zones and cameras have different names, since a rule may name either"),
            None => plain(),
        },
        Kind::BadInterface => plain().help(
            "it has up to 15 characters without '/', ':' and spaces, as 'ip link' shows it",
        ),
        Kind::LoopbackInterface => plain().help("loopback traffic is always accepted: leave it out"),
        Kind::InterfaceTaken { interface, zone } => {
            let first = zone_named(file, zone).and_then(|zone| {
                let same = zone.interfaces.iter().find(|i| i.value == interface.as_str());
                same.map(|i| i.span.clone())
            });
            and(here(format!("'{interface}' is in two zones")), first, "first here")
                .help("an interface is in one zone; two networks on one wire cannot be told apart")
        }
        Kind::NoInterface(zone) => plain()
            .label("which one is it behind?")
            .help(format!("write interfaces = [\"eth1\"] below [zones.{zone}]")),
        Kind::NoNetwork(zone) => plain().label("which addresses are in it?").help(format!(
            "write networks = [\"192.168.8.0/24\"] below [zones.{zone}], or \"any\" for the rest of the world"
        )),
        Kind::AnyAndNetworks(zone) => {
            let any = zone_named(file, zone).and_then(|zone| zone.any.clone());
            moved(plain(), any).help("'any' is what is in no other zone: it stands alone")
        }
        Kind::SecondAny { zone, first } => {
            let any = |name| zone_named(file, name).and_then(|zone: &Zone| zone.any.clone());
            let fault = here(format!("zones '{first}' and '{zone}' both have the network any"));
            and(moved(fault, any(zone)), any(first), "first here")
                .help("'any' is what is in no other zone, so one zone can have it: write the networks of the other")
        }
        Kind::Prefix(PrefixError::HostBits(clean)) => plain()
            .label("bits behind the prefix are set")
            .help(format!("write \"{clean}\", or \"{}\" for this host alone", host(view, span.as_ref()))),
        Kind::NotUnicast(prefix) if prefix.bits() == 0 => plain().help("write networks = \"any\""),
        Kind::NotUnicast(prefix) => plain().help(not_hosts(prefix)),
        Kind::Overlap { a, b, other } => overlap(view, a, b, other, item),
        Kind::NoAddress(camera) => plain()
            .help(format!("write address = \"192.168.8.110\" below [cameras.{camera}]")),
        Kind::NotHost(address) => moved(plain(), address_of(file, item, *address)).help(
            "write the address that the camera has in its zone; a link-local one needs no rule",
        ),
        Kind::AddressOutside { address, zone } => {
            moved(plain(), address_of(file, item, *address)).help(outside(file, zone))
        }
        Kind::AddressTaken { address, camera } => {
            let own = match item {
                Some(Item::Camera(place)) => file.cameras.get(place),
                _ => None,
            };
            let place = own.and_then(|camera| address_span(camera, *address));
            let other = camera_named(file, camera).and_then(|c| address_span(c, *address));
            let fault = here(format!("two cameras have the address {address}"));
            and(moved(fault, place), other, "the other one").help("an address is one camera's")
        }
        Kind::Missing(what) => missing(here, what, file, item),
        Kind::RouterToRouter => plain().help("name a zone in from or in to"),
        Kind::MasqueradeInside => masquerade(plain(), file, item),
        Kind::MasqueradeOnDeny => plain().help("masquerade = true belongs to the [[allow]]"),
        Kind::RejectOnAllow => plain().help("reject = true belongs to a [[deny]]"),
        Kind::RejectFromRouter => {
            let reject = match item {
                Some(Item::Rule(place)) => file.rules.get(place).and_then(|rule| rule.reject.clone()),
                _ => None,
            };
            moved(plain(), reject).help("without reject, programs on the router see their call fail at once all the same")
        }
        Kind::AddressWithoutRouter => {
            let address = match item {
                Some(Item::Rule(place)) => {
                    file.rules.get(place).and_then(|rule| rule.to_addresses.first())
                }
                _ => None,
            };
            moved(here(String::from("to_address is for rules to the router")), address.map(|a| a.span.clone()))
                .help("to = \"router\"; a host of a zone is named as a camera: [cameras.NAME]")
        }
        Kind::SameRule(other) => and(
            here(String::from("this rule says the same as another")),
            view.rule_span(*other),
            "this one",
        )
        .help("keep one of the two"),
        Kind::Contradiction { allow, deny } => {
            let fault = here(String::from("the deny leaves nothing of the allow"));
            let (this, other, said) = match item {
                Some(Item::Rule(place)) if place == *allow => ("this is never allowed", deny, "this denies all of it"),
                _ => ("this denies all of the other", allow, "this is never allowed"),
            };
            and(fault.label(this), view.rule_span(*other), said)
                .help("a deny beats every allow, in whatever order they stand: narrow the deny, or drop one of the two")
        }
        Kind::MasqueradeDiffers(other) => and(
            here(String::from("two allows meet, and only one of them masquerades")),
            view.rule_span(*other),
            "the other one",
        )
        .help("a flow that both allow would be translated or not: let them say the same, or not meet"),
        Kind::BadAddress(_) => plain()
            .help("name an address that other machines use for the router, or a group's; loopback needs no rule"),
        Kind::TooMany { limit, .. } => plain().help(match item {
            Some(Item::Camera(_)) if *limit < 100 => "one with more can be two cameras: a rule may name both",
            _ => "this is the most that the kernel takes",
        }),
        Kind::NoZone => plain()
            .help("write [zones.camera], interfaces = [\"eth1\"], networks = [\"192.168.8.0/24\"]"),
        _ => plain(),
    }
}

/// What would be right in place of a network that is none of hosts.
fn not_hosts(prefix: &Prefix) -> String {
    let first = prefix.first();
    let mapped = first.is_v4_mapped() && prefix.bits() >= 96;
    let handled = first.is_loopback() || first.is_multicast() || first.is_link_local_v6();
    match first.octets(&mut [0; 16]) {
        [.., a, b, c, d] if mapped => {
            let len = prefix.bits() - 96;
            format!("write it as what it is on the wire: \"{a}.{b}.{c}.{d}/{len}\"")
        }
        _ if handled || first.is_unspecified() && prefix.bits() >= 8 => String::from(
            "loopback, multicast, link-local and unspecified addresses are handled without a zone",
        ),
        _ => String::from(
            "no host has 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/4, 255.255.255.255, ::/127, fe80::/10 or ff00::/8: leave them out",
        ),
    }
}

/// Underlines another text instead.
fn moved(mut fault: Diagnostic, span: Option<Span>) -> Diagnostic {
    if let (Some(primary), Some(span)) = (&mut fault.primary, span) {
        primary.span = span;
    }
    fault
}

/// Shows another text besides, if it is known.
fn and(fault: Diagnostic, span: Option<Span>, text: &str) -> Diagnostic {
    match span {
        Some(span) => fault.and(span, text),
        None => fault,
    }
}

fn bad_name(fault: Diagnostic, span: Option<Span>, file: &PolicyFile) -> Diagnostic {
    let names = file
        .zones
        .iter()
        .map(|z| &z.name)
        .chain(file.cameras.iter().map(|c| &c.name));
    let name = names
        .into_iter()
        .find(|name| Some(&name.span) == span.as_ref());
    let better: String = name.map_or(String::new(), |name| {
        let lower = name.value.trim().to_lowercase();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        lower
            .chars()
            .map(|c| if fits(c) { c } else { '-' })
            .take(31)
            .collect()
    });
    match Name::new(better.as_bytes()) {
        Some(better) => fault.label(format!("such as {better}")),
        None => fault.help("the first one is a letter or a digit"),
    }
}

/// The network of one host, where a network with host bits was written.
fn host(view: View<'_>, span: Option<&Span>) -> String {
    let networks = view.file.zones.iter().flat_map(|zone| &zone.networks);
    let found = networks
        .into_iter()
        .find(|network| Some(&network.span) == span);
    found.map_or(String::from("ADDRESS/32"), |network| {
        let address = network.value.address;
        format!("{address}/{}", address.family().bits())
    })
}

fn overlap(view: View<'_>, a: &Prefix, b: &Prefix, other: &Name, item: Option<Item>) -> Diagnostic {
    let span = |zone: Option<&Zone>, prefix: &Prefix, skip: usize| {
        let same = |network: &&crate::file::model::Spanned<_>| {
            let network: &crate::file::model::Network = &network.value;
            Prefix::new(network.address, network.len) == Ok(*prefix)
        };
        zone?
            .networks
            .iter()
            .filter(same)
            .nth(skip)
            .map(|network| network.span.clone())
    };
    let zone = match item {
        Some(Item::Zone(place)) => view.file.zones.get(place),
        _ => None,
    };
    let first = zone_named(view.file, other);
    let same_zone = zone.map(|z| &z.name.value) == first.map(|z| &z.name.value);
    let name = zone.map_or("?", |zone| zone.name.value.as_str());
    let (message, help) = match (same_zone, a == b) {
        (true, true) => (format!("zone '{name}' has the network {a} twice"), "keep one of the two"),
        (true, false) => (format!("network {a} is a part of {b} of the same zone"), "leave it out: the wider one says it"),
        (false, true) => (format!("network {a} is in two zones"), "an address is in one zone: keep it in one of the two"),
        (false, false) => (
            format!("network {a} of zone '{name}' overlaps {b} of zone '{other}'"),
            "an address is in one zone: write the wider network as the parts that are in no other zone",
        ),
    };
    let again = usize::from(same_zone && a == b);
    let (here, there) = (span(zone, a, again), span(first, b, 0));
    // What comes later in the file is the one that is too many.
    let (here, there) = match (&here, &there) {
        (Some(a), Some(b)) if a.start < b.start => (there, here),
        _ => (here, there),
    };
    let fault = match here {
        Some(span) => Diagnostic::at(span, message),
        None => Diagnostic::whole(message),
    };
    and(fault, there, "first here").help(help)
}

/// Where an address would belong.
fn outside(file: &PolicyFile, zone: &Name) -> String {
    let networks = zone_named(file, zone).map_or(Vec::new(), |zone| {
        let shown = zone
            .networks
            .iter()
            .map(|n| format!("{}/{}", n.value.address, n.value.len));
        shown.collect()
    });
    match networks.is_empty() {
        true => format!("zone '{zone}' has what is in no other zone's networks"),
        false => format!(
            "zone '{zone}' has {}",
            suggest::list(networks.iter().map(String::as_str))
        ),
    }
}

fn missing(
    here: impl Fn(String) -> Diagnostic,
    what: &str,
    file: &PolicyFile,
    item: Option<Item>,
) -> Diagnostic {
    let rule = match item {
        Some(Item::Rule(place)) => file.rules.get(place),
        _ => None,
    };
    let word = rule.map_or("camera", |rule| rule.word());
    let key = if what == "service" { "services" } else { what };
    let example = match what {
        "from" => "write from = \"camera\": where flows are opened from",
        "to" => "write to = \"router\": where flows are opened to",
        "service" => "write services = [\"rtsp\"], or services = \"any\" for everything",
        "zone" => "write zone = \"camera\", the name of its zone",
        _ => "",
    };
    here(format!("this {word} has no '{key}'")).help(example)
}

/// Where a camera says that it has an address.
fn address_of(file: &PolicyFile, item: Option<Item>, address: Address) -> Option<Span> {
    match item {
        Some(Item::Camera(place)) => address_span(file.cameras.get(place)?, address),
        _ => None,
    }
}

/// Underlines the end of a rule that is in the way of masquerading.
fn masquerade(fault: Diagnostic, file: &PolicyFile, item: Option<Item>) -> Diagnostic {
    let rule = match item {
        Some(Item::Rule(place)) => file.rules.get(place),
        _ => None,
    };
    let Some(any) = file.zones.iter().find(|zone| zone.any.is_some()) else {
        let place = rule.and_then(|rule| rule.masquerade.clone());
        return moved(fault, place).help("no zone of this file has networks = \"any\"");
    };
    let any = &any.name.value;
    let is_outside = |end: &End| match end {
        End::Router => None,
        End::Zone(name) => Some(name == any),
        End::Camera(name) => {
            let camera = file
                .cameras
                .iter()
                .find(|camera| camera.name.value == *name);
            camera.and_then(|camera| Some(camera.zone.as_ref()?.value == *any))
        }
    };
    let wrong = |ends: &[Spanned<End>], right: bool| {
        let mut ends = ends.iter();
        let wrong = ends.find(|end| is_outside(&end.value) != Some(right));
        wrong.map(|end| end.span.clone())
    };
    let rule = rule.map(|rule| (wrong(&rule.to, true), wrong(&rule.from, false)));
    match rule {
        Some((Some(to), _)) => moved(fault, Some(to)).help(format!("here that is: to = \"{any}\"")),
        Some((None, from)) => moved(fault, from)
            .help("masquerading is for zones with networks of their own: leave this one out"),
        None => fault,
    }
}
