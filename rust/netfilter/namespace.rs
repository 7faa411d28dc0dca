// SPDX-License-Identifier: GPL-2.0

//! A network namespace under guard.

mod change;
mod config;
mod status;

use self::config::Config;
use super::{
    devices::{
        self,
        Device,
        Rtnl, //
    },
    locals::Locals,
    nat,
    net::NetRef,
    packet::Interface,
    pernet,
    rcu::{
        Rcu,
        ReadSide, //
    },
    regime::Regime, //
};
use crate::{
    bindings,
    netlink::transaction::Transactions, //
};
use core::ptr::NonNull;
use kernel::{
    new_mutex,
    prelude::*,
    sync::Mutex, //
};

pub(crate) use self::status::{
    CommitError,
    NewPolicy,
    Saved,
    State,
    Status, //
};
pub(crate) use super::{
    counters::Slot,
    regime::Armed, //
};

/// The state in force, while it cannot change.
pub(crate) struct Snapshot<'a> {
    net: NetRef,
    regime: &'a Regime,
    config: &'a Config,
}

impl<'a> Snapshot<'a> {
    /// The number of what is in force.
    pub(crate) fn generation(&self) -> u32 {
        self.regime.generation()
    }

    /// The policy in force, if there is one.
    pub(crate) fn armed(&self) -> Option<&'a Armed> {
        self.regime.in_arms()
    }

    /// Packets and bytes that were counted.
    pub(crate) fn counter(&self, slot: Slot) -> (u64, u64) {
        let sum = self.regime.sum(slot);
        (sum.packets, sum.bytes)
    }

    /// What guards the namespace.
    pub(crate) fn status(&self) -> Status {
        let armed = self.armed();
        Status {
            state: match armed {
                Some(_) => State::Armed,
                None if self.regime.is_idle() => State::Idle,
                None => State::Sealed,
            },
            generation: self.generation(),
            digest: armed.map(|armed| armed.digest),
            forwarding: armed.is_some_and(|armed| armed.compiled.policy.forwarding),
            saved: self.config.saved,
        }
    }

    /// Visits the devices of the namespace, but not loopback, until `visit` fails: name, number,
    /// name of the zone that packets find. The RTNL is held meanwhile.
    pub(crate) fn for_each_port<E>(
        &self,
        mut visit: impl FnMut(&[u8], u32, Option<&[u8]>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut result = Ok(());
        let rtnl = Rtnl::lock();
        devices::walk(&rtnl, self.net, |device| {
            let Some(ifindex) = u32::try_from(device.ifindex)
                .ok()
                .filter(|_| !device.loopback)
            else {
                return true;
            };
            let zone = self.regime.ports().zone(Interface(device.ifindex));
            let zone = self.armed().zip(zone);
            let zone = zone.and_then(|(armed, zone)| armed.compiled.policy.zone(zone));
            result = visit(device.name, ifindex, zone.map(|zone| zone.name.as_bytes()));
            result.is_ok()
        });
        result
    }
}

/// A network namespace.
#[pin_data]
pub(crate) struct Namespace {
    net: NetRef,
    #[pin]
    locals: Locals,
    // Replaced with the configuration locked and the RTNL held, so that either lock keeps it.
    regime: Rcu<Regime>,
    #[pin]
    config: Mutex<Config>,
    /// The policies on their way in.
    #[pin]
    pub(crate) transactions: Mutex<Transactions>,
}

impl Namespace {
    /// A namespace that is idle.
    pub(super) fn new(net: NetRef) -> Result<impl PinInit<Self>> {
        let regime = Rcu::new(Regime::idle()?);
        Ok(pin_init!(Namespace {
            net,
            locals <- Locals::new(),
            regime,
            config <- new_mutex!(Config::default(), "camzone config"),
            transactions <- new_mutex!(Transactions::new(), "camzone transactions"),
        }))
    }

    /// The state of a namespace; `None` before it is made and after it is unmade.
    ///
    /// # Safety
    ///
    /// `net` is null or a namespace that is alive and not unmade during `'a`, and the module's
    /// pernet operations are registered.
    pub(crate) unsafe fn from_raw<'a>(net: *mut bindings::net) -> Option<&'a Self> {
        // SAFETY: By this function's promise.
        unsafe { pernet::state(NonNull::new(net)?) }
    }

    pub(super) fn net(&self) -> NetRef {
        self.net
    }

    /// Which addresses may be the router's own.
    #[inline(always)]
    pub(super) fn locals(&self) -> &Locals {
        &self.locals
    }

    /// What is in force, for a packet.
    #[inline]
    pub(super) fn in_force<'a>(&'a self, side: &'a impl ReadSide) -> &'a Regime {
        self.regime.read(side)
    }

    /// What is in force, while the configuration is locked.
    fn held<'a>(&'a self, _config: &'a Config) -> &'a Regime {
        // SAFETY: Replaced by `put_in_force` only, which borrows the namespace's configuration
        // mutably, and that is borrowed for `'a`.
        unsafe { self.regime.hold() }
    }

    /// A device came or was renamed, or is about to go.
    pub(super) fn device(&self, rtnl: &Rtnl, device: &Device<'_>, there: bool) {
        // SAFETY: Replaced only under RTNL, which the caller has.
        let regime = unsafe { self.regime.hold() };
        regime.ports().device(rtnl, device, there);
    }

    /// What guards the namespace.
    pub(crate) fn status(&self) -> Status {
        self.status_of(&self.config.lock())
    }

    fn status_of(&self, config: &Config) -> Status {
        self.snapshot(config).status()
    }

    fn snapshot<'a>(&'a self, config: &'a Config) -> Snapshot<'a> {
        Snapshot {
            net: self.net,
            regime: self.held(config),
            config,
        }
    }

    /// Reads what is in force. Process context only; nothing changes meanwhile.
    pub(crate) fn read<R>(&self, read: impl FnOnce(&Snapshot<'_>) -> R) -> R {
        let config = self.config.lock();
        read(&self.snapshot(&config))
    }

    /// Takes everything away that packets run into, and waits for those that are in it. The devices of
    /// a namespace that goes are gone before, so that it is guarded to its end; from one that stays,
    /// the module goes.
    pub(super) fn stop(&self) {
        let mut config = self.config.lock();
        config.nat = None;
        nat::end_flows(self.net, self.held(&config), None);
        config.hooks = None;
        config.listening = None;
        config.tracking = None;
    }
}
