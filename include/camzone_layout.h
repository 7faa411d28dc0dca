/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where in the kernel's structures a packet's facts are, in bytes: what C gets at by
 * static inlines, Rust reads without a call. The kernel crate has no binding of some of
 * these structures, and those that it has differ from version to version.
 */
#ifndef _CAMZONE_LAYOUT_H
#define _CAMZONE_LAYOUT_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/dst.h>
#include <net/ip6_fib.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/route.h>

#define CAMZONE_PLACES(X)							\
	X(SKB_HEAD, offsetof(struct sk_buff, head))				\
	X(SKB_LEN, offsetof(struct sk_buff, len))				\
	X(SKB_NETWORK, offsetof(struct sk_buff, network_header))		\
	X(SKB_TYPE, PKT_TYPE_OFFSET)						\
	X(SKB_TYPE_MASK, PKT_TYPE_MAX)						\
	X(SKB_DST, offsetof(struct sk_buff, _skb_refdst))			\
	X(SKB_CT, offsetof(struct sk_buff, _nfct))				\
	X(DEV_INDEX, offsetof(struct net_device, ifindex))			\
	X(DST_DEV, offsetof(struct dst_entry, dev))				\
	X(DST_FLAGS, offsetof(struct dst_entry, flags))				\
	X(ROUTE_FLAGS, offsetof(struct rtable, rt_flags))			\
	X(ROUTE6_FLAGS, offsetof(struct rt6_info, rt6i_flags))			\
	X(CT_ORIGINAL, offsetof(struct nf_conn, tuplehash[IP_CT_DIR_ORIGINAL].tuple)) \
	X(CT_REPLY, offsetof(struct nf_conn, tuplehash[IP_CT_DIR_REPLY].tuple))	\
	X(CT_STATUS, offsetof(struct nf_conn, status))				\
	X(CT_MASTER, offsetof(struct nf_conn, master))				\
	X(TUPLE_SOURCE, offsetof(struct nf_conntrack_tuple, src.u3))		\
	X(TUPLE_FROM, offsetof(struct nf_conntrack_tuple, src.u))		\
	X(TUPLE_FAMILY, offsetof(struct nf_conntrack_tuple, src.l3num))		\
	X(TUPLE_DESTINATION, offsetof(struct nf_conntrack_tuple, dst.u3))	\
	X(TUPLE_TO, offsetof(struct nf_conntrack_tuple, dst.u))			\
	X(TUPLE_PROTOCOL, offsetof(struct nf_conntrack_tuple, dst.protonum))

/*
 * libclang, who tells Rust (camzone_bindings.h), has to agree with the compiler of the
 * kernel: both make this sum of them.
 */
#define CAMZONE_PLACE_ADD(name, place) + (place)
#define CAMZONE_ADD_PLACES (0 CAMZONE_PLACES(CAMZONE_PLACE_ADD))

#endif
