// SPDX-License-Identifier: GPL-2.0

//! What guards a namespace at one moment: a state, with everything that a packet needs of it.
//!
//! Each hook judges a packet by one regime, from its first to its last look. Between two hooks another
//! may come into force; the later hook asks again where a flow's ends are and what they may, so that
//! what passes is allowed by the one that the later hook saw.

use super::{
    conntrack::{
        self,
        Found, //
    },
    counters::{
        Counters,
        Slot,
        Sum, //
    },
    log::{
        self,
        Limits, //
    },
    net::NetRef,
    packet::Packet,
    ports::Ports, //
};
use crate::memory::{
    Kernel,
    KernelList, //
};
use camzone_policy::{
    address::Address,
    decide::{
        allows,
        Guard,
        Reason, //
    },
    facts::Ends,
    policy::{
        Action,
        ZoneId, //
    },
    tables::{
        AnswerId,
        Compiled, //
    },
};
use core::pin::Pin;
use kernel::prelude::*;

/// A policy in force.
pub(crate) struct Armed {
    pub(super) compiled: KBox<Compiled<Kernel>>,
    pub(super) digest: [u8; 32],
    pub(super) rule_ids: KernelList<u64>,
}

impl Armed {
    /// The policy and its tables.
    pub(crate) fn compiled(&self) -> &Compiled<Kernel> {
        &self.compiled
    }

    /// The digest of its canonical form.
    pub(crate) fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The ids of its rules, in their order.
    pub(crate) fn rule_ids(&self) -> &[u64] {
        &self.rule_ids
    }

    /// Whether a flow that began while nothing was guarded may live on, to be judged like any
    /// other: it touches no zone of cameras, and where nobody knows who opened it, the policy
    /// allows it both ways.
    pub(super) fn adopts(&self, net: NetRef, found: &Found) -> bool {
        let of_cameras = |address: &Address| {
            let zone = self.compiled.zone_of(*address);
            let zone = zone.and_then(|zone| self.compiled.policy.zone(zone));
            zone.is_some_and(|zone| zone.has_cameras)
        };
        let is_router = |address| conntrack::is_local(net, address);
        let allowed = |ends: &Ends| allows(&self.compiled, ends, is_router);
        let either_way = |reversed: &Ends| allowed(&found.ends) && allowed(reversed);
        let unsure = found.reversed.as_ref().filter(|_| found.unsure);
        !found.addresses.iter().any(of_cameras) && unsure.is_none_or(either_way)
    }
}

/// The three states of a namespace.
#[allow(
    clippy::large_enum_variant,
    reason = "a regime is boxed, and armed most of the time"
)]
#[repr(u8)] // A word that is compared, and not one of the policy's that has values to spare.
enum Kind {
    Idle,
    Sealed,
    Armed(Armed),
}

/// What guards a namespace at one moment.
#[pin_data]
pub(crate) struct Regime {
    kind: Kind,
    generation: u32,
    counters: Counters,
    limits: Limits,
    #[pin]
    ports: Ports,
}

impl Regime {
    fn new(
        kind: Kind,
        generation: u32,
        counters: Counters,
        limits: Limits,
    ) -> Result<Pin<KBox<Self>>> {
        let policy = match &kind {
            Kind::Armed(armed) => Some(&armed.compiled.policy),
            Kind::Idle | Kind::Sealed => None,
        };
        let ports = Ports::new(policy)?;
        KBox::pin_init(
            try_pin_init!(Regime {
                kind,
                generation,
                counters,
                limits,
                ports <- ports,
            }? Error),
            GFP_KERNEL,
        )
    }

    /// Nothing is guarded, nothing counted.
    pub(super) fn idle() -> Result<Pin<KBox<Self>>> {
        Self::new(Kind::Idle, 0, Counters::none(), Limits::new(0)?)
    }

    /// Only loopback passes.
    pub(super) fn sealed(generation: u32) -> Result<Pin<KBox<Self>>> {
        let counters = Counters::new(0, 0, 0)?;
        Self::new(Kind::Sealed, generation, counters, Limits::new(1)?)
    }

    /// A policy is in force.
    #[inline(never)] // As large as `Namespace::commit`.
    pub(super) fn armed(generation: u32, armed: Armed) -> Result<Pin<KBox<Self>>> {
        let policy = &armed.compiled.policy;
        let answers = armed.compiled.answers().len();
        let counters = Counters::new(answers, armed.compiled.cells(), policy.rules.len())?;
        // The subjects of log lines: the unknown, zones, cameras.
        let subjects = policy.zones.len().saturating_add(policy.cameras.len());
        let limits = Limits::new(subjects.saturating_add(1))?;
        Self::new(Kind::Armed(armed), generation, counters, limits)
    }

    /// As `decide` wants it.
    #[inline]
    pub(super) fn guard(&self) -> Guard<'_, Kernel> {
        match &self.kind {
            Kind::Idle => Guard::Idle,
            Kind::Sealed => Guard::Sealed,
            Kind::Armed(armed) => Guard::Armed(&armed.compiled),
        }
    }

    /// The policy in force, if there is one.
    #[inline]
    pub(crate) fn in_arms(&self) -> Option<&Armed> {
        match &self.kind {
            Kind::Armed(armed) => Some(armed),
            Kind::Idle | Kind::Sealed => None,
        }
    }

    /// Nothing is guarded.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.kind, Kind::Idle)
    }

    /// The number of the policy; grows whenever something else comes into force.
    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// What was counted since this came into force.
    #[inline]
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What was counted for a slot, with all that was counted where its answers are.
    pub(crate) fn sum(&self, slot: Slot) -> Sum {
        let sum = self.counters.sum(slot);
        let Some(armed) = self.in_arms() else {
            return sum;
        };
        let compiled = &armed.compiled;
        let of = |allow: bool| {
            move |id: &AnswerId| {
                let action = compiled.answer(*id).map(|answer| answer.action);
                matches!(action, Some(Action::Allow { .. })) == allow
            }
        };
        let all = || (0..compiled.answers().len()).filter_map(|id| AnswerId::try_from(id).ok());
        match slot {
            Slot::Reason(Reason::Allowed) => self.add(sum, all().filter(of(true))),
            Slot::Reason(Reason::Denied) => self.add(sum, all().filter(of(false))),
            Slot::CellAccepted(cell) => {
                self.add(sum, compiled.answers_of_cell(cell).filter(of(true)))
            }
            Slot::CellDropped(cell) => {
                self.add(sum, compiled.answers_of_cell(cell).filter(of(false)))
            }
            Slot::Rule(rule) => self.add(sum, compiled.answers_of_rule(rule)),
            Slot::Reason(_) | Slot::Answer(_) => sum,
        }
    }

    fn add(&self, sum: Sum, answers: impl Iterator<Item = AnswerId>) -> Sum {
        answers.fold(sum, |sum, id| sum.plus(self.counters.sum(Slot::Answer(id))))
    }

    /// The zones of the interfaces.
    #[inline]
    pub(super) fn ports(&self) -> &Ports {
        &self.ports
    }

    /// Logs a packet that was stopped, if there were not too many like it.
    pub(super) fn log(&self, packet: &Packet<'_>, zone: Option<ZoneId>, reason: Reason) {
        let (subject, camera) = self.subject(packet, zone);
        if let Some(suppressed) = self.limits.pass(subject, reason) {
            let camera = self
                .in_arms()
                .zip(camera)
                .and_then(|(armed, camera)| armed.compiled.policy.camera(camera));
            log::line(
                packet,
                reason,
                camera.map(|camera| &camera.name),
                suppressed,
            );
        }
    }

    /// Whom a packet is about: the camera that sent it, or that it is for; else the zone that it
    /// came from or goes to, which is this; else nobody that is known (0).
    fn subject(&self, packet: &Packet<'_>, zone: Option<ZoneId>) -> (usize, Option<u32>) {
        let Some(armed) = self.in_arms() else {
            return (0, None);
        };
        let compiled = &armed.compiled;
        let zones = compiled.policy.zones.len();
        let (source, destination) = packet.addresses();
        let sender = compiled.camera_of(source);
        let camera = sender.or_else(|| compiled.camera_of(destination));
        if let Some(camera) = camera {
            let place = zones.saturating_add(1).saturating_add(camera as usize);
            return (place, Some(camera));
        }
        let place = |zone: ZoneId| usize::from(zone).saturating_add(1);
        (zone.map_or(0, place), None)
    }
}
