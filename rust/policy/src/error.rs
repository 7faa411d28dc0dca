// SPDX-License-Identifier: GPL-2.0

//! Why a policy was refused, and where.

use core::fmt;

use crate::{
    address::{Address, Prefix, PrefixError},
    attribute::{Truncated, WriteError},
    memory::OutOfMemory,
    name::Name,
    service::ServiceError,
    tables::{CompileError, MOST_STEPS},
};

/// Where the fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The attribute at this offset of the message that was just added.
    Message(usize),
    /// The n-th zone, in the order they were added, from 0.
    Zone(usize),
    /// The n-th camera, in the order they were added, from 0.
    Camera(usize),
    /// The policy as a whole.
    Policy,
}

/// What the fault is. Shown, it is a sentence without a capital or a full stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Truncated,
    UnknownAttribute(u16),
    Missing(&'static str),
    Twice(&'static str),
    BadValue(&'static str),
    BadName,
    NameTaken(Name),
    BadInterface,
    LoopbackInterface,
    InterfaceTaken { interface: Name, zone: Name },
    NoInterface(Name),
    NoNetwork(Name),
    AnyAndNetworks(Name),
    SecondAny { zone: Name, first: Name },
    Prefix(PrefixError),
    NotUnicast(Prefix),
    Overlap { a: Prefix, b: Prefix, other: Name },
    UnknownZone(Name),
    NoAddress(Name),
    NotHost(Address),
    AddressOutside { address: Address, zone: Name },
    AddressTaken { address: Address, camera: Name },
    UnknownCamera(Name),
    Service(ServiceError),
    RouterToRouter,
    MasqueradeOnDeny,
    MasqueradeInside,
    RejectOnAllow,
    RejectFromRouter,
    AddressWithoutRouter,
    BadAddress(Address),
    SameRule(usize),
    Contradiction { allow: usize, deny: usize },
    MasqueradeDiffers(usize),
    Order,
    TooMany { what: &'static str, limit: usize },
    NoZone,
    OutOfMemory,
}

/// A policy was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// Where the fault is.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
}

impl Error {
    /// A fault of the attribute at offset `at`.
    pub const fn at(at: usize, kind: Kind) -> Self {
        Error {
            place: Place::Message(at),
            kind,
        }
    }

    /// A fault of the policy as a whole.
    pub const fn whole(kind: Kind) -> Self {
        Error {
            place: Place::Policy,
            kind,
        }
    }
}

impl From<OutOfMemory> for Error {
    fn from(_: OutOfMemory) -> Self {
        Error::whole(Kind::OutOfMemory)
    }
}

impl From<CompileError> for Error {
    fn from(error: CompileError) -> Self {
        let kind = match error {
            CompileError::OutOfMemory => Kind::OutOfMemory,
            CompileError::Collisions => Kind::TooMany {
                what: "addresses or pairs of ends in one place of a table",
                limit: MOST_STEPS,
            },
        };
        Error::whole(kind)
    }
}

impl From<Truncated> for Error {
    fn from(at: Truncated) -> Self {
        Error::at(at.0, Kind::Truncated)
    }
}

impl From<WriteError> for Error {
    fn from(error: WriteError) -> Self {
        let kind = match error {
            WriteError::OutOfMemory => Kind::OutOfMemory,
            WriteError::TooLong => Kind::TooMany {
                what: "bytes in one item",
                limit: u16::MAX as usize,
            },
        };
        Error::whole(kind)
    }
}

impl fmt::Display for Kind {
    // The kernel's extended ACK holds 79 bytes (NETLINK_MAX_FMTMSG_LEN): the names come first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Truncated => f.write_str("attribute is cut off"),
            Kind::UnknownAttribute(kind) => write!(f, "unknown attribute {kind}"),
            Kind::Missing(what) => write!(f, "{what} is missing"),
            Kind::Twice(what) => write!(f, "{what} is given twice"),
            Kind::BadValue(what) => write!(f, "{what} is out of range"),
            Kind::BadName => f.write_str("not a name: 1 to 31 of a-z 0-9 - _ . are"),
            Kind::NameTaken(name) => write!(f, "name '{name}' is taken"),
            Kind::BadInterface => f.write_str("not the name of an interface"),
            Kind::LoopbackInterface => f.write_str("the loopback interface is in no zone"),
            Kind::InterfaceTaken { interface, zone } => {
                write!(f, "interface '{interface}' is in zone '{zone}' already")
            }
            Kind::NoInterface(zone) => write!(f, "zone '{zone}' has no interface"),
            Kind::NoNetwork(zone) => write!(f, "zone '{zone}' has no network"),
            Kind::AnyAndNetworks(zone) => {
                write!(f, "zone '{zone}' has the network any and others")
            }
            Kind::SecondAny { zone, first } => {
                write!(f, "zone '{zone}': zone '{first}' has the network any")
            }
            Kind::Prefix(PrefixError::TooLong) => f.write_str("prefix is longer than the address"),
            Kind::Prefix(PrefixError::HostBits(clean)) => {
                write!(f, "host bits are set, the network is {clean}")
            }
            Kind::NotUnicast(prefix) => write!(f, "{prefix} is no network of hosts"),
            Kind::Overlap { a, b, other } => {
                write!(f, "network {a} overlaps {b} of zone '{other}'")
            }
            Kind::UnknownZone(name) => write!(f, "there is no zone '{name}'"),
            Kind::NoAddress(camera) => write!(f, "camera '{camera}' has no address"),
            Kind::NotHost(address) => write!(f, "{address} is no host's own address"),
            Kind::AddressOutside { address, zone } => {
                write!(f, "{address} is not in zone '{zone}'")
            }
            Kind::AddressTaken { address, camera } => {
                write!(f, "{address} is camera '{camera}' already")
            }
            Kind::UnknownCamera(name) => write!(f, "there is no camera '{name}'"),
            Kind::Service(ServiceError::Protocol) => f.write_str("protocol is not 0 to 255"),
            Kind::Service(ServiceError::NoPorts) => f.write_str("the protocol has no ports"),
            Kind::Service(ServiceError::Range(highest)) => {
                write!(f, "not an ascending range within 0 to {highest}")
            }
            Kind::RouterToRouter => f.write_str("from router to router is loopback, always open"),
            Kind::MasqueradeOnDeny => f.write_str("a deny cannot masquerade"),
            Kind::MasqueradeInside => {
                f.write_str("masquerade is for zones towards the zone with network any")
            }
            Kind::RejectOnAllow => f.write_str("an allow cannot reject"),
            Kind::RejectFromRouter => f.write_str("what the router sends cannot be rejected"),
            Kind::AddressWithoutRouter => f.write_str("to-address is for rules to the router"),
            Kind::BadAddress(address) => write!(f, "{address} is no address of a router"),
            Kind::SameRule(other) => write!(f, "says the same as rule {other}"),
            Kind::Contradiction { allow, deny } => {
                write!(
                    f,
                    "deny (rule {deny}) leaves nothing of allow (rule {allow})"
                )
            }
            Kind::MasqueradeDiffers(other) => {
                write!(f, "allows the same as rule {other}, but masquerade differs")
            }
            Kind::Order => f.write_str("zones come first, then cameras, then rules"),
            Kind::TooMany { what, limit } => write!(f, "more than {limit} {what}"),
            Kind::NoZone => f.write_str("a policy needs a zone"),
            Kind::OutOfMemory => f.write_str("out of memory"),
        }
    }
}
