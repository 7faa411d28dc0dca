// SPDX-License-Identifier: GPL-2.0

//! The hooks: where camzone is asked on a packet's way.
//!
//! C header: [`include/linux/netfilter.h`](srctree/include/linux/netfilter.h)

use super::{
    judge::judge,
    namespace::Namespace,
    net::NetRef,
    packet::Packet,
    rcu, //
};
use crate::bindings;
use core::ptr::NonNull;
use kernel::{
    error::to_result,
    prelude::*, //
};

/// One function for each hook and family, in which both are constants: it is called there only.
const fn point<const HOOK: u32, const FAMILY: u32>() -> bindings::nf_hook_ops {
    bindings::nf_hook_ops {
        hook: Some(called::<HOOK, FAMILY>),
        pf: FAMILY as u8,
        hooknum: HOOK,
        priority: match HOOK {
            // Before fragments are put together: who may send is asked of every single one.
            PRE_ROUTING => bindings::nf_ip_hook_priorities_NF_IP_PRI_RAW_BEFORE_DEFRAG,
            _ => bindings::nf_ip_hook_priorities_NF_IP_PRI_FILTER,
        },
        ..pin_init::zeroed()
    }
}

const PRE_ROUTING: u32 = bindings::nf_inet_hooks_NF_INET_PRE_ROUTING;
const LOCAL_IN: u32 = bindings::nf_inet_hooks_NF_INET_LOCAL_IN;
const FORWARD: u32 = bindings::nf_inet_hooks_NF_INET_FORWARD;
const LOCAL_OUT: u32 = bindings::nf_inet_hooks_NF_INET_LOCAL_OUT;
const V4: u32 = bindings::NFPROTO_IPV4;
const V6: u32 = bindings::NFPROTO_IPV6;

/// Where packets are judged.
const POINTS: Operations = [
    point::<PRE_ROUTING, V4>(),
    point::<PRE_ROUTING, V6>(),
    point::<LOCAL_IN, V4>(),
    point::<LOCAL_IN, V6>(),
    point::<FORWARD, V4>(),
    point::<FORWARD, V6>(),
    point::<LOCAL_OUT, V4>(),
    point::<LOCAL_OUT, V6>(),
];

// Both families order their hooks alike.
const _: () = assert!(
    bindings::nf_ip_hook_priorities_NF_IP_PRI_RAW_BEFORE_DEFRAG
        == bindings::nf_ip6_hook_priorities_NF_IP6_PRI_RAW_BEFORE_DEFRAG
        && bindings::nf_ip_hook_priorities_NF_IP_PRI_FILTER
            == bindings::nf_ip6_hook_priorities_NF_IP6_PRI_FILTER
);

type Operations = [bindings::nf_hook_ops; 8];

/// The hooks of a namespace.
///
/// # Invariants
///
/// Netfilter calls [`called`] with the namespace's state, and reads `operations`; it does neither
/// any more a grace period after they were unregistered.
pub(super) struct Hooks {
    net: NetRef,
    operations: KBox<Operations>,
}

// SAFETY: The operations are used by netfilter only, under its own locks.
unsafe impl Send for Hooks {}

impl Hooks {
    /// Registers the hooks. May sleep.
    ///
    /// # Safety
    ///
    /// `namespace` stays where it is, and alive until the hooks are dropped.
    pub(super) unsafe fn register(namespace: &Namespace) -> Result<Self> {
        let mut operations: KBox<Operations> = KBox::new(POINTS, GFP_KERNEL)?;
        for operation in operations.iter_mut() {
            operation.priv_ = core::ptr::from_ref(namespace).cast_mut().cast();
        }
        let net = namespace.net();
        // SAFETY: The namespace is alive; the operations stay in their box, by the type
        // invariant until a grace period after they were unregistered.
        let registered = to_result(unsafe {
            bindings::nf_register_net_hooks(
                net.as_ptr(),
                operations.as_ptr(),
                operations.len() as c_uint,
            )
        });
        if let Err(error) = registered {
            // Some were registered for a moment, and are perhaps listed (nfnetlink_hook).
            rcu::synchronize();
            return Err(error);
        }
        // INVARIANT: They were registered just now, with the state that the caller keeps alive.
        Ok(Hooks { net, operations })
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        // SAFETY: By the type invariant they are registered.
        unsafe {
            bindings::nf_unregister_net_hooks(
                self.net.as_ptr(),
                self.operations.as_ptr(),
                self.operations.len() as c_uint,
            );
        }
        // For the packets that are in them.
        rcu::synchronize();
    }
}

/// # Safety
///
/// To be called by netfilter only, where [`point`] says, with the state that was registered.
unsafe extern "C" fn called<const HOOK: u32, const FAMILY: u32>(
    data: *mut c_void,
    skb: *mut bindings::sk_buff,
    state: *const bindings::nf_hook_state,
) -> c_uint {
    let Some(skb) = NonNull::new(skb) else {
        return bindings::NF_DROP;
    };
    // SAFETY: `data` is the state that was registered, which outlives the hooks by a grace
    // period, and netfilter calls under RCU.
    let namespace = unsafe { &*data.cast::<Namespace>() };
    // SAFETY: Netfilter's arguments are valid while this runs.
    let packet = unsafe { Packet::new(skb, &*state) };
    // SAFETY: By this function's promise.
    unsafe { judge::<HOOK, FAMILY>(namespace, packet) }
}
