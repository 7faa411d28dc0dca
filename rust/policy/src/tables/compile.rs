// SPDX-License-Identifier: GPL-2.0

//! Makes the tables of a policy, once, when it is applied.

use super::{
    cell_index,
    hosts::{Cameras, Hosts, FROM, MAC, TO},
    pair,
    spans::service_key,
    Answer, AnswerId, Cell, CompileError, Compiled, End, Entry, Host, Kind, Spans, NOWHERE,
};
use crate::{
    address::{Address, Prefix},
    memory::{runs, search, sort, List, Memory, OutOfMemory},
    policy::{Action, CameraId, Policy, Rule, RuleId, Run, ZoneId},
    service::{protocol, Service},
};

/// A camera's place among the groups.
#[derive(Clone, Copy)]
struct Member {
    group: u32,
    flags: u16,
    // The one that stands for its group where rules are spread out.
    leads: bool,
}

const NO_MEMBER: Member = Member {
    group: 0,
    flags: 0,
    leads: false,
};

impl<M: Memory> Compiled<M> {
    /// Compiles `policy`.
    ///
    /// # Errors
    ///
    /// [`CompileError`].
    pub fn new(policy: Policy<M>) -> Result<Self, CompileError> {
        let router = u32::try_from(policy.zones.len()).map_err(|_| OutOfMemory)?;
        let first_group = router.saturating_add(1);
        let (members, groups) = members(&policy, first_group)?;
        let named = named(&policy)?;
        let answers = answers(&policy)?;
        let mut entries = Entries {
            policy: &policy,
            members: &members,
            named: &named,
            router,
            groups,
            list: List::new(),
        };
        for (rule, id) in numbered(&policy.rules) {
            entries.add_rule(rule, id, &answers)?;
        }
        let mut entries = entries.list;
        let spans = Spans::new(&mut entries, policy.zones.len().saturating_add(1))?;
        Ok(Compiled {
            hosts: hosts(&policy, &members)?,
            cameras: Cameras::new(&policy)?,
            by_cell: by_cell::<M>(&answers)?,
            spans,
            named,
            answers,
            router,
            groups,
            policy,
        })
    }
}

/// The items with their places. Counted by a range that ends: one without an end would check for
/// overflow.
fn numbered<T>(items: &[T]) -> impl Iterator<Item = (&T, u32)> {
    items
        .iter()
        .zip(0..u32::try_from(items.len()).unwrap_or(u32::MAX))
}

/// Puts cameras of one zone that are in the same sides of the same rules into one group, since an
/// answer is of one cell; says also how many places there are with the groups.
#[inline(never)]
fn members<M: Memory>(
    policy: &Policy<M>,
    first_group: u32,
) -> Result<(M::List<Member>, u32), OutOfMemory> {
    let mut members: M::List<Member> = List::new();
    for _ in policy.cameras.iter() {
        members.push(NO_MEMBER)?;
    }
    // Which camera is in which side of which rule.
    let mut named: M::List<(CameraId, u32)> = List::new();
    for (rule, id) in numbered(&policy.rules) {
        for (run, side) in [(rule.from, 0), (rule.to, 1)] {
            for end in run.of(&policy.ends) {
                if let End::Camera(camera) = *end {
                    named.push((camera, (id << 1) | side))?;
                }
            }
        }
    }
    sort(&mut named, |a, b| a < b);
    let mut sorted: M::List<(CameraId, Run)> = List::new();
    let mut start = 0usize;
    for run in runs(&named, |a, b| a.0 == b.0) {
        let len = run.len();
        if let Some((camera, _)) = run.first() {
            sorted.push((*camera, Run { start, len }))?;
        }
        start = start.saturating_add(len);
    }
    let sides = |run: Run| run.of(&named).iter().map(|(_, side)| *side);
    let zone = |camera| policy.camera(camera).map(|camera| camera.zone);
    let order = |a: &(CameraId, Run), b: &(CameraId, Run)| {
        let zones = zone(a.0).cmp(&zone(b.0));
        zones.then_with(|| sides(a.1).cmp(sides(b.1)))
    };
    sort(&mut sorted, |a, b| order(a, b).then(a.0.cmp(&b.0)).is_lt());
    let mut group = first_group;
    for same in runs(&sorted, |a, b| order(a, b).is_eq()) {
        for (place, (camera, run)) in same.iter().enumerate() {
            let flag = |side: u32| if side & 1 == 0 { FROM } else { TO };
            let member = usize::try_from(*camera).ok();
            if let Some(member) = member.and_then(|place| members.get_mut(place)) {
                *member = Member {
                    group,
                    flags: sides(*run).fold(0, |flags, side| flags | flag(side)),
                    leads: place == 0,
                };
            }
        }
        group = group.saturating_add(1);
    }
    Ok((members, group))
}

/// The networks, and the cameras of which more is to be known than their zone.
#[inline(never)]
fn hosts<M: Memory>(policy: &Policy<M>, members: &[Member]) -> Result<Hosts<M>, CompileError> {
    let mut all: M::List<(Prefix, Host)> = List::new();
    // Cameras first: a network may have a single address.
    for (camera, member) in policy.cameras.iter().zip(members) {
        let mac = if camera.mac.is_some() { MAC } else { 0 };
        let flags = member.flags | mac;
        if flags != 0 {
            for address in camera.addresses.of(&policy.addresses) {
                let host = Host::camera(camera.zone, flags, member.group);
                all.push((Prefix::of_host(*address), host))?;
            }
        }
    }
    for network in policy.networks.iter() {
        all.push((network.prefix, Host::of(network.zone)))?;
    }
    let any = policy.zones.iter().position(|zone| zone.any);
    let any = any.and_then(|any| ZoneId::try_from(any).ok());
    let other = Host::of(any.unwrap_or(NOWHERE));
    Hosts::new(&all, other, policy.zones.len())
}

/// The addresses of the router that rules name, in order.
#[inline(never)]
fn named<M: Memory>(policy: &Policy<M>) -> Result<M::List<Address>, OutOfMemory> {
    let mut all: M::List<Address> = List::new();
    for rule in policy.rules.iter() {
        all.extend(rule.to_addresses.of(&policy.addresses))?;
    }
    sort(&mut all, |a, b| a < b);
    let mut once: M::List<Address> = List::new();
    for address in runs(&all, |a, b| a == b).filter_map(<[_]>::first) {
        once.push(*address)?;
    }
    Ok(once)
}

/// Everything that a cell can say, in the order in which it counts.
#[inline(never)]
fn answers<M: Memory>(policy: &Policy<M>) -> Result<M::List<Answer>, OutOfMemory> {
    let mut all: M::List<Answer> = List::new();
    let mut of_rule: M::List<Answer> = List::new();
    for (rule, id) in numbered(&policy.rules) {
        of_rule.clear();
        for from in rule.from.of(&policy.ends) {
            for to in rule.to.of(&policy.ends) {
                of_rule.push(answer(policy, rule, id, *from, *to))?;
            }
        }
        sort(&mut of_rule, |a, b| a.cell < b.cell);
        let cells = runs(&of_rule, |a, b| a.cell == b.cell);
        for answer in cells.filter_map(<[_]>::first) {
            all.push(*answer)?;
        }
    }
    sort(&mut all, |a, b| a.order() < b.order());
    Ok(all)
}

fn answer<M: Memory>(policy: &Policy<M>, rule: &Rule, id: RuleId, from: End, to: End) -> Answer {
    let cell = Cell {
        from: policy.zone_of_end(from),
        to: policy.zone_of_end(to),
    };
    Answer {
        rule: id,
        action: rule.action,
        cell: cell_index(policy, cell),
    }
}

#[inline(never)]
fn by_cell<M: Memory>(answers: &[Answer]) -> Result<M::List<AnswerId>, OutOfMemory> {
    let mut all: M::List<(usize, AnswerId)> = List::new();
    for (answer, id) in numbered(answers) {
        all.push((answer.cell, id))?;
    }
    sort(&mut all, |a, b| a < b);
    let mut ids: M::List<AnswerId> = List::new();
    for (_, id) in all.iter() {
        ids.push(*id)?;
    }
    Ok(ids)
}

/// Spreads rules out over the places that their ends are.
struct Entries<'a, M: Memory> {
    policy: &'a Policy<M>,
    members: &'a [Member],
    named: &'a [Address],
    router: u32,
    groups: u32,
    list: M::List<Entry>,
}

impl<M: Memory> Entries<'_, M> {
    fn add_rule(&mut self, rule: &Rule, id: RuleId, answers: &[Answer]) -> Result<(), OutOfMemory> {
        let policy = self.policy;
        for from in rule.from.of(&policy.ends) {
            let Some(from_place) = self.place(*from) else {
                continue;
            };
            for to in rule.to.of(&policy.ends) {
                let Some(to_place) = self.place(*to) else {
                    continue;
                };
                let answer = answer(policy, rule, id, *from, *to);
                let answer = search(answers, |other| other.order().cmp(&answer.order()));
                let answer = answer.and_then(|answer| AnswerId::try_from(answer).ok());
                let answer = answer.ok_or(OutOfMemory)?;
                self.add_ends(rule, answer, from_place, to_place)?;
            }
        }
        Ok(())
    }

    /// The place of an end; `None` for a camera for which another of its group stands.
    fn place(&self, end: End) -> Option<u32> {
        match end {
            End::Router => Some(self.router),
            End::Zone(zone) => Some(zone.into()),
            End::Camera(camera) => {
                let member = self.members.get(usize::try_from(camera).ok()?)?;
                member.leads.then_some(member.group)
            }
        }
    }

    fn add_ends(
        &mut self,
        rule: &Rule,
        answer: AnswerId,
        from: u32,
        to: u32,
    ) -> Result<(), OutOfMemory> {
        let policy = self.policy;
        let services = rule.services.of(&policy.services);
        let addresses = rule.to_addresses.of(&policy.addresses);
        for address in addresses {
            let place = search(self.named, |named| named.cmp(address));
            let place = place.and_then(|place| u32::try_from(place).ok());
            let to = self.groups.saturating_add(place.ok_or(OutOfMemory)?);
            // Named, it is not unusual.
            self.add(pair(Kind::Usual, from, to), answer, services, |_| true)?;
        }
        if !addresses.is_empty() {
            return Ok(());
        }
        self.add(pair(Kind::Usual, from, to), answer, services, |_| true)?;
        if to == self.router {
            // An allow has to say that it means an unusual address; a deny means them all.
            let deny = matches!(rule.action, Action::Deny { .. });
            let says = |service: &Service| deny || service.broadcast();
            self.add(pair(Kind::Unusual, from, to), answer, services, |_| deny)?;
            self.add(pair(Kind::Broadcast, from, to), answer, services, says)?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        pair: u64,
        answer: AnswerId,
        services: &[Service],
        wanted: impl Fn(&Service) -> bool,
    ) -> Result<(), OutOfMemory> {
        for service in services.iter().filter(|service| wanted(service)) {
            let (first, last) = match service.protocol() {
                protocol::ANY => (0, service_key(u8::MAX, u16::MAX)),
                protocol => (
                    service_key(protocol, service.first()),
                    service_key(protocol, service.last()),
                ),
            };
            self.list.push(Entry {
                pair,
                answer,
                first,
                last,
            })?;
        }
        Ok(())
    }
}
