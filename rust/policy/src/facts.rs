// SPDX-License-Identifier: GPL-2.0

//! What is known of a packet when its verdict is asked, in the policy's own terms.

use crate::{address::Address, header::Header, policy::ZoneId};

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

/// What is known of a packet. Fields that a hook does not need may hold anything harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Where the verdict is asked.
    pub hook: Hook,
    /// Where the packet came in (`Unzoned` in [`Hook::LocalOut`]).
    pub ingress: Port,
    /// Where it is routed to go out (`Unzoned` in [`Hook::PreRouting`] and [`Hook::LocalIn`]).
    pub egress: Port,
    /// The router sent the packet itself and hears it back (`PACKET_LOOPBACK`); where it forwards
    /// multicast, and is in the group, it may be somebody else's.
    pub looped_back: bool,
    /// The packet's header; `None` when it cannot be read.
    pub header: Option<Header>,
    /// In [`Hook::PreRouting`]: the source is an address of the router, or a broadcast address
    /// of one of its networks.
    pub source_is_local: bool,
    /// In [`Hook::PreRouting`]: the hardware address that the packet came with.
    pub source_mac: Option<[u8; 6]>,
    /// In [`Hook::LocalIn`]: the zone of the interface that has the responder's address.
    pub home: Option<ZoneId>,
    /// The destination is a broadcast address of one of the router's networks.
    pub broadcast: bool,
    /// What connection tracking says; not asked in [`Hook::PreRouting`].
    pub track: Track,
}
