// SPDX-License-Identifier: GPL-2.0

//! Which zone an interface is in, by its number.
//!
//! A policy names interfaces; packets have numbers. The names are bound to numbers when the
//! policy comes into force, and again whenever a device comes, goes or is renamed. Binding
//! allocates nothing and cannot fail, so an interface is at worst in no zone, never in an old one.

use super::{
    devices::{
        Device,
        Rtnl, //
    },
    packet::Interface,
    rcu::{
        Rcu,
        ReadSide,
        Retired, //
    },
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
use core::pin::Pin;
use kernel::{
    new_mutex,
    prelude::*,
    sync::Mutex, //
};

/// An interface of a zone, and its number while there is a device with its name.
struct Binding {
    name: Name,
    zone: ZoneId,
    ifindex: c_int,
}

/// A number that is bound; 0 is a free place.
#[derive(Clone, Copy, Default)]
struct Bound {
    ifindex: c_int,
    zone: ZoneId,
}

/// A hash table with open addressing.
///
/// # Invariants
///
/// Empty, or its length is a power of two and at least half of its places are free.
struct Table(KernelList<Bound>);

impl Table {
    /// A table for that many numbers.
    fn new(most: usize) -> Result<Pin<KBox<Self>>> {
        let len = match most {
            0 => 0,
            _ => most
                .checked_mul(2)
                .and_then(usize::checked_next_power_of_two)
                .ok_or(ENOMEM)?,
        };
        // INVARIANT: `len` is such a number.
        Ok(KBox::into_pin(KBox::new(
            Table(filled(len, |_| Bound::default())?),
            GFP_KERNEL,
        )?))
    }

    /// The places to look for a number, in order. Numbers are given one after the other, so
    /// they need no hashing.
    #[inline]
    fn places(&self, ifindex: c_int) -> impl Iterator<Item = usize> {
        let mask = self.0.len().wrapping_sub(1);
        let first = ifindex as usize;
        (0..self.0.len()).map(move |step| first.wrapping_add(step) & mask)
    }

    #[inline]
    fn zone(&self, ifindex: c_int) -> Option<ZoneId> {
        for place in self.places(ifindex) {
            let bound = self.0.get(place)?;
            if bound.ifindex == ifindex {
                return Some(bound.zone);
            }
            if bound.ifindex == 0 {
                return None;
            }
        }
        None
    }

    /// Makes the table say what `bindings` say, which are no more than it was made for.
    fn fill(&mut self, bindings: &[Binding]) {
        self.0
            .iter_mut()
            .for_each(|bound| *bound = Bound::default());
        for binding in bindings.iter().filter(|binding| binding.ifindex != 0) {
            for place in self.places(binding.ifindex) {
                if let Some(bound) = self.0.get_mut(place) {
                    if bound.ifindex == 0 {
                        bound.ifindex = binding.ifindex;
                        bound.zone = binding.zone;
                        break;
                    }
                }
            }
        }
    }
}

/// What is needed to change what is bound.
struct Binder {
    bindings: KernelList<Binding>,
    // The table that is not in force. Only a panic could leave none.
    spare: Option<Pin<KBox<Table>>>,
}

/// The interfaces of a policy.
#[pin_data]
pub(crate) struct Ports {
    table: Rcu<Table>,
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
        let table = Rcu::new(Table::new(bindings.len())?);
        let spare = Some(Table::new(bindings.len())?);
        Ok(pin_init!(Ports {
            table,
            binder <- new_mutex!(Binder { bindings, spare }, "camzone ports"),
        }))
    }

    /// What an interface is to the policy.
    #[inline]
    pub(super) fn port(&self, side: &impl ReadSide, interface: Interface) -> Port {
        if interface.loopback {
            return Port::Loopback;
        }
        match self.zone(side, interface) {
            Some(zone) => Port::Zone(zone),
            None => Port::Unzoned,
        }
    }

    /// The zone of an interface. Slaves of a VRF are in none.
    #[inline]
    pub(super) fn zone(&self, side: &impl ReadSide, interface: Interface) -> Option<ZoneId> {
        if interface.ifindex == 0 || interface.slave {
            return None;
        }
        self.table.read(side).zone(interface.ifindex)
    }

    /// Binds the devices that `each` hands over, before anybody asks.
    ///
    /// # Safety
    ///
    /// [`Ports::port`] and [`Ports::zone`] were not called yet.
    pub(super) unsafe fn bind_first(
        &self,
        rtnl: &Rtnl,
        each: impl FnOnce(&mut dyn FnMut(&Device<'_>)),
    ) {
        let mut binder = self.binder.lock();
        each(&mut |device| {
            binder.change(device, true);
        });
        if let Some(retired) = self.publish(rtnl, &mut binder) {
            // SAFETY: By the caller's promise nobody reads it.
            binder.spare = Some(unsafe { retired.unread() });
        }
    }

    /// A device came or was renamed (`there`), or is about to go. Waits until no packet is judged
    /// by what was before.
    pub(super) fn device(&self, rtnl: &Rtnl, device: &Device<'_>, there: bool) {
        let mut binder = self.binder.lock();
        if !binder.change(device, there) {
            return;
        }
        if let Some(retired) = self.publish(rtnl, &mut binder) {
            binder.spare = Some(retired.wait());
        }
    }

    /// Puts a table in force that says what the bindings say.
    fn publish(&self, _rtnl: &Rtnl, binder: &mut Binder) -> Option<Retired<Table>> {
        let mut table = binder.spare.take()?;
        table.fill(&binder.bindings);
        Some(self.table.replace(table))
    }
}

impl Binder {
    /// Binds and unbinds; says whether anything changed.
    fn change(&mut self, device: &Device<'_>, there: bool) -> bool {
        let mut changed = false;
        for binding in self.bindings.iter_mut() {
            let ifindex = if there && binding.name.as_bytes() == device.name {
                device.ifindex
            } else if binding.ifindex == device.ifindex {
                // Gone, or it had this name before.
                0
            } else {
                continue;
            };
            changed |= binding.ifindex != ifindex;
            binding.ifindex = ifindex;
        }
        changed
    }
}
