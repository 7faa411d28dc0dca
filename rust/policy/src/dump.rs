// SPDX-License-Identifier: GPL-2.0

//! A policy in its canonical form: the attributes that would make it again, in one fixed order.
//!
//! The SHA-256 of all items in order is the policy's digest; the first eight bytes, little
//! endian, of the SHA-256 of one rule's item are that rule's id.

use crate::{
    address::Address,
    attribute::{kind, WriteError, Writer},
    memory::{List, Memory},
    policy::{Action, Camera, Defaults, End, Ipv6Mode, Policy, Rule, RuleId, Zone, ZoneId},
    service::{highest, Service},
    uapi,
};

/// What an item of the canonical form is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// Defaults and forwarding.
    Settings,
    /// A zone.
    Zone(ZoneId),
    /// The camera in this place.
    Camera(usize),
    /// A rule.
    Rule(RuleId),
}

/// The item in place `index`; `None` behind the last.
pub fn item<M: Memory>(policy: &Policy<M>, index: usize) -> Option<Item> {
    let Some(index) = index.checked_sub(1) else {
        return Some(Item::Settings);
    };
    if index < policy.zones.len() {
        return Some(Item::Zone(ZoneId::try_from(index).ok()?));
    }
    let index = index.checked_sub(policy.zones.len())?;
    if index < policy.cameras.len() {
        return Some(Item::Camera(index));
    }
    let index = index.checked_sub(policy.cameras.len())?;
    if index < policy.rules.len() {
        return Some(Item::Rule(RuleId::try_from(index).ok()?));
    }
    None
}

/// Appends the attributes of `item`; a rule gets its id when `id` is given.
///
/// # Errors
///
/// [`WriteError`]; the list may then end with a part of the item.
pub fn write<M: Memory, L: List<u8>>(
    policy: &Policy<M>,
    item: Item,
    id: Option<u64>,
    list: &mut L,
) -> Result<(), WriteError> {
    let mut writer = Writer(list);
    match item {
        Item::Settings => write_settings(policy.defaults, policy.forwarding, &mut writer),
        Item::Zone(place) => match policy.zone(place) {
            Some(zone) => write_zone(policy, place, zone, &mut writer),
            None => Ok(()),
        },
        Item::Camera(place) => match policy.cameras.get(place) {
            Some(camera) => write_camera(policy, camera, &mut writer),
            None => Ok(()),
        },
        Item::Rule(place) => match policy.rule(place) {
            Some(rule) => write_rule(policy, rule, id, &mut writer),
            None => Ok(()),
        },
    }
}

/// What writing comes to.
pub type Written = Result<(), WriteError>;

/// Writes what a policy says besides its items.
///
/// # Errors
///
/// As [`write`].
pub fn write_settings<L: List<u8>>(
    defaults: Defaults,
    forwarding: bool,
    w: &mut Writer<'_, L>,
) -> Written {
    let verdict = |accept| match accept {
        true => uapi::CAMZONE_VERDICT_ACCEPT,
        false => uapi::CAMZONE_VERDICT_DROP,
    };
    w.nest(kind(uapi::CAMZONE_A_DEFAULTS), |w| {
        w.u32(
            kind(uapi::CAMZONE_A_DEFAULTS_INPUT),
            verdict(defaults.input),
        )?;
        w.u32(
            kind(uapi::CAMZONE_A_DEFAULTS_FORWARD),
            verdict(defaults.forward),
        )?;
        w.u32(
            kind(uapi::CAMZONE_A_DEFAULTS_OUTPUT),
            verdict(defaults.output),
        )
    })?;
    w.flag(kind(uapi::CAMZONE_A_FORWARDING), forwarding)
}

/// Writes an address as the attribute of this number.
///
/// # Errors
///
/// As [`write`].
pub fn write_address<L: List<u8>>(number: u32, address: Address, w: &mut Writer<'_, L>) -> Written {
    w.bytes(kind(number), address.octets(&mut [0; 16]))
}

/// Writes one service of a rule.
///
/// # Errors
///
/// As [`write`].
pub fn write_service<L: List<u8>>(service: &Service, w: &mut Writer<'_, L>) -> Written {
    w.nest(kind(uapi::CAMZONE_A_RULE_SERVICE), |w| {
        let protocol = service.protocol();
        w.u32(kind(uapi::CAMZONE_A_SERVICE_PROTOCOL), protocol.into())?;
        if highest(protocol).is_some() {
            w.u32(kind(uapi::CAMZONE_A_SERVICE_FIRST), service.first().into())?;
            w.u32(kind(uapi::CAMZONE_A_SERVICE_LAST), service.last().into())?;
        }
        w.flag(kind(uapi::CAMZONE_A_SERVICE_BROADCAST), service.broadcast())
    })
}

fn write_zone<M: Memory, L: List<u8>>(
    policy: &Policy<M>,
    place: ZoneId,
    zone: &Zone,
    w: &mut Writer<'_, L>,
) -> Written {
    w.nest(kind(uapi::CAMZONE_A_ZONE), |w| {
        w.string(kind(uapi::CAMZONE_A_ZONE_NAME), zone.name.as_bytes())?;
        for interface in policy.interfaces.iter().filter(|i| i.zone == place) {
            w.string(
                kind(uapi::CAMZONE_A_ZONE_INTERFACE),
                interface.name.as_bytes(),
            )?;
        }
        for network in policy.networks.iter().filter(|n| n.zone == place) {
            w.nest(kind(uapi::CAMZONE_A_ZONE_NETWORK), |w| {
                write_address(uapi::CAMZONE_A_NETWORK_ADDRESS, network.prefix.first(), w)?;
                let len = network.prefix.bits().into();
                w.u32(kind(uapi::CAMZONE_A_NETWORK_PREFIX_LEN), len)
            })?;
        }
        w.flag(kind(uapi::CAMZONE_A_ZONE_ANY), zone.any)?;
        if zone.ipv6 != Ipv6Mode::Off {
            w.u32(kind(uapi::CAMZONE_A_ZONE_IPV6), zone.ipv6.number())?;
        }
        Ok(())
    })
}

fn write_camera<M: Memory, L: List<u8>>(
    policy: &Policy<M>,
    camera: &Camera,
    w: &mut Writer<'_, L>,
) -> Written {
    let zone = policy.end_name(End::Zone(camera.zone));
    w.nest(kind(uapi::CAMZONE_A_CAMERA), |w| {
        w.string(kind(uapi::CAMZONE_A_CAMERA_NAME), camera.name.as_bytes())?;
        w.string(kind(uapi::CAMZONE_A_CAMERA_ZONE), zone.as_bytes())?;
        for address in camera.addresses.of(&policy.addresses) {
            write_address(uapi::CAMZONE_A_CAMERA_ADDRESS, *address, w)?;
        }
        match camera.mac {
            Some(mac) => w.bytes(kind(uapi::CAMZONE_A_CAMERA_MAC), &mac),
            None => Ok(()),
        }
    })
}

fn write_rule<M: Memory, L: List<u8>>(
    policy: &Policy<M>,
    rule: &Rule,
    id: Option<u64>,
    w: &mut Writer<'_, L>,
) -> Written {
    let (action, masquerade, reject) = match rule.action {
        Action::Allow { masquerade } => (uapi::CAMZONE_ACTION_ALLOW, masquerade, false),
        Action::Deny { reject } => (uapi::CAMZONE_ACTION_DENY, false, reject),
    };
    w.nest(kind(uapi::CAMZONE_A_RULE), |w| {
        w.u32(kind(uapi::CAMZONE_A_RULE_ACTION), action)?;
        for end in rule.from.of(&policy.ends) {
            write_end(policy, *end, kind(uapi::CAMZONE_A_RULE_FROM), w)?;
        }
        for end in rule.to.of(&policy.ends) {
            write_end(policy, *end, kind(uapi::CAMZONE_A_RULE_TO), w)?;
        }
        for service in rule.services.of(&policy.services) {
            write_service(service, w)?;
        }
        for address in rule.to_addresses.of(&policy.addresses) {
            write_address(uapi::CAMZONE_A_RULE_TO_ADDRESS, *address, w)?;
        }
        w.flag(kind(uapi::CAMZONE_A_RULE_MASQUERADE), masquerade)?;
        w.flag(kind(uapi::CAMZONE_A_RULE_REJECT), reject)?;
        match id {
            Some(id) => w.u64(kind(uapi::CAMZONE_A_RULE_ID), id),
            None => Ok(()),
        }
    })
}

fn write_end<M: Memory, L: List<u8>>(
    policy: &Policy<M>,
    end: End,
    attribute: u16,
    w: &mut Writer<'_, L>,
) -> Written {
    let number = match end {
        End::Router => uapi::CAMZONE_END_KIND_ROUTER,
        End::Zone(_) => uapi::CAMZONE_END_KIND_ZONE,
        End::Camera(_) => uapi::CAMZONE_END_KIND_CAMERA,
    };
    w.nest(attribute, |w| {
        w.u32(kind(uapi::CAMZONE_A_END_KIND), number)?;
        if end == End::Router {
            return Ok(());
        }
        w.string(
            kind(uapi::CAMZONE_A_END_NAME),
            policy.end_name(end).as_bytes(),
        )
    })
}
