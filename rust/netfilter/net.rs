// SPDX-License-Identifier: GPL-2.0

//! A network namespace of the C side.
//!
//! C header: [`include/net/net_namespace.h`](srctree/include/net/net_namespace.h)

use crate::bindings;
use core::ptr::NonNull;

/// A namespace of the C side.
///
/// # Invariants
///
/// The namespace is alive as long as its [`Namespace`](super::namespace::Namespace), within which alone this is kept.
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
