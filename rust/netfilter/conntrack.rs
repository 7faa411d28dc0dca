// SPDX-License-Identifier: GPL-2.0

//! What connection tracking knows, in the policy's terms; and having it on in a namespace.
//!
//! C header: [`include/net/netfilter/nf_conntrack.h`](srctree/include/net/netfilter/nf_conntrack.h)

use super::net::NetRef;
use crate::bindings;
use camzone_policy::{
    address::Address,
    facts::{
        Ends,
        Flow,
        State,
        Track, //
    },
};
use core::ffi::c_int;
use kernel::{
    error::to_result,
    prelude::*, //
};

/// What connection tracking says of a packet that was looked at.
#[inline]
pub(super) fn track(view: &bindings::camzone_view) -> Track {
    match u32::from(view.track) {
        bindings::camzone_track_CAMZONE_TRACK_FLOW => match state(view.ctinfo.into()) {
            Some((state, reply)) => Track::Flow(flow(&view.flow, state, reply)),
            None => Track::Invalid,
        },
        bindings::camzone_track_CAMZONE_TRACK_UNTRACKED => Track::Untracked,
        _ => Track::Invalid,
    }
}

/// The state and whether it is the reply direction (`enum ip_conntrack_info`).
#[inline]
fn state(ctinfo: u32) -> Option<(State, bool)> {
    Some(match ctinfo {
        bindings::ip_conntrack_info_IP_CT_NEW => (State::New, false),
        bindings::ip_conntrack_info_IP_CT_ESTABLISHED => (State::Established, false),
        bindings::ip_conntrack_info_IP_CT_ESTABLISHED_REPLY => (State::Established, true),
        bindings::ip_conntrack_info_IP_CT_RELATED => (State::Related, false),
        bindings::ip_conntrack_info_IP_CT_RELATED_REPLY => (State::Related, true),
        _ => return None,
    })
}

#[inline]
fn flow(raw: &bindings::camzone_flow, state: State, reply: bool) -> Flow {
    let has = |flag: u32| u32::from(raw.flags) & flag != 0;
    Flow {
        state,
        reply,
        confirmed: has(bindings::CAMZONE_FLOW_CONFIRMED),
        source_nat: has(bindings::CAMZONE_FLOW_SOURCE_NAT),
        ends: ends(&raw.ends),
        master: has(bindings::CAMZONE_FLOW_MASTER).then(|| ends(&raw.master)),
    }
}

#[inline]
fn ends(raw: &bindings::camzone_ends) -> Ends {
    Ends {
        initiator: address(raw.family, &raw.initiator),
        responder: address(raw.family, &raw.responder),
        protocol: raw.protocol,
        port: raw.port,
    }
}

#[inline]
fn address(family: u8, bytes: &[u8; 16]) -> Address {
    let [a, b, c, d, ..] = *bytes;
    if u32::from(family) == bindings::NFPROTO_IPV4 {
        Address::v4([a, b, c, d])
    } else {
        Address::v6(*bytes)
    }
}

/// A flow that a walk over the table found.
pub(super) struct Found {
    /// The flow; of its state nothing is known.
    pub(super) flow: Flow,
    /// Whom its packets are from and to, in both directions, before and after translation.
    pub(super) addresses: [Address; 4],
    /// It is masqueraded, by whomever.
    pub(super) masqueraded: bool,
    /// It is masqueraded, and an address of the router opened it.
    pub(super) own: bool,
}

/// Ends every flow in the namespace that `wanted` says. It must not sleep.
pub(super) fn kill_flows<F: Fn(&Found) -> bool>(net: NetRef, wanted: F) {
    let data: *const F = &wanted;
    // SAFETY: The namespace is alive as long as there is a `NetRef`; `visit::<F>` gets the `F`
    // that it expects, and only while this call lasts.
    unsafe {
        bindings::camzone_flows_kill(net.as_ptr(), Some(visit::<F>), data.cast_mut().cast());
    }
}

/// # Safety
///
/// `ct` is a flow of the table, and `data` a valid `F`.
unsafe extern "C" fn visit<F: Fn(&Found) -> bool>(
    ct: *mut bindings::nf_conn,
    data: *mut c_void,
) -> c_int {
    let mut raw: bindings::camzone_found = pin_init::zeroed();
    // SAFETY: By this function's promise `ct` is a flow.
    unsafe { bindings::camzone_found_of(ct, &mut raw) };
    // SAFETY: By this function's promise `data` is an `F`.
    let wanted = unsafe { &*data.cast::<F>() };
    let flow = flow(&raw.flow, State::Established, false);
    let family = raw.flow.ends.family;
    let found = Found {
        addresses: [
            flow.ends.initiator,
            flow.ends.responder,
            address(family, &raw.to),
            address(family, &raw.back),
        ],
        masqueraded: raw.masquerade != 0 && flow.source_nat,
        own: u32::from(raw.flow.flags) & bindings::CAMZONE_FLOW_LOCAL != 0,
        flow,
    };
    wanted(&found).into()
}

/// Connection tracking is on in a namespace.
///
/// # Invariants
///
/// `nf_ct_netns_get` succeeded for the namespace.
pub(super) struct Tracking(NetRef);

impl Tracking {
    /// Turns it on, for both families. May sleep.
    pub(super) fn start(net: NetRef) -> Result<Self> {
        // SAFETY: The namespace is alive as long as there is a `NetRef`.
        to_result(unsafe {
            bindings::nf_ct_netns_get(net.as_ptr(), bindings::NFPROTO_INET as u8)
        })?;
        // INVARIANT: It succeeded.
        Ok(Tracking(net))
    }
}

impl Drop for Tracking {
    fn drop(&mut self) {
        // SAFETY: By the type invariant this is the other half of a `nf_ct_netns_get`.
        unsafe { bindings::nf_ct_netns_put(self.0.as_ptr(), bindings::NFPROTO_INET as u8) };
    }
}
