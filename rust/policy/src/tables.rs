// SPDX-License-Identifier: GPL-2.0

//! A policy made ready for packets: everything a verdict needs, found in few steps, however many
//! cameras, rules and zones there are.
//!
//! An address is looked up once ([`hosts`]): that gives its zone and, for a camera that rules
//! name, its group, which is all cameras of its zone that the same rules name. Zones, groups, the router and
//! the addresses of it that rules name are *places*; for every two of them that a rule has as its
//! ends there is a list of the services and their answers ([`spans`]). Answers are numbered in
//! the order in which they count, denies first, so that the lowest number is the one that counts.

mod compile;
mod hash;
mod hosts;
mod spans;

use self::{
    hosts::{Cameras, Hosts},
    spans::{pair, service_key, Entry, Kind, ServiceKey, Spans, NO_ANSWER},
};
use crate::{
    address::{Address, Family},
    facts::Ends,
    memory::{count_before, search, Memory, OutOfMemory},
    policy::{Action, CameraId, End, Policy, RuleId, ZoneId},
    service::protocol,
};

pub(crate) use self::{hash::MOST_STEPS, hosts::Host};

/// One ordered pair of zones; `None` is the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Where flows are opened from.
    pub from: Option<ZoneId>,
    /// Where they are opened to.
    pub to: Option<ZoneId>,
}

/// No zone at all.
pub(crate) const NOWHERE: ZoneId = ZoneId::MAX;

/// A place in [`Compiled::answers`].
pub type AnswerId = u32;

/// What a cell says: one rule, in one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The rule that says it.
    pub rule: RuleId,
    /// What that rule does.
    pub action: Action,
    /// The place of the cell.
    pub cell: usize,
}

impl Answer {
    // Denies that drop before denies that reject before allows: the first that matches counts.
    fn order(&self) -> (u8, RuleId, usize) {
        let rank = match self.action {
            Action::Deny { reject: false } => 0,
            Action::Deny { reject: true } => 1,
            Action::Allow { .. } => 2,
        };
        (rank, self.rule, self.cell)
    }
}

/// One side of a flow: where the packet's way says that it is, and what its address is.
#[derive(Clone, Copy)]
pub(crate) struct Side {
    /// The zone, or `None` for the router.
    pub(crate) zone: Option<ZoneId>,
    /// What the policy knows of the address if it is there; without meaning for the router's.
    pub(crate) host: Host,
}

/// What is asked of a cell.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    /// Who opened the flow.
    pub(crate) from: Side,
    /// To whom.
    pub(crate) to: Side,
    /// The flow.
    pub(crate) ends: &'a Ends,
    /// The responder is an address of the router that an allow has to name.
    pub(crate) unusual_address: bool,
    /// The responder is a broadcast address.
    pub(crate) broadcast: bool,
}

/// Why a policy has no tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompileError {
    /// There is no memory for them.
    OutOfMemory,
    /// Too many addresses, or pairs of ends, have one place in a hash table: no policy that was not
    /// made for it.
    Collisions,
}

impl From<OutOfMemory> for CompileError {
    fn from(OutOfMemory: OutOfMemory) -> Self {
        CompileError::OutOfMemory
    }
}

/// A policy and the tables made from it.
pub struct Compiled<M: Memory> {
    /// The policy.
    pub policy: Policy<M>,
    hosts: Hosts<M>,
    cameras: Cameras<M>,
    // Addresses of the router that rules name, in order.
    named: M::List<Address>,
    answers: M::List<Answer>,
    // The answers in the order of their cells.
    by_cell: M::List<AnswerId>,
    spans: Spans<M>,
    // How many places are zones, and with the router, and with the groups.
    router: u32,
    groups: u32,
}

impl<M: Memory> Compiled<M> {
    /// The number of cells: zones and router, squared.
    pub fn cells(&self) -> usize {
        let ends = self.policy.zones.len().saturating_add(1);
        ends.saturating_mul(ends)
    }

    /// A cell's place among the cells.
    #[inline]
    pub fn cell_index(&self, cell: Cell) -> usize {
        cell_index(&self.policy, cell)
    }

    /// The cell in this place.
    pub fn cell_at(&self, index: usize) -> Cell {
        let router = self.policy.zones.len();
        let ends = router.saturating_add(1);
        let zone = |place: Option<usize>| {
            let place = place.filter(|place| *place < router)?;
            ZoneId::try_from(place).ok()
        };
        Cell {
            from: zone(index.checked_div(ends)),
            to: zone(index.checked_rem(ends)),
        }
    }

    /// Everything that a cell can say; an answer's place is its [`AnswerId`].
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// How many places of a hash table are looked at for anything that is in it, at most. A packet's
    /// cost does not grow with the policy as long as this does not.
    pub fn most_steps(&self) -> usize {
        let hosts = self.hosts.most_steps().max(self.cameras.most_steps());
        hosts.max(self.spans.most_steps())
    }

    /// The answers of one rule.
    pub fn answers_of_rule(&self, rule: RuleId) -> impl Iterator<Item = AnswerId> + '_ {
        let action = self.policy.rule(rule).map(|rule| rule.action);
        let first = action.map_or(0, |action| {
            let least = Answer {
                rule,
                action,
                cell: 0,
            };
            count_before(&self.answers, |answer| answer.order() < least.order())
        });
        let ids = first..self.answers.len();
        ids.take_while(move |id| self.answers.get(*id).is_some_and(|a| a.rule == rule))
            .filter_map(|id| AnswerId::try_from(id).ok())
    }

    /// The answers in the cell in this place.
    pub fn answers_of_cell(&self, cell: usize) -> impl Iterator<Item = AnswerId> + '_ {
        let cell_of = |id: AnswerId| self.answer(id).map_or(usize::MAX, |answer| answer.cell);
        let first = count_before(&self.by_cell, |id| cell_of(*id) < cell);
        let rest = self.by_cell.get(first..).unwrap_or(&[]);
        rest.iter()
            .copied()
            .take_while(move |id| self.answer(*id).is_some_and(|a| a.cell == cell))
    }

    /// The answer in this place.
    #[inline]
    pub fn answer(&self, id: AnswerId) -> Option<&Answer> {
        self.answers.get(usize::try_from(id).ok()?)
    }

    /// What `address` is, if it is in this zone; else anything that is not.
    #[inline(always)]
    pub(crate) fn host(&self, zone: ZoneId, address: Address) -> Host {
        self.hosts.find_in(zone, address)
    }

    /// The same of who sends, without what rules say of it.
    #[inline(always)]
    pub(crate) fn sender(&self, zone: ZoneId, address: Address) -> Host {
        self.hosts.find_sender(zone, address)
    }

    /// One side of a flow. Nothing is looked up for the router.
    #[inline(always)]
    pub(crate) fn side(&self, zone: Option<ZoneId>, address: Address) -> Side {
        let host = match zone {
            Some(zone) => self.host(zone, address),
            None => Host::of(NOWHERE),
        };
        Side { zone, host }
    }

    /// The zone whose networks have `address`.
    #[inline]
    pub fn zone_of(&self, address: Address) -> Option<ZoneId> {
        Some(self.hosts.find(address).zone()).filter(|zone| *zone != NOWHERE)
    }

    /// The camera that has `address`.
    pub fn camera_of(&self, address: Address) -> Option<CameraId> {
        self.cameras.find(address)
    }

    /// The hardware address that packets from `address` have to come with, if it is a camera's which
    /// has one.
    pub fn mac_of(&self, address: Address) -> Option<[u8; 6]> {
        self.policy.camera(self.camera_of(address)?)?.mac
    }

    /// What the cell of a flow says of it; `None` when no rule matches. The steps are the
    /// logarithm of how many services the rules have between two places, four times at most, and
    /// once more where rules name addresses of the router.
    #[inline(always)]
    pub(crate) fn ask(&self, question: &Question<'_>) -> Option<AnswerId> {
        let Question { from, to, ends, .. } = *question;
        let named = to.zone.is_none() && !self.named.is_empty();
        if question.unusual_address || named || from.host.is_named() || to.host.is_named() {
            // Copies, so that nobody else has to have it in memory.
            let ends = &{ *ends };
            return self.ask_all(&Question { ends, ..*question });
        }
        let (from, to) = (self.place(from.zone), self.place(to.zone));
        some(self.spans.find_whole(from, to, service_of(ends)))
    }

    /// The same where rules may name one of the ends, or have to; and for who is in no hurry.
    #[inline(never)]
    pub(crate) fn ask_all(&self, question: &Question<'_>) -> Option<AnswerId> {
        let Question { from, to, ends, .. } = *question;
        let service = service_of(ends);
        let kind = match (question.unusual_address, question.broadcast) {
            (false, _) => Kind::Usual,
            (true, false) => Kind::Unusual,
            (true, true) => Kind::Broadcast,
        };
        let (whole_from, whole_to) = (self.place(from.zone), self.place(to.zone));
        let (one_from, one_to) = (
            self.group(from, hosts::FROM),
            match to.zone {
                Some(_) => self.group(to, hosts::TO),
                None => self.named(ends.responder),
            },
        );
        let find = |kind, from, to| self.spans.find(pair(kind, from, to), service);
        let mut answer = match kind {
            Kind::Usual => self.spans.find_whole(whole_from, whole_to, service),
            Kind::Unusual | Kind::Broadcast => find(kind, whole_from, whole_to),
        };
        if let Some(one_from) = one_from {
            answer = answer.min(find(kind, one_from, whole_to));
        }
        if let Some(one_to) = one_to {
            answer = answer.min(find(Kind::Usual, whole_from, one_to));
            if let Some(one_from) = one_from {
                answer = answer.min(find(Kind::Usual, one_from, one_to));
            }
        }
        some(answer)
    }

    #[inline]
    fn place(&self, zone: Option<ZoneId>) -> u32 {
        zone.map_or(self.router, u32::from)
    }

    /// The place of a camera's group. A camera with a link-local address may be somewhere else.
    #[inline]
    fn group(&self, side: Side, which: u16) -> Option<u32> {
        let group = side.host.group(which)?;
        (side.zone == Some(side.host.zone())).then_some(group)
    }

    /// The place of an address of the router that rules name.
    #[inline]
    fn named(&self, address: Address) -> Option<u32> {
        if self.named.is_empty() {
            return None;
        }
        let found = search(&self.named, |named| named.cmp(&address))?;
        Some(self.groups.saturating_add(u32::try_from(found).ok()?))
    }
}

#[inline(always)]
fn some(answer: AnswerId) -> Option<AnswerId> {
    (answer != NO_ANSWER).then_some(answer)
}

fn cell_index<M: Memory>(policy: &Policy<M>, cell: Cell) -> usize {
    let router = policy.zones.len();
    let place = |end: Option<ZoneId>| end.map_or(router, usize::from);
    place(cell.from)
        .saturating_mul(router.saturating_add(1))
        .saturating_add(place(cell.to))
}

/// The service of a flow. ICMP of the other family is in no service but that of every protocol.
#[inline]
fn service_of(ends: &Ends) -> ServiceKey {
    let foreign = match ends.initiator.family() {
        Family::V4 => protocol::ICMPV6,
        Family::V6 => protocol::ICMP,
    };
    if ends.protocol == foreign {
        return 0;
    }
    service_key(ends.protocol, ends.port)
}
