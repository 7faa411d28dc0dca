/* SPDX-License-Identifier: GPL-2.0 */
/* What bindgen reads: the kernel's headers, the family's numbers and the shim. */
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <net/fib_notifier.h>
#include <net/genetlink.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_nat.h>
#include <net/netfilter/nf_nat_masquerade.h>
#include <uapi/linux/camzone.h>

#include "camzone_layout.h"
#include "camzone_shim.h"

#define CAMZONE_PLACE_CONST(name, place) const size_t CAMZONE_##name = place;
CAMZONE_PLACES(CAMZONE_PLACE_CONST)
const size_t CAMZONE_PLACES_SUM = CAMZONE_ADD_PLACES;
