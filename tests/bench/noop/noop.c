// SPDX-License-Identifier: GPL-2.0
/*
 * Turns conntrack on in the initial network namespace and, with hooks=1, hangs one hook that does
 * nothing at FORWARD and at LOCAL_IN: the least that any firewall behind conntrack can cost.
 */
#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/net_namespace.h>

static bool hooks = true;
module_param(hooks, bool, 0444);
MODULE_PARM_DESC(hooks, "hang the hooks; without, there is conntrack only");

static unsigned int noop(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	return NF_ACCEPT;
}

static const struct nf_hook_ops noop_ops[] = {
	{ .hook = noop, .pf = NFPROTO_IPV4, .hooknum = NF_INET_FORWARD, .priority = NF_IP_PRI_FILTER },
	{ .hook = noop, .pf = NFPROTO_IPV4, .hooknum = NF_INET_LOCAL_IN, .priority = NF_IP_PRI_FILTER },
	{ .hook = noop, .pf = NFPROTO_IPV6, .hooknum = NF_INET_FORWARD, .priority = NF_IP6_PRI_FILTER },
	{ .hook = noop, .pf = NFPROTO_IPV6, .hooknum = NF_INET_LOCAL_IN, .priority = NF_IP6_PRI_FILTER },
};

static int __init noop_init(void)
{
	int err = nf_ct_netns_get(&init_net, NFPROTO_INET);

	if (err || !hooks)
		return err;
	err = nf_register_net_hooks(&init_net, noop_ops, ARRAY_SIZE(noop_ops));
	if (err)
		nf_ct_netns_put(&init_net, NFPROTO_INET);
	return err;
}

static void __exit noop_exit(void)
{
	if (hooks)
		nf_unregister_net_hooks(&init_net, noop_ops, ARRAY_SIZE(noop_ops));
	nf_ct_netns_put(&init_net, NFPROTO_INET);
}

module_init(noop_init);
module_exit(noop_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A netfilter hook that does nothing, to measure");
