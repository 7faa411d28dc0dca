// SPDX-License-Identifier: GPL-2.0

//! How what is in force changes: all that can fail comes first and undoes itself, then the new
//! regime is published, and what the old one leaves behind is seen to.

use super::{
    config::{
        Config,
        ModulePin, //
    },
    status::{
        CommitError,
        NewPolicy,
        Status, //
    },
    Namespace, //
};
use crate::netfilter::{
    carry::Carry,
    conntrack::{
        self,
        Tracking, //
    },
    devices::{
        self,
        Rtnl, //
    },
    hook::Hooks,
    locals::Listening,
    nat::{
        self,
        Nat, //
    },
    regime::{
        Armed,
        Regime, //
    },
};
use core::pin::Pin;
use kernel::prelude::*;

impl Namespace {
    /// Turns connection tracking on, so that a policy finds the flows that there are.
    pub(crate) fn track(&self) -> Result {
        let mut config = self.config.lock();
        if config.tracking.is_none() {
            config.tracking = Some(Tracking::start(self.net)?);
        }
        Ok(())
    }

    /// Lets nothing pass but loopback, and forgets the flows of which nobody knows who opened them;
    /// for a namespace that is idle.
    pub(crate) fn seal(&self) -> Result {
        let mut config = self.config.lock();
        let old = self.held(&config);
        if !old.is_idle() {
            return Ok(());
        }
        let sealed = Regime::sealed(old.generation().wrapping_add(1))?;
        let carry = Carry::plan(old, &sealed)?;
        let fresh = self.prepare(&config, false)?;
        config.keep(fresh);
        self.put_in_force(&mut config, sealed, &carry);
        // One whose first packet that was seen is an answer would be judged the wrong way round.
        conntrack::kill_flows(self.net, |found| found.unsure);
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
        self.put_in_force(&mut config, regime, &carry);
        if !masquerades {
            config.nat = None;
        }
        if let (true, Some(armed)) = (first, self.held(&config).in_arms()) {
            conntrack::kill_flows(self.net, |found| !armed.adopts(self.net, found));
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
            self.put_in_force(&mut config, sealed, &carry);
            config.nat = None;
            config.pin = None;
        }
        let status = self.status_of(&config);
        // Handed back once: what the owner sets from here on is the owner's.
        config.save(false, None);
        Ok(status)
    }

    /// Sets up what a guarded namespace needs and has not.
    fn prepare(&self, config: &Config, masquerades: bool) -> Result<Config> {
        let mut fresh = Config::default();
        if config.tracking.is_none() {
            fresh.tracking = Some(Tracking::start(self.net)?);
        }
        if config.listening.is_none() {
            // SAFETY: A `Namespace` is pinned, and `stop` drops this before it is freed.
            fresh.listening = unsafe { Listening::start(self.net, &self.locals) };
        }
        if config.hooks.is_none() {
            // SAFETY: As above.
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
    ///
    /// Who holds what was in force has the configuration borrowed, and this wants it alone.
    fn put_in_force(&self, config: &mut Config, regime: Pin<KBox<Regime>>, carry: &Carry) {
        let rtnl = Rtnl::lock();
        devices::walk(&rtnl, self.net, |device| {
            regime.ports().device(&rtnl, device, true);
            true
        });
        let retired = self.regime.replace(regime);
        drop(rtnl);
        let old = retired.wait();
        let new = self.held(config);
        carry.run(&old, new);
        nat::end_flows(self.net, &old, Some(new));
    }
}
