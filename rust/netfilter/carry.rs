// SPDX-License-Identifier: GPL-2.0

//! Counters outlive a change of policy: a reason always, a cell where both zones keep their names,
//! a rule where it says the same.
//!
//! The old counters are final only after a grace period, when the new policy is in force long
//! since; so what goes where is found out, and memory for it found, before.

use super::{
    counters::{
        Counters,
        Slot, //
    },
    regime::{
        Armed,
        Regime, //
    },
};
use crate::memory::{
    enomem,
    KernelList, //
};
use camzone_policy::{
    decide::{
        Cell,
        Reason, //
    },
    memory::{
        search,
        sort,
        List, //
    },
    policy::{
        RuleId,
        ZoneId, //
    },
};
use kernel::prelude::*;

/// Where the counters of one policy go on in another.
pub(super) struct Carry {
    // The new place of each of the old zones, which it has by name.
    zones: KernelList<Option<ZoneId>>,
    // The new place of each of the old rules, which it has by id.
    rules: KernelList<Option<RuleId>>,
}

impl Carry {
    /// Finds out what goes where.
    pub(super) fn plan(old: &Regime, new: &Regime) -> Result<Self> {
        let mut carry = Carry {
            zones: List::new(),
            rules: List::new(),
        };
        if let (Some(old), Some(new)) = (old.in_arms(), new.in_arms()) {
            carry.plan_zones(old, new)?;
            carry.plan_rules(old, new)?;
        }
        Ok(carry)
    }

    fn plan_zones(&mut self, old: &Armed, new: &Armed) -> Result {
        let zones = &new.compiled.policy.zones;
        for zone in old.compiled.policy.zones.iter() {
            // A policy's zones are in the order of their names.
            let place = search(zones, |other| other.name.cmp(&zone.name));
            let place = place.and_then(|place| ZoneId::try_from(place).ok());
            self.zones.push(place).map_err(enomem)?;
        }
        Ok(())
    }

    fn plan_rules(&mut self, old: &Armed, new: &Armed) -> Result {
        let mut ids: KernelList<(u64, RuleId)> = List::new();
        for (place, id) in new.rule_ids.iter().enumerate() {
            let place = RuleId::try_from(place).map_err(|_| EINVAL)?;
            ids.push((*id, place)).map_err(enomem)?;
        }
        sort(&mut ids, |a, b| a < b);
        for id in old.rule_ids.iter() {
            let found = search(&ids, |(other, _)| other.cmp(id));
            let place = found
                .and_then(|found| ids.get(found))
                .map(|(_, place)| *place);
            self.rules.push(place).map_err(enomem)?;
        }
        Ok(())
    }

    /// The old end of a cell, if it exists in the new policy; the router always does.
    fn end(&self, end: Option<ZoneId>) -> Option<Option<ZoneId>> {
        match end {
            None => Some(None),
            Some(zone) => Some(Some((*self.zones.get(usize::from(zone))?)?)),
        }
    }

    /// Carries the counters over; `old` counts no more.
    pub(super) fn run(&self, old: &Regime, new: &Regime) {
        let (from, to) = (old, new.counters());
        for reason in Reason::ALL {
            copy(from, Slot::Reason(*reason), to, Slot::Reason(*reason));
        }
        let (Some(old), Some(new)) = (old.in_arms(), new.in_arms()) else {
            return;
        };
        for place in 0..old.compiled.cells() {
            let Cell { from: a, to: b } = old.compiled.cell_at(place);
            let (Some(a), Some(b)) = (self.end(a), self.end(b)) else {
                continue;
            };
            let other = new.compiled.cell_index(Cell { from: a, to: b });
            copy(
                from,
                Slot::CellAccepted(place),
                to,
                Slot::CellAccepted(other),
            );
            copy(from, Slot::CellDropped(place), to, Slot::CellDropped(other));
        }
        for (place, other) in self.rules.iter().enumerate() {
            if let (Ok(place), Some(other)) = (RuleId::try_from(place), *other) {
                copy(from, Slot::Rule(place), to, Slot::Rule(other));
            }
        }
    }
}

fn copy(from: &Regime, old: Slot, to: &Counters, new: Slot) {
    to.carry(new, from.sum(old));
}
