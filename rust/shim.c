// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel offers to C only: static inlines, macros, varargs. Few and
 * coarse functions, because each is a call that is never inlined into Rust.
 */
#include <linux/etherdevice.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/kmod.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>
#include <net/addrconf.h>
#include <net/dst.h>
#include <net/dst_metadata.h>
#include <net/fib_notifier.h>
#include <net/genetlink.h>
#include <net/ip_fib.h>
#include <net/netfilter/ipv4/nf_reject.h>
#include <net/netfilter/ipv6/nf_reject.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_log.h>
#include <net/netfilter/nf_nat.h>
#include <net/netfilter/nf_nat_masquerade.h>
#include <net/netns/generic.h>
#include <net/route.h>

#include "camzone_layout.h"
#include "camzone_shim.h"

/* What has no stand-in where it is missing, and would be missed at load or never. */
#if !IS_ENABLED(CONFIG_IPV6) || !IS_ENABLED(CONFIG_NF_REJECT_IPV4) || \
	!IS_ENABLED(CONFIG_NF_REJECT_IPV6)
#error "camzone needs CONFIG_IPV6, CONFIG_NF_REJECT_IPV4 and CONFIG_NF_REJECT_IPV6"
#endif
#if !IS_ENABLED(CONFIG_NF_CONNTRACK) || !IS_ENABLED(CONFIG_NF_NAT) || \
	!IS_ENABLED(CONFIG_NF_NAT_MASQUERADE) || !IS_ENABLED(CONFIG_NF_TABLES_INET) || \
	!IS_ENABLED(CONFIG_NFT_NAT)
#error "camzone needs CONFIG_NF_CONNTRACK, _NF_NAT, _NF_NAT_MASQUERADE, _NF_TABLES_INET, _NFT_NAT"
#endif

#define LAYOUT(type, size, member, place) \
	static_assert(sizeof(type) == (size) && offsetof(type, member) == (place))

LAYOUT(struct camzone_counter, CAMZONE_LAYOUT_COUNTER, bytes, CAMZONE_LAYOUT_COUNTER_BYTES);
LAYOUT(struct camzone_device, CAMZONE_LAYOUT_DEVICE, slave, CAMZONE_LAYOUT_DEVICE_SLAVE);
LAYOUT(struct nf_hook_ops, CAMZONE_LAYOUT_HOOK_OPS, priority, CAMZONE_LAYOUT_HOOK_OPS_PRIORITY);
LAYOUT(struct nf_hook_state, CAMZONE_LAYOUT_HOOK_STATE, net, CAMZONE_LAYOUT_HOOK_STATE_NET);
LAYOUT(struct pernet_operations, CAMZONE_LAYOUT_PERNET, size, CAMZONE_LAYOUT_PERNET_SIZE);
LAYOUT(struct notifier_block, CAMZONE_LAYOUT_NOTIFIER, priority, CAMZONE_LAYOUT_NOTIFIER_PRIORITY);
LAYOUT(struct genl_family, CAMZONE_LAYOUT_FAMILY, module, CAMZONE_LAYOUT_FAMILY_MODULE);
LAYOUT(struct genl_split_ops, CAMZONE_LAYOUT_OPERATION, flags, CAMZONE_LAYOUT_OPERATION_FLAGS);
LAYOUT(struct genl_info, CAMZONE_LAYOUT_INFO, extack, CAMZONE_LAYOUT_INFO_EXTACK);
LAYOUT(struct genl_dumpit_info, CAMZONE_LAYOUT_DUMP, info, CAMZONE_LAYOUT_DUMP_INFO);
LAYOUT(struct nla_policy, CAMZONE_LAYOUT_ATTRIBUTE, len, CAMZONE_LAYOUT_ATTRIBUTE_LEN);

/* --- the packet's way ---------------------------------------------------- */

/* Counts a packet that a rule allows, and is the hook's last word. */
unsigned int camzone_accept(struct camzone_counter __percpu *counter, u32 bytes)
{
	this_cpu_inc(counter->packets);
	this_cpu_add(counter->bytes, bytes);
	return NF_ACCEPT;
}

void camzone_count(struct camzone_counter __percpu *a, struct camzone_counter __percpu *b,
		   struct camzone_counter __percpu *c, u32 bytes)
{
	if (a) {
		this_cpu_inc(a->packets);
		this_cpu_add(a->bytes, bytes);
	}
	if (b) {
		this_cpu_inc(b->packets);
		this_cpu_add(b->bytes, bytes);
	}
	if (c) {
		this_cpu_inc(c->packets);
		this_cpu_add(c->bytes, bytes);
	}
}

/* Copies the packet's first bytes, CAMZONE_WINDOW at most; says how many. */
u32 camzone_copy(const struct sk_buff *skb, u8 *window)
{
	int offset = skb_network_offset(skb);
	u32 len = min_t(u32, skb->len - offset, CAMZONE_WINDOW);

	return skb_copy_bits(skb, offset, window, len) ? 0 : len;
}

bool camzone_source_is_local(const struct sk_buff *skb, const struct nf_hook_state *state)
{
	if (state->pf == NFPROTO_IPV4) {
		__be32 source = ip_hdr(skb)->saddr;
		unsigned int type;

		/* 0.0.0.0 is nobody's, whatever the routing table calls it. */
		if (!source)
			return false;
		type = inet_addr_type(state->net, source);
		return type == RTN_LOCAL || type == RTN_BROADCAST;
	}
	return ipv6_chk_addr(state->net, &ipv6_hdr(skb)->saddr, state->in, 0);
}

bool camzone_source_mac(const struct sk_buff *skb, const struct nf_hook_state *state, u8 *mac)
{
	if (!state->in || state->in->type != ARPHRD_ETHER || !skb_mac_header_was_set(skb) ||
	    skb_mac_header(skb) + ETH_HLEN > skb->data)
		return false;
	ether_addr_copy(mac, eth_hdr(skb)->h_source);
	return true;
}

/* In LOCAL_IN: the number of the device that has the address, the packet's own if several have. */
int camzone_home(const struct nf_hook_state *state, const u8 *address)
{
	const struct net_device *dev = state->in;
	const struct in_device *in_dev;
	const struct in_ifaddr *ifa;
	struct in6_addr v6;
	__be32 v4;

	if (state->pf == NFPROTO_IPV4) {
		memcpy(&v4, address, sizeof(v4));
		in_dev = __in_dev_get_rcu(dev);
		if (in_dev) {
			in_dev_for_each_ifa_rcu(ifa, in_dev) {
				if (ifa->ifa_local == v4)
					return dev->ifindex;
			}
		}
		dev = __ip_dev_find(state->net, v4, false);
	} else {
		memcpy(&v6, address, sizeof(v6));
		if (ipv6_chk_addr(state->net, &v6, dev, 1))
			return dev->ifindex;
		dev = ipv6_addr_type(&v6) & IPV6_ADDR_LINKLOCAL ?
		      NULL : ipv6_dev_find(state->net, &v6, NULL);
	}
	return dev ? dev->ifindex : 0;
}

void camzone_log(struct sk_buff *skb, const struct nf_hook_state *state, const char *prefix)
{
	static const struct nf_loginfo info = {
		.type = NF_LOG_TYPE_LOG,
		.u.log.level = LOGLEVEL_WARNING,
	};

	nf_log_packet(state->net, state->pf, state->hook, skb, state->in, state->out, &info,
		      "%s", prefix);
}

void camzone_reject(struct sk_buff *skb, const struct nf_hook_state *state)
{
	unsigned int offset = 0;

	if (state->pf == NFPROTO_IPV4) {
		if (ip_hdr(skb)->protocol == IPPROTO_TCP)
			nf_send_reset(state->net, state->sk, skb, state->hook);
		else
			nf_send_unreach(skb, ICMP_PORT_UNREACH, state->hook);
		return;
	}
	if (ipv6_find_hdr(skb, &offset, IPPROTO_TCP, NULL, NULL) == IPPROTO_TCP)
		nf_send_reset6(state->net, state->sk, skb, state->hook);
	else
		nf_send_unreach6(state->net, skb, ICMPV6_PORT_UNREACH, state->hook);
}

/* The address that masquerading gives the packet, by what nf_nat_masquerade.c asks; false if none. */
bool camzone_masquerade_address(const struct sk_buff *skb, const struct nf_hook_state *state,
				u8 *address)
{
	struct in6_addr v6;
	__be32 v4, next;

	if (state->pf == NFPROTO_IPV4) {
		next = rt_nexthop(skb_rtable(skb), ip_hdr(skb)->daddr);
		v4 = inet_select_addr(state->out, next, RT_SCOPE_UNIVERSE);
		memcpy(address, &v4, sizeof(v4));
		return v4;
	}
	if (ipv6_dev_get_saddr(state->net, state->out, &ipv6_hdr(skb)->daddr, 0, &v6))
		return false;
	memcpy(address, &v6, sizeof(v6));
	return true;
}

/* @port is the one that it gets, or 0: the flow's own if that is free, or any. */
unsigned int camzone_masquerade(struct sk_buff *skb, u16 port, const struct nf_hook_state *state)
{
	const struct nf_nat_range2 range = {
		.flags = port ? NF_NAT_RANGE_PROTO_SPECIFIED : 0,
		.min_proto.all = htons(port),
		.max_proto.all = htons(port),
	};

	if (state->pf == NFPROTO_IPV4)
		return nf_nat_masquerade_ipv4(skb, state->hook, &range, state->out);
	return nf_nat_masquerade_ipv6(skb, &range, state->out);
}

u32 camzone_now_ms(void)
{
	return ktime_to_ms(ktime_get_coarse());
}

/*
 * In an IPv4 FIB notifier, whose arguments these are: whether addresses come to be local or
 * broadcast addresses, and which (in host order).
 */
bool camzone_fib_local(unsigned long event, void *info, u32 *address, u8 *len)
{
	const struct fib_entry_notifier_info *entry;
	const struct fib_notifier_info *any = info;

	if (any->family != AF_INET ||
	    (event != FIB_EVENT_ENTRY_REPLACE && event != FIB_EVENT_ENTRY_APPEND &&
	     event != FIB_EVENT_ENTRY_ADD))
		return false;
	entry = container_of(any, struct fib_entry_notifier_info, info);
	*address = entry->dst;
	*len = entry->dst_len;
	return entry->type == RTN_LOCAL || entry->type == RTN_BROADCAST;
}

/* --- flows that are looked for ------------------------------------------- */

void camzone_flow_kill(struct nf_conn *ct)
{
	/* Before that it is in no table that it could be taken out of. */
	if (nf_ct_is_confirmed(ct))
		nf_ct_kill(ct);
}

bool camzone_flow_masqueraded(const struct nf_conn *ct)
{
	const struct nf_conn_nat *nat = nfct_nat(ct);

	return nat && nat->masq_index;
}

/*
 * Whether its first packet may not have been the opening one: of TCP, if it was no SYN
 * (tcp_new() of nf_conntrack_proto_tcp.c then sets both flags); of others nobody knows.
 */
bool camzone_flow_unsure(const struct nf_conn *ct)
{
	const struct ip_ct_tcp *tcp = &ct->proto.tcp;

	return nf_ct_protonum(ct) != IPPROTO_TCP ||
	       tcp->seen[0].flags & tcp->seen[1].flags & IP_CT_TCP_FLAG_BE_LIBERAL;
}

/* An address of the router lies in a zone's networks, but is none of the zone's. */
bool camzone_is_local(struct net *net, u8 family, const u8 *address)
{
	struct in6_addr v6;
	__be32 v4;

	if (family == NFPROTO_IPV4) {
		memcpy(&v4, address, sizeof(v4));
		return inet_addr_type(net, v4) == RTN_LOCAL;
	}
	memcpy(&v6, address, sizeof(v6));
	return ipv6_chk_addr(net, &v6, NULL, 0);
}

void camzone_flows_kill(struct net *net, int (*wanted)(struct nf_conn *ct, void *data),
			void *data)
{
	const struct nf_ct_iter_data iter = { .net = net, .data = data };

	nf_ct_iterate_cleanup_net(wanted, &iter);
}

/* Exported, and in a header that is not for modules (net/netfilter/nf_internals.h). */
void nf_queue_nf_hook_drop(struct net *net);

/* Drops what user space holds (NFQUEUE): flows that are in no table yet. */
void camzone_queue_drop(struct net *net)
{
	nf_queue_nf_hook_drop(net);
}

/* --- counters ------------------------------------------------------------ */

struct camzone_counter __percpu *camzone_counters_alloc(u32 len)
{
	return __alloc_percpu_gfp(array_size(len, sizeof(struct camzone_counter)),
				  __alignof__(struct camzone_counter), GFP_KERNEL_ACCOUNT);
}

void camzone_counters_free(struct camzone_counter __percpu *counters)
{
	free_percpu(counters);
}

void camzone_counter_sum(const struct camzone_counter __percpu *counter,
			 struct camzone_counter *sum)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct camzone_counter *one = per_cpu_ptr(counter, cpu);

		sum->packets += READ_ONCE(one->packets);
		sum->bytes += READ_ONCE(one->bytes);
	}
}

/* --- namespaces, devices, the module ------------------------------------- */

void *camzone_net_slot(const struct net *net, unsigned int id)
{
	return net_generic(net, id);
}

struct net *camzone_init_net(void)
{
	return &init_net;
}

size_t camzone_places_sum(void)
{
	return CAMZONE_ADD_PLACES;
}

/* Namespaces that a user made for herself must not keep the module loaded. */
bool camzone_net_pins(const struct net *net)
{
	return net->user_ns == &init_user_ns;
}

static void device_of(struct net_device *dev, struct camzone_device *device)
{
	/* strnlen() would want __fortify_panic(). */
	const char *end = memchr(dev->name, '\0', IFNAMSIZ);

	device->net = dev_net(dev);
	device->name = dev->name;
	device->name_len = end ? end - dev->name : IFNAMSIZ;
	device->ifindex = dev->ifindex;
	device->loopback = dev->flags & IFF_LOOPBACK;
	device->slave = netif_is_l3_slave(dev);
}

/* Under RTNL, as long as @visit says to go on. */
void camzone_devices_walk(struct net *net,
			  bool (*visit)(const struct camzone_device *dev, void *data),
			  void *data)
{
	struct camzone_device device;
	struct net_device *dev;

	ASSERT_RTNL();
	for_each_netdev(net, dev) {
		device_of(dev, &device);
		if (!visit(&device, data))
			return;
	}
}

/* Under RTNL, in a netdevice notifier, whose third argument is @info. */
void camzone_device_of(void *info, struct camzone_device *device)
{
	device_of(netdev_notifier_info_to_dev(info), device);
}

int camzone_logger_get(u8 pf)
{
	int err = nf_logger_find_get(pf, NF_LOG_TYPE_LOG);

	if (err != -ENOENT)
		return err;
	request_module("nf_log_syslog");
	return nf_logger_find_get(pf, NF_LOG_TYPE_LOG);
}

void camzone_logger_put(u8 pf)
{
	nf_logger_put(pf, NF_LOG_TYPE_LOG);
}

/* --- messages ------------------------------------------------------------ */

struct sk_buff *camzone_message_new(size_t room)
{
	return genlmsg_new(room, GFP_KERNEL);
}

void camzone_message_free(struct sk_buff *skb)
{
	nlmsg_free(skb);
}

/* Takes @skb, whatever becomes of it. */
int camzone_message_send(struct sk_buff *skb, void *header, struct net *net, u32 portid)
{
	genlmsg_end(skb, header);
	return genlmsg_unicast(net, skb, portid);
}

/* One message of a dump is complete. */
void camzone_message_end(struct sk_buff *skb, void *header, struct netlink_callback *cb)
{
	genl_dump_check_consistent(cb, header);
	genlmsg_end(skb, header);
}

void camzone_message_cancel(struct sk_buff *skb, void *header)
{
	genlmsg_cancel(skb, header);
}
