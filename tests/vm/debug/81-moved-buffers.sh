#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Packets' buffers move on purpose, on the debug kernel: wherever the kernel may give a packet another
# one, it does (fail_skb_realloc), while the two routers of diff.sh are held against each other. Who
# kept a pointer into the old one is KASAN's to find. The module itself calls nothing that moves the
# packet it looks at: it moves from one of the hooks to the next, and so do the answers to it.
#    81-moved-buffers.sh [PACKETS [POLICIES [SEED]]]
#    81-moved-buffers.sh --ARGUMENTS...                   of `probe diff`
# run: --faults --timeout 300
knobs=/sys/kernel/debug/fail_skb_realloc many=2000000000 stacks=/tmp/stacks
knob() { echo "$2" >"$knobs/$1"; }

# Twenty moves a second are told with their stacks (the time is in jiffies, whatever its name says);
# the console gets what is worse than that.
dmesg -n 4
dmesg --follow-new >$stacks &
listener=$!
knob verbose 2
knob verbose_ratelimit_interval_ms 250
knob verbose_ratelimit_burst 20
knob times $many
knob probability 100

[[ ${1-} == -* ]] || set -- --packets "${1:-1000}" --policies "${2:-4}" --seed "${3:-1}"
# shellcheck source=tests/vm/diff.sh
. "$(dirname "$(readlink -f "$0")")/../diff.sh" "$@"

knob probability 0
kill $listener
moved=$((many - $(<$knobs/times)))
if ((moved)); then ok "$moved buffers were moved"; else not_ok "no buffer was moved"; fi
# told PATTERN: in how many of the stacks there is such a function.
told() {
	awk -v pattern="^($1)[+]" '/ dump_stack_lvl[+]/ { n += hit; hit = 0 } $3 ~ pattern { hit = 1 }
		END { print n + hit }' $stacks
}
# What stands between camzone's first hook and its next.
between=$(told '(tcp|udp)_v[46]_early_demux|ip_defrag|nf_ct_frag6_gather|nf_nat_ipv4_pre_routing|nf_nat_ipv6_in')
answers=$(told camzone_reject)
text="of $(told skb_might_realloc) that were told, $between between hooks, $answers of camzone's answers"
if ((between && answers)); then ok "$text"; else not_ok "$text"; fi
