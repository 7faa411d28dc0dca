/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	netlink/specs/camzone.yaml */
/* YNL-GEN uapi header */
/* To regenerate run: tools/gen-uapi */

#ifndef _UAPI_LINUX_CAMZONE_H
#define _UAPI_LINUX_CAMZONE_H

#define CAMZONE_FAMILY_NAME	"camzone"
#define CAMZONE_FAMILY_VERSION	1

#define CAMZONE_NAME_LEN_MAX	31
#define CAMZONE_IFNAME_LEN_MAX	15

/**
 * enum camzone_state - What guards the namespace.
 * @CAMZONE_STATE_IDLE: Not guarded, nothing is dropped.
 * @CAMZONE_STATE_SEALED: Only loopback passes.
 * @CAMZONE_STATE_ARMED: A policy is in force.
 */
enum camzone_state {
	CAMZONE_STATE_IDLE,
	CAMZONE_STATE_SEALED,
	CAMZONE_STATE_ARMED,
};

/*
 * What becomes of a packet. Defaults may be drop or accept only.
 */
enum camzone_verdict {
	CAMZONE_VERDICT_DROP,
	CAMZONE_VERDICT_ACCEPT,
	CAMZONE_VERDICT_REJECT,
};

/**
 * enum camzone_ipv6_mode - How a zone treats IPv6.
 * @CAMZONE_IPV6_MODE_OFF: Every IPv6 packet is dropped.
 * @CAMZONE_IPV6_MODE_MINIMAL: Neighbour discovery, MLD and the ICMPv6 errors
 *   of RFC 4890 only.
 * @CAMZONE_IPV6_MODE_FULL: The rules apply.
 */
enum camzone_ipv6_mode {
	CAMZONE_IPV6_MODE_OFF,
	CAMZONE_IPV6_MODE_MINIMAL,
	CAMZONE_IPV6_MODE_FULL,
};

/*
 * The two kinds of rule; a deny beats every allow.
 */
enum camzone_action {
	CAMZONE_ACTION_ALLOW,
	CAMZONE_ACTION_DENY,
};

/*
 * What one end of a rule names.
 */
enum camzone_end_kind {
	CAMZONE_END_KIND_ROUTER,
	CAMZONE_END_KIND_ZONE,
	CAMZONE_END_KIND_CAMERA,
};

/**
 * enum camzone_reason - The one word that says why a packet got its verdict.
 * @CAMZONE_REASON_LOOPBACK: Loopback traffic, always accepted.
 * @CAMZONE_REASON_IDLE: The namespace is idle, nothing is dropped.
 * @CAMZONE_REASON_SEALED: The namespace is sealed, only loopback passes.
 * @CAMZONE_REASON_ALLOWED: An allow matched and no deny did.
 * @CAMZONE_REASON_DEFAULT: No rule matched and the default accepts.
 * @CAMZONE_REASON_NO_RULE: No rule matched and the default drops.
 * @CAMZONE_REASON_DENIED: A deny matched.
 * @CAMZONE_REASON_SPOOFED: The source address does not belong to the zone of
 *   the interface.
 * @CAMZONE_REASON_MAC_MISMATCH: A camera's address came with another hardware
 *   address.
 * @CAMZONE_REASON_NO_ZONE: The interface belongs to no zone.
 * @CAMZONE_REASON_WRONG_ZONE: An end of the flow is not in the zone the packet
 *   comes from or goes to.
 * @CAMZONE_REASON_WRONG_ADDRESS: The router's address is not one it has on the
 *   zone the packet came from.
 * @CAMZONE_REASON_BROADCAST: Broadcast or multicast without a rule of its own.
 * @CAMZONE_REASON_IPV6_OFF: IPv6 is off, or minimal, in a zone of the packet.
 * @CAMZONE_REASON_INVALID: Connection tracking calls the packet INVALID.
 * @CAMZONE_REASON_UNTRACKED: The packet was exempted from connection tracking.
 * @CAMZONE_REASON_NOT_SYN: A new TCP flow did not begin with a plain SYN.
 * @CAMZONE_REASON_MALFORMED: A header is cut off or contradicts itself.
 * @CAMZONE_REASON_ICMP_REDIRECT: Redirects never pass.
 * @CAMZONE_REASON_ICMP_ERROR: An ICMP error of the router itself, or of a type
 *   that does not pass.
 * @CAMZONE_REASON_NEIGHBOUR_DISCOVERY: IPv6 neighbour discovery or multicast
 *   listener discovery.
 * @CAMZONE_REASON_ROGUE_ROUTER: A router advertisement from a zone that is not
 *   the outside.
 * @CAMZONE_REASON_NAT_CHANGED: The flow's address translation is not what the
 *   policy says; it was ended.
 * @CAMZONE_REASON_SOURCE_ROUTE: The sender chose the packet's way (IPv4 source
 *   route, IPv6 routing header).
 */
enum camzone_reason {
	CAMZONE_REASON_LOOPBACK,
	CAMZONE_REASON_IDLE,
	CAMZONE_REASON_SEALED,
	CAMZONE_REASON_ALLOWED,
	CAMZONE_REASON_DEFAULT,
	CAMZONE_REASON_NO_RULE,
	CAMZONE_REASON_DENIED,
	CAMZONE_REASON_SPOOFED,
	CAMZONE_REASON_MAC_MISMATCH,
	CAMZONE_REASON_NO_ZONE,
	CAMZONE_REASON_WRONG_ZONE,
	CAMZONE_REASON_WRONG_ADDRESS,
	CAMZONE_REASON_BROADCAST,
	CAMZONE_REASON_IPV6_OFF,
	CAMZONE_REASON_INVALID,
	CAMZONE_REASON_UNTRACKED,
	CAMZONE_REASON_NOT_SYN,
	CAMZONE_REASON_MALFORMED,
	CAMZONE_REASON_ICMP_REDIRECT,
	CAMZONE_REASON_ICMP_ERROR,
	CAMZONE_REASON_NEIGHBOUR_DISCOVERY,
	CAMZONE_REASON_ROGUE_ROUTER,
	CAMZONE_REASON_NAT_CHANGED,
	CAMZONE_REASON_SOURCE_ROUTE,
};

enum {
	CAMZONE_A_STATE = 1,
	CAMZONE_A_GENERATION,
	CAMZONE_A_DIGEST,
	CAMZONE_A_VERSION,
	CAMZONE_A_CHECK,
	CAMZONE_A_DEFAULTS,
	CAMZONE_A_FORWARDING,
	CAMZONE_A_SAVED,
	CAMZONE_A_ZONE,
	CAMZONE_A_CAMERA,
	CAMZONE_A_RULE,
	CAMZONE_A_PORT,
	CAMZONE_A_COUNTER,

	__CAMZONE_A_MAX,
	CAMZONE_A_MAX = (__CAMZONE_A_MAX - 1)
};

enum {
	CAMZONE_A_DEFAULTS_INPUT = 1,
	CAMZONE_A_DEFAULTS_FORWARD,
	CAMZONE_A_DEFAULTS_OUTPUT,

	__CAMZONE_A_DEFAULTS_MAX,
	CAMZONE_A_DEFAULTS_MAX = (__CAMZONE_A_DEFAULTS_MAX - 1)
};

enum {
	CAMZONE_A_SAVED_IPV4 = 1,
	CAMZONE_A_SAVED_IPV6,

	__CAMZONE_A_SAVED_MAX,
	CAMZONE_A_SAVED_MAX = (__CAMZONE_A_SAVED_MAX - 1)
};

enum {
	CAMZONE_A_NETWORK_ADDRESS = 1,
	CAMZONE_A_NETWORK_PREFIX_LEN,

	__CAMZONE_A_NETWORK_MAX,
	CAMZONE_A_NETWORK_MAX = (__CAMZONE_A_NETWORK_MAX - 1)
};

enum {
	CAMZONE_A_ZONE_NAME = 1,
	CAMZONE_A_ZONE_INTERFACE,
	CAMZONE_A_ZONE_NETWORK,
	CAMZONE_A_ZONE_ANY,
	CAMZONE_A_ZONE_IPV6,

	__CAMZONE_A_ZONE_MAX,
	CAMZONE_A_ZONE_MAX = (__CAMZONE_A_ZONE_MAX - 1)
};

enum {
	CAMZONE_A_CAMERA_NAME = 1,
	CAMZONE_A_CAMERA_ZONE,
	CAMZONE_A_CAMERA_ADDRESS,
	CAMZONE_A_CAMERA_MAC,

	__CAMZONE_A_CAMERA_MAX,
	CAMZONE_A_CAMERA_MAX = (__CAMZONE_A_CAMERA_MAX - 1)
};

enum {
	CAMZONE_A_END_KIND = 1,
	CAMZONE_A_END_NAME,

	__CAMZONE_A_END_MAX,
	CAMZONE_A_END_MAX = (__CAMZONE_A_END_MAX - 1)
};

enum {
	CAMZONE_A_SERVICE_PROTOCOL = 1,
	CAMZONE_A_SERVICE_FIRST,
	CAMZONE_A_SERVICE_LAST,
	CAMZONE_A_SERVICE_BROADCAST,

	__CAMZONE_A_SERVICE_MAX,
	CAMZONE_A_SERVICE_MAX = (__CAMZONE_A_SERVICE_MAX - 1)
};

enum {
	CAMZONE_A_RULE_ACTION = 1,
	CAMZONE_A_RULE_FROM,
	CAMZONE_A_RULE_TO,
	CAMZONE_A_RULE_SERVICE,
	CAMZONE_A_RULE_TO_ADDRESS,
	CAMZONE_A_RULE_MASQUERADE,
	CAMZONE_A_RULE_REJECT,
	CAMZONE_A_RULE_ID,

	__CAMZONE_A_RULE_MAX,
	CAMZONE_A_RULE_MAX = (__CAMZONE_A_RULE_MAX - 1)
};

enum {
	CAMZONE_A_PORT_NAME = 1,
	CAMZONE_A_PORT_IFINDEX,
	CAMZONE_A_PORT_ZONE,

	__CAMZONE_A_PORT_MAX,
	CAMZONE_A_PORT_MAX = (__CAMZONE_A_PORT_MAX - 1)
};

enum {
	CAMZONE_A_COUNTER_REASON = 1,
	CAMZONE_A_COUNTER_FROM,
	CAMZONE_A_COUNTER_TO,
	CAMZONE_A_COUNTER_RULE,
	CAMZONE_A_COUNTER_PACKETS,
	CAMZONE_A_COUNTER_BYTES,
	CAMZONE_A_COUNTER_DROPPED,

	__CAMZONE_A_COUNTER_MAX,
	CAMZONE_A_COUNTER_MAX = (__CAMZONE_A_COUNTER_MAX - 1)
};

enum {
	CAMZONE_CMD_STATUS_GET = 1,
	CAMZONE_CMD_POLICY_BEGIN,
	CAMZONE_CMD_POLICY_ADD,
	CAMZONE_CMD_POLICY_COMMIT,
	CAMZONE_CMD_POLICY_ABORT,
	CAMZONE_CMD_POLICY_GET,
	CAMZONE_CMD_COUNTERS_GET,
	CAMZONE_CMD_DISARM,

	__CAMZONE_CMD_MAX,
	CAMZONE_CMD_MAX = (__CAMZONE_CMD_MAX - 1)
};

#endif /* _UAPI_LINUX_CAMZONE_H */
