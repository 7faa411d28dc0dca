// SPDX-License-Identifier: GPL-2.0

//! A policy as it is dumped: item by item, each of which stands for itself. Unlike in other
//! answers, nothing that is not known is passed over: a rule without a part of it is another rule.

use camzone_policy::{
    address::{Address, Prefix},
    attribute::{Attribute, Attributes},
    name::Name,
    policy::{Action, Defaults, Ipv6Mode},
    service::Service,
    uapi,
};

use super::socket::Error;

/// A part of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// What it says besides its items.
    Settings(Settings),
    /// A zone.
    Zone(Zone),
    /// A camera.
    Camera(Camera),
    /// A rule.
    Rule(Rule),
}

/// What a policy says besides its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What happens where no rule matches.
    pub defaults: Defaults,
    /// The kernel is to forward.
    pub forwarding: bool,
}

/// A zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// The names of its interfaces.
    pub interfaces: Vec<String>,
    /// Its networks.
    pub networks: Vec<Prefix>,
    /// Everything that is in no other zone is in this one.
    pub any: bool,
    /// What becomes of its IPv6.
    pub ipv6: Ipv6Mode,
}

/// A camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Camera {
    /// Its name.
    pub name: String,
    /// The name of its zone.
    pub zone: String,
    /// Its addresses.
    pub addresses: Vec<Address>,
    /// The hardware address that its packets must come with.
    pub mac: Option<[u8; 6]>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id, which the kernel gives it.
    pub id: Option<u64>,
    /// What it does.
    pub action: Action,
    /// The names of its initiators.
    pub from: Vec<String>,
    /// The names of its responders.
    pub to: Vec<String>,
    /// Its services.
    pub services: Vec<Service>,
    /// The addresses of the router that it means.
    pub to_addresses: Vec<Address>,
}

impl Item {
    /// Settings come first, then zones, cameras, rules.
    const fn order(&self) -> u8 {
        match self {
            Item::Settings(_) => 0,
            Item::Zone(_) => 1,
            Item::Camera(_) => 2,
            Item::Rule(_) => 3,
        }
    }
}

/// Reads the items in the messages of a policy dump, one after the other.
///
/// # Errors
///
/// What the messages or `visit` end with, and [`Error::Broken`] where something is not understood,
/// or does not stand where it should.
pub fn each<E: From<Error>>(
    messages: impl IntoIterator<Item = Result<Vec<u8>, Error>>,
    mut visit: impl FnMut(Item) -> Result<(), E>,
) -> Result<(), E> {
    let mut last = None;
    for message in messages {
        for item in items(&message?)? {
            let order = item.order();
            let follows = match last {
                None => order == 0,
                Some(last) => order > 0 && order >= last,
            };
            if !follows {
                return Err(NOT_UNDERSTOOD.into());
            }
            last = Some(order);
            visit(item)?;
        }
    }
    Ok(())
}

/// Reads the items in one message.
///
/// # Errors
///
/// [`Error::Broken`] where something is not understood.
pub fn items(message: &[u8]) -> Result<Vec<Item>, Error> {
    read(message).ok_or(NOT_UNDERSTOOD)
}

/// The module says something that this tool does not know.
pub const NOT_UNDERSTOOD: Error =
    Error::Broken("the module's policy is not understood: is the module newer than this tool?");

fn read(message: &[u8]) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    let (mut defaults, mut forwarding) = (None, false);
    for attribute in Attributes::new(message) {
        let attribute = attribute.ok()?;
        match u32::from(attribute.kind) {
            uapi::CAMZONE_A_DEFAULTS => defaults = Some(self::defaults(&attribute)?),
            uapi::CAMZONE_A_FORWARDING => forwarding = true,
            uapi::CAMZONE_A_ZONE => items.push(Item::Zone(zone(&attribute)?)),
            uapi::CAMZONE_A_CAMERA => items.push(Item::Camera(camera(&attribute)?)),
            uapi::CAMZONE_A_RULE => items.push(Item::Rule(rule(&attribute)?)),
            _ => {}
        }
    }
    if defaults.is_some() || forwarding {
        let settings = Settings {
            defaults: defaults.unwrap_or_default(),
            forwarding,
        };
        items.insert(0, Item::Settings(settings));
    }
    Some(items)
}

fn defaults(nest: &Attribute<'_>) -> Option<Defaults> {
    let mut defaults = Defaults::default();
    for attribute in nest.nested() {
        let attribute = attribute.ok()?;
        let verdict = match attribute.u32()? {
            uapi::CAMZONE_VERDICT_ACCEPT => true,
            uapi::CAMZONE_VERDICT_DROP => false,
            _ => return None,
        };
        match u32::from(attribute.kind) {
            uapi::CAMZONE_A_DEFAULTS_INPUT => defaults.input = verdict,
            uapi::CAMZONE_A_DEFAULTS_FORWARD => defaults.forward = verdict,
            uapi::CAMZONE_A_DEFAULTS_OUTPUT => defaults.output = verdict,
            _ => return None,
        }
    }
    Some(defaults)
}

/// The name of a zone or a camera.
fn name(attribute: &Attribute<'_>) -> Option<String> {
    Some(Name::new(attribute.string())?.as_str().to_owned())
}

fn zone(nest: &Attribute<'_>) -> Option<Zone> {
    let (mut interfaces, mut networks) = (Vec::new(), Vec::new());
    let (mut named, mut any, mut ipv6) = (None, false, Ipv6Mode::Off);
    for attribute in nest.nested() {
        let attribute = attribute.ok()?;
        match u32::from(attribute.kind) {
            uapi::CAMZONE_A_ZONE_NAME => named = Some(name(&attribute)?),
            uapi::CAMZONE_A_ZONE_INTERFACE => {
                interfaces.push(Name::interface(attribute.string())?.to_string());
            }
            uapi::CAMZONE_A_ZONE_NETWORK => networks.push(network(&attribute)?),
            uapi::CAMZONE_A_ZONE_ANY => any = true,
            uapi::CAMZONE_A_ZONE_IPV6 => ipv6 = Ipv6Mode::from_number(attribute.u32()?)?,
            _ => return None,
        }
    }
    Some(Zone {
        name: named?,
        interfaces,
        networks,
        any,
        ipv6,
    })
}

fn network(nest: &Attribute<'_>) -> Option<Prefix> {
    let (mut address, mut len) = (None, None);
    for attribute in nest.nested() {
        let attribute = attribute.ok()?;
        match u32::from(attribute.kind) {
            uapi::CAMZONE_A_NETWORK_ADDRESS => address = Address::from_bytes(attribute.payload),
            uapi::CAMZONE_A_NETWORK_PREFIX_LEN => len = attribute.u32(),
            _ => return None,
        }
    }
    Prefix::new(address?, len?).ok()
}

fn camera(nest: &Attribute<'_>) -> Option<Camera> {
    let (mut named, mut zone, mut mac) = (None, None, None);
    let mut addresses = Vec::new();
    for attribute in nest.nested() {
        let attribute = attribute.ok()?;
        match u32::from(attribute.kind) {
            uapi::CAMZONE_A_CAMERA_NAME => named = Some(name(&attribute)?),
            uapi::CAMZONE_A_CAMERA_ZONE => zone = Some(name(&attribute)?),
            uapi::CAMZONE_A_CAMERA_ADDRESS => {
                addresses.push(Address::from_bytes(attribute.payload)?);
            }
            uapi::CAMZONE_A_CAMERA_MAC => mac = Some(attribute.payload.try_into().ok()?),
            _ => return None,
        }
    }
    Some(Camera {
        name: named?,
        zone: zone?,
        addresses,
        mac,
    })
}

fn rule(nest: &Attribute<'_>) -> Option<Rule> {
    let (mut from, mut to) = (Vec::new(), Vec::new());
    let (mut services, mut to_addresses) = (Vec::new(), Vec::new());
    let (mut id, mut action, mut masquerade, mut reject) = (None, None, false, false);
    for attribute in nest.nested() {
        let attribute = attribute.ok()?;
        match u32::from(attribute.kind) {
            uapi::CAMZONE_A_RULE_ID => {
                id = Some(u64::from_ne_bytes(attribute.payload.try_into().ok()?));
            }
            uapi::CAMZONE_A_RULE_ACTION => action = attribute.u32(),
            uapi::CAMZONE_A_RULE_FROM => from.push(end(&attribute)?),
            uapi::CAMZONE_A_RULE_TO => to.push(end(&attribute)?),
            uapi::CAMZONE_A_RULE_SERVICE => services.push(service(&attribute)?),
            uapi::CAMZONE_A_RULE_TO_ADDRESS => {
                to_addresses.push(Address::from_bytes(attribute.payload)?);
            }
            uapi::CAMZONE_A_RULE_MASQUERADE => masquerade = true,
            uapi::CAMZONE_A_RULE_REJECT => reject = true,
            _ => return None,
        }
    }
    let action = match (action?, masquerade, reject) {
        (uapi::CAMZONE_ACTION_ALLOW, masquerade, false) => Action::Allow { masquerade },
        (uapi::CAMZONE_ACTION_DENY, false, reject) => Action::Deny { reject },
        _ => return None,
    };
    Some(Rule {
        id,
        action,
        from,
        to,
        services,
        to_addresses,
    })
}

/// The name of a rule's end.
fn end(nest: &Attribute<'_>) -> Option<String> {
    let (mut kind, mut named) = (None, None);
    for attribute in nest.nested() {
        let attribute = attribute.ok()?;
        match u32::from(attribute.kind) {
            uapi::CAMZONE_A_END_KIND => kind = attribute.u32(),
            uapi::CAMZONE_A_END_NAME => named = Some(name(&attribute)?),
            _ => return None,
        }
    }
    match kind? {
        uapi::CAMZONE_END_KIND_ROUTER => Some(String::from("router")),
        uapi::CAMZONE_END_KIND_ZONE | uapi::CAMZONE_END_KIND_CAMERA => named,
        _ => None,
    }
}

fn service(nest: &Attribute<'_>) -> Option<Service> {
    let (mut protocol, mut first, mut last, mut broadcast) = (None, None, None, false);
    for attribute in nest.nested() {
        let attribute = attribute.ok()?;
        match u32::from(attribute.kind) {
            uapi::CAMZONE_A_SERVICE_PROTOCOL => protocol = attribute.u32(),
            uapi::CAMZONE_A_SERVICE_FIRST => first = Some(attribute.u32()?),
            uapi::CAMZONE_A_SERVICE_LAST => last = Some(attribute.u32()?),
            uapi::CAMZONE_A_SERVICE_BROADCAST => broadcast = true,
            _ => return None,
        }
    }
    Service::new(protocol?, first, last, broadcast).ok()
}
