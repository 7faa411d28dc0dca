// SPDX-License-Identifier: GPL-2.0

//! From a packet to its verdict: the policy crate decides by what it asks of the packet, and what
//! it decided is counted, logged and done.
//!
//! A packet that is accepted takes no lock and no reference, and allocates nothing: `rust/calls.txt`
//! has all that it may call. Most of IPv4 call C once, to be counted; those of IPv6 also to know
//! whether the source is the router's. There is a `judge` for each hook and family, in which both are constants.

use super::{
    conntrack::{
        self,
        Conn, //
    },
    counters::Slot,
    namespace::Namespace,
    packet::Packet,
    regime::Regime, //
};
use crate::bindings;
use camzone_policy::{
    address::{
        Address,
        Family, //
    },
    decide::{
        rule_on,
        Decision,
        Reason,
        Ruling,
        Verdict, //
    },
    facts::{
        self,
        Ends,
        Hook,
        Port,
        Seen, //
    },
    header::Header,
    policy::ZoneId,
};
use kernel::prelude::*;

/// A packet at a hook, under a regime.
///
/// # Invariants
///
/// The packet is at the hook `HOOK`, and of the family `FAMILY`.
struct Asked<'a, 'p, const HOOK: u32, const FAMILY: u32> {
    packet: &'a Packet<'p>,
    namespace: &'a Namespace,
    regime: &'a Regime,
}

impl<const HOOK: u32, const FAMILY: u32> facts::Packet for Asked<'_, '_, HOOK, FAMILY> {
    #[inline(always)]
    fn hook(&self) -> Hook {
        match HOOK {
            bindings::nf_inet_hooks_NF_INET_PRE_ROUTING => Hook::PreRouting,
            bindings::nf_inet_hooks_NF_INET_LOCAL_IN => Hook::LocalIn,
            bindings::nf_inet_hooks_NF_INET_FORWARD => Hook::Forward,
            // We hang on no other.
            _ => Hook::LocalOut,
        }
    }

    #[inline(always)]
    fn family(&self) -> Family {
        match FAMILY {
            bindings::NFPROTO_IPV4 => Family::V4,
            _ => Family::V6,
        }
    }

    #[inline(always)]
    fn ingress(&self) -> Port {
        self.regime.ports().port(self.packet.ingress())
    }

    #[inline(always)]
    fn egress(&self) -> Port {
        self.regime.ports().port(match self.hook() {
            Hook::LocalOut => self.packet.egress_of_route(),
            _ => self.packet.egress(),
        })
    }

    #[inline(always)]
    fn is_own(&self) -> bool {
        self.packet.has_socket() || self.has_own_source()
    }

    #[inline(always)]
    fn looped_back(&self) -> bool {
        self.packet.looped_back()
    }

    #[inline(always)]
    fn plain(&self) -> Option<u8> {
        self.packet.plain(self.hook(), self.family())
    }

    #[inline(always)]
    fn header(&self) -> Option<Header> {
        self.packet.header()
    }

    #[inline(always)]
    fn source(&self) -> Address {
        self.packet.source(self.family())
    }

    fn destination(&self) -> Address {
        self.packet.destination(self.family())
    }

    #[inline(always)]
    fn source_is_local(&self) -> bool {
        let may_be = match self.family() {
            Family::V4 => self.namespace.locals().may_have(self.packet.source_v4()),
            Family::V6 => true,
        };
        may_be && self.packet.source_is_local()
    }

    fn source_mac(&self) -> Option<[u8; 6]> {
        self.packet.source_mac()
    }

    #[inline(always)]
    fn home(&self, address: Address) -> Option<ZoneId> {
        if self.hook() != Hook::LocalIn || self.family() != address.family() {
            return None;
        }
        // SAFETY: By the type invariant the packet is there, and of that family.
        let home = unsafe { self.packet.home(address) };
        self.regime.ports().zone(home)
    }

    #[inline(always)]
    fn broadcast(&self) -> bool {
        // SAFETY: By the type invariant it is of that family.
        self.family() == Family::V4 && unsafe { self.packet.routed_as_broadcast() }
    }

    #[inline(always)]
    fn anycast(&self) -> bool {
        let routed = self.hook() == Hook::LocalIn && self.family() == Family::V6;
        // SAFETY: By the type invariant it is of that family.
        routed && unsafe { self.packet.routed_to_anycast() }
    }

    #[inline(always)]
    fn seen(&self) -> Seen {
        self.packet.seen()
    }

    #[inline(always)]
    fn reply(&self) -> bool {
        self.packet.reply()
    }

    #[inline(always)]
    fn ends(&self) -> Ends {
        let flow = self.packet.flow();
        flow.map_or(Ends::NONE, |flow| flow.ends(self.family()))
    }

    #[inline(always)]
    fn master(&self) -> Option<Ends> {
        Some(self.packet.flow()?.announcer()?.ends(self.family()))
    }

    #[inline(always)]
    fn confirmed(&self) -> bool {
        self.packet.flow().is_some_and(Conn::confirmed)
    }

    #[inline(always)]
    fn source_nat(&self) -> bool {
        self.packet.flow().is_some_and(Conn::source_nat)
    }
}

impl<const HOOK: u32, const FAMILY: u32> Asked<'_, '_, HOOK, FAMILY> {
    #[cold]
    #[inline(never)]
    fn has_own_source(&self) -> bool {
        let source = facts::Packet::source(self);
        source.is_unspecified() || conntrack::is_local(self.namespace.net(), source)
    }
}

/// The verdict on a packet, in netfilter's terms.
///
/// # Safety
///
/// The packet is at the hook `HOOK`, and of the family `FAMILY`.
#[inline(always)]
pub(super) unsafe fn judge<const HOOK: u32, const FAMILY: u32>(
    namespace: &Namespace,
    mut packet: Packet<'_>,
) -> c_uint {
    let regime = namespace.in_force(&packet);
    // INVARIANT: By this function's promise.
    let asked = Asked::<'_, '_, HOOK, FAMILY> {
        packet: &packet,
        namespace,
        regime,
    };
    let ruling = rule_on(&regime.guard(), &asked);
    if ruling == Ruling::GO_ON {
        return bindings::NF_ACCEPT;
    }
    if let Some(answer) = ruling.allowed_by() {
        return regime.counters().accept(answer, packet.len());
    }
    let verdict = settle(&asked, ruling);
    if ruling.verdict() == Verdict::Reject {
        packet.reject();
    }
    verdict
}

/// Sees to a packet that no rule allowed: counts it, and drops it unless it passes all the same.
#[inline(never)]
fn settle<const HOOK: u32, const FAMILY: u32>(
    asked: &Asked<'_, '_, HOOK, FAMILY>,
    ruling: Ruling,
) -> c_uint {
    let Asked { packet, regime, .. } = *asked;
    let decision = ruling.decision(&regime.guard());
    let Some(reason) = decision.reason else {
        return bindings::NF_DROP;
    };
    count(regime, &decision, reason, packet.len());
    if decision.verdict == Verdict::Accept {
        return bindings::NF_ACCEPT;
    }
    let (from, to) = match facts::Packet::hook(asked) {
        Hook::PreRouting | Hook::LocalIn => (facts::Packet::ingress(asked), Port::Unzoned),
        Hook::Forward => (facts::Packet::ingress(asked), facts::Packet::egress(asked)),
        Hook::LocalOut => (Port::Unzoned, facts::Packet::egress(asked)),
    };
    regime.log(packet, from.zone().or(to.zone()), reason);
    if reason == Reason::NatChanged {
        if let Some(flow) = packet.flow() {
            flow.kill();
        }
    }
    bindings::NF_DROP
}

/// Counts a packet: where its answer is, or for its reason, in its cell, and for the rule.
fn count(regime: &Regime, decision: &Decision, reason: Reason, bytes: u32) {
    let counters = regime.counters();
    if let (Reason::Denied, Some(answer)) = (reason, decision.answer) {
        counters.count(Slot::Answer(answer), None, None, bytes);
        return;
    }
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
    counters.count(Slot::Reason(reason), cell, rule, bytes);
}
