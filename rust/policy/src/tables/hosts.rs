// SPDX-License-Identifier: GPL-2.0

//! What an address is to a policy: its zone, and the group of its camera.
//!
//! No two networks overlap, so an address is in at most one of them: one exact match for each
//! length that networks have, and one for cameras, is a longest-prefix match. Most zones have one
//! network, and no camera of which more is to be known, or none to who asks only where a sender
//! is: there it is enough to look whether an address is in that.

use super::{
    hash::{Key, Table, Value},
    CompileError, NOWHERE,
};
use crate::{
    address::{Address, Family, Prefix},
    memory::{sort, List, Memory, OutOfMemory},
    policy::{CameraId, Policy, ZoneId},
};

/// What an address is to the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)] // The zone, which is compared, is the lower end of a word.
pub(crate) struct Host {
    zone: ZoneId,
    flags: u16,
    group: u32,
}

/// Rules name its camera as a flow's initiator, or as its responder.
pub(super) const FROM: u16 = 1;
pub(super) const TO: u16 = 2;
/// Its camera has a hardware address.
pub(super) const MAC: u16 = 4;
/// It is in no network, but where everybody else is.
const ELSEWHERE: u16 = 8;

impl Host {
    /// A host of a zone, and no camera that matters; no zone's, if it is [`super::NOWHERE`].
    pub(super) const fn of(zone: ZoneId) -> Self {
        Host {
            zone,
            flags: 0,
            group: 0,
        }
    }

    /// A camera.
    pub(super) const fn camera(zone: ZoneId, flags: u16, group: u32) -> Self {
        Host { zone, flags, group }
    }

    /// Its zone, or [`super::NOWHERE`].
    #[inline]
    pub(crate) const fn zone(self) -> ZoneId {
        self.zone
    }

    /// Whether it is in no network.
    #[inline]
    pub(crate) const fn is_elsewhere(self) -> bool {
        self.flags & ELSEWHERE != 0
    }

    /// Whether its camera has a hardware address.
    #[inline]
    pub(crate) const fn has_mac(self) -> bool {
        self.flags & MAC != 0
    }

    /// Whether rules name its camera.
    #[inline]
    pub(super) const fn is_named(self) -> bool {
        self.flags & (FROM | TO) != 0
    }

    /// Its group, if rules name that on this side of a flow ([`FROM`], [`TO`]).
    #[inline]
    pub(super) const fn group(self, side: u16) -> Option<u32> {
        if self.flags & side != 0 {
            Some(self.group)
        } else {
            None
        }
    }
}

impl Value for Host {
    const NONE: Self = Host::of(NOWHERE);

    #[inline(always)]
    fn is_none(self) -> bool {
        self.zone == NOWHERE
    }
}

/// The bits of an address of one family.
trait Bits: Key {
    const FAMILY: Family;
    const ALL: Self;
    fn of(address: Address) -> Self;
    fn mask(len: u8) -> Self;
    fn and(self, mask: Self) -> Self;
}

impl Bits for u32 {
    const FAMILY: Family = Family::V4;
    const ALL: Self = Self::MAX;
    #[inline]
    fn of(address: Address) -> Self {
        address.bits() as u32
    }
    fn mask(len: u8) -> Self {
        !u32::MAX.checked_shr(len.into()).unwrap_or(0)
    }
    #[inline]
    fn and(self, mask: Self) -> Self {
        self & mask
    }
}

impl Bits for u128 {
    const FAMILY: Family = Family::V6;
    const ALL: Self = Self::MAX;
    #[inline]
    fn of(address: Address) -> Self {
        address.bits()
    }
    fn mask(len: u8) -> Self {
        !u128::MAX.checked_shr(len.into()).unwrap_or(0)
    }
    #[inline]
    fn and(self, mask: Self) -> Self {
        self & mask
    }
}

/// All prefixes of one length.
struct Length<B: Bits, M: Memory> {
    bits: u8,
    mask: B,
    table: Table<B, Host, M>,
}

/// The only prefix of a zone, or none.
#[derive(Clone, Copy)]
struct Only<B> {
    mask: B,
    first: B,
}

impl<B: Bits> Only<B> {
    /// No address has a bit outside of an empty mask.
    const NONE: Self = Only {
        mask: B::ANY,
        first: B::ALL,
    };

    /// What `address` is to the zone of this, if one look tells.
    #[inline(always)]
    fn look(self, zone: ZoneId, address: Address) -> Option<Host> {
        if B::of(address).and(self.mask) == self.first {
            return Some(Host::of(zone));
        }
        (self.mask != B::ANY).then_some(Host::NONE)
    }
}

/// Takes one more prefix of a zone; only the first can be the only one.
fn enter<B: Bits>(only: &mut Only<B>, seen: &mut bool, is_network: bool, prefix: Only<B>) {
    let first = !core::mem::replace(seen, true);
    *only = if first && is_network {
        prefix
    } else {
        Only::NONE
    };
}

/// The only prefix of a zone, where it matters which camera a host is, and where it does not.
#[derive(Clone, Copy)]
struct Alone<B> {
    hosts: Only<B>,
    senders: Only<B>,
}

/// The prefixes of one family.
struct Prefixes<B: Bits, M: Memory> {
    // The longest first.
    lengths: M::List<Length<B, M>>,
    // By zone.
    alone: M::List<Alone<B>>,
}

impl<B: Bits, M: Memory> Prefixes<B, M> {
    fn new(all: &[(Prefix, Host)], zones: usize) -> Result<Self, CompileError> {
        Ok(Prefixes {
            lengths: Self::lengths(all)?,
            alone: Self::alone(all, zones)?,
        })
    }

    fn of_family(all: &[(Prefix, Host)]) -> impl Iterator<Item = &(Prefix, Host)> {
        all.iter()
            .filter(|(prefix, _)| prefix.first().family() == B::FAMILY)
    }

    #[inline(never)] // Twice in one stack frame is once too often.
    fn lengths(all: &[(Prefix, Host)]) -> Result<M::List<Length<B, M>>, CompileError> {
        let mut lengths: M::List<Length<B, M>> = List::new();
        let mut counts: M::List<usize> = List::new();
        for _ in 0..=B::FAMILY.bits() {
            counts.push(0)?;
        }
        for (prefix, _) in Self::of_family(all) {
            if let Some(count) = counts.get_mut(usize::from(prefix.bits())) {
                *count = count.saturating_add(1);
            }
        }
        for (bits, count) in (0..=B::FAMILY.bits()).zip(counts.iter().copied()) {
            if count > 0 {
                lengths.push(Length {
                    bits,
                    mask: B::mask(bits),
                    table: Table::new(count)?,
                })?;
            }
        }
        sort(&mut lengths, |a, b| a.bits > b.bits);
        for (prefix, host) in Self::of_family(all) {
            let length = lengths.iter_mut().find(|l| l.bits == prefix.bits());
            if let Some(length) = length {
                length.table.enter(B::of(prefix.first()), *host)?;
            }
        }
        Ok(lengths)
    }

    /// For each zone its prefix, where it has no other.
    #[inline(never)] // As above.
    fn alone(all: &[(Prefix, Host)], zones: usize) -> Result<M::List<Alone<B>>, OutOfMemory> {
        let mut alone: M::List<Alone<B>> = List::new();
        // Whether one of the zone's counted, among hosts and among senders.
        let mut seen: M::List<(bool, bool)> = List::new();
        for _ in 0..zones {
            alone.push(Alone {
                hosts: Only::NONE,
                senders: Only::NONE,
            })?;
            seen.push((false, false))?;
        }
        for (prefix, host) in Self::of_family(all) {
            let zone = usize::from(host.zone);
            let (Some(alone), Some(seen)) = (alone.get_mut(zone), seen.get_mut(zone)) else {
                continue;
            };
            let only = Only {
                mask: B::mask(prefix.bits()),
                first: B::of(prefix.first()),
            };
            let is_network = *host == Host::of(host.zone);
            enter(&mut alone.hosts, &mut seen.0, is_network, only);
            // A camera with a hardware address has to send with that. Any other's address is in the
            // zone's networks, and its sender like them.
            if is_network || host.has_mac() {
                enter(&mut alone.senders, &mut seen.1, is_network, only);
            }
        }
        Ok(alone)
    }

    fn most_steps(&self) -> usize {
        let steps = self.lengths.iter().map(|l| l.table.most_steps());
        steps.max().unwrap_or(0)
    }

    #[inline(always)]
    fn alone_in(&self, zone: ZoneId) -> Option<&Alone<B>> {
        self.alone.get(usize::from(zone))
    }

    #[inline(always)]
    fn find(&self, address: Address) -> Host {
        let bits = B::of(address);
        for length in self.lengths.iter() {
            let host = length.table.get(bits.and(length.mask));
            if !host.is_none() {
                return host;
            }
        }
        Host::NONE
    }
}

/// The hosts of a policy. A look-up takes as many probes as networks have different lengths.
pub(super) struct Hosts<M: Memory> {
    v4: Prefixes<u32, M>,
    v6: Prefixes<u128, M>,
    other: Host,
}

impl<M: Memory> Hosts<M> {
    /// Of prefixes of which none is there twice, and only a camera's lies within another, which is
    /// of its zone; all other addresses are `other`. There are so many zones.
    pub(super) fn new(
        all: &[(Prefix, Host)],
        other: Host,
        zones: usize,
    ) -> Result<Self, CompileError> {
        Ok(Hosts {
            v4: Prefixes::new(all, zones)?,
            v6: Prefixes::new(all, zones)?,
            other: Host {
                flags: ELSEWHERE,
                ..other
            },
        })
    }

    /// What `address` is, if it is in this zone; else anything that is not.
    #[inline(always)]
    pub(super) fn find_in(&self, zone: ZoneId, address: Address) -> Host {
        let found = match address.family() {
            Family::V4 => self
                .v4
                .alone_in(zone)
                .and_then(|a| a.hosts.look(zone, address)),
            Family::V6 => self
                .v6
                .alone_in(zone)
                .and_then(|a| a.hosts.look(zone, address)),
        };
        found.unwrap_or_else(|| self.find(address))
    }

    /// The same of a packet's sender, of whom it is enough to know the zone, and whether it has a
    /// hardware address.
    #[inline(always)]
    pub(super) fn find_sender(&self, zone: ZoneId, address: Address) -> Host {
        let found = match address.family() {
            Family::V4 => self
                .v4
                .alone_in(zone)
                .and_then(|a| a.senders.look(zone, address)),
            Family::V6 => self
                .v6
                .alone_in(zone)
                .and_then(|a| a.senders.look(zone, address)),
        };
        found.unwrap_or_else(|| self.find(address))
    }

    /// How many places of one length's table are looked at for what is there, at most.
    pub(super) fn most_steps(&self) -> usize {
        self.v4.most_steps().max(self.v6.most_steps())
    }

    /// What `address` is.
    #[inline(never)] // Whoever knows the zone rarely has to go on to here.
    pub(super) fn find(&self, address: Address) -> Host {
        let found = match address.family() {
            Family::V4 => self.v4.find(address),
            Family::V6 => self.v6.find(address),
        };
        if found.is_none() {
            self.other
        } else {
            found
        }
    }
}

impl Value for CameraId {
    const NONE: Self = CameraId::MAX;

    #[inline(always)]
    fn is_none(self) -> bool {
        self == Self::NONE
    }
}

/// Whose an address is.
pub(super) struct Cameras<M: Memory> {
    v4: Table<u32, CameraId, M>,
    v6: Table<u128, CameraId, M>,
}

impl<M: Memory> Cameras<M> {
    #[inline(never)]
    pub(super) fn new(policy: &Policy<M>) -> Result<Self, CompileError> {
        let (mut v4, mut v6) = (0usize, 0usize);
        for camera in policy.cameras.iter() {
            for address in camera.addresses.of(&policy.addresses) {
                let count = match address.family() {
                    Family::V4 => &mut v4,
                    Family::V6 => &mut v6,
                };
                *count = count.saturating_add(1);
            }
        }
        let mut cameras = Cameras {
            v4: Table::new(v4)?,
            v6: Table::new(v6)?,
        };
        for (camera, id) in policy.cameras.iter().zip(0..CameraId::MAX) {
            for address in camera.addresses.of(&policy.addresses) {
                match address.family() {
                    Family::V4 => cameras.v4.enter(Bits::of(*address), id)?,
                    Family::V6 => cameras.v6.enter(Bits::of(*address), id)?,
                }
            }
        }
        Ok(cameras)
    }

    /// How many places are looked at for a camera, at most.
    pub(super) fn most_steps(&self) -> usize {
        self.v4.most_steps().max(self.v6.most_steps())
    }

    /// The camera that has `address`.
    #[inline]
    pub(super) fn find(&self, address: Address) -> Option<CameraId> {
        let found = match address.family() {
            Family::V4 => self.v4.get(Bits::of(address)),
            Family::V6 => self.v6.get(Bits::of(address)),
        };
        (!found.is_none()).then_some(found)
    }
}
