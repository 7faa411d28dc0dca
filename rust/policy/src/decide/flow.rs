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
    let question = Question {
        from: compiled.side(compiled.zone_of(ends.initiator), ends.initiator),
        to: compiled.side(Some(to), ends.responder),
        ends,
        unusual_address: false,
        broadcast: false,
    };
    action(compiled, &question) == Some(Action::Allow { masquerade: true })
}

/// Whether a rule lets a flow with these ends come from the zone `from` to the router, at an address that it
/// has there.
pub fn serves<M: Memory>(compiled: &Compiled<M>, ends: &Ends, from: ZoneId) -> bool {
    let question = Question {
        from: compiled.side(Some(from), ends.initiator),
        to: compiled.side(None, ends.responder),
        ends,
        unusual_address: false,
        broadcast: false,
    };
    matches!(action(compiled, &question), Some(Action::Allow { .. }))
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
    let question = Question {
        from: compiled.side(from, ends.initiator),
        to: compiled.side(to, ends.responder),
        ends,
        unusual_address,
        broadcast: false,
    };
    match action(compiled, &question) {
        Some(action) => matches!(action, Action::Allow { .. }),
        None => !unusual_address && default(compiled, Cell { from, to }),
    }
}

fn action<M: Memory>(compiled: &Compiled<M>, question: &Question<'_>) -> Option<Action> {
    let answer = compiled
        .ask_all(question)
        .and_then(|id| compiled.answer(id));
    answer.map(|answer| answer.action)
}
