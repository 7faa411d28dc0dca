// SPDX-License-Identifier: GPL-2.0

//! A policy made ready for packets: everything a verdict needs, found in few steps.

use crate::{
    address::{Address, Family},
    facts::Ends,
    memory::{search, sort, List, Memory, OutOfMemory},
    policy::{Action, Camera, CameraId, End, Policy, RuleId, Run, ZoneId},
};

/// One ordered pair of zones; `None` is the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Where flows are opened from.
    pub from: Option<ZoneId>,
    /// Where they are opened to.
    pub to: Option<ZoneId>,
}

/// A rule in one cell, for one pair of its ends.
#[derive(Clone, Copy)]
struct Match {
    cell: usize,
    // Orders denies that drop before denies that reject before allows: the first that matches
    // is the answer.
    rank: u8,
    rule: RuleId,
    // `None` is the whole zone, or the router.
    from: Option<CameraId>,
    to: Option<CameraId>,
}

/// What is asked of a cell.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The family of the flow.
    pub family: Family,
    /// The flow.
    pub ends: &'a Ends,
    /// The responder is an address of the router that an allow has to name.
    pub unusual_address: bool,
    /// The responder is a broadcast address.
    pub broadcast: bool,
}

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The rule that says it.
    pub rule: RuleId,
    /// What that rule does.
    pub action: Action,
}

/// A policy and the tables made from it.
pub struct Compiled<M: Memory> {
    /// The policy.
    pub policy: Policy<M>,
    // The zone of every address that is in no network.
    any: Option<ZoneId>,
    // Every camera's addresses, in order.
    hosts: M::List<(Address, CameraId)>,
    // The matches of every cell: runs of `matches`.
    cells: M::List<Run>,
    matches: M::List<Match>,
}

impl<M: Memory> Compiled<M> {
    /// Compiles `policy`.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`].
    pub fn new(policy: Policy<M>) -> Result<Self, OutOfMemory> {
        let any = policy.zones.iter().position(|zone| zone.any);
        let mut compiled = Compiled {
            any: any.and_then(|any| ZoneId::try_from(any).ok()),
            hosts: List::new(),
            cells: List::new(),
            matches: List::new(),
            policy,
        };
        compiled.fill_hosts()?;
        compiled.fill_matches()?;
        compiled.fill_cells()?;
        Ok(compiled)
    }

    fn fill_hosts(&mut self) -> Result<(), OutOfMemory> {
        // Counted by a range that ends: one without an end would check for overflow.
        let cameras = CameraId::try_from(self.policy.cameras.len()).unwrap_or(CameraId::MAX);
        for (camera, id) in self.policy.cameras.iter().zip(0..cameras) {
            for address in camera.addresses.of(&self.policy.addresses) {
                self.hosts.push((*address, id))?;
            }
        }
        sort(&mut self.hosts, |a, b| a < b);
        Ok(())
    }

    fn fill_matches(&mut self) -> Result<(), OutOfMemory> {
        let camera = |end| match end {
            End::Camera(camera) => Some(camera),
            _ => None,
        };
        let rules = RuleId::try_from(self.policy.rules.len()).unwrap_or(RuleId::MAX);
        for (rule, id) in self.policy.rules.iter().zip(0..rules) {
            let rank = match rule.action {
                Action::Deny { reject: false } => 0,
                Action::Deny { reject: true } => 1,
                Action::Allow { .. } => 2,
            };
            for from in rule.from.of(&self.policy.ends) {
                for to in rule.to.of(&self.policy.ends) {
                    let cell = Cell {
                        from: self.policy.zone_of_end(*from),
                        to: self.policy.zone_of_end(*to),
                    };
                    self.matches.push(Match {
                        cell: self.cell_index(cell),
                        rank,
                        rule: id,
                        from: camera(*from),
                        to: camera(*to),
                    })?;
                }
            }
        }
        sort(&mut self.matches, |a, b| {
            (a.cell, a.rank, a.rule, a.from, a.to) < (b.cell, b.rank, b.rule, b.from, b.to)
        });
        Ok(())
    }

    fn fill_cells(&mut self) -> Result<(), OutOfMemory> {
        let mut start = 0usize;
        for cell in 0..self.cells() {
            let rest = self.matches.get(start..).unwrap_or(&[]);
            let len = rest.iter().take_while(|m| m.cell == cell).count();
            self.cells.push(Run { start, len })?;
            start = start.saturating_add(len);
        }
        Ok(())
    }

    /// How many cells there are: zones and router, squared.
    pub fn cells(&self) -> usize {
        let ends = self.policy.zones.len().saturating_add(1);
        ends.saturating_mul(ends)
    }

    /// A cell's place among the cells.
    #[inline]
    pub fn cell_index(&self, cell: Cell) -> usize {
        let router = self.policy.zones.len();
        let place = |end: Option<ZoneId>| end.map_or(router, usize::from);
        place(cell.from)
            .saturating_mul(router.saturating_add(1))
            .saturating_add(place(cell.to))
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

    /// The zone whose networks have `address`.
    #[inline]
    pub fn zone_of(&self, address: Address) -> Option<ZoneId> {
        let networks = &self.policy.networks;
        let found = search(networks, |network| network.prefix.compare(address));
        match found.and_then(|place| networks.get(place)) {
            Some(network) => Some(network.zone),
            None => self.any,
        }
    }

    /// Whether `address` may be an end in `zone`. The addresses of `fe80::/10` are in every one.
    #[inline]
    pub fn owns(&self, zone: ZoneId, address: Address) -> bool {
        address.is_link_local_v6() || self.zone_of(address) == Some(zone)
    }

    /// The camera that has `address`.
    pub fn camera_of(&self, address: Address) -> Option<CameraId> {
        let found = search(&self.hosts, |(host, _)| host.cmp(&address))?;
        self.hosts.get(found).map(|(_, camera)| *camera)
    }

    fn is_camera(&self, id: CameraId, address: Address) -> bool {
        let addresses = |camera: &Camera| camera.addresses.of(&self.policy.addresses);
        self.policy
            .camera(id)
            .is_some_and(|camera| addresses(camera).contains(&address))
    }

    /// What `cell` says of a flow; `None` when no rule matches. At most as many steps as the
    /// cell's rules have pairs of ends and services.
    pub fn ask(&self, cell: Cell, question: &Question<'_>) -> Option<Answer> {
        let run = self.cells.get(self.cell_index(cell))?;
        run.of(&self.matches)
            .iter()
            .find_map(|candidate| self.answer(candidate, question))
    }

    fn answer(&self, candidate: &Match, question: &Question<'_>) -> Option<Answer> {
        let ends = question.ends;
        let rule = self.policy.rule(candidate.rule)?;
        let deny = matches!(rule.action, Action::Deny { .. });
        let is = |camera: Option<CameraId>, address| {
            camera.is_none_or(|camera| self.is_camera(camera, address))
        };
        let addresses = rule.to_addresses.of(&self.policy.addresses);
        let named = addresses.contains(&ends.responder);
        if !is(candidate.from, ends.initiator)
            || !is(candidate.to, ends.responder)
            || !(named || addresses.is_empty())
        {
            return None;
        }
        let service = rule
            .services
            .of(&self.policy.services)
            .iter()
            .any(|service| {
                // An allow has to say that it means an unusual address; a deny means them all.
                let usual = !question.unusual_address
                    || named
                    || deny
                    || (question.broadcast && service.broadcast());
                usual && service.matches(question.family, ends.protocol, ends.port)
            });
        service.then_some(Answer {
            rule: candidate.rule,
            action: rule.action,
        })
    }
}
