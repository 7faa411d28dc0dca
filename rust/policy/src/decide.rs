// SPDX-License-Identifier: GPL-2.0

//! The verdict. Every packet's is made here and nowhere else.

mod icmp;
mod ingress;
mod reason;

pub use reason::Reason;

pub use crate::tables::Cell;
use crate::{
    address::{Address, Family},
    facts::{Ends, Facts, Flow, Hook, Port, State, Track},
    header::{Header, Transport},
    memory::Memory,
    policy::{Action, Ipv6Mode, RuleId, ZoneId},
    service::protocol,
    tables::{Compiled, Question},
};

/// What guards the namespace.
pub enum Guard<'a, M: Memory> {
    /// Nothing: no packet is dropped.
    Idle,
    /// Only loopback passes.
    Sealed,
    /// This policy is in force.
    Armed(&'a Compiled<M>),
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on, as far as camzone is concerned.
    Accept,
    /// It is dropped.
    Drop,
    /// It is dropped, and its sender is told; only in [`Hook::LocalIn`] and [`Hook::Forward`].
    Reject,
}

/// A verdict and what led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What becomes of the packet.
    pub verdict: Verdict,
    /// Why. `None` when the verdict is not the last: [`Hook::PreRouting`] has nothing against
    /// the packet, and another hook will be asked.
    pub reason: Option<Reason>,
    /// The cell that the packet's flow is in, once that is known.
    pub cell: Option<Cell>,
    /// The rule that matched.
    pub rule: Option<RuleId>,
}

impl Decision {
    const GO_ON: Decision = Decision {
        verdict: Verdict::Accept,
        reason: None,
        cell: None,
        rule: None,
    };

    const fn accept(reason: Reason) -> Self {
        Decision {
            verdict: Verdict::Accept,
            reason: Some(reason),
            cell: None,
            rule: None,
        }
    }

    const fn drop(reason: Reason) -> Self {
        Decision {
            verdict: Verdict::Drop,
            reason: Some(reason),
            cell: None,
            rule: None,
        }
    }

    const fn within(self, cell: Cell) -> Self {
        Decision {
            cell: Some(cell),
            ..self
        }
    }
}

/// The verdict on the packet of which `facts` are known.
#[inline]
pub fn decide<M: Memory>(guard: &Guard<'_, M>, facts: &Facts) -> Decision {
    let loopback = match facts.hook {
        // What is looped back is the router's own, or multicast that it forwards and hears.
        Hook::PreRouting => {
            facts.ingress == Port::Loopback || (facts.looped_back && facts.source_is_local)
        }
        Hook::LocalIn => facts.ingress == Port::Loopback || facts.looped_back,
        Hook::LocalOut => facts.egress == Port::Loopback,
        Hook::Forward => false,
    };
    let decision = if loopback {
        Decision::accept(Reason::Loopback)
    } else {
        match guard {
            Guard::Idle => Decision::accept(Reason::Idle),
            Guard::Sealed => Decision::drop(Reason::Sealed),
            Guard::Armed(compiled) => match &facts.header {
                None => Decision::drop(Reason::Malformed),
                Some(header) if facts.hook == Hook::PreRouting => {
                    ingress::check(compiled, facts, header)
                }
                Some(header) => judge(compiled, facts, header),
            },
        }
    };
    // What passes PRE_ROUTING is counted where it goes.
    if facts.hook == Hook::PreRouting && decision.verdict == Verdict::Accept {
        return Decision::GO_ON;
    }
    decision
}

/// Whether the policy wants the source of a flow translated that leaves through `egress`.
pub fn masquerades<M: Memory>(compiled: &Compiled<M>, flow: &Flow, egress: Port) -> bool {
    let Port::Zone(to) = egress else {
        return false;
    };
    let ends = flow.master.as_ref().unwrap_or(&flow.ends);
    let cell = Cell {
        from: compiled.zone_of(ends.initiator),
        to: Some(to),
    };
    let question = Question {
        family: ends.initiator.family(),
        ends,
        unusual_address: false,
        broadcast: false,
    };
    compiled.ask(cell, &question).map(|answer| answer.action)
        == Some(Action::Allow { masquerade: true })
}

/// The zones that a packet comes from and goes to; `None` is the router.
#[derive(Clone, Copy)]
struct Way {
    from: Option<ZoneId>,
    to: Option<ZoneId>,
}

impl Way {
    /// `None` when one of the interfaces is in no zone.
    fn of(facts: &Facts) -> Option<Way> {
        let zone = |port| match port {
            Port::Zone(zone) => Some(zone),
            Port::Unzoned | Port::Loopback => None,
        };
        let (from, to) = match facts.hook {
            Hook::PreRouting | Hook::LocalIn => (Some(zone(facts.ingress)?), None),
            Hook::Forward => (Some(zone(facts.ingress)?), Some(zone(facts.egress)?)),
            Hook::LocalOut => (None, Some(zone(facts.egress)?)),
        };
        Some(Way { from, to })
    }

    /// The least that one of its zones lets IPv6 do.
    fn ipv6<M: Memory>(self, compiled: &Compiled<M>) -> Ipv6Mode {
        let mode = |zone: Option<ZoneId>| match zone {
            None => Ipv6Mode::Full,
            Some(zone) => compiled
                .policy
                .zone(zone)
                .map_or(Ipv6Mode::Off, |zone| zone.ipv6),
        };
        mode(self.from).min(mode(self.to))
    }
}

/// The verdict of an armed namespace behind PRE_ROUTING.
fn judge<M: Memory>(compiled: &Compiled<M>, facts: &Facts, header: &Header) -> Decision {
    let Some(way) = Way::of(facts) else {
        return Decision::drop(Reason::NoZone);
    };
    let mut ipv6 = Ipv6Mode::Full;
    if header.family() == Family::V6 {
        ipv6 = way.ipv6(compiled);
        if ipv6 == Ipv6Mode::Off {
            return Decision::drop(Reason::Ipv6Off);
        }
        if facts.hook != Hook::Forward {
            if let Some(decision) = icmp::neighbour(compiled, header, way.from) {
                return decision;
            }
        }
    }
    let flow = match &facts.track {
        Track::Invalid => return Decision::drop(Reason::Invalid),
        Track::Untracked => return Decision::drop(Reason::Untracked),
        Track::Flow(flow) => flow,
    };
    let about = flow.state == State::Related && is_about(facts, flow, header);
    if ipv6 == Ipv6Mode::Minimal {
        return if about && facts.hook != Hook::Forward && icmp::is_error(header) {
            minimal_error(compiled, facts, flow, header, way)
        } else {
            Decision::drop(Reason::Ipv6Off)
        };
    }
    if about {
        if facts.hook == Hook::LocalOut {
            return own_error(compiled, facts, header, way);
        }
        if !icmp::is_error(header) {
            return Decision::drop(icmp::reason_of_error(header));
        }
    } else if opens(flow) && flow.ends.protocol == protocol::TCP {
        match header.transport {
            Transport::Tcp(flags) if is_plain_syn(flags) => {}
            Transport::Tcp(_) => return Decision::drop(Reason::NotSyn),
            _ => return Decision::drop(Reason::Malformed),
        }
    }
    permit(compiled, facts, flow, way)
}

/// Whether a RELATED packet is an error or a reset about the flow, and none of the flow itself.
/// Those of an expected flow have its master too; but no flow that a helper expects is ICMP,
/// and none that the router opens begins with a reset.
fn is_about(facts: &Facts, flow: &Flow, header: &Header) -> bool {
    flow.master.is_none()
        || icmp::is_icmp(header)
        || (facts.hook == Hook::LocalOut && is_reset(header))
}

/// An ICMPv6 error where no rule is asked: that it comes from the zone of the flow's end, or
/// goes where its receiver is, holds all the same.
fn minimal_error<M: Memory>(
    compiled: &Compiled<M>,
    facts: &Facts,
    flow: &Flow,
    header: &Header,
    way: Way,
) -> Decision {
    let fits = match (facts.hook, flow.reply) {
        (Hook::LocalOut, _) => receives(compiled, facts, way.to, header.destination),
        (_, false) => owns(compiled, way.from, flow.ends.initiator),
        (_, true) => owns(compiled, way.from, flow.ends.responder),
    };
    if fits {
        Decision::accept(Reason::IcmpError)
    } else {
        Decision::drop(Reason::WrongZone)
    }
}

/// Whether the packet is one of those that open the flow.
fn opens(flow: &Flow) -> bool {
    !flow.reply && matches!(flow.state, State::New | State::Related)
}

/// SYN without FIN, RST and ACK (RFC 9293, 3.1), whatever ECN adds (RFC 3168, 6.1.1).
fn is_plain_syn(flags: u8) -> bool {
    flags & 0b1_0111 == 0b0_0010
}

fn is_reset(header: &Header) -> bool {
    matches!(header.transport, Transport::Tcp(flags) if flags & 0b100 != 0)
}

/// The router's own error or reset about somebody's packet. Nothing is opened by it, so it needs
/// no allow, only that no deny is in its way.
fn own_error<M: Memory>(
    compiled: &Compiled<M>,
    facts: &Facts,
    header: &Header,
    way: Way,
) -> Decision {
    if !is_reset(header) && !icmp::is_error(header) {
        return Decision::drop(icmp::reason_of_error(header));
    }
    let cell = Cell {
        from: None,
        to: way.to,
    };
    let ends = Ends {
        initiator: header.source,
        responder: header.destination,
        protocol: header.protocol,
        port: match header.transport {
            Transport::Icmp { kind, .. } => kind.into(),
            _ => 0,
        },
    };
    if !receives(compiled, facts, way.to, header.destination) {
        return Decision::drop(Reason::WrongZone).within(cell);
    }
    let question = Question {
        family: header.family(),
        ends: &ends,
        unusual_address: false,
        broadcast: false,
    };
    match compiled.ask(cell, &question) {
        Some(answer) if matches!(answer.action, Action::Deny { .. }) => Decision {
            rule: Some(answer.rule),
            ..Decision::drop(Reason::Denied).within(cell)
        },
        _ => Decision::accept(Reason::IcmpError).within(cell),
    }
}

/// Whether an end of a flow is where the packet's way says; `None` is the router.
fn owns<M: Memory>(compiled: &Compiled<M>, place: Option<ZoneId>, address: Address) -> bool {
    match place {
        // The kernel itself delivers to the router only what is the router's.
        None => true,
        Some(zone) => compiled.owns(zone, address),
    }
}

/// Whether a flow may have been opened from there.
fn opened<M: Memory>(
    compiled: &Compiled<M>,
    facts: &Facts,
    place: Option<ZoneId>,
    address: Address,
) -> bool {
    // PRE_ROUTING lets it through as DHCP's only.
    let nobody = address.family() == Family::V4 && address.is_unspecified();
    (facts.hook == Hook::LocalIn && nobody) || owns(compiled, place, address)
}

/// Whether a packet may be sent there.
fn receives<M: Memory>(
    compiled: &Compiled<M>,
    facts: &Facts,
    place: Option<ZoneId>,
    address: Address,
) -> bool {
    // To a group or to all hosts of a network; the route says through which interface.
    (facts.hook == Hook::LocalOut && is_cast(facts, address)) || owns(compiled, place, address)
}

fn is_cast(facts: &Facts, address: Address) -> bool {
    facts.broadcast || address.is_limited_broadcast() || address.is_multicast()
}

/// Conntrack gave direction, the policy gives permission: asks the cell of the flow's ends,
/// whatever direction and state the packet has.
fn permit<M: Memory>(compiled: &Compiled<M>, facts: &Facts, flow: &Flow, way: Way) -> Decision {
    let ends = &flow.ends;
    // Nobody answers from no address, or to all hosts.
    let (from, to, there) = match flow.reply {
        false => {
            let there = opened(compiled, facts, way.from, ends.initiator)
                && receives(compiled, facts, way.to, ends.responder);
            (way.from, way.to, there)
        }
        true => {
            let there =
                owns(compiled, way.to, ends.initiator) && owns(compiled, way.from, ends.responder);
            (way.to, way.from, there)
        }
    };
    let cell = Cell { from, to };
    if !there {
        return Decision::drop(Reason::WrongZone).within(cell);
    }
    let (cell, asked) = match &flow.master {
        None => (cell, ends),
        Some(master) => match cell_of_master(compiled, cell, ends, master) {
            Some(cell) => (cell, master),
            None => return Decision::drop(Reason::WrongZone).within(cell),
        },
    };
    // Only a flow's own packets can arrive at the wrong one of the router's addresses.
    let arrives = facts.hook == Hook::LocalIn && !flow.reply && flow.master.is_none();
    let cast = arrives && is_cast(facts, ends.responder);
    let strange = arrives && !cast && (facts.home.is_none() || facts.home != way.from);
    let question = Question {
        family: asked.initiator.family(),
        ends: asked,
        unusual_address: cast || strange,
        broadcast: cast && !ends.responder.is_multicast(),
    };
    let Some(answer) = compiled.ask(cell, &question) else {
        let default = match (cell.from, cell.to) {
            (_, None) => compiled.policy.defaults.input,
            (None, _) => compiled.policy.defaults.output,
            _ => compiled.policy.defaults.forward,
        };
        let decision = if cast {
            Decision::drop(Reason::Broadcast)
        } else if strange {
            Decision::drop(Reason::WrongAddress)
        } else if default {
            Decision::accept(Reason::Default)
        } else {
            Decision::drop(Reason::NoRule)
        };
        return decision.within(cell);
    };
    let decision = match answer.action {
        Action::Deny { reject } => {
            let tell = reject && facts.hook != Hook::LocalOut && !cast;
            Decision {
                verdict: if tell { Verdict::Reject } else { Verdict::Drop },
                ..Decision::drop(Reason::Denied)
            }
        }
        Action::Allow { masquerade: true } if untranslated(facts, flow) => {
            Decision::drop(Reason::NatChanged)
        }
        Action::Allow { .. } => Decision::accept(Reason::Allowed),
    };
    Decision {
        rule: Some(answer.rule),
        ..decision.within(cell)
    }
}

/// Whether the flow went on its way before the policy said that its source is to be translated:
/// the kernel asks for that only once in a flow's life.
fn untranslated(facts: &Facts, flow: &Flow) -> bool {
    facts.hook == Hook::Forward && flow.confirmed && !flow.source_nat && flow.master.is_none()
}

/// The cell of the master of a flow in `cell`, if its ends lie in the same two zones. Where one
/// of them is the router, both flows have to be with the same address of it.
fn cell_of_master<M: Memory>(
    compiled: &Compiled<M>,
    cell: Cell,
    ends: &Ends,
    master: &Ends,
) -> Option<Cell> {
    let lies = |place: Option<ZoneId>, routers: Address, address: Address| match place {
        None => routers == address,
        Some(zone) => compiled.owns(zone, address),
    };
    if lies(cell.from, ends.initiator, master.initiator)
        && lies(cell.to, ends.responder, master.responder)
    {
        return Some(cell);
    }
    if lies(cell.from, ends.initiator, master.responder)
        && lies(cell.to, ends.responder, master.initiator)
    {
        return Some(Cell {
            from: cell.to,
            to: cell.from,
        });
    }
    None
}
