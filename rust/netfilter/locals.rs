// SPDX-License-Identifier: GPL-2.0

//! Which IPv4 addresses may be the router's own, or broadcast addresses of its networks.
//!
//! Every packet's source has to be asked for, and nearly none is: a filter that never says no by
//! mistake saves the routing table a look-up (`inet_addr_type`). It hears of such addresses from the
//! routing table itself, forgets none, and is as wide as that takes.
//!
//! It hears a moment after the address is there (both under RTNL, some hundred instructions apart).
//! Of several routes to one prefix in one table it hears only of the first, which is also the one
//! that is found, unless somebody made by hand, in the table `local`, one whose interface is down:
//! then one behind it counts, of which it hears when the first one goes (`fib_table_insert`).
//!
//! C header: [`include/net/fib_notifier.h`](srctree/include/net/fib_notifier.h)

use super::net::NetRef;
use crate::bindings;
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    types::Opaque, //
};

const BITS: u32 = 12;
const WORDS: usize = 1 << (BITS - 6);

/// The filter of a namespace.
#[pin_data]
pub(super) struct Locals {
    bits: [Atomic<u64>; WORDS],
    // Whole networks are local: everything may be.
    everything: Atomic<u64>,
    // Nobody tells: everything may be.
    deaf: Atomic<u64>,
    #[pin]
    block: Opaque<bindings::notifier_block>,
}

// SAFETY: All but the block is atomic, and the block is the C side's, under its own locks.
unsafe impl Send for Locals {}

// SAFETY: As above.
unsafe impl Sync for Locals {}

impl Locals {
    /// A filter that nobody tells yet.
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Locals {
            bits: [const { Atomic::new(0) }; WORDS],
            everything: Atomic::new(0),
            deaf: Atomic::new(1),
            block <- Opaque::ffi_init(|block: *mut bindings::notifier_block| {
                let mut value: bindings::notifier_block = pin_init::zeroed();
                value.notifier_call = Some(changed);
                // SAFETY: It is valid for writing.
                unsafe { block.write(value) };
            }),
        })
    }

    /// The word of an address (as a number), and its bit in there.
    #[inline(always)]
    fn place(address: u32) -> (usize, u64) {
        let hash = address.wrapping_mul(0x9e37_79b1) >> (32 - BITS);
        ((hash >> 6) as usize, 1u64 << (hash & 63))
    }

    /// Whether an address may be local; only if not, nothing else needs to be asked.
    #[inline(always)]
    pub(super) fn may_have(&self, address: [u8; 4]) -> bool {
        let (word, bit) = Self::place(u32::from_be_bytes(address));
        let Some(bits) = self.bits.get(word) else {
            return true;
        };
        // SAFETY: `as_ptr` is valid. A volatile read of a word is `READ_ONCE`, and calls nothing,
        // unlike `Atomic::load`.
        let read = |word: &Atomic<u64>| unsafe { word.as_ptr().read_volatile() };
        (read(bits) & bit) | read(&self.everything) | read(&self.deaf) != 0
    }

    /// All addresses of a prefix may be local.
    fn add(&self, address: u32, len: u8) {
        // Nobody sends from 127.0.0.0/8 (RFC 1122, 3.2.1.3), which is local as a whole.
        if address >> 24 == 127 {
            return;
        }
        let (word, bit) = Self::place(address);
        match self.bits.get(word) {
            Some(bits) if len == 32 => {
                let mut old = bits.load(Relaxed);
                while let Err(now) = bits.cmpxchg(old, old | bit, Relaxed) {
                    old = now;
                }
            }
            _ => self.everything.store(1, Relaxed),
        }
    }
}

/// A filter hears of addresses.
///
/// # Invariants
///
/// The block of `locals` is in the chain of the namespace's FIB notifiers, and `locals` is alive.
pub(super) struct Listening {
    net: NetRef,
    locals: *const Locals,
}

// SAFETY: The block is the C side's, under its own locks.
unsafe impl Send for Listening {}

impl Listening {
    /// Tells `locals` of all addresses that there are and will be. If that cannot be, everything
    /// goes on to be possible. May sleep.
    ///
    /// # Safety
    ///
    /// `locals` stays where it is, and alive until this is dropped; it is listening only once.
    pub(super) unsafe fn start(net: NetRef, locals: &Locals) -> Option<Self> {
        let block = locals.block.get();
        // SAFETY: The namespace is alive as long as there is a `NetRef`; the block is in no chain,
        // and stays until this is dropped.
        let error = unsafe {
            bindings::register_fib_notifier(
                net.as_ptr(),
                block,
                None,
                core::ptr::null_mut(), //
            )
        };
        if error != 0 {
            return None;
        }
        locals.deaf.store(0, Relaxed);
        // INVARIANT: It was registered just now.
        Some(Listening { net, locals })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is alive.
        let locals = unsafe { &*self.locals };
        locals.deaf.store(1, Relaxed);
        // SAFETY: By the type invariant the block is registered. Waits for who may be in it.
        unsafe { bindings::unregister_fib_notifier(self.net.as_ptr(), locals.block.get()) };
    }
}

/// # Safety
///
/// To be called by the chain of FIB notifiers only, with the block of a [`Locals`].
unsafe extern "C" fn changed(
    block: *mut bindings::notifier_block,
    event: c_ulong,
    info: *mut c_void,
) -> c_int {
    let (mut address, mut len) = (0, 0);
    // SAFETY: The chain hands over a notifier's information.
    if unsafe { bindings::camzone_fib_local(event, info, &mut address, &mut len) } {
        // SAFETY: An `Opaque` is where its value is, and by this function's promise it is a field
        // of a `Locals`.
        let locals = unsafe { &*kernel::container_of!(Opaque::cast_from(block), Locals, block) };
        locals.add(address, len);
    }
    bindings::NOTIFY_DONE as c_int
}
