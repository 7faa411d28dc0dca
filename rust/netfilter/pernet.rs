// SPDX-License-Identifier: GPL-2.0

//! Every network namespace's own state, made and unmade with it.
//!
//! C header: [`include/net/net_namespace.h`](srctree/include/net/net_namespace.h)

use super::{
    namespace::Namespace,
    net::NetRef, //
};
use crate::bindings;
use core::{
    pin::Pin,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    error::{
        from_result,
        to_result, //
    },
    prelude::*,
    types::{
        ForeignOwnable,
        Opaque, //
    },
};

/// What every namespace has for us: null, or from `Pin<KBox<Namespace>>::into_foreign`.
type Slot = *mut c_void;

/// The number of our slot.
#[repr(transparent)]
struct Id(Opaque<c_uint>);

// SAFETY: Written by `register_pernet_subsys`, before anybody reads it.
unsafe impl Sync for Id {}

static ID: Id = Id(Opaque::new(0));

/// The C side's structure.
#[repr(transparent)]
struct Operations(Opaque<bindings::pernet_operations>);

// SAFETY: Only the C side writes it, under its own locks.
unsafe impl Sync for Operations {}

static OPERATIONS: Operations = Operations(Opaque::new(bindings::pernet_operations {
    init: Some(init),
    exit: Some(exit),
    id: ID.0.get(),
    size: size_of::<Slot>(),
    ..pin_init::zeroed()
}));

/// Our slot in a namespace.
///
/// # Safety
///
/// The operations are registered, and the namespace is alive.
unsafe fn slot(net: NonNull<bindings::net>) -> *mut Slot {
    // SAFETY: The operations are registered, so the number is valid, and so is the slot.
    unsafe { bindings::camzone_net_slot(net.as_ptr(), *ID.0.get()) }.cast()
}

/// The state of a namespace; `None` before it is made and after it is unmade.
///
/// # Safety
///
/// The operations are registered, and the namespace is alive and not unmade during `'a`.
pub(super) unsafe fn state<'a>(net: NonNull<bindings::net>) -> Option<&'a Namespace> {
    // SAFETY: By this function's promise.
    let state = unsafe { *slot(net) };
    // SAFETY: It is null, or a `Namespace` that is not unmade during `'a`.
    unsafe { state.cast::<Namespace>().as_ref() }
}

/// Makes the state of a namespace.
///
/// # Safety
///
/// To be called by the core of network namespaces only.
unsafe extern "C" fn init(net: *mut bindings::net) -> c_int {
    from_result(|| {
        let net = NonNull::new(net).ok_or(EINVAL)?;
        // SAFETY: The state is unmade before the namespace is gone.
        let state = KBox::pin_init(Namespace::new(unsafe { NetRef::new(net) })?, GFP_KERNEL)?;
        // SAFETY: The operations are registered, and the namespace is being made.
        unsafe { *slot(net) = state.into_foreign() };
        Ok(0)
    })
}

/// Unmakes the state of a namespace.
///
/// # Safety
///
/// To be called by the core of network namespaces only.
unsafe extern "C" fn exit(net: *mut bindings::net) {
    let Some(net) = NonNull::new(net) else {
        return;
    };
    // SAFETY: The namespace is still there, and nobody else uses the slot.
    let state = unsafe { ptr::replace(slot(net), ptr::null_mut()) };
    if !state.is_null() {
        // SAFETY: From `into_foreign`. Who could change what is in force has a socket, which holds
        // the namespace, or is the family, which is dropped before the operations; and devices
        // tell nothing any more, as they are gone, or the notifier is.
        let state = unsafe { Pin::<KBox<Namespace>>::from_foreign(state) };
        // Not in `pre_exit`, which comes before the devices go (see `ops_undo_list`): what the
        // policy stops would pass until then.
        state.stop();
    }
}

/// Namespaces have their state.
///
/// # Invariants
///
/// [`OPERATIONS`] are registered.
pub(crate) struct Pernet(());

impl Pernet {
    /// Makes the state of every namespace that there is and will be: idle.
    ///
    /// To be called once.
    pub(crate) fn register() -> Result<Self> {
        // SAFETY: The operations are static and not registered.
        to_result(unsafe { bindings::register_pernet_subsys(OPERATIONS.0.get()) })?;
        // INVARIANT: They were registered just now.
        Ok(Pernet(()))
    }

    /// The state of the initial namespace.
    pub(crate) fn initial(&self) -> Result<&Namespace> {
        // SAFETY: May be called anywhere.
        let net = NonNull::new(unsafe { bindings::camzone_init_net() }).ok_or(ENODEV)?;
        // SAFETY: By the type invariant the operations are registered while `self` is there, and
        // this namespace lives for ever.
        unsafe { state(net) }.ok_or(ENODEV)
    }
}

impl Drop for Pernet {
    fn drop(&mut self) {
        // SAFETY: By the type invariant they are registered. Waits for a namespace that is being
        // unmade.
        unsafe { bindings::unregister_pernet_subsys(OPERATIONS.0.get()) };
    }
}
