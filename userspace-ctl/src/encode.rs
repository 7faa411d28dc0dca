// SPDX-License-Identifier: GPL-2.0

//! A policy file as the messages of a transaction, and which text each attribute came from.

use camzone_policy::{
    attribute::{kind, WriteError, Writer},
    dump::{write_address, write_service, write_settings, Written},
    uapi,
};

use crate::{
    diagnostic::{Diagnostic, Span},
    file::model::{Camera, End, PolicyFile, Rule, Spanned, Zone},
};

/// A message is ended when it has this many bytes; one attribute may make it longer.
const FULL: usize = 30_000;

/// The item of the file that an attribute belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// The zone in this place of the file.
    Zone(usize),
    /// The camera in this place of the file.
    Camera(usize),
    /// The rule in this place of the file.
    Rule(usize),
}

/// From here on, a message comes from this text.
#[derive(Clone, Debug)]
pub struct Mark {
    message: usize,
    offset: usize,
    /// The text.
    pub span: Span,
    /// The item it is in.
    pub item: Item,
}

/// The messages of a transaction, without their headers.
#[derive(Clone, Debug, Default)]
pub struct Encoded {
    /// What `policy-begin` carries, but for the sysctls.
    pub begin: Vec<u8>,
    /// What each `policy-add` carries.
    pub adds: Vec<Vec<u8>>,
    marks: Vec<Mark>,
}

impl Encoded {
    /// The text that the attribute at `offset` of the n-th message came from.
    pub fn mark(&self, message: usize, offset: usize) -> Option<&Mark> {
        let behind = |mark: &Mark| (mark.message, mark.offset) <= (message, offset);
        let behind = self.marks.partition_point(behind);
        let mark = self.marks.get(behind.checked_sub(1)?)?;
        (mark.message == message).then_some(mark)
    }
}

type Out<'w, 'a> = &'w mut Writer<'a, Vec<u8>>;

/// Encodes a file.
///
/// # Errors
///
/// The item that is longer than an attribute can be.
pub fn encode(file: &PolicyFile) -> Result<Encoded, Diagnostic> {
    let mut encoder = Encoder::default();
    let zones = file.zones.iter().enumerate();
    for (place, zone) in zones {
        let write = |e: &mut Marks, w: Out<'_, '_>| write_zone(zone, e, w);
        encoder.item(Item::Zone(place), zone.name.span.clone(), write)?;
    }
    for (place, camera) in file.cameras.iter().enumerate() {
        let write = |e: &mut Marks, w: Out<'_, '_>| write_camera(camera, e, w);
        encoder.item(Item::Camera(place), camera.name.span.clone(), write)?;
    }
    for (place, rule) in file.rules.iter().enumerate() {
        let write = |e: &mut Marks, w: Out<'_, '_>| write_rule(rule, e, w);
        encoder.item(Item::Rule(place), rule.span.clone(), write)?;
    }
    encoder.encoded.marks = encoder.marks.list;
    let mut writer = Writer(&mut encoder.encoded.begin);
    // Four short attributes in an empty list: only memory could be short.
    write_settings(file.defaults, file.forwarding, &mut writer)
        .map_err(|_| Diagnostic::whole("out of memory"))?;
    Ok(encoder.encoded)
}

/// Attributes that say which sysctls are to be put back, for the end of a `policy-begin`.
///
/// # Errors
///
/// Out of memory.
pub fn write_saved(begin: &mut Vec<u8>, ipv4: bool, ipv6: bool) -> Result<(), WriteError> {
    Writer(begin).nest(kind(uapi::CAMZONE_A_SAVED), |w| {
        w.u32(kind(uapi::CAMZONE_A_SAVED_IPV4), ipv4.into())?;
        w.u32(kind(uapi::CAMZONE_A_SAVED_IPV6), ipv6.into())
    })
}

#[derive(Default)]
struct Encoder {
    encoded: Encoded,
    marks: Marks,
}

/// The marks of the messages so far.
#[derive(Default)]
struct Marks {
    list: Vec<Mark>,
    message: usize,
    item: Option<Item>,
}

impl Marks {
    /// The next attribute comes from this text.
    fn set(&mut self, w: &Writer<'_, Vec<u8>>, span: &Span) {
        let (message, offset, span) = (self.message, w.position(), span.clone());
        if let Some(item) = self.item {
            self.list.push(Mark {
                message,
                offset,
                span,
                item,
            });
        }
    }
}

impl Encoder {
    fn item(
        &mut self,
        item: Item,
        span: Span,
        write: impl FnOnce(&mut Marks, Out<'_, '_>) -> Written,
    ) -> Result<(), Diagnostic> {
        if self
            .encoded
            .adds
            .last()
            .is_none_or(|message| message.len() >= FULL)
        {
            self.encoded.adds.push(Vec::new());
        }
        self.marks.message = self.encoded.adds.len() - 1;
        self.marks.item = Some(item);
        let Some(message) = self.encoded.adds.last_mut() else {
            return Ok(());
        };
        let mut writer = Writer(message);
        self.marks.set(&writer, &span);
        write(&mut self.marks, &mut writer).map_err(|error| match (error, item) {
            (WriteError::OutOfMemory, _) => Diagnostic::whole("out of memory"),
            (_, Item::Zone(_)) => Diagnostic::at(span, "the zone is too long for one message")
                .help("write neighbouring networks as one shorter prefix"),
            (_, Item::Camera(_)) => Diagnostic::at(span, "the camera is too long for one message"),
            (_, Item::Rule(_)) => Diagnostic::at(span, "the rule is too long for one message")
                .help(
                "split it: two rules, with half of the services or of the ends each, say the same",
            ),
        })
    }
}

fn write_zone(zone: &Zone, marks: &mut Marks, w: Out<'_, '_>) -> Written {
    w.nest(kind(uapi::CAMZONE_A_ZONE), |w| {
        w.string(kind(uapi::CAMZONE_A_ZONE_NAME), zone.name.value.as_bytes())?;
        for interface in &zone.interfaces {
            marks.set(w, &interface.span);
            let name = interface.value.as_bytes();
            w.string(kind(uapi::CAMZONE_A_ZONE_INTERFACE), name)?;
        }
        for network in &zone.networks {
            marks.set(w, &network.span);
            w.nest(kind(uapi::CAMZONE_A_ZONE_NETWORK), |w| {
                let address = network.value.address;
                write_address(uapi::CAMZONE_A_NETWORK_ADDRESS, address, w)?;
                w.u32(kind(uapi::CAMZONE_A_NETWORK_PREFIX_LEN), network.value.len)
            })?;
        }
        if let Some(span) = &zone.any {
            marks.set(w, span);
            w.flag(kind(uapi::CAMZONE_A_ZONE_ANY), true)?;
        }
        if let Some(ipv6) = &zone.ipv6 {
            marks.set(w, &ipv6.span);
            w.u32(kind(uapi::CAMZONE_A_ZONE_IPV6), ipv6.value.number())?;
        }
        Ok(())
    })
}

fn write_camera(camera: &Camera, marks: &mut Marks, w: Out<'_, '_>) -> Written {
    w.nest(kind(uapi::CAMZONE_A_CAMERA), |w| {
        let name = camera.name.value.as_bytes();
        w.string(kind(uapi::CAMZONE_A_CAMERA_NAME), name)?;
        if let Some(zone) = &camera.zone {
            marks.set(w, &zone.span);
            w.string(kind(uapi::CAMZONE_A_CAMERA_ZONE), zone.value.as_bytes())?;
        }
        for address in &camera.addresses {
            marks.set(w, &address.span);
            write_address(uapi::CAMZONE_A_CAMERA_ADDRESS, address.value, w)?;
        }
        if let Some(mac) = &camera.mac {
            marks.set(w, &mac.span);
            w.bytes(kind(uapi::CAMZONE_A_CAMERA_MAC), &mac.value)?;
        }
        Ok(())
    })
}

fn write_end(attribute: u32, end: &Spanned<End>, marks: &mut Marks, w: Out<'_, '_>) -> Written {
    marks.set(w, &end.span);
    let (number, name) = match &end.value {
        End::Router => (uapi::CAMZONE_END_KIND_ROUTER, None),
        End::Zone(name) => (uapi::CAMZONE_END_KIND_ZONE, Some(name)),
        End::Camera(name) => (uapi::CAMZONE_END_KIND_CAMERA, Some(name)),
    };
    w.nest(kind(attribute), |w| {
        w.u32(kind(uapi::CAMZONE_A_END_KIND), number)?;
        match name {
            Some(name) => w.string(kind(uapi::CAMZONE_A_END_NAME), name.as_bytes()),
            None => Ok(()),
        }
    })
}

fn write_rule(rule: &Rule, marks: &mut Marks, w: Out<'_, '_>) -> Written {
    w.nest(kind(uapi::CAMZONE_A_RULE), |w| {
        let action = match rule.deny {
            false => uapi::CAMZONE_ACTION_ALLOW,
            true => uapi::CAMZONE_ACTION_DENY,
        };
        w.u32(kind(uapi::CAMZONE_A_RULE_ACTION), action)?;
        for end in &rule.from {
            write_end(uapi::CAMZONE_A_RULE_FROM, end, marks, w)?;
        }
        for end in &rule.to {
            write_end(uapi::CAMZONE_A_RULE_TO, end, marks, w)?;
        }
        for service in &rule.services {
            marks.set(w, &service.name.span);
            for part in &service.parts {
                write_service(part, w)?;
            }
        }
        for address in &rule.to_addresses {
            marks.set(w, &address.span);
            write_address(uapi::CAMZONE_A_RULE_TO_ADDRESS, address.value, w)?;
        }
        let flags = [
            (uapi::CAMZONE_A_RULE_MASQUERADE, &rule.masquerade),
            (uapi::CAMZONE_A_RULE_REJECT, &rule.reject),
        ];
        for (attribute, span) in flags {
            if let Some(span) = span {
                marks.set(w, span);
                w.flag(kind(attribute), true)?;
            }
        }
        Ok(())
    })
}
