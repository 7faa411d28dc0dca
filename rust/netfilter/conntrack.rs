// SPDX-License-Identifier: GPL-2.0

//! What connection tracking knows, in the policy's terms; and having it on in a namespace.
//!
//! C header: [`include/net/netfilter/nf_conntrack.h`](srctree/include/net/netfilter/nf_conntrack.h)

use super::{
    net::NetRef,
    rcu::synchronize, //
};
use crate::bindings;
use camzone_policy::{
    address::{
        Address,
        Family, //
    },
    facts::{
        Ends,
        Seen, //
    },
    service::protocol,
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    error::to_result,
    prelude::*, //
};

/// `NFCT_INFOMASK` of include/linux/skbuff.h: what is not the flow's address in `skb->_nfct`.
const INFO_MASK: c_ulong = 7;

/// How many more flows may stand between a flow and the one whose permission is its own.
const MOST_ANNOUNCERS: usize = 4;

/// What `skb->_nfct` says of a packet without a flow.
#[inline(always)]
pub(super) fn without_flow(word: c_ulong) -> Seen {
    match (word & INFO_MASK) as u32 {
        bindings::ip_conntrack_info_IP_CT_UNTRACKED => Seen::Untracked,
        _ => Seen::Invalid,
    }
}

/// Whether the packet with this `skb->_nfct` goes from its flow's responder to the initiator
/// (`CTINFO2DIR` of include/uapi/linux/netfilter/nf_conntrack_common.h).
#[inline(always)]
pub(super) fn is_reply(word: c_ulong) -> bool {
    (word & INFO_MASK) as u32 >= bindings::ip_conntrack_info_IP_CT_IS_REPLY
}

/// A flow of the table.
///
/// # Invariants
///
/// It is not freed during `'a`.
#[derive(Clone, Copy)]
pub(super) struct Conn<'a>(
    NonNull<bindings::nf_conn>,
    PhantomData<&'a bindings::nf_conn>,
);

impl<'a> Conn<'a> {
    /// Reads a member of `struct nf_conn`.
    ///
    /// # Safety
    ///
    /// There is a `T` in this place of it, which does not change or changes as a whole.
    #[inline(always)]
    unsafe fn read<T: Copy>(self, place: usize) -> T {
        // SAFETY: By the type invariant the flow is there; the rest is the caller's promise.
        unsafe { self.0.cast::<u8>().add(place).cast::<T>().read_volatile() }
    }

    /// A member of a tuple. Those of a flow that packets or the table can have never change.
    ///
    /// # Safety
    ///
    /// There is a `T` in this place of `struct nf_conntrack_tuple`.
    #[inline(always)]
    unsafe fn tuple<T: Copy>(self, tuple: usize, place: usize) -> T {
        let place = tuple.wrapping_add(place);
        // SAFETY: By the type invariant the flow is there, and these are its two tuples.
        unsafe { self.0.cast::<u8>().add(place).cast::<T>().read() }
    }

    #[inline(always)]
    fn has(self, bit: u32) -> bool {
        // SAFETY: The status is a word.
        let status: c_ulong = unsafe { self.read(bindings::CAMZONE_CT_STATUS) };
        status & bit as c_ulong != 0
    }

    #[inline(always)]
    fn address(self, family: Family, tuple: usize, place: usize) -> Address {
        // SAFETY: The addresses of a tuple have 16 bytes, of which IPv4 uses the first four.
        unsafe {
            match family {
                Family::V4 => Address::v4(self.tuple(tuple, place)),
                Family::V6 => Address::v6(self.tuple(tuple, place)),
            }
        }
    }

    /// The flow of a packet, by its `skb->_nfct`.
    ///
    /// # Safety
    ///
    /// The packet holds its flow for all of `'a`.
    #[inline(always)]
    pub(super) unsafe fn of(word: c_ulong) -> Option<Self> {
        let ct = NonNull::new((word & !INFO_MASK) as *mut bindings::nf_conn)?;
        // INVARIANT: By this function's promise.
        Some(Conn(ct, PhantomData))
    }

    /// What is said of a packet of the flow with this `skb->_nfct`.
    #[inline(always)]
    pub(super) fn seen(self, word: c_ulong) -> Seen {
        if self.has(bindings::ip_conntrack_status_IPS_TEMPLATE) {
            return Seen::Invalid;
        }
        match (word & INFO_MASK) as u32 {
            bindings::ip_conntrack_info_IP_CT_NEW => Seen::New,
            bindings::ip_conntrack_info_IP_CT_ESTABLISHED
            | bindings::ip_conntrack_info_IP_CT_ESTABLISHED_REPLY => Seen::Established,
            bindings::ip_conntrack_info_IP_CT_RELATED
            | bindings::ip_conntrack_info_IP_CT_RELATED_REPLY => Seen::Related,
            _ => Seen::Invalid,
        }
    }

    /// Its first packet went all the way.
    #[inline(always)]
    pub(super) fn confirmed(self) -> bool {
        self.has(bindings::ip_conntrack_status_IPS_CONFIRMED)
    }

    /// The initiator's address is translated.
    #[inline(always)]
    pub(super) fn source_nat(self) -> bool {
        self.has(bindings::ip_conntrack_status_IPS_SRC_NAT)
    }

    /// The flow that announced it, or the one that announced that, and so on: of those that a rule
    /// can be meant for. A call of H.323 announces from one to the next to the next (RAS, Q.931, H.245,
    /// RTP); longer than that nobody follows.
    #[inline(always)]
    pub(super) fn announcer(self) -> Option<Self> {
        self.master().map(Self::first_of_announcers)
    }

    #[cold]
    #[inline(never)]
    fn first_of_announcers(self) -> Self {
        let mut first = self;
        for _ in 0..MOST_ANNOUNCERS {
            match first.master() {
                Some(master) => first = master,
                None => break,
            }
        }
        first
    }

    #[inline(always)]
    fn master(self) -> Option<Self> {
        // SAFETY: The master is a pointer.
        let master: *mut bindings::nf_conn = unsafe { self.read(bindings::CAMZONE_CT_MASTER) };
        // INVARIANT: An expected flow holds a reference to its master, from before it can be seen
        // until it is freed (`init_conntrack`, `nf_ct_destroy`).
        NonNull::new(master).map(|master| Conn(master, PhantomData))
    }

    /// Ends the flow.
    pub(super) fn kill(self) {
        // SAFETY: By the type invariant the flow is there.
        unsafe { bindings::camzone_flow_kill(self.0.as_ptr()) };
    }

    /// Its ends; `family` is its own.
    #[inline(always)]
    pub(super) fn ends(self, family: Family) -> Ends {
        let (original, reply) = (bindings::CAMZONE_CT_ORIGINAL, bindings::CAMZONE_CT_REPLY);
        let source = bindings::CAMZONE_TUPLE_SOURCE;
        // SAFETY: The protocol is a byte.
        let protocol: u8 = unsafe { self.tuple(original, bindings::CAMZONE_TUPLE_PROTOCOL) };
        let port = match protocol {
            protocol::TCP | protocol::UDP => {
                // SAFETY: These have ports there, of two bytes.
                let port: u16 = unsafe { self.tuple(reply, bindings::CAMZONE_TUPLE_FROM) };
                u16::from_be(port)
            }
            protocol::ICMP | protocol::ICMPV6 => {
                // SAFETY: These have their type there, a byte.
                let kind: u8 = unsafe { self.tuple(original, bindings::CAMZONE_TUPLE_TO) };
                kind.into()
            }
            _ => 0,
        };
        Ends {
            initiator: self.address(family, original, source),
            responder: self.address(family, reply, source),
            protocol,
            port,
        }
    }

    /// Its answers, as a flow of their own: whom they come from, and to whom they go before they are
    /// translated back. `None` where there are no ports.
    pub(super) fn answers(self, family: Family) -> Option<Ends> {
        let reply = bindings::CAMZONE_CT_REPLY;
        let ends = self.ends(family);
        if !matches!(ends.protocol, protocol::TCP | protocol::UDP) {
            return None;
        }
        // SAFETY: These have ports there, of two bytes.
        let port: u16 = unsafe { self.tuple(reply, bindings::CAMZONE_TUPLE_TO) };
        Some(Ends {
            initiator: ends.responder,
            responder: self.address(family, reply, bindings::CAMZONE_TUPLE_DESTINATION),
            port: u16::from_be(port),
            ..ends
        })
    }

    /// The ends that its permission hangs on: its own, or those of the flow that announced it.
    pub(super) fn permitted_by(self, family: Family) -> Ends {
        self.announcer().unwrap_or(self).ends(family)
    }

    /// The ends as they were if the responder had opened it. Of ICMP conntrack knows who did:
    /// only a request begins a flow.
    fn ends_reversed(self, family: Family) -> Option<Ends> {
        let ends = self.ends(family);
        let port = match ends.protocol {
            protocol::ICMP | protocol::ICMPV6 => return None,
            protocol::TCP | protocol::UDP => {
                let original = bindings::CAMZONE_CT_ORIGINAL;
                // SAFETY: These have ports there, of two bytes.
                let port: u16 = unsafe { self.tuple(original, bindings::CAMZONE_TUPLE_FROM) };
                u16::from_be(port)
            }
            _ => 0,
        };
        Some(Ends {
            initiator: ends.responder,
            responder: ends.initiator,
            port,
            ..ends
        })
    }

    fn family(self) -> Family {
        let place = bindings::CAMZONE_TUPLE_FAMILY;
        // SAFETY: The family is of two bytes.
        let family: u16 = unsafe { self.tuple(bindings::CAMZONE_CT_ORIGINAL, place) };
        match u32::from(family) {
            bindings::NFPROTO_IPV4 => Family::V4,
            _ => Family::V6,
        }
    }
}

/// Whether an address is the router's.
pub(super) fn is_local(net: NetRef, address: Address) -> bool {
    let family = match address.family() {
        Family::V4 => bindings::NFPROTO_IPV4,
        Family::V6 => bindings::NFPROTO_IPV6,
    };
    let mut octets = [0; 16];
    let octets = address.octets(&mut octets);
    // SAFETY: The namespace is alive as long as there is a `NetRef`; there are as many bytes as
    // an address of that family has.
    unsafe { bindings::camzone_is_local(net.as_ptr(), family as u8, octets.as_ptr()) }
}

/// A flow that a walk over the table found.
pub(super) struct Found {
    /// The ends that its permission hangs on.
    pub(super) ends: Ends,
    /// See [`Conn::answers`].
    pub(super) answers: Option<Ends>,
    /// Whom its packets are from and to, in both directions, before and after translation.
    pub(super) addresses: [Address; 4],
    /// It is masqueraded, by whomever.
    pub(super) masqueraded: bool,
    /// It is masqueraded, and an address of the router opened it.
    pub(super) own: bool,
    /// It may be the other way round: conntrack took the first packet that it saw for the opening
    /// one. Of TCP it knows whether that was a SYN.
    pub(super) unsure: bool,
    /// The ends the other way round, but of ICMP.
    pub(super) reversed: Option<Ends>,
    /// Another flow announced it.
    pub(super) expected: bool,
}

/// Ends every flow in the namespace that `wanted` says, which must not sleep; what user space holds
/// (NFQUEUE) is dropped, since its flow may be in no table yet (as in `nf_ct_iterate_destroy`).
///
/// May sleep.
pub(super) fn kill_flows<F: Fn(&Found) -> bool>(net: NetRef, wanted: F) {
    // SAFETY: The namespace is alive as long as there is a `NetRef`.
    unsafe { bindings::camzone_queue_drop(net.as_ptr()) };
    synchronize();
    let walk = Walk { net, wanted };
    let data: *const Walk<F> = &walk;
    // SAFETY: As above; `visit::<F>` gets the walk that it expects, and only while this call lasts.
    unsafe {
        bindings::camzone_flows_kill(net.as_ptr(), Some(visit::<F>), data.cast_mut().cast());
    }
}

struct Walk<F> {
    net: NetRef,
    wanted: F,
}

/// # Safety
///
/// `ct` is a flow of the table, and `data` a valid `Walk<F>`.
unsafe extern "C" fn visit<F: Fn(&Found) -> bool>(
    ct: *mut bindings::nf_conn,
    data: *mut c_void,
) -> c_int {
    // SAFETY: By this function's promise.
    let Walk { net, wanted } = unsafe { &*data.cast::<Walk<F>>() };
    let Some(ct) = NonNull::new(ct) else {
        return 0;
    };
    // INVARIANT: It is in the table, whose bucket is locked.
    let conn: Conn<'_> = Conn(ct, PhantomData);
    let family = conn.family();
    let ends = conn.ends(family);
    let (original, reply) = (bindings::CAMZONE_CT_ORIGINAL, bindings::CAMZONE_CT_REPLY);
    let destination = bindings::CAMZONE_TUPLE_DESTINATION;
    // SAFETY: It is a flow.
    let (masqueraded, unsure) = unsafe {
        (
            bindings::camzone_flow_masqueraded(ct.as_ptr()),
            bindings::camzone_flow_unsure(ct.as_ptr()),
        )
    };
    let found = Found {
        ends: conn.permitted_by(family),
        answers: conn.answers(family),
        addresses: [
            ends.initiator,
            ends.responder,
            conn.address(family, original, destination),
            conn.address(family, reply, destination),
        ],
        masqueraded: masqueraded && conn.source_nat(),
        own: masqueraded && is_local(*net, ends.initiator),
        unsure,
        reversed: conn.ends_reversed(family),
        expected: conn.master().is_some(),
    };
    wanted(&found).into()
}

/// Connection tracking is on in a namespace.
///
/// # Invariants
///
/// `nf_ct_netns_get` succeeded for the namespace.
pub(super) struct Tracking(NetRef);

impl Tracking {
    /// Turns it on, for both families. May sleep.
    pub(super) fn start(net: NetRef) -> Result<Self> {
        // SAFETY: The namespace is alive as long as there is a `NetRef`.
        to_result(unsafe {
            bindings::nf_ct_netns_get(net.as_ptr(), bindings::NFPROTO_INET as u8)
        })?;
        // INVARIANT: It succeeded.
        Ok(Tracking(net))
    }
}

impl Drop for Tracking {
    fn drop(&mut self) {
        // SAFETY: By the type invariant this is the other half of a `nf_ct_netns_get`.
        unsafe { bindings::nf_ct_netns_put(self.0.as_ptr(), bindings::NFPROTO_INET as u8) };
    }
}
