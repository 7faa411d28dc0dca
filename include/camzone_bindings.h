/* SPDX-License-Identifier: GPL-2.0 */
/* What bindgen reads: the kernel's headers, the family's numbers and the shim. */
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/rtnetlink.h>
#include <net/genetlink.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_nat.h>
#include <net/netfilter/nf_nat_masquerade.h>
#include <uapi/linux/camzone.h>

#include "camzone_shim.h"
