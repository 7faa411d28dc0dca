// SPDX-License-Identifier: GPL-2.0

//! From a packet to its verdict: the facts are put together, the policy crate decides, and what
//! it decided is counted, logged and done.
//!
//! A packet that is accepted takes no lock and no reference, allocates nothing and calls C twice.

use super::{
    counters::Slot,
    namespace::Namespace,
    packet::{
        Packet,
        View,
        Window, //
    },
    regime::Regime, //
};
use crate::bindings;
use camzone_policy::{
    decide::{
        decide,
        Decision,
        Reason,
        Verdict, //
    },
    facts::{
        Facts,
        Hook,
        Port,
        Track, //
    },
};
use kernel::prelude::*;

/// The verdict on a packet, in netfilter's terms.
#[inline]
pub(super) fn judge(namespace: &Namespace, mut packet: Packet<'_>) -> c_uint {
    let hook = match packet.hook() {
        bindings::nf_inet_hooks_NF_INET_PRE_ROUTING => Hook::PreRouting,
        bindings::nf_inet_hooks_NF_INET_LOCAL_IN => Hook::LocalIn,
        bindings::nf_inet_hooks_NF_INET_FORWARD => Hook::Forward,
        bindings::nf_inet_hooks_NF_INET_LOCAL_OUT => Hook::LocalOut,
        // We hang on no other.
        _ => return bindings::NF_DROP,
    };
    let decision = {
        let regime = namespace.in_force(&packet);
        let mut window = Window::new();
        let view = packet.look(&mut window);
        let facts = facts(regime, &view, hook);
        let decision = decide(&regime.guard(), &facts);
        let Some(reason) = decision.reason else {
            return bindings::NF_ACCEPT;
        };
        count(regime, &decision, reason, view.len());
        if decision.verdict == Verdict::Accept {
            return bindings::NF_ACCEPT;
        }
        stopped(regime, &packet, &view, &facts, reason);
        decision
    };
    if decision.verdict == Verdict::Reject {
        packet.reject();
    }
    bindings::NF_DROP
}

/// What is known of a packet.
#[inline]
fn facts(regime: &Regime, view: &View<'_>, hook: Hook) -> Facts {
    let ports = regime.ports();
    let tracked = hook != Hook::PreRouting;
    Facts {
        hook,
        ingress: match hook {
            Hook::LocalOut => Port::Unzoned,
            _ => ports.port(view.ingress()),
        },
        egress: match hook {
            Hook::PreRouting | Hook::LocalIn => Port::Unzoned,
            Hook::Forward | Hook::LocalOut => ports.port(view.egress()),
        },
        looped_back: view.looped_back(),
        header: view.header(),
        source_is_local: view.source_is_local(),
        source_mac: view.source_mac(),
        home: match hook {
            Hook::LocalIn => ports.zone(view.home()),
            _ => None,
        },
        broadcast: view.broadcast(),
        track: match tracked {
            true => view.track(),
            false => Track::Untracked,
        },
    }
}

/// Counts a packet: for its reason, in its cell, and for the rule.
#[inline]
fn count(regime: &Regime, decision: &Decision, reason: Reason, bytes: u32) {
    let cell = match (decision.cell, regime.in_arms()) {
        (Some(cell), Some(armed)) => {
            let place = armed.compiled.cell_index(cell);
            Some(match decision.verdict {
                Verdict::Accept => Slot::CellAccepted(place),
                Verdict::Drop | Verdict::Reject => Slot::CellDropped(place),
            })
        }
        _ => None,
    };
    let rule = decision.rule.map(Slot::Rule);
    regime
        .counters()
        .count(Slot::Reason(reason), cell, rule, bytes);
}

/// What else becomes of a packet that does not pass.
#[cold]
#[inline(never)]
fn stopped(regime: &Regime, packet: &Packet<'_>, view: &View<'_>, facts: &Facts, reason: Reason) {
    regime.log(packet, facts, reason);
    if reason == Reason::NatChanged {
        view.kill();
    }
}
