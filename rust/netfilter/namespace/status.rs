// SPDX-License-Identifier: GPL-2.0

//! What goes into a namespace and what is told of it.

use crate::memory::{
    Kernel,
    KernelList, //
};
use camzone_policy::tables::Compiled;
use kernel::prelude::*;

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
    /// The policy and its tables; in a box, because they are moved about and a stack is small.
    pub(crate) compiled: KBox<Compiled<Kernel>>,
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
    /// The forwarding sysctls as they were before camzone, while a policy forwards, and in the
    /// answer to the disarm that ends that.
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
