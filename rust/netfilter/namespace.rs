// SPDX-License-Identifier: GPL-2.0

//! A network namespace under guard: what is in force, and how that changes.

use super::{
    carry::Carry,
    conntrack::{
        self,
        Tracking, //
    },
    devices::{
        self,
        Device,
        Rtnl, //
    },
    hook::Hooks,
    nat::{
        self,
        Nat, //
    },
    pernet,
    rcu::{
        Rcu,
        ReadSide, //
    },
    regime::Regime, //
};
use crate::{
    bindings,
    memory::{
        Kernel,
        KernelList, //
    },
    netlink::transaction::Transactions, //
};
use camzone_policy::tables::Compiled;
use core::{
    pin::Pin,
    ptr::NonNull, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::Mutex, //
};

pub(crate) use super::{
    counters::Slot,
    regime::Armed, //
};

/// A namespace of the C side.
///
/// # Invariants
///
/// The namespace is alive as long as its [`Namespace`], within which alone this is kept.
#[derive(Clone, Copy)]
pub(super) struct NetRef(NonNull<bindings::net>);

// SAFETY: A namespace belongs to no thread.
unsafe impl Send for NetRef {}

// SAFETY: As above; all that it is used for has locks of its own.
unsafe impl Sync for NetRef {}

impl NetRef {
    /// # Safety
    ///
    /// The namespace outlives what is made of this.
    pub(super) unsafe fn new(net: NonNull<bindings::net>) -> Self {
        // INVARIANT: The caller's promise.
        NetRef(net)
    }

    pub(super) fn as_ptr(self) -> *mut bindings::net {
        self.0.as_ptr()
    }
}

/// The forwarding sysctls as they were before camzone had them turned on.
#[derive(Clone, Copy)]
pub(crate) struct Saved {
    /// `net.ipv4.ip_forward`
    pub(crate) ipv4: u32,
    /// `net.ipv6.conf.all.forwarding`
    pub(crate) ipv6: u32,
}

/// A policy that is to come into force.
pub(crate) struct NewPolicy {
    /// The policy and its tables.
    pub(crate) compiled: Compiled<Kernel>,
    /// The digest of its canonical form.
    pub(crate) digest: [u8; 32],
    /// The ids of its rules, in their order.
    pub(crate) rule_ids: KernelList<u64>,
    /// The forwarding sysctls as they are now.
    pub(crate) saved: Option<Saved>,
}

/// The three states.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Not guarded.
    Idle,
    /// Only loopback passes.
    Sealed,
    /// A policy is in force.
    Armed,
}

/// What guards a namespace, in short.
#[derive(Clone, Copy)]
pub(crate) struct Status {
    /// Its state.
    pub(crate) state: State,
    /// The number of what is in force.
    pub(crate) generation: u32,
    /// The digest of the policy in force.
    pub(crate) digest: Option<[u8; 32]>,
    /// The policy in force wants the kernel to forward.
    pub(crate) forwarding: bool,
    /// The forwarding sysctls as they were before camzone; see [`Config::save`].
    pub(crate) saved: Option<Saved>,
}

/// A policy did not come into force; nothing was changed.
pub(crate) enum CommitError {
    /// Another generation is in force than was expected.
    Generation {
        /// The one that was expected.
        expected: u32,
        /// The one that is in force.
        current: u32,
    },
    /// Memory or a registration failed.
    Errno(Error),
}

impl From<Error> for CommitError {
    fn from(error: Error) -> Self {
        CommitError::Errno(error)
    }
}

/// The module is not unloaded while a namespace of the initial user namespace is armed.
///
/// # Invariants
///
/// Holds a reference to the module, if the namespace is such a one.
struct ModulePin(bool);

impl ModulePin {
    fn new(net: NetRef) -> Result<Self> {
        let module = kernel::module::this_module::<crate::LocalModule>().as_ptr();
        // SAFETY: The namespace is alive as long as there is a `NetRef`.
        let pins = unsafe { bindings::camzone_net_pins(net.as_ptr()) };
        // SAFETY: It is this module.
        if pins && !unsafe { bindings::try_module_get(module) } {
            return Err(ENODEV);
        }
        // INVARIANT: The reference was taken if it is to be.
        Ok(ModulePin(pins))
    }
}

impl Drop for ModulePin {
    fn drop(&mut self) {
        let module = kernel::module::this_module::<crate::LocalModule>().as_ptr();
        if self.0 {
            // SAFETY: By the type invariant there is a reference. Whoever runs this is waited for
            // by the module's exit: a handler of the family, or the unmaking of a namespace.
            unsafe { bindings::module_put(module) };
        }
    }
}

/// What was set up for the state in force. Nothing of it is for packets.
#[derive(Default)]
struct Config {
    nat: Option<Nat>,
    hooks: Option<Hooks>,
    tracking: Option<Tracking>,
    pin: Option<ModulePin>,
    saved: Option<Saved>,
    handed_back: bool,
}

impl Config {
    /// Keeps the forwarding sysctls of before the first policy that forwards. They are kept while
    /// such policies follow each other, handed back (in the status) with the first that does not
    /// and with a disarm, and replaced by the next policy that forwards after that.
    fn save(&mut self, forwarding: bool, saved: Option<Saved>) {
        if !forwarding {
            self.handed_back = true;
        } else if saved.is_some() && (self.saved.is_none() || self.handed_back) {
            self.saved = saved;
            self.handed_back = false;
        }
    }
}

/// The state in force, while it cannot change.
pub(crate) struct Snapshot<'a>(&'a Regime);

impl<'a> Snapshot<'a> {
    /// The number of what is in force.
    pub(crate) fn generation(&self) -> u32 {
        self.0.generation()
    }

    /// The policy in force, if there is one.
    pub(crate) fn armed(&self) -> Option<&'a Armed> {
        self.0.in_arms()
    }

    /// Packets and bytes that were counted.
    pub(crate) fn counter(&self, slot: Slot) -> (u64, u64) {
        let sum = self.0.counters().sum(slot);
        (sum.packets, sum.bytes)
    }
}

/// A network namespace.
#[pin_data]
pub(crate) struct Namespace {
    net: NetRef,
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

    /// What is in force, for a packet.
    #[inline]
    pub(super) fn in_force<'a>(&'a self, side: &'a impl ReadSide) -> &'a Regime {
        self.regime.read(side)
    }

    /// What is in force, while the configuration is locked.
    fn held<'a>(&'a self, _config: &'a Config) -> &'a Regime {
        // SAFETY: Replaced only by those who have the configuration to themselves.
        unsafe { self.regime.hold() }
    }

    /// A device came or was renamed, or is about to go.
    pub(super) fn device(&self, rtnl: &Rtnl, device: &Device<'_>, there: bool) {
        // SAFETY: Replaced only under RTNL, which the caller has.
        let regime = unsafe { self.regime.hold() };
        regime.ports().device(rtnl, device, there);
    }

    /// Turns connection tracking on, so that a policy finds the flows that there are.
    pub(crate) fn track(&self) -> Result {
        let mut config = self.config.lock();
        if config.tracking.is_none() {
            config.tracking = Some(Tracking::start(self.net)?);
        }
        Ok(())
    }

    /// Lets nothing pass but loopback; for a namespace that is idle.
    pub(crate) fn seal(&self) -> Result {
        let mut config = self.config.lock();
        let old = self.held(&config);
        if !old.is_idle() {
            return Ok(());
        }
        let sealed = Regime::sealed(old.generation())?;
        let carry = Carry::plan(old, &sealed)?;
        let fresh = self.prepare(&config, false)?;
        config.keep(fresh);
        self.put_in_force(&config, sealed, &carry);
        Ok(())
    }

    /// Puts a policy in force, or, with `check`, only says whether it could be.
    #[inline(never)] // A policy is large, and so would be the caller's stack frame.
    pub(crate) fn commit(
        &self,
        new: NewPolicy,
        expected: Option<u32>,
        check: bool,
    ) -> Result<Status, CommitError> {
        let mut config = self.config.lock();
        let old = self.held(&config);
        let current = old.generation();
        if let Some(expected) = expected.filter(|expected| *expected != current) {
            return Err(CommitError::Generation { expected, current });
        }
        if check {
            return Ok(self.status_of(&config));
        }
        let masquerades = new.compiled.policy.masquerades();
        let forwarding = new.compiled.policy.forwarding;
        let armed = Armed {
            compiled: new.compiled,
            digest: new.digest,
            rule_ids: new.rule_ids,
        };
        // All that can fail comes first, and undoes itself when something does.
        let regime = Regime::armed(current.wrapping_add(1), armed)?;
        let carry = Carry::plan(old, &regime)?;
        let pin = match config.pin {
            Some(_) => None,
            None => Some(ModulePin::new(self.net)?),
        };
        let fresh = self.prepare(&config, masquerades)?;
        let first = old.is_idle();

        config.keep(fresh);
        config.pin = config.pin.take().or(pin);
        config.save(forwarding, new.saved);
        self.put_in_force(&config, regime, &carry);
        if !masquerades {
            config.nat = None;
        }
        if let (true, Some(armed)) = (first, self.held(&config).in_arms()) {
            // They were begun without permission; the others are judged like any flow.
            conntrack::kill_flows(self.net, |found| armed.touches_cameras(&found.addresses));
        }
        Ok(self.status_of(&config))
    }

    /// Takes the policy out of force and seals the namespace.
    pub(crate) fn disarm(&self) -> Result<Status> {
        let mut config = self.config.lock();
        let old = self.held(&config);
        if old.is_idle() {
            return Err(EINVAL);
        }
        if old.in_arms().is_some() {
            let sealed = Regime::sealed(old.generation().wrapping_add(1))?;
            let carry = Carry::plan(old, &sealed)?;
            self.put_in_force(&config, sealed, &carry);
            config.nat = None;
            config.pin = None;
            config.save(false, None);
        }
        Ok(self.status_of(&config))
    }

    /// What guards the namespace.
    pub(crate) fn status(&self) -> Status {
        self.status_of(&self.config.lock())
    }

    fn status_of(&self, config: &Config) -> Status {
        let regime = self.held(config);
        let armed = regime.in_arms();
        Status {
            state: match armed {
                Some(_) => State::Armed,
                None if regime.is_idle() => State::Idle,
                None => State::Sealed,
            },
            generation: regime.generation(),
            digest: armed.map(|armed| armed.digest),
            forwarding: armed.is_some_and(|armed| armed.compiled.policy.forwarding),
            saved: config.saved,
        }
    }

    /// Reads what is in force. Process context only; nothing changes meanwhile.
    pub(crate) fn read<R>(&self, read: impl FnOnce(&Snapshot<'_>) -> R) -> R {
        let config = self.config.lock();
        read(&Snapshot(self.held(&config)))
    }

    /// Visits the devices of the namespace, but not loopback: name, number, name of the zone. The
    /// RTNL is held meanwhile.
    pub(crate) fn for_each_port(&self, mut visit: impl FnMut(&[u8], u32, Option<&[u8]>)) {
        let config = self.config.lock();
        let armed = self.held(&config).in_arms();
        let rtnl = Rtnl::lock();
        devices::walk(&rtnl, self.net, |device| {
            let Some(ifindex) = u32::try_from(device.ifindex)
                .ok()
                .filter(|_| !device.loopback)
            else {
                return;
            };
            let policy = armed.map(|armed| &armed.compiled.policy);
            let zone = policy.filter(|_| !device.slave).and_then(|policy| {
                let mut interfaces = policy.interfaces.iter();
                let interface = interfaces.find(|i| i.name.as_bytes() == device.name)?;
                policy.zone(interface.zone)
            });
            visit(device.name, ifindex, zone.map(|zone| zone.name.as_bytes()));
        });
    }

    /// Sets up what a guarded namespace needs and has not.
    fn prepare(&self, config: &Config, masquerades: bool) -> Result<Config> {
        let mut fresh = Config::default();
        if config.tracking.is_none() {
            fresh.tracking = Some(Tracking::start(self.net)?);
        }
        if config.hooks.is_none() {
            // SAFETY: A `Namespace` is pinned, and freed only in `exit`, a grace period after
            // `stop` in `pre_exit`.
            fresh.hooks = Some(unsafe { Hooks::register(self) }?);
        }
        if masquerades && config.nat.is_none() {
            // SAFETY: As above.
            fresh.nat = Some(unsafe { Nat::register(self) }?);
        }
        Ok(fresh)
    }

    /// Puts a regime in force on the very next packet, waits until none is judged by the old one,
    /// and sees to what that leaves behind. Cannot fail.
    fn put_in_force(&self, config: &Config, regime: Pin<KBox<Regime>>, carry: &Carry) {
        let rtnl = Rtnl::lock();
        // SAFETY: No packet has seen the regime yet.
        unsafe {
            regime.ports().bind_first(&rtnl, |bind| {
                devices::walk(&rtnl, self.net, |device| bind(device));
            });
        }
        let retired = self.regime.replace(regime);
        drop(rtnl);
        let old = retired.wait();
        let new = self.held(config);
        carry.run(&old, new);
        if config.nat.is_some() {
            nat::end_flows(self.net, &old, new);
        }
    }

    /// Takes everything away that packets can run into; the namespace, or the module, is about
    /// to go. The state itself is freed a grace period later.
    pub(super) fn stop(&self) {
        let mut config = self.config.lock();
        if let Some(nat) = &mut config.nat {
            nat.stop();
        }
        if config.nat.is_some() {
            nat::end_all_flows(self.net);
        }
        if let Some(hooks) = &mut config.hooks {
            hooks.stop();
        }
        config.tracking = None;
    }
}

impl Config {
    /// Adds what was set up.
    fn keep(&mut self, fresh: Config) {
        let Config {
            nat,
            hooks,
            tracking,
            ..
        } = fresh;
        self.nat = self.nat.take().or(nat);
        self.hooks = self.hooks.take().or(hooks);
        self.tracking = self.tracking.take().or(tracking);
    }
}
