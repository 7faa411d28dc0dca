// SPDX-License-Identifier: GPL-2.0

//! Telling the sender of a packet that it was refused.
//!
//! C headers: [`include/net/netfilter/ipv4/nf_reject.h`](srctree/include/net/netfilter/ipv4/nf_reject.h),
//! [`include/net/netfilter/ipv6/nf_reject.h`](srctree/include/net/netfilter/ipv6/nf_reject.h)

use super::packet::Packet;

/// Answers the packet, which is dropped then: a TCP reset, or ICMP's port unreachable.
///
/// The answer goes through LOCAL_OUT at once, so our own hook runs inside this.
#[cold]
#[inline(never)]
pub(super) fn answer(mut packet: Packet<'_>) {
    packet.reject();
}
