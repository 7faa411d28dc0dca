/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the Rust side asks of C: only what the kernel keeps in static inlines,
 * macros or varargs. Nothing here decides anything.
 */
#ifndef _CAMZONE_SHIM_H
#define _CAMZONE_SHIM_H

#include <linux/types.h>
#include <linux/netfilter.h>

struct net;
struct net_device;
struct netlink_callback;
struct nf_conn;
struct sk_buff;

/* How much of a packet is looked at; header::WINDOW of the policy crate. */
#define CAMZONE_WINDOW		128

/* The two ends of a flow (facts::Ends); the family is the flow's. */
struct camzone_ends {
	u8 initiator[16];		/* source of the original tuple */
	u8 responder[16];		/* source of the reply tuple */
	u16 port;			/* responder's port or ICMP type, host order */
	u8 protocol;
	u8 family;			/* NFPROTO_* */
};

#define CAMZONE_FLOW_CONFIRMED	0x01
#define CAMZONE_FLOW_SOURCE_NAT	0x02
#define CAMZONE_FLOW_MASTER	0x04	/* master is filled in */
#define CAMZONE_FLOW_LOCAL	0x08	/* the router opened it; said where masquerading asks */

/* What connection tracking knows of a flow. */
struct camzone_flow {
	struct camzone_ends ends;
	struct camzone_ends master;
	u8 flags;			/* CAMZONE_FLOW_* */
};

/* A flow that a walk over the conntrack table found. */
struct camzone_found {
	struct camzone_flow flow;
	u8 to[16];			/* destination of the original tuple */
	u8 back[16];			/* destination of the reply tuple */
	int masquerade;			/* ifindex it was masqueraded for, or 0 */
};

#define CAMZONE_IN_LOOPBACK	0x01
#define CAMZONE_IN_SLAVE	0x02	/* of an L3 master device (VRF) */
#define CAMZONE_OUT_LOOPBACK	0x04
#define CAMZONE_OUT_SLAVE	0x08
#define CAMZONE_LOOPED_BACK	0x10	/* PACKET_LOOPBACK */
#define CAMZONE_SOURCE_LOCAL	0x20
#define CAMZONE_BROADCAST	0x40
#define CAMZONE_HAS_MAC		0x80

enum camzone_track {
	CAMZONE_TRACK_INVALID,
	CAMZONE_TRACK_UNTRACKED,
	CAMZONE_TRACK_FLOW,
};

/*
 * What a hook needs to know of a packet. The caller hands it in zeroed.
 * @head points into the packet or to the window, and lives as long as both.
 */
struct camzone_view {
	const u8 *head;			/* first bytes, from the network header */
	struct nf_conn *ct;
	u32 head_len;
	u32 len;			/* of the packet, from the network header */
	int in;				/* ifindex, or 0 */
	int out;
	int home;			/* ifindex that has the responder's address */
	u8 flags;			/* CAMZONE_* */
	u8 track;			/* enum camzone_track */
	u8 ctinfo;			/* enum ip_conntrack_info */
	u8 mac[6];
	struct camzone_flow flow;
};

/* One slot of a counter; every CPU has its own. */
struct camzone_counter {
	u64 packets;
	u64 bytes;
};

/* What a notifier or a walk says of a device. */
struct camzone_device {
	struct net *net;
	const char *name;
	u32 name_len;
	int ifindex;
	u8 flags;			/* CAMZONE_IN_LOOPBACK, CAMZONE_IN_SLAVE */
};

/*
 * What Rust knows of a layout it has from libclang. The shim holds the compiler of
 * the kernel to these numbers and rust/bindings.rs the Rust side (64-bit only, as
 * is Rust in the kernel): STRUCT, its size, and the place of its last member used.
 */
#define CAMZONE_LAYOUT_VIEW		120
#define CAMZONE_LAYOUT_VIEW_FLOW	46
#define CAMZONE_LAYOUT_FOUND		112
#define CAMZONE_LAYOUT_FOUND_MASQUERADE	108
#define CAMZONE_LAYOUT_COUNTER		16
#define CAMZONE_LAYOUT_COUNTER_BYTES	8
#define CAMZONE_LAYOUT_DEVICE		32
#define CAMZONE_LAYOUT_DEVICE_FLAGS	24
#define CAMZONE_LAYOUT_HOOK_OPS		72
#define CAMZONE_LAYOUT_HOOK_OPS_PRIORITY 64
#define CAMZONE_LAYOUT_HOOK_STATE	48
#define CAMZONE_LAYOUT_HOOK_STATE_NET	32
#define CAMZONE_LAYOUT_PERNET		72
#define CAMZONE_LAYOUT_PERNET_SIZE	64
#define CAMZONE_LAYOUT_NOTIFIER		24
#define CAMZONE_LAYOUT_NOTIFIER_PRIORITY 16
#define CAMZONE_LAYOUT_FAMILY		160
#define CAMZONE_LAYOUT_FAMILY_MODULE	112
#define CAMZONE_LAYOUT_OPERATION	40
#define CAMZONE_LAYOUT_OPERATION_FLAGS	38
#define CAMZONE_LAYOUT_INFO		104
#define CAMZONE_LAYOUT_INFO_EXTACK	96
#define CAMZONE_LAYOUT_DUMP		144
#define CAMZONE_LAYOUT_DUMP_INFO	40
#define CAMZONE_LAYOUT_ATTRIBUTE	16
#define CAMZONE_LAYOUT_ATTRIBUTE_LEN	2

/* The packet's way, in order of a hook's calls: one to look, one to count. */
void camzone_look(struct sk_buff *skb, const struct nf_hook_state *state,
		  struct camzone_view *view, u8 *window);
void camzone_count(struct camzone_counter __percpu *a,
		   struct camzone_counter __percpu *b,
		   struct camzone_counter __percpu *c, u32 bytes);
void camzone_log(struct sk_buff *skb, const struct nf_hook_state *state,
		 const char *prefix);
void camzone_reject(struct sk_buff *skb, const struct nf_hook_state *state);
unsigned int camzone_masquerade(struct sk_buff *skb,
				const struct nf_hook_state *state);
void camzone_kill(struct nf_conn *ct);
u32 camzone_now_ms(void);

/* Ends every flow of @net that @wanted says; it must not sleep. */
void camzone_found_of(struct nf_conn *ct, struct camzone_found *found);
void camzone_flows_kill(struct net *net,
			int (*wanted)(struct nf_conn *ct, void *data), void *data);

/* Counters. */
struct camzone_counter __percpu *camzone_counters_alloc(u32 len);
void camzone_counters_free(struct camzone_counter __percpu *counters);
void camzone_counter_sum(const struct camzone_counter __percpu *counter,
			 struct camzone_counter *sum);

/* Namespaces, devices, the module. */
void *camzone_net_slot(const struct net *net, unsigned int id);
struct net *camzone_init_net(void);
bool camzone_net_pins(const struct net *net);
void camzone_devices_walk(struct net *net,
			  bool (*visit)(const struct camzone_device *dev, void *data),
			  void *data);
void camzone_device_of(void *info, struct camzone_device *dev);
int camzone_logger_get(u8 pf);
void camzone_logger_put(u8 pf);

/* Messages of generic netlink; @header is what genlmsg_put() said. */
struct sk_buff *camzone_message_new(size_t room);
void camzone_message_free(struct sk_buff *skb);
int camzone_message_send(struct sk_buff *skb, void *header, struct net *net, u32 portid);
void camzone_message_end(struct sk_buff *skb, void *header, struct netlink_callback *cb);
void camzone_message_cancel(struct sk_buff *skb, void *header);

#endif
