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
	bool loopback;
	bool slave;			/* of an L3 master device (VRF) */
};

/*
 * What Rust knows of a layout it has from libclang. The shim holds the compiler of
 * the kernel to these numbers and rust/bindings.rs the Rust side (64-bit only, as
 * is Rust in the kernel): STRUCT, its size, and the place of its last member used.
 */
#define CAMZONE_LAYOUT_COUNTER		16
#define CAMZONE_LAYOUT_COUNTER_BYTES	8
#define CAMZONE_LAYOUT_DEVICE		32
#define CAMZONE_LAYOUT_DEVICE_SLAVE	25
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

/* The packet's way. One that is accepted for a rule takes one call: camzone_accept(). */
unsigned int camzone_accept(struct camzone_counter __percpu *counter, u32 bytes);
void camzone_count(struct camzone_counter __percpu *a,
		   struct camzone_counter __percpu *b,
		   struct camzone_counter __percpu *c, u32 bytes);
u32 camzone_copy(const struct sk_buff *skb, u8 *window);
bool camzone_source_is_local(const struct sk_buff *skb,
			     const struct nf_hook_state *state);
bool camzone_source_mac(const struct sk_buff *skb,
			const struct nf_hook_state *state, u8 *mac);
int camzone_home(const struct nf_hook_state *state, const u8 *address);
void camzone_log(struct sk_buff *skb, const struct nf_hook_state *state,
		 const char *prefix);
void camzone_reject(struct sk_buff *skb, const struct nf_hook_state *state);
bool camzone_masquerade_address(const struct sk_buff *skb, const struct nf_hook_state *state,
				u8 *address);
unsigned int camzone_masquerade(struct sk_buff *skb, u16 port,
				const struct nf_hook_state *state);
u32 camzone_now_ms(void);

/* Flows. @wanted must not sleep. */
void camzone_flow_kill(struct nf_conn *ct);
bool camzone_flow_masqueraded(const struct nf_conn *ct);
void camzone_queue_drop(struct net *net);
bool camzone_flow_unsure(const struct nf_conn *ct);
void camzone_flows_kill(struct net *net,
			int (*wanted)(struct nf_conn *ct, void *data), void *data);
bool camzone_is_local(struct net *net, u8 family, const u8 *address);
bool camzone_fib_local(unsigned long event, void *info, u32 *address, u8 *len);

/* Counters. */
struct camzone_counter __percpu *camzone_counters_alloc(u32 len);
void camzone_counters_free(struct camzone_counter __percpu *counters);
void camzone_counter_sum(const struct camzone_counter __percpu *counter,
			 struct camzone_counter *sum);

/* Namespaces, devices, the module. */
void *camzone_net_slot(const struct net *net, unsigned int id);
struct net *camzone_init_net(void);
size_t camzone_places_sum(void);
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
