// SPDX-License-Identifier: GPL-2.0

//! A validated policy in canonical form, as it was said: no table is in here.

use crate::{
    address::{Address, Prefix},
    memory::{List, Memory},
    name::Name,
    service::Service,
    uapi,
};

/// A zone's place in [`Policy::zones`].
pub type ZoneId = u16;
/// A camera's place in [`Policy::cameras`].
pub type CameraId = u32;
/// A rule's place in [`Policy::rules`].
pub type RuleId = u32;

/// The most zones of a policy.
pub const MAX_ZONES: usize = 256;
/// The most interfaces of a policy.
pub const MAX_INTERFACES: usize = 4096;
/// The most networks of a policy.
pub const MAX_NETWORKS: usize = 65_536;
/// The most cameras of a policy.
pub const MAX_CAMERAS: usize = 262_144;
/// The most addresses of a camera.
pub const MAX_CAMERA_ADDRESSES: usize = 8;
/// The most rules of a policy.
pub const MAX_RULES: usize = 16_384;
/// The most ends on one side of a rule.
pub const MAX_ENDS: usize = 256;
/// The most services of a rule.
pub const MAX_SERVICES: usize = 256;
/// The most addresses that a rule to the router names.
pub const MAX_TO_ADDRESSES: usize = 64;
/// The most combinations of an end, another end and a service, all rules together: 24 bytes each
/// while tables are made. A hundred thousand cameras may have ten services each.
pub const MAX_COMBINATIONS: usize = 1_048_576;
/// The most comparisons of two ends or services, each rule with each before it: about a second, in
/// which generic netlink waits if somebody registers a family (`genl_rcv`). So many rules as there may
/// be take a quarter of it where every two differ in who opens their flows.
pub const MAX_COMPARISONS: u64 = 1 << 29;

/// How a zone treats IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ipv6Mode {
    /// Every IPv6 packet is dropped.
    Off,
    /// Neighbour discovery, MLD and the errors that RFC 4890 says must not be dropped (of those that the
    /// router sends itself, not what it says about options).
    Minimal,
    /// The rules apply.
    Full,
}

impl Ipv6Mode {
    /// The number in the family.
    pub const fn number(self) -> u32 {
        match self {
            Ipv6Mode::Off => uapi::CAMZONE_IPV6_MODE_OFF,
            Ipv6Mode::Minimal => uapi::CAMZONE_IPV6_MODE_MINIMAL,
            Ipv6Mode::Full => uapi::CAMZONE_IPV6_MODE_FULL,
        }
    }

    /// From the number in the family.
    pub const fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            uapi::CAMZONE_IPV6_MODE_OFF => Ipv6Mode::Off,
            uapi::CAMZONE_IPV6_MODE_MINIMAL => Ipv6Mode::Minimal,
            uapi::CAMZONE_IPV6_MODE_FULL => Ipv6Mode::Full,
            _ => return None,
        })
    }
}

/// What happens where no rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Accept from a zone to the router.
    pub input: bool,
    /// Accept from a zone to a zone.
    pub forward: bool,
    /// Accept from the router to a zone.
    pub output: bool,
}

impl Default for Defaults {
    fn default() -> Self {
        Defaults {
            input: false,
            forward: false,
            output: true,
        }
    }
}

/// A named set of interfaces and networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its name.
    pub name: Name,
    /// It has every source that is in no other zone's networks.
    pub any: bool,
    /// How it treats IPv6.
    pub ipv6: Ipv6Mode,
    /// A camera is in it.
    pub has_cameras: bool,
}

/// An interface of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: Name,
    /// Its zone.
    pub zone: ZoneId,
}

/// A network of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The addresses.
    pub prefix: Prefix,
    /// Their zone.
    pub zone: ZoneId,
}

/// A run of items in one of the policy's pools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The first item's place.
    pub start: usize,
    /// How many items.
    pub len: usize,
}

impl Run {
    /// The items of the run.
    #[inline]
    pub fn of<T>(self, pool: &[T]) -> &[T] {
        pool.get(self.start..self.start.saturating_add(self.len))
            .unwrap_or(&[])
    }
}

/// A named host of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Camera {
    /// Its name.
    pub name: Name,
    /// Its zone.
    pub zone: ZoneId,
    /// Its addresses, a run of [`Policy::addresses`].
    pub addresses: Run,
    /// The hardware address that its packets must come with.
    pub mac: Option<[u8; 6]>,
}

/// One end of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The machine itself.
    Router,
    /// Any host of a zone.
    Zone(ZoneId),
    /// A camera.
    Camera(CameraId),
}

/// What a rule does with what it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Accept it, unless a deny matches too.
    Allow {
        /// Translate the source to the router's address on the way out.
        masquerade: bool,
    },
    /// Stop it, whatever allows match.
    Deny {
        /// Answer with a TCP reset or an ICMP unreachable.
        reject: bool,
    },
}

/// An allow or a deny.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it does.
    pub action: Action,
    /// Where a flow is opened from, a run of [`Policy::ends`].
    pub from: Run,
    /// Where it is opened to, a run of [`Policy::ends`].
    pub to: Run,
    /// What it carries, a run of [`Policy::services`].
    pub services: Run,
    /// If not empty, only these destinations; a run of [`Policy::addresses`].
    pub to_addresses: Run,
}

/// A validated policy.
///
/// # Invariants
///
/// Canonical: zones and cameras are ordered by name, interfaces by zone and name, networks by
/// address, the items of a camera and of a rule by value and without repetition, and rules by
/// what they say; every place that an item names exists. No two networks overlap.
pub struct Policy<M: Memory> {
    /// What happens where no rule matches.
    pub defaults: Defaults,
    /// The kernel is to forward between zones.
    pub forwarding: bool,
    /// The zones.
    pub zones: M::List<Zone>,
    /// The interfaces of all zones.
    pub interfaces: M::List<Interface>,
    /// The networks of all zones.
    pub networks: M::List<Network>,
    /// The cameras.
    pub cameras: M::List<Camera>,
    /// The rules.
    pub rules: M::List<Rule>,
    /// The pool of the rules' ends.
    pub ends: M::List<End>,
    /// The pool of the rules' services.
    pub services: M::List<Service>,
    /// The pool of addresses.
    pub addresses: M::List<Address>,
}

impl<M: Memory> Policy<M> {
    /// A policy without a zone.
    pub(crate) fn empty(defaults: Defaults, forwarding: bool) -> Self {
        Policy {
            defaults,
            forwarding,
            zones: List::new(),
            interfaces: List::new(),
            networks: List::new(),
            cameras: List::new(),
            rules: List::new(),
            ends: List::new(),
            services: List::new(),
            addresses: List::new(),
        }
    }

    /// The zone of an end; `None` for the router.
    pub fn zone_of_end(&self, end: End) -> Option<ZoneId> {
        match end {
            End::Router => None,
            End::Zone(zone) => Some(zone),
            End::Camera(camera) => Some(self.camera(camera)?.zone),
        }
    }

    /// The camera in this place.
    pub fn camera(&self, id: CameraId) -> Option<&Camera> {
        self.cameras.get(usize::try_from(id).ok()?)
    }

    /// The zone in this place.
    #[inline]
    pub fn zone(&self, id: ZoneId) -> Option<&Zone> {
        self.zones.get(usize::from(id))
    }

    /// The rule in this place.
    #[inline]
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        self.rules.get(usize::try_from(id).ok()?)
    }

    /// The name that an end goes by.
    pub fn end_name(&self, end: End) -> &str {
        match end {
            End::Router => "router",
            End::Zone(zone) => self.zone(zone).map_or("?", |z| z.name.as_str()),
            End::Camera(camera) => self.camera(camera).map_or("?", |c| c.name.as_str()),
        }
    }

    /// Whether some allow masquerades.
    pub fn masquerades(&self) -> bool {
        self.rules
            .iter()
            .any(|rule| rule.action == Action::Allow { masquerade: true })
    }
}
