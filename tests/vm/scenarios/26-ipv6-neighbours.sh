#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# IPv6 neighbours: `minimal` lets neighbour discovery and MLD live and nothing else; nobody among the
# cameras is a router, and nothing redirects.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up

ll=fe80::ff:fe00:86e
cam() { heard 6:58 cam --src "$ll" "$@"; }
probe_ns() { cam --dst ff02::1 ns fd00:8::1; }
probe_na() { cam --dst ff02::1 na "$ll"; }
probe_rs() { cam --dst ff02::2 rs; }
probe_mld() { cam mld ff02::1; }
probe_dad() { heard 6:58 cam --src :: --dst ff02::1 ns fd00:8::999; }
probe_far_ns() { cam --dst ff02::1 --ttl 254 ns fd00:8::1; }
probe_far_na() { cam --dst ff02::1 --ttl 64 na "$ll"; }
# In PRE_ROUTING it cannot be read for its headers, and behind defragmentation there is one less.
probe_hidden_ns() { cam --dst ff02::1 --ext atomic,dst,dst,dst,dst,dst,dst,dst,dst ns fd00:8::1; }
probe_hidden_mld() { cam --ext atomic,dst,dst,dst,dst,dst,dst,dst,dst mld ff02::1; }
probe_ra() { cam --dst ff02::1 ra; }
probe_ra_outside() { heard 6:58 ext --src fe80::ff:fe00:a --dst ff02::1 ra; }
probe_redirect() { cam --dst fe80::ff:fe00:801 redirect "$ll" fd00:5::10; }
probe_forged_ns() { heard 6:58 cam --src fd00:5::10 --dst ff02::1 ns fd00:8::1; }
probe_ping() { at cam ping -q -c 1 -W "$PROBE_WAIT" fd00:8::1 || return 1; }
probe_udp() { talks cam udp '[fd00:8::1]:123'; }

alive=(ns na mld dad)
wrong=(far_ns far_na hidden_ns hidden_mld)
all=("${alive[@]}" rs "${wrong[@]}" ra ra_outside redirect forged_ns ping udp)
baseline "${all[@]}"
load_camzone
{ zones minimal; allow camera router ping; allow camera router answers; } >"$work/policy"
if camzonectl apply "$work/policy" >"$work/said" 2>&1; then ok "minimal is applied"; else bail "$(<"$work/said")"; fi
for name in "${alive[@]}"; do expect arrives "$name" neighbour-discovery; done
for name in "${wrong[@]}"; do expect stopped "$name" malformed; done
expect stopped ra rogue-router
expect arrives ra_outside neighbour-discovery
expect stopped redirect icmp-redirect
expect stopped forged_ns spoofed
expect stopped udp ipv6-off

{ zones full; allow camera router ping; allow camera router answers; } | apply -
for name in "${alive[@]}"; do expect arrives "$name" neighbour-discovery; done
for name in "${wrong[@]}"; do expect stopped "$name" malformed; done
expect stopped ra rogue-router
expect arrives ra_outside neighbour-discovery
expect stopped redirect icmp-redirect
expect arrives ping allowed
expect arrives udp allowed

{ zones off; } | apply -
for name in "${all[@]}"; do expect stopped "$name" ipv6-off; done
