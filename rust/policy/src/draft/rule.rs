// SPDX-License-Identifier: GPL-2.0

//! Rules: what they say, and whether they get on with each other.

use core::cell::Cell;

use super::{close_run, once, room, unknown, Draft};
use crate::{
    address::Address,
    attribute::Attribute,
    error::{Error, Kind},
    memory::{sort, List, Memory},
    name::Name,
    policy::{
        Action, End, Policy, Rule, Run, MAX_COMBINATIONS, MAX_COMPARISONS, MAX_ENDS, MAX_SERVICES,
        MAX_TO_ADDRESSES,
    },
    service::Service,
    uapi,
};

/// A rule's lists while its attributes are read.
struct Lists<M: Memory> {
    from: M::List<End>,
    to: M::List<End>,
    services: M::List<Service>,
    to_addresses: M::List<Address>,
}

impl<M: Memory> Draft<M> {
    pub(super) fn add_rule(&mut self, item: &Attribute<'_>) -> Result<(), Error> {
        let (mut action, mut masquerade, mut reject) = (None, None, None);
        let mut lists: Lists<M> = Lists {
            from: List::new(),
            to: List::new(),
            services: List::new(),
            to_addresses: List::new(),
        };
        for attribute in item.nested() {
            let attribute = attribute?;
            let at = attribute.at;
            match u32::from(attribute.kind) {
                uapi::CAMZONE_A_RULE_ACTION => {
                    let deny = match attribute.u32() {
                        Some(uapi::CAMZONE_ACTION_ALLOW) => false,
                        Some(uapi::CAMZONE_ACTION_DENY) => true,
                        _ => return Err(Error::at(at, Kind::BadValue("action"))),
                    };
                    once(&mut action, deny, "action", at)?;
                }
                uapi::CAMZONE_A_RULE_FROM => {
                    room("ends in 'from'", lists.from.len(), MAX_ENDS, at)?;
                    lists.from.push(self.read_end(&attribute)?)?;
                }
                uapi::CAMZONE_A_RULE_TO => {
                    room("ends in 'to'", lists.to.len(), MAX_ENDS, at)?;
                    lists.to.push(self.read_end(&attribute)?)?;
                }
                uapi::CAMZONE_A_RULE_SERVICE => {
                    room("services in a rule", lists.services.len(), MAX_SERVICES, at)?;
                    lists.services.push(read_service(&attribute)?)?;
                }
                uapi::CAMZONE_A_RULE_TO_ADDRESS => {
                    let len = lists.to_addresses.len();
                    room("addresses in a rule", len, MAX_TO_ADDRESSES, at)?;
                    let value = Address::from_bytes(attribute.payload);
                    let value = value.ok_or(Error::at(at, Kind::BadValue("to-address")))?;
                    if value.is_loopback() || value.is_unspecified() || value.is_v4_mapped() {
                        return Err(Error::at(at, Kind::BadAddress(value)));
                    }
                    lists.to_addresses.push(value)?;
                }
                uapi::CAMZONE_A_RULE_MASQUERADE => once(&mut masquerade, at, "masquerade", at)?,
                uapi::CAMZONE_A_RULE_REJECT => once(&mut reject, at, "reject", at)?,
                // Dumps have it; what a rule says makes it anew.
                uapi::CAMZONE_A_RULE_ID => {}
                _ => return Err(unknown(&attribute)),
            }
        }
        let action = match (action, masquerade, reject) {
            (None, ..) => return Err(Error::at(item.at, Kind::Missing("action"))),
            (Some(true), Some(at), _) => return Err(Error::at(at, Kind::MasqueradeOnDeny)),
            (Some(false), _, Some(at)) => return Err(Error::at(at, Kind::RejectOnAllow)),
            (Some(true), ..) => Action::Deny {
                reject: reject.is_some(),
            },
            (Some(false), ..) => Action::Allow {
                masquerade: masquerade.is_some(),
            },
        };
        self.check_lists(&lists, action, item.at)?;
        let rule = self.store(lists, action)?;
        let more = rule.from.len.saturating_mul(rule.to.len);
        let more = more.saturating_mul(rule.services.len);
        self.combinations = self.combinations.saturating_add(more);
        if self.combinations > MAX_COMBINATIONS {
            let (what, limit) = ("combinations of ends and services", MAX_COMBINATIONS);
            return Err(Error::at(item.at, Kind::TooMany { what, limit }));
        }
        self.check_against_others(&rule, item.at)?;
        Ok(self.policy.rules.push(rule)?)
    }

    /// Reads one end of a rule.
    fn read_end(&self, item: &Attribute<'_>) -> Result<End, Error> {
        let (mut kind, mut name) = (None, None);
        for attribute in item.nested() {
            let attribute = attribute?;
            let at = attribute.at;
            match u32::from(attribute.kind) {
                uapi::CAMZONE_A_END_KIND => {
                    let value = attribute
                        .u32()
                        .ok_or(Error::at(at, Kind::BadValue("kind")))?;
                    once(&mut kind, value, "kind", at)?;
                }
                uapi::CAMZONE_A_END_NAME => {
                    let value = Name::new(attribute.string());
                    let value = value.ok_or(Error::at(at, Kind::BadName))?;
                    once(&mut name, value, "name", at)?;
                }
                _ => return Err(unknown(&attribute)),
            }
        }
        match (kind, name) {
            (None, _) => Err(Error::at(item.at, Kind::Missing("kind"))),
            (Some(uapi::CAMZONE_END_KIND_ROUTER), _) => Ok(End::Router),
            (Some(_), None) => Err(Error::at(item.at, Kind::Missing("name"))),
            (Some(uapi::CAMZONE_END_KIND_ZONE), Some(name)) => {
                let zone = self.zone_named(&name).map(End::Zone);
                zone.ok_or(Error::at(item.at, Kind::UnknownZone(name)))
            }
            (Some(uapi::CAMZONE_END_KIND_CAMERA), Some(name)) => {
                let camera = self.camera_named(&name).map(End::Camera);
                camera.ok_or(Error::at(item.at, Kind::UnknownCamera(name)))
            }
            (Some(_), Some(_)) => Err(Error::at(item.at, Kind::BadValue("kind"))),
        }
    }

    /// Whether the lists make sense for the action.
    fn check_lists(&self, lists: &Lists<M>, action: Action, at: usize) -> Result<(), Error> {
        let fault = |kind| Err(Error::at(at, kind));
        if lists.from.is_empty() {
            return fault(Kind::Missing("from"));
        }
        if lists.to.is_empty() {
            return fault(Kind::Missing("to"));
        }
        if lists.services.is_empty() {
            return fault(Kind::Missing("service"));
        }
        let (from_router, to_router) = (
            lists.from.contains(&End::Router),
            lists.to.contains(&End::Router),
        );
        if from_router && to_router {
            return fault(Kind::RouterToRouter);
        }
        if !lists.to_addresses.is_empty() && lists.to.iter().any(|end| *end != End::Router) {
            return fault(Kind::AddressWithoutRouter);
        }
        if action == (Action::Deny { reject: true }) && from_router {
            return fault(Kind::RejectFromRouter);
        }
        if action == (Action::Allow { masquerade: true }) {
            // Only there does the router's address stand for a host's: out of the zones that
            // have networks of their own, into the one that has the rest of the world.
            let outside = |end: &End| {
                let zone = self.policy.zone_of_end(*end);
                zone.and_then(|zone| self.policy.zone(zone))
                    .map(|zone| zone.any)
            };
            let inwards = lists.to.iter().any(|end| outside(end) != Some(true));
            if inwards || lists.from.iter().any(|end| outside(end) != Some(false)) {
                return fault(Kind::MasqueradeInside);
            }
        }
        Ok(())
    }

    /// Moves the lists into the policy's pools.
    fn store(&mut self, mut lists: Lists<M>, action: Action) -> Result<Rule, Error> {
        let policy = &mut self.policy;
        let start = policy.ends.len();
        let from = close_run::<_, M>(&mut policy.ends, &mut lists.from, start)?;
        let start = policy.ends.len();
        let to = close_run::<_, M>(&mut policy.ends, &mut lists.to, start)?;
        let start = policy.services.len();
        let services = close_run::<_, M>(&mut policy.services, &mut lists.services, start)?;
        let start = policy.addresses.len();
        let to_addresses =
            close_run::<_, M>(&mut policy.addresses, &mut lists.to_addresses, start)?;
        Ok(Rule {
            action,
            from,
            to,
            services,
            to_addresses,
        })
    }

    /// Whether the rule repeats or contradicts one that was added before.
    fn check_against_others(&mut self, rule: &Rule, at: usize) -> Result<(), Error> {
        let compare = Comparison {
            policy: &self.policy,
            made: Cell::new(self.comparisons),
        };
        let same = |other| compare.covers(other, rule) && compare.covers(rule, other);
        let this = compare.policy.rules.len();
        for (place, other) in compare.policy.rules.iter().enumerate() {
            let fault = match (other.action, rule.action) {
                (a, b) if a == b => same(other).then_some(Kind::SameRule(place)),
                (Action::Deny { .. }, Action::Deny { .. }) => {
                    same(other).then_some(Kind::SameRule(place))
                }
                (Action::Allow { .. }, Action::Allow { .. }) => compare
                    .meets(other, rule)
                    .then_some(Kind::MasqueradeDiffers(place)),
                (Action::Deny { .. }, Action::Allow { .. }) => {
                    compare.covers(other, rule).then_some(Kind::Contradiction {
                        allow: this,
                        deny: place,
                    })
                }
                (Action::Allow { .. }, Action::Deny { .. }) => {
                    compare.covers(rule, other).then_some(Kind::Contradiction {
                        allow: place,
                        deny: this,
                    })
                }
            };
            if let Some(kind) = fault {
                return Err(Error::at(at, kind));
            }
            if compare.made.get() > MAX_COMPARISONS {
                let what = "comparisons between rules";
                let limit = usize::try_from(MAX_COMPARISONS).unwrap_or(usize::MAX);
                return Err(Error::at(at, Kind::TooMany { what, limit }));
            }
        }
        self.comparisons = compare.made.get();
        Ok(())
    }

    /// Brings the rules into an order that depends on nothing but what they say.
    pub(super) fn sort_rules(&mut self) {
        let policy = &mut self.policy;
        let (ends, services, addresses) = (&policy.ends, &policy.services, &policy.addresses);
        sort(&mut policy.rules, |a, b| {
            let order = a
                .action
                .cmp(&b.action)
                .then_with(|| a.from.of(ends).iter().cmp(b.from.of(ends)))
                .then_with(|| a.to.of(ends).iter().cmp(b.to.of(ends)))
                .then_with(|| a.services.of(services).iter().cmp(b.services.of(services)))
                .then_with(|| {
                    let b = b.to_addresses.of(addresses);
                    a.to_addresses.of(addresses).iter().cmp(b)
                });
            order.is_lt()
        });
    }
}

/// Reads one service of a rule.
fn read_service(item: &Attribute<'_>) -> Result<Service, Error> {
    let (mut protocol, mut first, mut last, mut broadcast) = (None, None, None, None);
    for attribute in item.nested() {
        let attribute = attribute?;
        let at = attribute.at;
        let number = || {
            attribute
                .u32()
                .ok_or(Error::at(at, Kind::BadValue("service")))
        };
        match u32::from(attribute.kind) {
            uapi::CAMZONE_A_SERVICE_PROTOCOL => once(&mut protocol, number()?, "protocol", at)?,
            uapi::CAMZONE_A_SERVICE_FIRST => once(&mut first, number()?, "first", at)?,
            uapi::CAMZONE_A_SERVICE_LAST => once(&mut last, number()?, "last", at)?,
            uapi::CAMZONE_A_SERVICE_BROADCAST => once(&mut broadcast, (), "broadcast", at)?,
            _ => return Err(unknown(&attribute)),
        }
    }
    let protocol = protocol.ok_or(Error::at(item.at, Kind::Missing("protocol")))?;
    Service::new(protocol, first, last, broadcast.is_some())
        .map_err(|e| Error::at(item.at, Kind::Service(e)))
}

/// Compares rules, and counts what that takes.
struct Comparison<'a, M: Memory> {
    policy: &'a Policy<M>,
    made: Cell<u64>,
}

impl<M: Memory> Comparison<'_, M> {
    fn count(&self) {
        self.made.set(self.made.get().saturating_add(1));
    }

    fn end_covers(&self, wide: End, narrow: End) -> bool {
        self.count();
        wide == narrow
            || matches!(wide, End::Zone(zone) if self.policy.zone_of_end(narrow) == Some(zone))
    }

    /// Whether every flow that `narrow` matches is matched by `wide`, as far as single items
    /// tell: a service that only two others together cover is not seen to be covered.
    fn covers(&self, wide: &Rule, narrow: &Rule) -> bool {
        let ends = |wide: Run, narrow: Run| {
            narrow.of(&self.policy.ends).iter().all(|narrow| {
                let mut wide = wide.of(&self.policy.ends).iter();
                wide.any(|wide| self.end_covers(*wide, *narrow))
            })
        };
        let service = match wide.action {
            Action::Deny { .. } => Service::covers_of_deny,
            Action::Allow { .. } => Service::covers,
        };
        let wide_addresses = wide.to_addresses.of(&self.policy.addresses);
        let narrow_addresses = narrow.to_addresses.of(&self.policy.addresses);
        ends(wide.from, narrow.from)
            && ends(wide.to, narrow.to)
            && narrow
                .services
                .of(&self.policy.services)
                .iter()
                .all(|narrow| {
                    let mut wide = wide.services.of(&self.policy.services).iter();
                    wide.any(|wide| {
                        self.count();
                        service(wide, narrow)
                    })
                })
            && (wide_addresses.is_empty()
                || (!narrow_addresses.is_empty()
                    && narrow_addresses.iter().all(|a| wide_addresses.contains(a))))
    }

    /// Whether some flow is matched by both rules, neither of which names addresses.
    fn meets(&self, a: &Rule, b: &Rule) -> bool {
        let ends = |a: Run, b: Run| {
            a.of(&self.policy.ends).iter().any(|a| {
                let mut b = b.of(&self.policy.ends).iter();
                b.any(|b| self.end_covers(*a, *b) || self.end_covers(*b, *a))
            })
        };
        ends(a.from, b.from)
            && ends(a.to, b.to)
            && a.services.of(&self.policy.services).iter().any(|a| {
                let mut b = b.services.of(&self.policy.services).iter();
                b.any(|b| {
                    self.count();
                    a.meets(b)
                })
            })
    }
}
