// SPDX-License-Identifier: GPL-2.0

//! Masquerading, by the kernel's own translation, as long as a policy that wants it is in force.
//!
//! C headers: [`include/net/netfilter/nf_nat.h`](srctree/include/net/netfilter/nf_nat.h),
//! [`include/net/netfilter/nf_nat_masquerade.h`](srctree/include/net/netfilter/nf_nat_masquerade.h)

use super::{
    conntrack::{
        self,
        Found, //
    },
    namespace::Namespace,
    net::NetRef,
    packet::Packet,
    rcu::synchronize,
    regime::{
        Armed,
        Regime, //
    },
};
use crate::bindings;
use camzone_policy::{
    decide::{
        masquerades,
        serves, //
    },
    facts::Ends,
    policy::ZoneId, //
};
use core::{
    num::NonZero,
    ptr::NonNull, //
};
use kernel::{
    error::to_result,
    prelude::*, //
};

/// The translation of a namespace.
///
/// # Invariants
///
/// The kernel's translation calls [`called`] with the namespace's state, and reads `operation`; it
/// does neither any more a grace period after it was unregistered.
pub(super) struct Nat {
    net: NetRef,
    operation: KBox<bindings::nf_hook_ops>,
}

// SAFETY: The operation is used by netfilter only, under its own locks.
unsafe impl Send for Nat {}

impl Nat {
    /// Registers the translation. May sleep.
    ///
    /// # Safety
    ///
    /// `namespace` stays where it is, and alive until this is dropped.
    pub(super) unsafe fn register(namespace: &Namespace) -> Result<Self> {
        let mut operation: KBox<bindings::nf_hook_ops> = KBox::new(pin_init::zeroed(), GFP_KERNEL)?;
        operation.hook = Some(called);
        operation.priv_ = core::ptr::from_ref(namespace).cast_mut().cast();
        operation.pf = bindings::NFPROTO_INET as u8;
        operation.hooknum = bindings::nf_inet_hooks_NF_INET_POST_ROUTING;
        operation.priority = bindings::nf_ip_hook_priorities_NF_IP_PRI_NAT_SRC;
        let net = namespace.net();
        // SAFETY: The namespace is alive; the operation stays in its box, by the type invariant
        // until a grace period after it was unregistered.
        let registered = unsafe { bindings::nf_nat_inet_register_fn(net.as_ptr(), &*operation) };
        if let Err(error) = to_result(registered) {
            // It was registered for one family, and is perhaps listed (nfnetlink_hook).
            synchronize();
            return Err(error);
        }
        // INVARIANT: It was registered just now, with the state that the caller keeps alive.
        Ok(Nat { net, operation })
    }
}

impl Drop for Nat {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is registered.
        unsafe { bindings::nf_nat_inet_unregister_fn(self.net.as_ptr(), &*self.operation) };
        // For the packets that are in it.
        synchronize();
    }
}

/// Whether `regime` wants the source of a flow translated that leaves to the zone `to`.
fn wants(regime: &Regime, ends: &Ends, to: Option<ZoneId>) -> bool {
    match (regime.in_arms(), to) {
        (Some(armed), Some(to)) => masquerades(&armed.compiled, ends, to),
        _ => false,
    }
}

/// Whether a rule of `regime` lets the zone `from` send this to the router.
fn served(regime: &Regime, ends: &Ends, from: Option<ZoneId>) -> bool {
    match (regime.in_arms(), from) {
        (Some(armed), Some(from)) => serves(&armed.compiled, ends, from),
        _ => false,
    }
}

/// What [`wants`] says of a flow that was found. The interface that it left through may have another name by
/// now, or be gone; the zone of the address that it was opened to is what counts.
fn wants_found(regime: &Regime, found: &Found) -> bool {
    let armed = regime.in_arms();
    let to = armed.and_then(|armed| armed.compiled.zone_of(found.ends.responder));
    wants(regime, &found.ends, to)
}

/// Whether the answers to a flow go to a port that is the router's under `new`, and was not before.
fn is_served_now(old: &Regime, new: Option<&Regime>, found: &Found) -> bool {
    let Some(ends) = &found.answers else {
        return false;
    };
    let served = |regime: &Regime| {
        let armed = regime.in_arms();
        let from = armed.and_then(|armed| armed.compiled.zone_of(ends.initiator));
        served(regime, ends, from)
    };
    new.is_some_and(served) && !served(old)
}

/// Ends the flows that `old` had masqueraded and `new`, if there is one, would not, and those that a
/// helper expected where their master's translation changes, either way; and those with a port that a rule gives to
/// the router now. The kernel asks for a
/// translation only once in a flow's life. What other tables masquerade is theirs.
///
/// May sleep.
pub(super) fn end_flows(net: NetRef, old: &Regime, new: Option<&Regime>) {
    let digest = |regime: &Regime| regime.in_arms().map(|armed| armed.digest);
    let masquerades = |armed: &Armed| armed.compiled.policy.masquerades();
    let mut both = [Some(old), new].into_iter().flatten();
    let one_does = both.any(|regime| regime.in_arms().is_some_and(masquerades));
    if !one_does || digest(old) == new.and_then(digest) {
        return;
    }
    conntrack::kill_flows(net, |found| {
        let was = wants_found(old, found);
        let is = new.is_some_and(|new| wants_found(new, found));
        let ours = found.masqueraded && !found.own;
        // (A helper translates those that it expects, which the kernel does not note as masqueraded.)
        match found.expected {
            true => was != is,
            false => ours && ((was && !is) || (is && is_served_now(old, new, found))),
        }
    });
}

/// Called for the first packet of a flow.
///
/// # Safety
///
/// To be called by the kernel's translation only, with the state that was registered.
unsafe extern "C" fn called(
    data: *mut c_void,
    skb: *mut bindings::sk_buff,
    state: *const bindings::nf_hook_state,
) -> c_uint {
    let Some(skb) = NonNull::new(skb) else {
        return bindings::NF_DROP;
    };
    // SAFETY: `data` is the state that was registered, which outlives this by a grace period, and
    // netfilter calls under RCU.
    let namespace = unsafe { &*data.cast::<Namespace>() };
    // SAFETY: Netfilter's arguments are valid while this runs.
    let mut packet = unsafe { Packet::new(skb, &*state) };
    let Some(port) = translation(namespace, &packet) else {
        return bindings::NF_ACCEPT;
    };
    let verdict = packet.masquerade(port.specified());
    // Perhaps somebody had the port, and the kernel took another; the sender tries again.
    if port != Port::Any && is_served(namespace, &packet) {
        return bindings::NF_DROP;
    }
    verdict
}

/// Which port the answers to a masqueraded flow go to.
#[derive(PartialEq, Eq)]
enum Port {
    /// The flow's own.
    Kept,
    /// Another.
    Given(NonZero<u16>),
    /// Whatever it is: none is left that is not the router's.
    Any,
}

impl Port {
    fn specified(&self) -> Option<NonZero<u16>> {
        match self {
            Port::Given(port) => Some(*port),
            Port::Kept | Port::Any => None,
        }
    }
}

/// How often a port is looked for.
const TRIES: usize = 16;
/// The first one that is no system's (RFC 6335, 6).
const FIRST_USER_PORT: u16 = 1024;

/// Whether, and how, the source of the packet's flow is to be translated. What a rule lets somebody send to
/// the router is the router's: a camera may not have such a port, and get that in the router's place.
/// (Where a port is kept, nothing but the time that the table remembers a flow keeps them apart:
/// CVE-2021-3773.)
fn translation(namespace: &Namespace, packet: &Packet<'_>) -> Option<Port> {
    let conn = packet.flow().filter(|_| packet.came_in())?;
    let (family, regime) = (packet.family(), namespace.in_force(packet));
    let to = regime.ports().port(packet.egress()).zone();
    // The router's own packets came in nowhere, or an address of it opened their flow.
    if conntrack::is_local(namespace.net(), conn.ends(family).initiator)
        || !wants(regime, &conn.permitted_by(family), to)
    {
        return None;
    }
    let (Some(answers), Some(address)) = (conn.answers(family), packet.masquerade_address()) else {
        return Some(Port::Kept);
    };
    let ends = Ends {
        responder: address,
        ..answers
    };
    if !served(regime, &ends, to) {
        return Some(Port::Kept);
    }
    let free = (0..TRIES).find_map(|_| {
        // SAFETY: May be called anywhere.
        let drawn = unsafe { bindings::get_random_u16() };
        let port = FIRST_USER_PORT.wrapping_add(drawn % (u16::MAX - FIRST_USER_PORT + 1));
        let taken = served(regime, &Ends { port, ..ends }, to);
        NonZero::new(port).filter(|_| !taken)
    });
    Some(free.map_or(Port::Any, Port::Given))
}

/// Whether a rule lets what answers the packet's flow be said to the router.
fn is_served(namespace: &Namespace, packet: &Packet<'_>) -> bool {
    let regime = namespace.in_force(packet);
    let to = regime.ports().port(packet.egress()).zone();
    let ends = packet.flow().and_then(|conn| conn.answers(packet.family()));
    ends.is_some_and(|ends| served(regime, &ends, to))
}

/// The kernel forgets masqueraded flows whose address or interface is gone.
///
/// # Invariants
///
/// `nf_nat_masquerade_inet_register_notifiers` succeeded.
pub(crate) struct MasqueradeNotifiers(());

impl MasqueradeNotifiers {
    /// Registers them, for every namespace.
    pub(crate) fn register() -> Result<Self> {
        // SAFETY: May be called where sleeping is allowed.
        to_result(unsafe { bindings::nf_nat_masquerade_inet_register_notifiers() })?;
        // INVARIANT: It succeeded.
        Ok(MasqueradeNotifiers(()))
    }
}

impl Drop for MasqueradeNotifiers {
    fn drop(&mut self) {
        // SAFETY: By the type invariant this is the other half of the registration.
        unsafe { bindings::nf_nat_masquerade_inet_unregister_notifiers() };
    }
}
