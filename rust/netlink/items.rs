// SPDX-License-Identifier: GPL-2.0

//! The items of the two dumps: the policy in force, and the counters.

use super::dump::{
    Dump,
    Item, //
};
use crate::netfilter::namespace::{
    Armed,
    Slot,
    Snapshot, //
};
use camzone_policy::{
    attribute::{
        kind,
        WriteError,
        Writer, //
    },
    decide::{
        Cell,
        Reason, //
    },
    dump,
    memory::List,
    policy::{
        RuleId,
        ZoneId, //
    },
    uapi,
};

/// Every message has the generation, and the first one the digest too.
fn stamp<L: List<u8>>(
    snapshot: &Snapshot<'_>,
    index: usize,
    w: &mut Writer<'_, L>,
) -> Result<(), WriteError> {
    w.u32(kind(uapi::CAMZONE_A_GENERATION), snapshot.generation())?;
    match snapshot.armed() {
        Some(armed) if index == 0 => w.bytes(kind(uapi::CAMZONE_A_DIGEST), armed.digest()),
        _ => Ok(()),
    }
}

/// `policy-get`: the policy in force in canonical form; nothing when there is none.
pub(super) struct PolicyGet;

impl Dump for PolicyGet {
    const COMMAND: u8 = uapi::CAMZONE_CMD_POLICY_GET as u8;

    fn write<L: List<u8>>(
        snapshot: &Snapshot<'_>,
        index: usize,
        list: &mut L,
    ) -> Result<Item, WriteError> {
        let Some(armed) = snapshot.armed() else {
            return Ok(Item::End);
        };
        let policy = &armed.compiled().policy;
        let Some(item) = dump::item(policy, index) else {
            return Ok(Item::End);
        };
        stamp(snapshot, index, &mut Writer(list))?;
        let id = match item {
            dump::Item::Rule(rule) => rule_id(armed, rule),
            _ => None,
        };
        dump::write(policy, item, id, list)?;
        Ok(Item::Written)
    }
}

/// `counters-get`: reasons first, then cells, then rules.
///
/// A cell that no packet asked for has no message.
pub(super) struct CountersGet;

/// Whose counter is in a place of the dump.
enum Counted {
    Reason(Reason),
    Cell(usize),
    Rule(RuleId),
}

/// What the counter in place `index` counts; `None` behind the last.
fn counted(snapshot: &Snapshot<'_>, index: usize) -> Option<Counted> {
    if let Some(reason) = Reason::ALL.get(index) {
        return Some(Counted::Reason(*reason));
    }
    let index = index.checked_sub(Reason::COUNT)?;
    let compiled = snapshot.armed()?.compiled();
    let Some(index) = index.checked_sub(compiled.cells()) else {
        return Some(Counted::Cell(index));
    };
    if index < compiled.policy.rules.len() {
        return Some(Counted::Rule(RuleId::try_from(index).ok()?));
    }
    None
}

impl Dump for CountersGet {
    const COMMAND: u8 = uapi::CAMZONE_CMD_COUNTERS_GET as u8;

    fn write<L: List<u8>>(
        snapshot: &Snapshot<'_>,
        index: usize,
        list: &mut L,
    ) -> Result<Item, WriteError> {
        let Some(counted) = counted(snapshot, index) else {
            return Ok(Item::End);
        };
        let mut writer = Writer(list);
        match counted {
            Counted::Reason(reason) => {
                stamp(snapshot, index, &mut writer)?;
                let sums = snapshot.counter(Slot::Reason(reason));
                write_counter(&mut writer, sums, None, |w| {
                    w.u32(kind(uapi::CAMZONE_A_COUNTER_REASON), reason.number())
                })?;
            }
            Counted::Cell(place) => {
                let Some(armed) = snapshot.armed() else {
                    return Ok(Item::End);
                };
                let accepted = snapshot.counter(Slot::CellAccepted(place));
                let (dropped, _) = snapshot.counter(Slot::CellDropped(place));
                if accepted.0 == 0 && dropped == 0 {
                    return Ok(Item::Nothing);
                }
                stamp(snapshot, index, &mut writer)?;
                let Cell { from, to } = armed.compiled().cell_at(place);
                write_counter(&mut writer, accepted, Some(dropped), |w| {
                    w.string(kind(uapi::CAMZONE_A_COUNTER_FROM), end_name(armed, from))?;
                    w.string(kind(uapi::CAMZONE_A_COUNTER_TO), end_name(armed, to))
                })?;
            }
            Counted::Rule(rule) => {
                let Some(id) = snapshot.armed().and_then(|armed| rule_id(armed, rule)) else {
                    return Ok(Item::Nothing);
                };
                stamp(snapshot, index, &mut writer)?;
                let sums = snapshot.counter(Slot::Rule(rule));
                write_counter(&mut writer, sums, None, |w| {
                    w.u64(kind(uapi::CAMZONE_A_COUNTER_RULE), id)
                })?;
            }
        }
        Ok(Item::Written)
    }
}

/// Writes a counter, whose owner `of` names.
fn write_counter<L: List<u8>>(
    w: &mut Writer<'_, L>,
    (packets, bytes): (u64, u64),
    dropped: Option<u64>,
    of: impl FnOnce(&mut Writer<'_, L>) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    w.nest(kind(uapi::CAMZONE_A_COUNTER), |w| {
        of(w)?;
        w.uint(kind(uapi::CAMZONE_A_COUNTER_PACKETS), packets)?;
        w.uint(kind(uapi::CAMZONE_A_COUNTER_BYTES), bytes)?;
        match dropped {
            Some(dropped) => w.uint(kind(uapi::CAMZONE_A_COUNTER_DROPPED), dropped),
            None => Ok(()),
        }
    })
}

/// The id of the rule in this place.
fn rule_id(armed: &Armed, rule: RuleId) -> Option<u64> {
    armed.rule_ids().get(usize::try_from(rule).ok()?).copied()
}

/// The name of a zone or, for none, of the router.
fn end_name(armed: &Armed, zone: Option<ZoneId>) -> &[u8] {
    let Some(zone) = zone else {
        return b"router";
    };
    match armed.compiled().policy.zone(zone) {
        Some(zone) => zone.name.as_bytes(),
        None => b"?",
    }
}
