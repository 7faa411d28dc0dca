// SPDX-License-Identifier: GPL-2.0

//! A packet, while a hook looks at it.
//!
//! C headers: [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h),
//! [`include/linux/netfilter.h`](srctree/include/linux/netfilter.h),
//! [`include/net/netfilter/ipv4/nf_reject.h`](srctree/include/net/netfilter/ipv4/nf_reject.h)

use super::{
    conntrack,
    rcu::ReadSide, //
};
use crate::bindings;
use camzone_policy::{
    facts::Track,
    header::{
        Header,
        WINDOW, //
    },
};
use core::{
    marker::PhantomData,
    mem::MaybeUninit,
    ptr::NonNull,
    slice, //
};
use kernel::{
    prelude::*,
    types::NotThreadSafe, //
};

// The shim copies as much as the policy crate reads.
const _: () = assert!(bindings::CAMZONE_WINDOW as usize == WINDOW);

/// A packet that a netfilter hook was called with.
///
/// # Invariants
///
/// `skb` and `state` are the arguments of a hook that runs for all of `'a`, under RCU, and the
/// packet belongs to this hook.
pub(crate) struct Packet<'a> {
    skb: NonNull<bindings::sk_buff>,
    state: &'a bindings::nf_hook_state,
    _bound: NotThreadSafe,
}

// SAFETY: By the type invariant a hook runs, which netfilter calls under RCU only; a packet
// borrows from the hook's arguments and is not `Send`.
unsafe impl ReadSide for Packet<'_> {}

impl<'a> Packet<'a> {
    /// # Safety
    ///
    /// The arguments are those of a hook that runs for all of `'a`.
    pub(super) unsafe fn new(
        skb: NonNull<bindings::sk_buff>,
        state: &'a bindings::nf_hook_state,
    ) -> Self {
        // INVARIANT: The caller's promise.
        Packet {
            skb,
            state,
            _bound: NotThreadSafe,
        }
    }

    /// Which hook it is (`enum nf_inet_hooks`).
    #[inline]
    pub(super) fn hook(&self) -> u32 {
        self.state.hook.into()
    }

    /// Looks at the packet, with the one call that this takes.
    #[inline]
    pub(super) fn look<'p>(&'p self, window: &'p mut Window) -> View<'p> {
        let mut raw: bindings::camzone_view = pin_init::zeroed();
        // SAFETY: By the type invariant packet and state are valid; `raw` is zeroed, and the
        // window is as long as the shim wants it.
        unsafe {
            bindings::camzone_look(
                self.skb.as_ptr(),
                self.state,
                &mut raw,
                window.0.as_mut_ptr().cast(),
            )
        };
        View {
            raw,
            _head: PhantomData,
        }
    }

    /// Has the kernel log the packet, with `prefix` before it.
    pub(super) fn log(&self, prefix: &CStr) {
        // SAFETY: By the type invariant packet and state are valid.
        unsafe { bindings::camzone_log(self.skb.as_ptr(), self.state, prefix.as_char_ptr()) };
    }

    /// Answers with a TCP reset or an ICMP port unreachable. The answer goes through LOCAL_OUT at
    /// once, so our own hook runs inside this.
    #[cold]
    #[inline(never)]
    pub(super) fn reject(&mut self) {
        // SAFETY: By the type invariant packet and state are valid, and the packet is the hook's.
        unsafe { bindings::camzone_reject(self.skb.as_ptr(), self.state) };
    }

    /// Has the source of the packet's flow translated to an address of the interface that it
    /// leaves through. Returns the hook's verdict.
    pub(super) fn masquerade(&mut self) -> c_uint {
        // SAFETY: By the type invariant packet and state are valid, and the packet is the hook's.
        unsafe { bindings::camzone_masquerade(self.skb.as_ptr(), self.state) }
    }
}

/// Room for a packet's first bytes, should they have to be copied.
pub(super) struct Window(MaybeUninit<[u8; WINDOW]>);

impl Window {
    #[inline]
    pub(super) fn new() -> Self {
        Window(MaybeUninit::uninit())
    }
}

/// What was seen of a packet.
///
/// # Invariants
///
/// `raw` was filled in by `camzone_look`, for a packet and with a window that both stay as they
/// are for all of `'p`. If it has a flow, the packet holds a reference to it.
pub(super) struct View<'p> {
    raw: bindings::camzone_view,
    _head: PhantomData<&'p [u8]>,
}

impl View<'_> {
    fn has(&self, flag: u32) -> bool {
        u32::from(self.raw.flags) & flag != 0
    }

    /// The header; `None` when it cannot be read.
    #[inline]
    pub(super) fn header(&self) -> Option<Header> {
        let head = NonNull::new(self.raw.head.cast_mut())?;
        // SAFETY: By the type invariant that many bytes are in the packet's linear part, or were
        // copied to the window. Nobody writes either: what user space may still write to (pages
        // handed over by sendfile and the like) is never in the linear part.
        let bytes = unsafe { slice::from_raw_parts(head.as_ptr(), self.raw.head_len as usize) };
        Header::parse(bytes, self.raw.len as usize)
    }

    /// How long the packet is.
    #[inline]
    pub(super) fn len(&self) -> u32 {
        self.raw.len
    }

    /// Where it came in.
    #[inline]
    pub(super) fn ingress(&self) -> Interface {
        Interface {
            ifindex: self.raw.in_,
            loopback: self.has(bindings::CAMZONE_IN_LOOPBACK),
            slave: self.has(bindings::CAMZONE_IN_SLAVE),
        }
    }

    /// Where it goes out.
    #[inline]
    pub(super) fn egress(&self) -> Interface {
        Interface {
            ifindex: self.raw.out,
            loopback: self.has(bindings::CAMZONE_OUT_LOOPBACK),
            slave: self.has(bindings::CAMZONE_OUT_SLAVE),
        }
    }

    /// The interface that has the responder's address.
    #[inline]
    pub(super) fn home(&self) -> Interface {
        Interface {
            ifindex: self.raw.home,
            loopback: false,
            slave: false,
        }
    }

    /// The router sent it itself and hears it back.
    #[inline]
    pub(super) fn looped_back(&self) -> bool {
        self.has(bindings::CAMZONE_LOOPED_BACK)
    }

    /// The source is the router's, or a broadcast address of one of its networks.
    #[inline]
    pub(super) fn source_is_local(&self) -> bool {
        self.has(bindings::CAMZONE_SOURCE_LOCAL)
    }

    /// It is routed as a broadcast.
    #[inline]
    pub(super) fn broadcast(&self) -> bool {
        self.has(bindings::CAMZONE_BROADCAST)
    }

    /// The hardware address that it came with.
    #[inline]
    pub(super) fn source_mac(&self) -> Option<[u8; 6]> {
        self.has(bindings::CAMZONE_HAS_MAC).then_some(self.raw.mac)
    }

    /// What connection tracking says of it.
    #[inline]
    pub(super) fn track(&self) -> Track {
        conntrack::track(&self.raw)
    }

    /// The router sent it: it came in nowhere, or an address of the router opened its flow. To be
    /// asked behind routing only.
    pub(super) fn own(&self) -> bool {
        self.raw.in_ == 0 || u32::from(self.raw.flow.flags) & bindings::CAMZONE_FLOW_LOCAL != 0
    }

    /// Ends the packet's flow, if it has one.
    pub(super) fn kill(&self) {
        if let Some(ct) = NonNull::new(self.raw.ct) {
            // SAFETY: By the type invariant the packet holds the flow.
            unsafe { bindings::camzone_kill(ct.as_ptr()) };
        }
    }
}

/// An interface on a packet's way.
#[derive(Clone, Copy)]
pub(super) struct Interface {
    /// Its number, 0 if there is none.
    pub(super) ifindex: c_int,
    /// It is the loopback interface.
    pub(super) loopback: bool,
    /// It is a slave of a VRF.
    pub(super) slave: bool,
}
