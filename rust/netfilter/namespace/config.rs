// SPDX-License-Identifier: GPL-2.0

//! What is set up for a namespace under guard, each part undone when it is dropped.
//!
//! C header: [`include/linux/module.h`](srctree/include/linux/module.h)

use super::status::Saved;
use crate::{
    bindings,
    netfilter::{
        conntrack::Tracking,
        hook::Hooks,
        locals::Listening,
        nat::Nat,
        net::NetRef, //
    },
};
use kernel::prelude::*;

/// The module is not unloaded while a namespace of the initial user namespace is armed.
///
/// # Invariants
///
/// Holds a reference to the module, if the namespace is such a one.
pub(super) struct ModulePin(bool);

impl ModulePin {
    pub(super) fn new(net: NetRef) -> Result<Self> {
        let module = crate::this_module();
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
        let module = crate::this_module();
        if self.0 {
            // SAFETY: By the type invariant there is a reference. Whoever runs this is waited for
            // by the module's exit: a handler of the family, or the unmaking of a namespace.
            unsafe { bindings::module_put(module) };
        }
    }
}

/// What was set up for the state in force. Nothing of it is for packets.
#[derive(Default)]
pub(super) struct Config {
    pub(super) nat: Option<Nat>,
    pub(super) hooks: Option<Hooks>,
    pub(super) listening: Option<Listening>,
    pub(super) tracking: Option<Tracking>,
    pub(super) pin: Option<ModulePin>,
    pub(super) saved: Option<Saved>,
}

impl Config {
    /// Keeps the forwarding sysctls of before the first policy that forwards, as long as such
    /// policies follow each other.
    pub(super) fn save(&mut self, forwarding: bool, saved: Option<Saved>) {
        self.saved = match forwarding {
            true => self.saved.or(saved),
            false => None,
        };
    }

    /// Adds what was set up.
    pub(super) fn keep(&mut self, fresh: Config) {
        let Config {
            nat,
            hooks,
            listening,
            tracking,
            ..
        } = fresh;
        self.nat = self.nat.take().or(nat);
        self.hooks = self.hooks.take().or(hooks);
        self.listening = self.listening.take().or(listening);
        self.tracking = self.tracking.take().or(tracking);
    }
}
