// SPDX-License-Identifier: GPL-2.0

//! Which zone an interface is in, by its number.
//!
//! A policy names interfaces; packets have numbers. The names are bound to numbers when the
//! policy comes into force, and again whenever a device comes, goes or is renamed. Binding
//! allocates nothing, waits for nothing and cannot fail, so an interface is at worst in no zone,
//! never in an old one.

use super::{
    devices::{
        Device,
        Rtnl, //
    },
    packet::Interface, //
};
use crate::memory::{
    enomem,
    filled,
    Kernel,
    KernelList, //
};
use camzone_policy::{
    facts::Port,
    memory::List,
    name::Name,
    policy::{
        Policy,
        ZoneId, //
    },
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        Mutex, //
    },
};

/// An interface of a zone, and its number while there is a device with its name.
struct Binding {
    name: Name,
    zone: ZoneId,
    ifindex: c_int,
}

/// No zone has this number.
const NO_ZONE: ZoneId = ZoneId::MAX;

/// A number and its zone in one word, so that a packet never sees one without the other.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Bound(u64);

impl Bound {
    /// No number is here, nor behind this place on the way from an earlier one.
    const FREE: Bound = Bound(0);
    /// The number that was here is bound no more; others may be behind it.
    const GONE: Bound = Bound(1);

    fn new(ifindex: c_int, zone: ZoneId) -> Self {
        Bound(u64::from(ifindex as u32) << 32 | u64::from(zone))
    }

    /// 0 if no number is bound here.
    #[inline]
    fn ifindex(self) -> c_int {
        (self.0 >> 32) as c_int
    }

    #[inline]
    fn zone(self) -> ZoneId {
        self.0 as ZoneId
    }
}

/// A hash table with open addressing. A number stays in the place that it was put in, and each
/// place is written as a whole; so it is read while it is written to, and nobody waits.
///
/// # Invariants
///
/// Empty, or its length is a power of two. Each place is a [`Bound`].
struct Table(KernelList<Atomic<u64>>);

impl Table {
    /// A table for that many numbers: at least half of its places are never bound.
    fn new(most: usize) -> Result<Self> {
        let len = match most {
            0 => 0,
            _ => most
                .checked_mul(2)
                .and_then(usize::checked_next_power_of_two)
                .ok_or(ENOMEM)?,
        };
        // INVARIANT: `len` is such a number.
        Ok(Table(filled(len, |_| Atomic::new(Bound::FREE.0))?))
    }

    /// The places to look for a number, in order. Numbers are given one after the other, so
    /// they need no hashing.
    #[inline(always)]
    fn places(&self, ifindex: c_int) -> impl Iterator<Item = usize> {
        let mask = self.0.len().wrapping_sub(1);
        let first = ifindex as usize;
        (0..self.0.len()).map(move |step| first.wrapping_add(step) & mask)
    }

    #[inline]
    fn get(&self, place: usize) -> Option<Bound> {
        let word = self.0.get(place)?;
        // SAFETY: `as_ptr` is valid. A volatile read of a word is `READ_ONCE`, and calls nothing,
        // unlike `Atomic::load`.
        Some(Bound(unsafe { word.as_ptr().read_volatile() }))
    }

    fn set(&self, place: usize, bound: Bound) {
        if let Some(word) = self.0.get(place) {
            word.store(bound.0, Relaxed);
        }
    }

    /// The place of a number; 0 has none.
    fn find(&self, ifindex: c_int) -> Option<usize> {
        self.places(ifindex)
            .filter(|_| ifindex != 0)
            .take_while(|place| self.get(*place) != Some(Bound::FREE))
            .find(|place| self.get(*place).is_some_and(|b| b.ifindex() == ifindex))
    }

    /// The zone of a number, which is nearly always in the first place where it can be; else
    /// [`NO_ZONE`].
    #[inline(always)]
    fn zone(&self, ifindex: c_int) -> ZoneId {
        match self.get(ifindex as usize & self.0.len().wrapping_sub(1)) {
            Some(bound) if bound.ifindex() == ifindex => bound.zone(),
            _ => self.zone_behind(ifindex),
        }
    }

    #[cold]
    #[inline(never)]
    fn zone_behind(&self, ifindex: c_int) -> ZoneId {
        let bound = self.find(ifindex).and_then(|place| self.get(place));
        // It may have been unbound meanwhile.
        match bound {
            Some(bound) if bound.ifindex() == ifindex => bound.zone(),
            _ => NO_ZONE,
        }
    }

    /// Binds a number; says how many places are gone no more. Without a place it is in no zone.
    fn bind(&self, ifindex: c_int, zone: ZoneId) -> usize {
        let unbound = |place: &usize| self.get(*place).is_some_and(|b| b.ifindex() == 0);
        let known = self.find(ifindex);
        let Some(place) = known.or_else(|| self.places(ifindex).find(unbound)) else {
            return 0;
        };
        let again = self.get(place) == Some(Bound::GONE);
        self.set(place, Bound::new(ifindex, zone));
        again.into()
    }

    /// Unbinds a number, if it is bound; says how many places are gone by that.
    fn unbind(&self, ifindex: c_int) -> usize {
        let place = self.find(ifindex);
        if let Some(place) = place {
            self.set(place, Bound::GONE);
        }
        place.is_some().into()
    }

    /// Frees the places that are on the way to no number; says how many others are gone.
    ///
    /// Whoever looks for a bound number meanwhile does not come by them.
    fn sweep(&self) -> usize {
        let mask = self.0.len().wrapping_sub(1);
        // So many places before this one are on the way to a number. The first round begins
        // without knowing what lies behind the last place, and so only finds out.
        let mut needed = 0usize;
        let mut gone = 0usize;
        for round in 0..2 {
            for place in (0..self.0.len()).rev() {
                let bound = self.get(place).unwrap_or(Bound::FREE);
                let crossed = needed > 0;
                needed = needed.saturating_sub(1);
                if bound.ifindex() != 0 {
                    needed = needed.max(place.wrapping_sub(bound.ifindex() as usize) & mask);
                } else if round > 0 && crossed {
                    gone = gone.saturating_add(1);
                } else if round > 0 {
                    self.set(place, Bound::FREE);
                }
            }
        }
        gone
    }
}

/// What is needed to change what is bound.
struct Binder {
    bindings: KernelList<Binding>,
    // How many places are gone.
    gone: usize,
}

/// The interfaces of a policy.
#[pin_data]
pub(crate) struct Ports {
    // Written with the binder locked.
    table: Table,
    #[pin]
    binder: Mutex<Binder>,
}

impl Ports {
    /// Nothing is bound yet.
    pub(super) fn new(policy: Option<&Policy<Kernel>>) -> Result<impl PinInit<Self>> {
        let mut bindings: KernelList<Binding> = List::new();
        for interface in policy.iter().flat_map(|policy| policy.interfaces.iter()) {
            let binding = Binding {
                name: interface.name,
                zone: interface.zone,
                ifindex: 0,
            };
            bindings.push(binding).map_err(enomem)?;
        }
        let table = Table::new(bindings.len())?;
        Ok(pin_init!(Ports {
            table,
            binder <- new_mutex!(Binder { bindings, gone: 0 }, "camzone ports"),
        }))
    }

    /// What an interface is to the policy.
    #[inline(always)]
    pub(super) fn port(&self, interface: Interface) -> Port {
        if interface == Interface::LOOPBACK {
            return Port::Loopback;
        }
        match self.zone(interface) {
            Some(zone) => Port::Zone(zone),
            None => Port::Unzoned,
        }
    }

    /// The zone of an interface.
    #[inline(always)]
    pub(super) fn zone(&self, interface: Interface) -> Option<ZoneId> {
        let zone = match interface.0 {
            0 => NO_ZONE,
            ifindex => self.table.zone(ifindex),
        };
        (zone != NO_ZONE).then_some(zone)
    }

    /// A device is there, was renamed or changed its master (`there`), or is about to go. Slaves
    /// of a VRF are in no zone. The next packet is judged
    /// by that; nobody waits, because the RTNL is everybody's.
    pub(super) fn device(&self, _rtnl: &Rtnl, device: &Device<'_>, there: bool) {
        self.binder.lock().change(&self.table, device, there);
    }
}

impl Binder {
    fn change(&mut self, table: &Table, device: &Device<'_>, there: bool) {
        if self.bindings.is_empty() {
            return;
        }
        let mut zone = None;
        for binding in self.bindings.iter_mut() {
            if there && !device.slave && binding.name.as_bytes() == device.name {
                zone = Some(binding.zone);
                if binding.ifindex != device.ifindex {
                    self.gone = self.gone.saturating_add(table.unbind(binding.ifindex));
                    binding.ifindex = device.ifindex;
                }
            } else if binding.ifindex == device.ifindex {
                // Gone, or it had this name before.
                binding.ifindex = 0;
            }
        }
        match zone {
            Some(zone) => {
                let again = table.bind(device.ifindex, zone);
                self.gone = self.gone.saturating_sub(again);
            }
            None => {
                let gone = table.unbind(device.ifindex);
                self.gone = self.gone.saturating_add(gone);
            }
        }
        // Names that come and go for ever would leave no place free.
        if self.gone > table.0.len() / 4 {
            self.gone = table.sweep();
        }
    }
}
