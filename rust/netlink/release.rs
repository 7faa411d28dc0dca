// SPDX-License-Identifier: GPL-2.0

//! A transaction ends with its socket.
//!
//! C header: [`include/linux/netlink.h`](srctree/include/linux/netlink.h)

use crate::{
    bindings,
    netfilter::namespace::Namespace, //
};
use kernel::{
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// The C side's structure.
#[repr(transparent)]
struct Block(Opaque<bindings::notifier_block>);

// SAFETY: Only the C side writes it, under its own locks.
unsafe impl Sync for Block {}

static BLOCK: Block = Block(Opaque::new(bindings::notifier_block {
    notifier_call: Some(released),
    next: core::ptr::null_mut(),
    priority: 0,
}));

/// Called when a netlink socket that was bound is released, whatever its protocol.
///
/// The socket's number is free by now. A new socket may have it and have begun a transaction
/// already, which then ends too: its next request says so, and nothing comes into force.
///
/// # Safety
///
/// To be called by the chain of netlink's notifiers only.
unsafe extern "C" fn released(
    _block: *mut bindings::notifier_block,
    action: c_ulong,
    data: *mut c_void,
) -> c_int {
    if action == bindings::NETLINK_URELEASE as c_ulong {
        // SAFETY: With this action the chain hands over a valid `netlink_notify`.
        let socket = unsafe { &*data.cast::<bindings::netlink_notify>() };
        if socket.protocol == bindings::NETLINK_GENERIC as c_int {
            // SAFETY: The socket holds its namespace until its last reference is gone, which
            // is later.
            if let Some(namespace) = unsafe { Namespace::from_raw(socket.net) } {
                let forgotten = namespace.transactions.lock().take(socket.portid);
                // Freed after the lock was let go.
                drop(forgotten);
            }
        }
    }
    bindings::NOTIFY_DONE as c_int
}

/// The notifier is registered.
///
/// # Invariants
///
/// [`BLOCK`] is in the chain of netlink's notifiers.
pub(crate) struct ReleaseNotifier(());

impl ReleaseNotifier {
    /// Registers the notifier, for every network namespace.
    ///
    /// To be called once, after the namespaces' state is in place.
    pub(crate) fn register() -> Result<Self> {
        // SAFETY: The block is static and not registered.
        to_result(unsafe { bindings::netlink_register_notifier(BLOCK.0.get()) })?;
        // INVARIANT: It was registered just now.
        Ok(ReleaseNotifier(()))
    }
}

impl Drop for ReleaseNotifier {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is registered, and only this ends it. It waits until
        // nobody runs it.
        unsafe { bindings::netlink_unregister_notifier(BLOCK.0.get()) };
    }
}
