// SPDX-License-Identifier: GPL-2.0

//! What is known of a packet when its verdict is asked, in the policy's own terms.

use crate::{
    address::{Address, Family},
    header::Header,
    policy::ZoneId,
};

/// The place on a packet's way where the verdict is asked (`enum nf_inet_hooks`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// `NF_INET_PRE_ROUTING` at priority -450, before defragmentation.
    PreRouting,
    /// `NF_INET_LOCAL_IN`.
    LocalIn,
    /// `NF_INET_FORWARD`.
    Forward,
    /// `NF_INET_LOCAL_OUT`.
    LocalOut,
}

/// What a network interface is to the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// It is in no zone, cannot be in one (a VRF slave), or there is none.
    Unzoned,
    /// The loopback interface.
    Loopback,
    /// An interface of this zone.
    Zone(ZoneId),
}

impl Port {
    /// Its zone, if it is in one.
    #[inline(always)]
    pub const fn zone(self) -> Option<ZoneId> {
        match self {
            Port::Zone(zone) => Some(zone),
            Port::Unzoned | Port::Loopback => None,
        }
    }
}

/// The two ends of a flow, and what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Who opened it: the source of the original tuple.
    pub initiator: Address,
    /// Who it was opened to: the source of the reply tuple, so after DNAT and before SNAT.
    pub responder: Address,
    /// The protocol number.
    pub protocol: u8,
    /// The responder's port, for ICMP the type of the original tuple, else 0.
    pub port: u16,
}

impl Ends {
    /// Those of no flow.
    pub const NONE: Ends = Ends {
        initiator: Address::v4([0; 4]),
        responder: Address::v4([0; 4]),
        protocol: 0,
        port: 0,
    };
}

/// How far a flow is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No reply was seen (`IP_CT_NEW`).
    New,
    /// Replies were seen (`IP_CT_ESTABLISHED`, `IP_CT_ESTABLISHED_REPLY`).
    Established,
    /// Belongs to another flow: an ICMP error about it, or, with a master, an expected flow's
    /// first packets (`IP_CT_RELATED`, `IP_CT_RELATED_REPLY`).
    Related,
}

/// What connection tracking knows of a packet's flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// How far the flow is.
    pub state: State,
    /// The packet goes from the responder to the initiator.
    pub reply: bool,
    /// The flow's first packet went all the way (`IPS_CONFIRMED`).
    pub confirmed: bool,
    /// The initiator's address is translated (`IPS_SRC_NAT`).
    pub source_nat: bool,
    /// The flow's ends.
    pub ends: Ends,
    /// The ends of the flow that announced this one (`ct->master`).
    pub master: Option<Ends>,
}

/// What connection tracking says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    /// It could not be classified, or was not looked at.
    Invalid,
    /// It was exempted (`IP_CT_UNTRACKED`).
    Untracked,
    /// It belongs to this flow.
    Flow(Flow),
}

/// What [`decide`](crate::decide::decide) can ask of a packet. It asks only for what the verdict
/// hangs on, so that what is expensive to find out is found out where it is needed.
pub trait Packet {
    /// Where the verdict is asked.
    fn hook(&self) -> Hook;

    /// The packet's family.
    fn family(&self) -> Family;

    /// Where it came in; not asked in [`Hook::LocalOut`].
    fn ingress(&self) -> Port;

    /// Where it is routed to go out; not asked in [`Hook::PreRouting`] and [`Hook::LocalIn`].
    fn egress(&self) -> Port;

    /// The router sends the packet itself: a socket of its own does, or an address of its own or
    /// none is the source. Else a device hands it over that has its packets sent by the router
    /// (ipvlan, whose containers can forge the router's address), or IPVS passes it on; asked in
    /// [`Hook::LocalOut`] only.
    fn is_own(&self) -> bool;

    /// The router sent the packet itself and hears it back (`PACKET_LOOPBACK`); where it forwards
    /// multicast, and is in the group, it may be somebody else's.
    fn looped_back(&self) -> bool;

    /// The protocol, if it is known that the packet can be read, is no fragment of IPv6 and has
    /// nothing between the header of IP and that of this protocol, in [`Hook::PreRouting`] no options
    /// of IPv4 either. `None` says nothing.
    fn plain(&self) -> Option<u8>;

    /// The header; `None` when it cannot be read.
    fn header(&self) -> Option<Header>;

    /// The source; not asked when the header cannot be read.
    fn source(&self) -> Address;

    /// The destination; asked in [`Hook::LocalIn`] only, and not when the header cannot be read.
    fn destination(&self) -> Address;

    /// Whether the source is an address of the router, or a broadcast address of one of its
    /// networks; asked where the packet comes in only, [`Hook::PreRouting`] and [`Hook::LocalIn`].
    fn source_is_local(&self) -> bool;

    /// The hardware address that the packet came with; not asked in [`Hook::LocalOut`].
    fn source_mac(&self) -> Option<[u8; 6]>;

    /// The zone of the interface that has the responder's address, which is this one, and the
    /// ingress zone if an interface of that does; asked in [`Hook::LocalIn`] only.
    fn home(&self, responder: Address) -> Option<ZoneId>;

    /// Whether the destination is a broadcast address of one of the router's networks.
    fn broadcast(&self) -> bool;

    /// Whether the destination is an anycast address of the router (RFC 4291, 2.6): of every
    /// network that it routes, the first. Asked in [`Hook::LocalIn`] only.
    fn anycast(&self) -> bool;

    /// What connection tracking says; not asked in [`Hook::PreRouting`].
    fn seen(&self) -> Seen;

    /// Whether the packet goes from the responder to the initiator; this and what follows is
    /// asked only if it has a flow.
    fn reply(&self) -> bool;

    /// The ends of the packet's flow.
    fn ends(&self) -> Ends;

    /// The ends of the flow that announced it.
    fn master(&self) -> Option<Ends>;

    /// Whether the flow's first packet went all the way.
    fn confirmed(&self) -> bool;

    /// Whether the initiator's address is translated.
    fn source_nat(&self) -> bool;
}

/// What connection tracking says of a packet, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// See [`Track::Invalid`].
    Invalid,
    /// See [`Track::Untracked`].
    Untracked,
    /// See [`State::New`].
    New,
    /// See [`State::Established`].
    Established,
    /// See [`State::Related`].
    Related,
}

/// A packet of which everything is known. Fields that a hook does not need may hold anything
/// harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what the methods of the trait return")]
pub struct Facts {
    pub hook: Hook,
    pub ingress: Port,
    pub egress: Port,
    pub is_own: bool,
    pub looped_back: bool,
    pub header: Option<Header>,
    pub source_is_local: bool,
    pub source_mac: Option<[u8; 6]>,
    pub home: Option<ZoneId>,
    pub broadcast: bool,
    pub anycast: bool,
    pub track: Track,
}

impl Packet for Facts {
    fn hook(&self) -> Hook {
        self.hook
    }

    fn family(&self) -> Family {
        self.header.map_or(Family::V4, |header| header.family())
    }

    fn ingress(&self) -> Port {
        self.ingress
    }

    fn egress(&self) -> Port {
        self.egress
    }

    fn is_own(&self) -> bool {
        self.is_own
    }

    fn looped_back(&self) -> bool {
        self.looped_back
    }

    fn plain(&self) -> Option<u8> {
        None
    }

    fn header(&self) -> Option<Header> {
        self.header
    }

    fn source(&self) -> Address {
        self.header
            .map_or(Address::v4([0; 4]), |header| header.source)
    }

    fn destination(&self) -> Address {
        self.header
            .map_or(Address::v4([0; 4]), |header| header.destination)
    }

    fn source_is_local(&self) -> bool {
        self.source_is_local
    }

    fn source_mac(&self) -> Option<[u8; 6]> {
        self.source_mac
    }

    fn home(&self, _responder: Address) -> Option<ZoneId> {
        self.home
    }

    fn broadcast(&self) -> bool {
        self.broadcast
    }

    fn anycast(&self) -> bool {
        self.anycast
    }

    fn seen(&self) -> Seen {
        match self.track {
            Track::Invalid => Seen::Invalid,
            Track::Untracked => Seen::Untracked,
            Track::Flow(flow) => match flow.state {
                State::New => Seen::New,
                State::Established => Seen::Established,
                State::Related => Seen::Related,
            },
        }
    }

    fn reply(&self) -> bool {
        matches!(self.track, Track::Flow(flow) if flow.reply)
    }

    fn ends(&self) -> Ends {
        match self.track {
            Track::Flow(flow) => flow.ends,
            Track::Invalid | Track::Untracked => Ends::NONE,
        }
    }

    fn master(&self) -> Option<Ends> {
        match self.track {
            Track::Flow(flow) => flow.master,
            Track::Invalid | Track::Untracked => None,
        }
    }

    fn confirmed(&self) -> bool {
        matches!(self.track, Track::Flow(flow) if flow.confirmed)
    }

    fn source_nat(&self) -> bool {
        matches!(self.track, Track::Flow(flow) if flow.source_nat)
    }
}
