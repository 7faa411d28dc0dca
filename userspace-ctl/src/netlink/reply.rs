// SPDX-License-Identifier: GPL-2.0

//! What the family answers, as values. Attributes that are not known are passed over, so that a
//! newer module can say more.

use camzone_policy::{
    attribute::{Attribute, Attributes},
    uapi,
};

/// What guards the namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    #[default]
    Idle,
    /// Only loopback passes.
    Sealed,
    /// A policy is in force.
    Armed,
    /// Something that this tool does not know.
    Unknown(u32),
}

impl State {
    const fn from_number(number: u32) -> Self {
        match number {
            uapi::CAMZONE_STATE_IDLE => State::Idle,
            uapi::CAMZONE_STATE_SEALED => State::Sealed,
            uapi::CAMZONE_STATE_ARMED => State::Armed,
            other => State::Unknown(other),
        }
    }

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            State::Idle => "idle",
            State::Sealed => "sealed",
            State::Armed => "armed",
            State::Unknown(_) => "unknown",
        }
    }
}

/// The forwarding sysctls before camzone turned them on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    /// `net.ipv4.ip_forward`
    pub ipv4: bool,
    /// `net.ipv6.conf.all.forwarding`
    pub ipv6: bool,
}

/// An interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its number.
    pub index: u32,
    /// Its zone.
    pub zone: Option<String>,
}

/// What stands at the top of most answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// What guards the namespace.
    pub state: State,
    /// The number of what is in force.
    pub generation: u32,
    /// The digest of the policy in force.
    pub digest: Option<Vec<u8>>,
    /// The module's version.
    pub version: Option<String>,
    /// The policy in force wants the kernel to forward.
    pub forwarding: bool,
    /// The sysctls to put back.
    pub saved: Option<Saved>,
    /// The interfaces.
    pub ports: Vec<Port>,
}

/// Numbers as a counter has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Of this reason.
    pub reason: Option<u32>,
    /// Of the cell from here.
    pub from: Option<String>,
    /// Of the cell to there.
    pub to: Option<String>,
    /// Of this rule.
    pub rule: Option<u64>,
    /// How many packets.
    pub packets: u64,
    /// How many bytes.
    pub bytes: u64,
    /// How many packets of a cell were not accepted.
    pub dropped: u64,
}

/// The attributes of a message or nest, up to one that is cut off.
fn each(attributes: Attributes<'_>) -> impl Iterator<Item = (u32, Attribute<'_>)> {
    attributes
        .map_while(Result::ok)
        .map(|attribute| (u32::from(attribute.kind), attribute))
}

fn text(attribute: &Attribute<'_>) -> String {
    String::from_utf8_lossy(attribute.string()).into_owned()
}

/// A number of four or eight bytes.
fn number(attribute: &Attribute<'_>) -> u64 {
    let wide = attribute.payload.try_into().map(u64::from_ne_bytes);
    wide.ok().or(attribute.u32().map(u64::from)).unwrap_or(0)
}

/// Reads an answer to `status-get`, `policy-begin`, `policy-commit` or `disarm`.
pub fn status(message: &[u8]) -> Status {
    let mut status = Status::default();
    for (kind, attribute) in each(Attributes::new(message)) {
        match kind {
            uapi::CAMZONE_A_STATE => {
                status.state = State::from_number(attribute.u32().unwrap_or(u32::MAX));
            }
            uapi::CAMZONE_A_GENERATION => status.generation = attribute.u32().unwrap_or(0),
            uapi::CAMZONE_A_DIGEST => status.digest = Some(attribute.payload.to_vec()),
            uapi::CAMZONE_A_VERSION => status.version = Some(text(&attribute)),
            uapi::CAMZONE_A_FORWARDING => status.forwarding = true,
            uapi::CAMZONE_A_SAVED => {
                let mut saved = Saved {
                    ipv4: false,
                    ipv6: false,
                };
                for (kind, attribute) in each(attribute.nested()) {
                    match kind {
                        uapi::CAMZONE_A_SAVED_IPV4 => saved.ipv4 = number(&attribute) != 0,
                        uapi::CAMZONE_A_SAVED_IPV6 => saved.ipv6 = number(&attribute) != 0,
                        _ => {}
                    }
                }
                status.saved = Some(saved);
            }
            uapi::CAMZONE_A_PORT => {
                let mut port = Port::default();
                for (kind, attribute) in each(attribute.nested()) {
                    match kind {
                        uapi::CAMZONE_A_PORT_NAME => port.name = text(&attribute),
                        uapi::CAMZONE_A_PORT_IFINDEX => port.index = attribute.u32().unwrap_or(0),
                        uapi::CAMZONE_A_PORT_ZONE => port.zone = Some(text(&attribute)),
                        _ => {}
                    }
                }
                status.ports.push(port);
            }
            _ => {}
        }
    }
    status
}

/// Reads the counters in a message of a dump.
pub fn counters(message: &[u8]) -> Vec<Counter> {
    let counters = each(Attributes::new(message));
    let counters = counters.filter(|(kind, _)| *kind == uapi::CAMZONE_A_COUNTER);
    let read = |(_, nest): (u32, Attribute<'_>)| {
        let mut counter = Counter::default();
        for (kind, attribute) in each(nest.nested()) {
            match kind {
                uapi::CAMZONE_A_COUNTER_REASON => counter.reason = attribute.u32(),
                uapi::CAMZONE_A_COUNTER_FROM => counter.from = Some(text(&attribute)),
                uapi::CAMZONE_A_COUNTER_TO => counter.to = Some(text(&attribute)),
                uapi::CAMZONE_A_COUNTER_RULE => counter.rule = Some(number(&attribute)),
                uapi::CAMZONE_A_COUNTER_PACKETS => counter.packets = number(&attribute),
                uapi::CAMZONE_A_COUNTER_BYTES => counter.bytes = number(&attribute),
                uapi::CAMZONE_A_COUNTER_DROPPED => counter.dropped = number(&attribute),
                _ => {}
            }
        }
        counter
    };
    counters.map(read).collect()
}

/// Finds the number of a family in the answer of the controller.
pub fn family_id(message: &[u8]) -> Option<u16> {
    /// `CTRL_ATTR_FAMILY_ID`
    const FAMILY_ID: u32 = 1;
    let found = each(Attributes::new(message)).find(|(kind, _)| *kind == FAMILY_ID);
    let (_, attribute) = found?;
    attribute.payload.try_into().ok().map(u16::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reads_any_bytes(bytes: Vec<u8>) {
            let _ = status(&bytes);
            let _ = counters(&bytes);
            let _ = family_id(&bytes);
            let _ = crate::netlink::item::items(&bytes);
        }
    }
}
