// SPDX-License-Identifier: GPL-2.0

//! What the policy says of a flow of which no packet is at hand.

use super::{default, Cell};
use crate::{
    address::Address,
    facts::Ends,
    memory::Memory,
    policy::{Action, ZoneId},
    tables::{Compiled, Question},
};

/// Whether the policy wants the source of a flow translated that leaves to the zone `to`. The ends
/// are the flow's, or its master's if it has one.
pub fn masquerades<M: Memory>(compiled: &Compiled<M>, ends: &Ends, to: ZoneId) -> bool {
    let cell = Cell {
        from: compiled.zone_of(ends.initiator),
        to: Some(to),
    };
    action(compiled, ends, cell, false) == Some(Action::Allow { masquerade: true })
}

/// Whether a rule lets a flow with these ends come from the zone `from` to the router, at an address that it
/// has there.
pub fn serves<M: Memory>(compiled: &Compiled<M>, ends: &Ends, from: ZoneId) -> bool {
    let cell = Cell {
        from: Some(from),
        to: None,
    };
    matches!(
        action(compiled, ends, cell, false),
        Some(Action::Allow { .. })
    )
}

/// Whether the policy allows a flow with these ends; `is_router` says which addresses are the
/// router's. What cannot be known without a packet is taken for the worse: that an address of
/// `fe80::/10` is in no zone, and one of the router at home where its network is.
pub fn allows<M: Memory>(
    compiled: &Compiled<M>,
    ends: &Ends,
    is_router: impl Fn(Address) -> bool,
) -> bool {
    let place = |address| match is_router(address) {
        true => Some(None),
        false => compiled.zone_of(address).map(Some),
    };
    let (Some(from), Some(to)) = (place(ends.initiator), place(ends.responder)) else {
        return false;
    };
    let unusual_address = to.is_none() && compiled.zone_of(ends.responder) != from;
    let cell = Cell { from, to };
    match action(compiled, ends, cell, unusual_address) {
        Some(action) => matches!(action, Action::Allow { .. }),
        None => !unusual_address && default(compiled, cell),
    }
}

/// What the rules say of a flow in this cell.
fn action<M: Memory>(
    compiled: &Compiled<M>,
    ends: &Ends,
    cell: Cell,
    unusual_address: bool,
) -> Option<Action> {
    let question = Question {
        from: compiled.side(cell.from, ends.initiator),
        to: compiled.side(cell.to, ends.responder),
        ends,
        unusual_address,
        broadcast: false,
    };
    let answer = compiled
        .ask_all(&question)
        .and_then(|id| compiled.answer(id));
    answer.map(|answer| answer.action)
}
