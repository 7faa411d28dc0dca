// SPDX-License-Identifier: GPL-2.0

//! A packet, while a hook looks at it.
//!
//! What C has static inlines for is read in place (`include/camzone_layout.h`).
//!
//! C headers: [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h),
//! [`include/linux/netfilter.h`](srctree/include/linux/netfilter.h),
//! [`include/net/netfilter/ipv4/nf_reject.h`](srctree/include/net/netfilter/ipv4/nf_reject.h)

use super::{
    conntrack::{
        self,
        Conn, //
    },
    rcu::ReadSide, //
};
use crate::bindings;
use camzone_policy::{
    address::{
        Address,
        Family, //
    },
    facts::{
        Hook,
        Seen, //
    },
    header::{
        Header,
        WINDOW, //
    },
    service::protocol,
};
use core::{
    mem::MaybeUninit,
    num::NonZero,
    ptr::NonNull,
    slice, //
};
use kernel::{
    prelude::*,
    types::NotThreadSafe, //
};

// The shim copies as much as the policy crate reads.
const _: () = assert!(bindings::CAMZONE_WINDOW as usize == WINDOW);

/// A packet that a netfilter hook was called with.
///
/// # Invariants
///
/// `skb` and `state` are the arguments of a hook that runs for all of `'a`, under RCU, and the
/// packet belongs to this hook.
pub(crate) struct Packet<'a> {
    skb: NonNull<bindings::sk_buff>,
    state: &'a bindings::nf_hook_state,
    _bound: NotThreadSafe,
}

// SAFETY: By the type invariant a hook runs, which netfilter calls under RCU only; a packet
// borrows from the hook's arguments and is not `Send`.
unsafe impl ReadSide for Packet<'_> {}

impl<'a> Packet<'a> {
    /// # Safety
    ///
    /// The arguments are those of a hook that runs for all of `'a`.
    pub(super) unsafe fn new(
        skb: NonNull<bindings::sk_buff>,
        state: &'a bindings::nf_hook_state,
    ) -> Self {
        // INVARIANT: The caller's promise.
        Packet {
            skb,
            state,
            _bound: NotThreadSafe,
        }
    }

    /// Reads a member of `struct sk_buff`.
    ///
    /// # Safety
    ///
    /// There is a `T` in this place of it.
    #[inline(always)]
    unsafe fn read<T: Copy>(&self, place: usize) -> T {
        // SAFETY: By the type invariant the packet is there; the rest is the caller's promise.
        unsafe { self.skb.cast::<u8>().add(place).cast::<T>().read() }
    }

    /// Reads a part of the header of IP. What IPv6 has behind byte 20 is anything in IPv4.
    ///
    /// # Safety
    ///
    /// The part begins at byte `place` and ends within the first 40 bytes.
    #[inline(always)]
    unsafe fn ip<T: Copy>(&self, place: usize) -> T {
        // SAFETY: These are a pointer and two bytes.
        let (head, network): (*const u8, u16) = unsafe {
            (
                self.read(bindings::CAMZONE_SKB_HEAD),
                self.read(bindings::CAMZONE_SKB_NETWORK),
            )
        };
        // SAFETY: Hooks are called with that header in the linear part (`ip_rcv_core`,
        // `ip6_rcv_core`, and who makes packets), where nobody writes; what user space may still
        // write to (pages handed over by sendfile and the like) is never in there. It has 20 bytes, in
        // IPv6 40; behind the linear part the buffer goes on with `struct skb_shared_info`.
        unsafe {
            head.add(network.into())
                .add(place)
                .cast::<T>()
                .read_unaligned()
        }
    }

    /// How long the packet is, from the header of IP on.
    #[inline(always)]
    pub(super) fn len(&self) -> u32 {
        // SAFETY: It is an `unsigned int`.
        unsafe { self.read(bindings::CAMZONE_SKB_LEN) }
    }

    /// Where it came in.
    #[inline(always)]
    pub(super) fn ingress(&self) -> Interface {
        // SAFETY: By the type invariant it is null or a device that is there.
        unsafe { Interface::of(self.state.in_) }
    }

    /// Whether it came in anywhere.
    pub(super) fn came_in(&self) -> bool {
        self.ingress() != Interface::NONE
    }

    /// Its family, where that is not known before.
    pub(super) fn family(&self) -> Family {
        match u32::from(self.state.pf) {
            bindings::NFPROTO_IPV4 => Family::V4,
            _ => Family::V6,
        }
    }

    /// Where it goes out.
    #[inline(always)]
    pub(super) fn egress(&self) -> Interface {
        // SAFETY: As above.
        unsafe { Interface::of(self.state.out) }
    }

    /// The route's entry; null if there is none.
    #[inline(always)]
    fn dst(&self) -> *const u8 {
        // SAFETY: It is a word.
        let word: usize = unsafe { self.read(bindings::CAMZONE_SKB_DST) };
        // The lowest bit says that there is no reference (`SKB_DST_NOREF`).
        (word & !1) as *const u8
    }

    /// Where the packet's route goes: in LOCAL_OUT the hook's own device is stale after DNAT.
    #[inline(always)]
    pub(super) fn egress_of_route(&self) -> Interface {
        let dst = self.dst();
        if dst.is_null() {
            return Interface::NONE;
        }
        // SAFETY: A packet holds its route's entry, which has a device, under RCU.
        unsafe {
            let dev = dst.add(bindings::CAMZONE_DST_DEV);
            Interface::of(dev.cast::<*const bindings::net_device>().read_volatile())
        }
    }

    /// The flags of the packet's route; none if it has none of IP.
    ///
    /// # Safety
    ///
    /// `place` is where the route's entry of the packet's family has four bytes of flags.
    unsafe fn route_flags(&self, place: usize) -> u32 {
        let dst = self.dst();
        if dst.is_null() {
            return 0;
        }
        // SAFETY: A packet holds its route's entry, whose flags are two bytes.
        let flags: u16 = unsafe { dst.add(bindings::CAMZONE_DST_FLAGS).cast::<u16>().read() };
        if u32::from(flags) & bindings::DST_METADATA != 0 {
            return 0;
        }
        // SAFETY: Every other entry is of the packet's family; the rest is the caller's promise.
        unsafe { dst.add(place).cast::<u32>().read() }
    }

    /// It is routed as a broadcast.
    ///
    /// # Safety
    ///
    /// It is a packet of IPv4.
    #[inline]
    pub(super) unsafe fn routed_as_broadcast(&self) -> bool {
        // SAFETY: By this function's promise the entry is a `struct rtable`, in which this is the
        // flags' place.
        let flags = unsafe { self.route_flags(bindings::CAMZONE_ROUTE_FLAGS) };
        flags & bindings::RTCF_BROADCAST != 0
    }

    /// It is routed to an anycast address of the router's.
    ///
    /// # Safety
    ///
    /// It is a packet of IPv6.
    #[inline]
    pub(super) unsafe fn routed_to_anycast(&self) -> bool {
        // SAFETY: By this function's promise the entry is a `struct rt6_info`, in which this is the
        // flags' place.
        let flags = unsafe { self.route_flags(bindings::CAMZONE_ROUTE6_FLAGS) };
        flags & bindings::RTF_ANYCAST != 0
    }

    /// A socket sends it. To be asked in LOCAL_OUT, where it is one of this namespace: what crosses
    /// from another loses its own (`skb_scrub_packet`).
    #[inline(always)]
    pub(super) fn has_socket(&self) -> bool {
        !self.state.sk.is_null()
    }

    /// The router sent it itself and hears it back.
    #[inline(always)]
    pub(super) fn looped_back(&self) -> bool {
        // SAFETY: It is a byte.
        let byte: u8 = unsafe { self.read(bindings::CAMZONE_SKB_TYPE) };
        byte & bindings::CAMZONE_SKB_TYPE_MASK as u8 == LOOPBACK
    }

    /// The source.
    #[inline(always)]
    pub(super) fn source(&self, family: Family) -> Address {
        // SAFETY: RFC 791, 3.1, and RFC 8200, 3: bytes 12 to 15, and 8 to 23.
        unsafe {
            match family {
                Family::V4 => Address::v4(self.ip(12)),
                Family::V6 => Address::v6(self.ip(8)),
            }
        }
    }

    /// The destination.
    pub(super) fn destination(&self, family: Family) -> Address {
        // SAFETY: RFC 791, 3.1, and RFC 8200, 3: bytes 16 to 19, and 24 to 39.
        unsafe {
            match family {
                Family::V4 => Address::v4(self.ip(16)),
                Family::V6 => Address::v6(self.ip(24)),
            }
        }
    }

    /// The source and the destination.
    pub(super) fn addresses(&self) -> (Address, Address) {
        let family = self.family();
        (self.source(family), self.destination(family))
    }

    /// The source of a packet of IPv4.
    #[inline(always)]
    pub(super) fn source_v4(&self) -> [u8; 4] {
        // SAFETY: RFC 791, 3.1: bytes 12 to 15.
        unsafe { self.ip(12) }
    }

    /// The protocol behind the header of IP, unless that is one that goes on with IPv6. Options are
    /// looked for where the packet comes in.
    #[inline(always)]
    pub(super) fn plain(&self, hook: Hook, family: Family) -> Option<u8> {
        if family == Family::V4 {
            // SAFETY: RFC 791, 3.1: bytes 0 and 9.
            let (version_ihl, protocol): (u8, u8) = unsafe { (self.ip(0), self.ip(9)) };
            return (hook != Hook::PreRouting || version_ihl == 0x45).then_some(protocol);
        }
        // SAFETY: RFC 8200, 3: bytes 4 to 6.
        let (len, protocol): ([u8; 2], u8) = unsafe { (self.ip(4), self.ip(6)) };
        // A raw socket of the router may lie about it.
        let whole = u32::from(u16::from_be_bytes(len)) <= self.len().saturating_sub(40);
        let ours = matches!(protocol, protocol::TCP | protocol::UDP | protocol::ICMPV6);
        (whole && ours).then_some(protocol)
    }

    /// The whole header; `None` when it cannot be read.
    #[inline(never)]
    pub(super) fn header(&self) -> Option<Header> {
        let mut window = MaybeUninit::<[u8; WINDOW]>::uninit();
        // SAFETY: By the type invariant the packet is there; the window is as long as the shim
        // wants it.
        let len = unsafe { bindings::camzone_copy(self.skb.as_ptr(), window.as_mut_ptr().cast()) };
        // SAFETY: So many bytes of it were written.
        let bytes = unsafe { slice::from_raw_parts(window.as_ptr().cast(), len as usize) };
        Header::parse(bytes, self.len() as usize)
    }

    /// The source is the router's, or a broadcast address of one of its networks.
    pub(super) fn source_is_local(&self) -> bool {
        // SAFETY: By the type invariant packet and state are valid.
        unsafe { bindings::camzone_source_is_local(self.skb.as_ptr(), self.state) }
    }

    /// The hardware address that it came with, if it came in anywhere.
    pub(super) fn source_mac(&self) -> Option<[u8; 6]> {
        let mut mac = [0; 6];
        // SAFETY: By the type invariant packet and state are valid.
        let has = unsafe {
            bindings::camzone_source_mac(self.skb.as_ptr(), self.state, mac.as_mut_ptr())
        };
        has.then_some(mac)
    }

    /// The interface that has an address.
    ///
    /// # Safety
    ///
    /// The packet is in LOCAL_IN, and of the address's family.
    pub(super) unsafe fn home(&self, address: Address) -> Interface {
        let mut octets = [0; 16];
        let octets = address.octets(&mut octets);
        // SAFETY: By the type invariant the state is valid, by this function's promise it has a device,
        // and an address is as long as its family has it.
        Interface(unsafe { bindings::camzone_home(self.state, octets.as_ptr()) })
    }

    /// What says which flow it belongs to.
    #[inline(always)]
    fn nfct(&self) -> c_ulong {
        // SAFETY: It is a word.
        unsafe { self.read(bindings::CAMZONE_SKB_CT) }
    }

    /// What connection tracking says of it.
    #[inline(always)]
    pub(super) fn seen(&self) -> Seen {
        match self.flow() {
            // Look at the pointer first: no flow, and info 0 is ESTABLISHED.
            None => conntrack::without_flow(self.nfct()),
            Some(flow) => flow.seen(self.nfct()),
        }
    }

    /// Whether it goes from its flow's responder to the initiator.
    #[inline(always)]
    pub(super) fn reply(&self) -> bool {
        conntrack::is_reply(self.nfct())
    }

    /// The flow that it belongs to.
    #[inline(always)]
    pub(super) fn flow(&self) -> Option<Conn<'_>> {
        // SAFETY: The word is a packet's, which holds its flow, and nobody takes that from it
        // while it is looked at.
        unsafe { Conn::of(self.nfct()) }
    }

    /// Has the kernel log the packet, with `prefix` before it.
    pub(super) fn log(&self, prefix: &CStr) {
        // SAFETY: By the type invariant packet and state are valid.
        unsafe { bindings::camzone_log(self.skb.as_ptr(), self.state, prefix.as_char_ptr()) };
    }

    /// Answers with a TCP reset or an ICMP port unreachable. The answer goes through LOCAL_OUT at
    /// once, so our own hook runs inside this.
    #[cold]
    #[inline(never)]
    pub(super) fn reject(&mut self) {
        // SAFETY: By the type invariant packet and state are valid, and the packet is the hook's.
        unsafe { bindings::camzone_reject(self.skb.as_ptr(), self.state) };
    }

    /// The address that [`Packet::masquerade`] would give it. To be asked in POST_ROUTING.
    pub(super) fn masquerade_address(&self) -> Option<Address> {
        let mut octets = [0; 16];
        // SAFETY: By the type invariant packet and state are valid; a packet on its way out has a
        // route of its family, and a device that it leaves through.
        let has = unsafe {
            bindings::camzone_masquerade_address(self.skb.as_ptr(), self.state, octets.as_mut_ptr())
        };
        let [a, b, c, d, ..] = octets;
        has.then(|| match self.family() {
            Family::V4 => Address::v4([a, b, c, d]),
            Family::V6 => Address::v6(octets),
        })
    }

    /// Has the source of the packet's flow translated to an address of the interface that it
    /// leaves through, and to `port` if one is given; without, the flow keeps its own if nobody has it.
    /// Returns the hook's verdict.
    pub(super) fn masquerade(&mut self, port: Option<NonZero<u16>>) -> c_uint {
        let port = port.map_or(0, NonZero::get);
        // SAFETY: By the type invariant packet and state are valid, and the packet is the hook's.
        unsafe { bindings::camzone_masquerade(self.skb.as_ptr(), port, self.state) }
    }
}

/// `PACKET_LOOPBACK` of include/uapi/linux/if_packet.h, in the bits where the packet has it.
const LOOPBACK: u8 = {
    let mask = bindings::CAMZONE_SKB_TYPE_MASK as u8;
    5 << mask.trailing_zeros()
};

/// An interface on a packet's way, by its number; 0 if there is none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Interface(pub(super) c_int);

impl Interface {
    const NONE: Interface = Interface(0);
    /// That of every namespace (`LOOPBACK_IFINDEX` of include/net/flow.h).
    pub(super) const LOOPBACK: Interface = Interface(1);

    /// # Safety
    ///
    /// `dev` is null or a device that is there.
    #[inline(always)]
    unsafe fn of(dev: *const bindings::net_device) -> Self {
        if dev.is_null() {
            return Self::NONE;
        }
        // SAFETY: By this function's promise; the number is an `int`.
        unsafe {
            Interface(
                dev.cast::<u8>()
                    .add(bindings::CAMZONE_DEV_INDEX)
                    .cast::<c_int>()
                    .read(),
            )
        }
    }
}
