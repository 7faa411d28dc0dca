// SPDX-License-Identifier: GPL-2.0

//! The verdict. Every packet's is made here and nowhere else.

mod flow;
mod icmp;
mod ingress;
mod reason;
mod ruling;

pub use flow::{allows, masquerades, serves};
pub use reason::Reason;
pub use ruling::Ruling;

pub use crate::tables::Cell;
use crate::{
    address::{Address, Family},
    facts::{Ends, Hook, Packet, Port, Seen},
    header::{Header, Transport},
    memory::Memory,
    policy::{Action, Ipv6Mode, RuleId, ZoneId},
    service::protocol,
    tables::{AnswerId, Compiled, Question, Side},
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
    /// What its cell said, which is a rule in a cell.
    pub answer: Option<AnswerId>,
}

/// The verdict on a packet.
pub fn decide<M: Memory>(guard: &Guard<'_, M>, packet: &impl Packet) -> Decision {
    rule_on(guard, packet).decision(guard)
}

/// The verdict on a packet, in one word: [`decide`] for hooks.
#[inline(always)] // Everything the hook knows already, its family first of all, folds away.
pub fn rule_on<M: Memory>(guard: &Guard<'_, M>, packet: &impl Packet) -> Ruling {
    let Guard::Armed(compiled) = guard else {
        return unarmed(matches!(guard, Guard::Idle), packet);
    };
    let (ingress, egress) = ports(packet);
    let ruling = if is_loopback(packet, ingress, egress) {
        Ruling::accept(Reason::Loopback)
    } else if packet.hook() == Hook::PreRouting {
        return ingress::check(compiled, packet, ingress);
    } else if packet.plain().is_none() && packet.header().is_none() {
        Ruling::drop(Reason::Malformed)
    } else {
        match Way::of(packet.hook(), ingress, egress) {
            Some(way) => return judge(compiled, packet, way),
            None => Ruling::drop(Reason::NoZone),
        }
    };
    go_on(packet, ruling)
}

/// The verdict where no policy is in force.
#[cold]
fn unarmed(idle: bool, packet: &impl Packet) -> Ruling {
    let (ingress, egress) = ports(packet);
    let ruling = match idle {
        _ if is_loopback(packet, ingress, egress) => Ruling::accept(Reason::Loopback),
        true => Ruling::accept(Reason::Idle),
        false => Ruling::drop(Reason::Sealed),
    };
    go_on(packet, ruling)
}

/// What passes PRE_ROUTING is counted where it goes.
#[inline]
fn go_on(packet: &impl Packet, ruling: Ruling) -> Ruling {
    if packet.hook() == Hook::PreRouting && ruling.verdict() == Verdict::Accept {
        return Ruling::GO_ON;
    }
    ruling
}

/// Where the packet came in and where it goes out, as far as its hook knows.
#[inline(always)]
fn ports(packet: &impl Packet) -> (Port, Port) {
    match packet.hook() {
        Hook::PreRouting | Hook::LocalIn => (packet.ingress(), Port::Unzoned),
        Hook::Forward => (packet.ingress(), packet.egress()),
        Hook::LocalOut => (Port::Unzoned, packet.egress()),
    }
}

#[inline(always)]
fn is_loopback(packet: &impl Packet, ingress: Port, egress: Port) -> bool {
    match packet.hook() {
        // What is looped back is the router's own, or multicast that it forwards and hears.
        Hook::PreRouting | Hook::LocalIn => {
            ingress == Port::Loopback || (packet.looped_back() && packet.source_is_local())
        }
        Hook::LocalOut => egress == Port::Loopback && packet.is_own() && !answers_unseen(packet),
        Hook::Forward => false,
    }
}

/// Whether a packet that the router sends to itself is what [`icmp::answers_unseen`] says.
#[inline]
fn answers_unseen(packet: &impl Packet) -> bool {
    let may_be = packet.family() == Family::V6 && may_be_icmpv6(packet);
    may_be && packet.header().is_some_and(|h| icmp::answers_unseen(&h))
}

#[inline(always)]
fn may_be_icmpv6(packet: &impl Packet) -> bool {
    matches!(packet.plain(), None | Some(protocol::ICMPV6))
}

/// The zones that a packet comes from and goes to; `None` is the router.
#[derive(Clone, Copy)]
struct Way {
    from: Option<ZoneId>,
    to: Option<ZoneId>,
}

impl Way {
    /// `None` when one of the interfaces is in no zone.
    #[inline(always)]
    fn of(hook: Hook, ingress: Port, egress: Port) -> Option<Way> {
        let (from, to) = match hook {
            Hook::PreRouting | Hook::LocalIn => (Some(ingress.zone()?), None),
            Hook::Forward => (Some(ingress.zone()?), Some(egress.zone()?)),
            Hook::LocalOut => (None, Some(egress.zone()?)),
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
#[inline(always)]
fn judge<M: Memory>(compiled: &Compiled<M>, packet: &impl Packet, way: Way) -> Ruling {
    let mut ipv6 = Ipv6Mode::Full;
    if packet.family() == Family::V6 {
        ipv6 = way.ipv6(compiled);
        if ipv6 == Ipv6Mode::Off {
            return Ruling::drop(Reason::Ipv6Off);
        }
        if may_be_icmpv6(packet) && (packet.hook() != Hook::Forward || way.from == way.to) {
            let header = packet.header();
            if let Some(ruling) = header.and_then(|h| icmp::neighbour(compiled, &h, way.from)) {
                return if may_speak(packet) {
                    ruling
                } else {
                    Ruling::drop(Reason::WrongZone)
                };
            }
        }
    }
    let seen = packet.seen();
    match seen {
        Seen::Invalid => return Ruling::drop(Reason::Invalid),
        Seen::Untracked => return Ruling::drop(Reason::Untracked),
        Seen::Established if ipv6 != Ipv6Mode::Minimal => {}
        Seen::Established | Seen::New | Seen::Related => {
            if let Some(ruling) = special(compiled, packet, seen, way, ipv6) {
                return ruling;
            }
        }
    }
    permit(compiled, packet, seen, way)
}

/// What is not asked of a rule, or not as other packets are: a flow's first packets, errors about
/// flows, and all of a zone whose IPv6 is minimal. `None` to go on.
#[inline(always)]
fn special<M: Memory>(
    compiled: &Compiled<M>,
    packet: &impl Packet,
    seen: Seen,
    way: Way,
    ipv6: Ipv6Mode,
) -> Option<Ruling> {
    if seen == Seen::Related || ipv6 == Ipv6Mode::Minimal {
        return about(compiled, packet, seen, way, ipv6);
    }
    if opens_tcp(packet) {
        return match packet.header() {
            None => Some(Ruling::drop(Reason::Malformed)),
            Some(header) => opens_badly(&header),
        };
    }
    None
}

/// Whether a packet that is not of an established flow opens one of TCP, if it is of it at all.
#[inline(always)]
fn opens_tcp(packet: &impl Packet) -> bool {
    !packet.reply() && packet.ends().protocol == protocol::TCP
}

/// Errors about flows, the first packets of expected ones, and what of a zone whose IPv6 is
/// minimal is neither. `None` to go on.
#[cold]
#[inline(never)]
fn about<M: Memory>(
    compiled: &Compiled<M>,
    packet: &impl Packet,
    seen: Seen,
    way: Way,
    ipv6: Ipv6Mode,
) -> Option<Ruling> {
    let Some(header) = packet.header() else {
        return Some(Ruling::drop(Reason::Malformed));
    };
    let about = seen == Seen::Related && is_about(packet, &header);
    // (Its resets have no socket, and the source that they speak for.)
    if about && !is_reset(&header) && !may_speak(packet) {
        return Some(Ruling::drop(Reason::WrongZone));
    }
    if about && packet.hook() == Hook::LocalOut && icmp::answers_unseen(&header) {
        return Some(Ruling::drop(Reason::IcmpError));
    }
    if ipv6 == Ipv6Mode::Minimal {
        let may = about && packet.hook() != Hook::Forward && icmp::is_error(&header);
        return Some(if may {
            minimal_error(compiled, packet, &header, way)
        } else {
            Ruling::drop(Reason::Ipv6Off)
        });
    }
    if about && packet.hook() == Hook::LocalOut {
        return Some(own_error(compiled, packet, &header, way));
    }
    if about {
        let passes = icmp::is_error(&header);
        return (!passes).then(|| Ruling::drop(icmp::reason_of_error(&header)));
    }
    if opens_tcp(packet) {
        return opens_badly(&header);
    }
    None
}

/// What is wrong with a packet that opens a TCP flow.
fn opens_badly(header: &Header) -> Option<Ruling> {
    match header.transport {
        Transport::Tcp(flags) if is_plain_syn(flags) => None,
        Transport::Tcp(_) => Some(Ruling::drop(Reason::NotSyn)),
        _ => Some(Ruling::drop(Reason::Malformed)),
    }
}

/// Whether a RELATED packet is an error or a reset about the flow, and none of the flow itself.
/// Those of an expected flow have its master too; but what has another protocol than the flow, or
/// one that is out of sight, is not the flow's own, and none that the router opens begins with a
/// reset.
fn is_about(packet: &impl Packet, header: &Header) -> bool {
    packet.master().is_none()
        || header.protocol != packet.ends().protocol
        || (packet.hook() == Hook::LocalOut && is_reset(header))
}

/// An ICMPv6 error where no rule is asked: that it comes from the zone of the flow's end, or
/// goes where its receiver is, holds all the same.
fn minimal_error<M: Memory>(
    compiled: &Compiled<M>,
    packet: &impl Packet,
    header: &Header,
    way: Way,
) -> Ruling {
    let from = |address| owns(compiled.side(way.from, address), address);
    let fits = match (packet.hook(), packet.reply()) {
        (Hook::LocalOut, _) => {
            let to = compiled.side(way.to, header.destination);
            receives(packet, to, header.destination)
        }
        (_, false) => from(packet.ends().initiator),
        (_, true) => from(packet.ends().responder),
    };
    if fits {
        Ruling::accept(Reason::IcmpError)
    } else {
        Ruling::drop(Reason::WrongZone)
    }
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
    packet: &impl Packet,
    header: &Header,
    way: Way,
) -> Ruling {
    if !is_reset(header) && !icmp::is_error(header) {
        return Ruling::drop(icmp::reason_of_error(header));
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
    let to = compiled.side(way.to, header.destination);
    if !receives(packet, to, header.destination) {
        return Ruling::drop(Reason::WrongZone).within(compiled, cell);
    }
    let question = Question {
        from: compiled.side(None, header.source),
        to,
        ends: &ends,
        unusual_address: false,
        broadcast: false,
    };
    if let Some(id) = compiled.ask(&question) {
        let action = compiled.answer(id).map(|answer| answer.action);
        if matches!(action, Some(Action::Deny { .. })) {
            return Ruling::drop(Reason::Denied).by(id);
        }
    }
    Ruling::accept(Reason::IcmpError).within(compiled, cell)
}

/// Whether who sends the packet is the router, if it seems to be.
#[inline(always)]
fn may_speak(packet: &impl Packet) -> bool {
    packet.hook() != Hook::LocalOut || packet.is_own()
}

/// Whether an end of a flow is where the packet's way says. The addresses of `fe80::/10` are in
/// every zone.
#[inline]
fn owns(side: Side, address: Address) -> bool {
    match side.zone {
        // The kernel delivers to the router what is the router's; `permit` asks whether the flow is too.
        None => true,
        Some(zone) => side.host.zone() == zone || address.is_link_local_v6(),
    }
}

/// Whether a flow may have been opened from there.
#[inline]
fn opened(packet: &impl Packet, side: Side, address: Address) -> bool {
    match packet.hook() {
        Hook::LocalOut => packet.is_own(),
        Hook::LocalIn => owns(side, address) || asks_for_address(address),
        _ => owns(side, address),
    }
}

/// Who asks for an address: PRE_ROUTING lets this through as DHCP's only.
fn asks_for_address(address: Address) -> bool {
    address.family() == Family::V4 && address.is_unspecified()
}

/// Whether a packet may be sent there.
#[inline]
fn receives(packet: &impl Packet, side: Side, address: Address) -> bool {
    // To a group or to all hosts of a network; the route says through which interface.
    owns(side, address) || (packet.hook() == Hook::LocalOut && is_cast(packet, address))
}

#[inline]
fn is_cast(packet: &impl Packet, address: Address) -> bool {
    address.is_limited_broadcast() || address.is_multicast() || packet.broadcast()
}

/// The verdict where an end of the flow is in no zone that the packet's way goes through: that it is in the
/// wrong one, but for what a bridge of a zone hands from one host to many, with `br_netfilter`. For
/// groups and broadcasts there the rules from the zone to itself count.
#[cold]
#[inline(never)]
fn astray<M: Memory>(compiled: &Compiled<M>, packet: &impl Packet, way: Way, cell: Cell) -> Ruling {
    let ends = &packet.ends();
    let from = compiled.side(cell.from, ends.initiator);
    let to = compiled.side(cell.to, ends.responder);
    let inside = packet.hook() == Hook::Forward
        && way.from == way.to
        && !packet.reply()
        && packet.master().is_none()
        && (asks_for_address(ends.initiator) || owns(from, ends.initiator))
        && (is_cast(packet, ends.responder) || owns(to, ends.responder));
    if !inside {
        return Ruling::drop(Reason::WrongZone).within(compiled, cell);
    }
    if !ingress::has_its_mac(compiled, packet) {
        return Ruling::drop(Reason::MacMismatch).within(compiled, cell);
    }
    let question = Question {
        from,
        to,
        ends,
        unusual_address: false,
        broadcast: false,
    };
    match compiled.ask_all(&question) {
        Some(id) => answered(compiled, packet, cell, id),
        None => no_rule(compiled, cell, Reason::NoRule),
    }
}

/// Conntrack gave direction, the policy gives permission: asks the cell of the flow's ends,
/// whatever direction and state the packet has.
#[inline(always)]
fn permit<M: Memory>(compiled: &Compiled<M>, packet: &impl Packet, seen: Seen, way: Way) -> Ruling {
    let reply = packet.reply();
    let ends = &packet.ends();
    let (from, to) = match reply {
        false => (way.from, way.to),
        true => (way.to, way.from),
    };
    let cell = Cell { from, to };
    let from = compiled.side(from, ends.initiator);
    let to = compiled.side(to, ends.responder);
    // Nobody answers from no address, or to all hosts.
    let there = match reply {
        false => opened(packet, from, ends.initiator) && receives(packet, to, ends.responder),
        true => owns(from, ends.initiator) && owns(to, ends.responder),
    };
    if !there || (reply && !may_speak(packet)) {
        return astray(compiled, packet, way, cell);
    }
    // PRE_ROUTING looked already, but perhaps when another policy was in force. An error's sender may
    // be anybody on the flow's way.
    let sender = if reply { to } else { from };
    let may_have = sender.host.has_mac() || seen == Seen::Related;
    if may_have && packet.hook() != Hook::LocalOut && !ingress::has_its_mac(compiled, packet) {
        return Ruling::drop(Reason::MacMismatch).within(compiled, cell);
    }
    if reply && packet.hook() == Hook::LocalIn && !answers_router(packet, ends) {
        return Ruling::drop(Reason::WrongAddress).within(compiled, cell);
    }
    if packet.master().is_some() {
        return permit_expected(compiled, packet, cell);
    }
    // Only a flow's own packets can arrive at the wrong one of the router's addresses.
    let arrives = packet.hook() == Hook::LocalIn && !reply;
    let cast = arrives && is_cast(packet, ends.responder);
    let at_home = || {
        let home = packet.home(ends.responder);
        home.is_some() && home == way.from
    };
    let strange = arrives && !cast && !at_home();
    let question = Question {
        from,
        to,
        ends,
        unusual_address: cast || strange,
        broadcast: cast && !ends.responder.is_multicast(),
    };
    let Some(id) = compiled.ask(&question) else {
        let reason = if cast {
            Reason::Broadcast
        } else if strange {
            Reason::WrongAddress
        } else {
            Reason::NoRule
        };
        return no_rule(compiled, cell, reason);
    };
    answered(compiled, packet, cell, id)
}

/// Whether a reply that the kernel delivers to the router answers what the router sent: it goes to the
/// address that opened the flow. Else the flow is somebody's whose address was translated to the
/// router's, and nobody translates back any more. And it goes to no anycast address: the router opens
/// nothing from there, but others can send as if they were it.
#[inline(always)]
fn answers_router(packet: &impl Packet, ends: &Ends) -> bool {
    let for_another = packet.source_nat() && packet.destination() != ends.initiator;
    !for_another && !packet.anycast()
}

/// The same of a flow that a helper expected: its master's permission counts, and every deny of its
/// own, which beats it like any allow.
#[cold]
#[inline(never)]
fn permit_expected<M: Memory>(compiled: &Compiled<M>, packet: &impl Packet, cell: Cell) -> Ruling {
    let (ends, master) = (&packet.ends(), &packet.master().unwrap_or(Ends::NONE));
    let Some(masters) = cell_of_master(cell, ends, master) else {
        return Ruling::drop(Reason::WrongZone).within(compiled, cell);
    };
    let ask = |cell: Cell, ends: &Ends| {
        compiled.ask(&Question {
            from: compiled.side(cell.from, ends.initiator),
            to: compiled.side(cell.to, ends.responder),
            ends,
            unusual_address: false,
            broadcast: false,
        })
    };
    let is_deny = |id: &AnswerId| {
        let answer = compiled.answer(*id);
        answer.is_some_and(|answer| matches!(answer.action, Action::Deny { .. }))
    };
    if let Some(id) = ask(cell, ends).filter(is_deny) {
        return answered(compiled, packet, cell, id);
    }
    match ask(masters, master) {
        Some(id) => answered(compiled, packet, masters, id),
        None => no_rule(compiled, masters, Reason::NoRule),
    }
}

/// What happens where no rule matches; `reason` says why the packet is dropped if it is.
#[inline(never)]
fn no_rule<M: Memory>(compiled: &Compiled<M>, cell: Cell, reason: Reason) -> Ruling {
    let ruling = if default(compiled, cell) && reason == Reason::NoRule {
        Ruling::accept(Reason::Default)
    } else {
        Ruling::drop(reason)
    };
    ruling.within(compiled, cell)
}

/// Whether what no rule matches passes.
fn default<M: Memory>(compiled: &Compiled<M>, cell: Cell) -> bool {
    match (cell.from, cell.to) {
        (_, None) => compiled.policy.defaults.input,
        (None, _) => compiled.policy.defaults.output,
        _ => compiled.policy.defaults.forward,
    }
}

/// What happens where a rule matches.
#[inline(always)]
fn answered<M: Memory>(
    compiled: &Compiled<M>,
    packet: &impl Packet,
    cell: Cell,
    id: AnswerId,
) -> Ruling {
    let Some(answer) = compiled.answer(id) else {
        return no_rule(compiled, cell, Reason::NoRule);
    };
    let ruling = match answer.action {
        Action::Deny { reject } if reject && may_be_told(packet, cell) => Ruling::REJECT,
        Action::Deny { .. } => Ruling::drop(Reason::Denied),
        Action::Allow { masquerade: true } if untranslated(packet) => {
            Ruling::drop(Reason::NatChanged)
        }
        Action::Allow { .. } => Ruling::accept(Reason::Allowed),
    };
    ruling.by(id)
}

/// Whether the sender may hear that a deny stopped the packet: nobody does of what was sent to many
/// (RFC 1122, 3.2.2).
#[cold]
fn may_be_told(packet: &impl Packet, cell: Cell) -> bool {
    let may_be_many = match packet.hook() {
        Hook::LocalOut => return false,
        Hook::Forward => cell.from == cell.to,
        Hook::PreRouting | Hook::LocalIn => true,
    };
    let opens = !packet.reply() && packet.master().is_none();
    !(may_be_many && opens && is_cast(packet, packet.ends().responder))
}

/// Whether the flow went on its way before the policy said that its source is to be translated:
/// the kernel asks for that only once in a flow's life.
fn untranslated(packet: &impl Packet) -> bool {
    packet.hook() == Hook::Forward
        && packet.confirmed()
        && !packet.source_nat()
        && packet.master().is_none()
}

/// The cell of the master of a flow in `cell`, if the flow is between the same two: a camera could
/// announce one to any address.
fn cell_of_master(cell: Cell, ends: &Ends, master: &Ends) -> Option<Cell> {
    let (here, there) = (ends.initiator, ends.responder);
    if (here, there) == (master.initiator, master.responder) {
        return Some(cell);
    }
    ((there, here) == (master.initiator, master.responder)).then_some(Cell {
        from: cell.to,
        to: cell.from,
    })
}
