// SPDX-License-Identifier: GPL-2.0

//! A value that is read under RCU and replaced as a whole.
//!
//! C header: [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h)

use crate::bindings;
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    pin::Pin, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            ordering::Full,
            Atomic, //
        },
        rcu, //
    },
    types::ForeignOwnable, //
};

/// Evidence that the RCU read side is locked.
///
/// # Safety
///
/// While a value of the type exists, the CPU is in an RCU read-side critical section, and the
/// value cannot leave it.
pub(crate) unsafe trait ReadSide {}

// SAFETY: That is what a guard is; it is not `Send`.
unsafe impl ReadSide for rcu::Guard {}

/// Waits until all who have locked the read side by now have left it. Sleeps.
pub(super) fn synchronize() {
    // SAFETY: Nothing is asked of the caller but that it may sleep.
    unsafe { bindings::synchronize_rcu() };
}

/// The value in force.
///
/// # Invariants
///
/// The pointer comes from `Pin<KBox<T>>::into_foreign`, and what it points to is freed no earlier
/// than a grace period after another has taken its place.
pub(crate) struct Rcu<T: Send + Sync>(Atomic<*mut c_void>, PhantomData<Pin<KBox<T>>>);

// SAFETY: It owns a `T`, which is `Send`, and nothing else.
unsafe impl<T: Send + Sync> Send for Rcu<T> {}

// SAFETY: It hands out `&T` to any thread, and a `T` to any thread that replaces it.
unsafe impl<T: Send + Sync> Sync for Rcu<T> {}

impl<T: Send + Sync> Rcu<T> {
    /// Puts `value` in force.
    pub(crate) fn new(value: Pin<KBox<T>>) -> Self {
        // INVARIANT: By construction.
        Rcu(Atomic::new(value.into_foreign()), PhantomData)
    }

    /// The value in force, for as long as the read side is locked. Calls nothing.
    #[inline]
    pub(crate) fn read<'a>(&'a self, _side: &'a impl ReadSide) -> &'a T {
        // SAFETY: `as_ptr` is valid. A volatile read of a word is `READ_ONCE`, and what hangs on
        // the pointer is ordered by the address dependency: this is `rcu_dereference`.
        let value = unsafe { self.0.as_ptr().read_volatile() };
        // SAFETY: By the type invariant the value stays while the read side is locked, and that
        // is so for `'a`.
        unsafe { &*value.cast::<T>() }
    }

    /// The value in force, where it cannot be replaced.
    ///
    /// # Safety
    ///
    /// [`Rcu::replace`] is not called during `'a`.
    pub(crate) unsafe fn hold<'a>(&'a self) -> &'a T {
        // SAFETY: `as_ptr` is valid; by the type invariant the value stays until it is replaced.
        unsafe { &*self.0.as_ptr().read_volatile().cast::<T>() }
    }

    /// Puts `value` in force.
    pub(crate) fn replace(&self, value: Pin<KBox<T>>) -> Retired<T> {
        // INVARIANT: By construction; `Retired` waits for the grace period.
        let old = self.0.xchg(value.into_foreign(), Full);
        // INVARIANT: It was in force until just now, and nobody else has taken it out.
        Retired(old, PhantomData)
    }
}

impl<T: Send + Sync> Drop for Rcu<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the pointer comes from `into_foreign`; nobody borrows
        // from `self` any more.
        drop(unsafe { Pin::<KBox<T>>::from_foreign(*self.0.get_mut()) });
    }
}

/// A value that was in force and may still be read. Waits for a grace period when dropped.
///
/// # Invariants
///
/// The pointer comes from `Pin<KBox<T>>::into_foreign`, and nobody else will free it.
pub(crate) struct Retired<T: Send + Sync>(*mut c_void, PhantomData<Pin<KBox<T>>>);

impl<T: Send + Sync> Retired<T> {
    /// Waits until nobody reads the value.
    pub(crate) fn wait(self) -> Pin<KBox<T>> {
        let this = ManuallyDrop::new(self);
        synchronize();
        // SAFETY: By the type invariant the pointer comes from `into_foreign` and is ours, a
        // grace period has passed, and `this` is not dropped.
        unsafe { Pin::<KBox<T>>::from_foreign(this.0) }
    }
}

impl<T: Send + Sync> Drop for Retired<T> {
    fn drop(&mut self) {
        synchronize();
        // SAFETY: By the type invariant the pointer comes from `into_foreign` and is ours; a
        // grace period has passed.
        drop(unsafe { Pin::<KBox<T>>::from_foreign(self.0) });
    }
}
