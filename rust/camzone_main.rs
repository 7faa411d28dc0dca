// SPDX-License-Identifier: GPL-2.0

//! camzone: guards the cameras behind a router.

// Only the rooms that wrap the kernel may say otherwise, below.
#![deny(unsafe_code)]

use kernel::prelude::*;

#[allow(unsafe_code, reason = "what bindgen makes of C")]
mod bindings;
mod memory;
#[allow(unsafe_code, reason = "wraps netfilter, connection tracking, devices")]
mod netfilter;
#[allow(unsafe_code, reason = "wraps generic netlink")]
mod netlink;

use netfilter::{
    devices,
    log::Loggers,
    nat::MasqueradeNotifiers,
    pernet::Pernet, //
};
use netlink::{
    Family,
    ReleaseNotifier, //
};

// No alias for the family: looking one up loads the aliased module without any permission, so
// every user could seal the router.
module! {
    type: Camzone,
    name: "camzone",
    authors: ["The camzone authors"],
    description: "Guards the cameras behind a router",
    license: "GPL",
    params: {
        sealed: u8 {
            default: 1,
            description: "Seal the initial network namespace at once (default: 1, not: 0)",
        },
    },
}

/// What C calls `THIS_MODULE`. The kernel crate has it too, in a place that changes with versions.
const fn this_module() -> *mut bindings::module {
    &raw mut bindings::__this_module
}

/// What is registered while the module is loaded, in the order in which it is dropped.
struct Camzone {
    _family: Family,
    _sockets: ReleaseNotifier,
    _devices: devices::Notifier,
    _namespaces: Pernet,
    _masquerading: MasqueradeNotifiers,
    _loggers: Loggers,
}

impl kernel::Module for Camzone {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        bindings::agrees_with_compiler()?;
        let loggers = Loggers::hold()?;
        let masquerading = MasqueradeNotifiers::register()?;
        let namespaces = Pernet::register()?;
        let devices = devices::Notifier::register()?;
        // A value or, in 7.2, a reference to it: a method is called on either.
        if module_parameters::sealed.value().ne(&0) {
            namespaces.initial()?.seal()?;
        } else {
            namespaces.initial()?.track()?;
        }
        let sockets = ReleaseNotifier::register()?;
        Ok(Camzone {
            _family: Family::register()?,
            _sockets: sockets,
            _devices: devices,
            _namespaces: namespaces,
            _masquerading: masquerading,
            _loggers: loggers,
        })
    }
}
