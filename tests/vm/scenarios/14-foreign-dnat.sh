#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Another table's NAT cannot open what the policy closed: permission is asked for the flow's real ends,
# also where the translation is over and the flow is not.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up
# An answer to a camera whose address another table translated, and does no more: it is for the router,
# which never asked for it. (While some table translates, the kernel takes old translations back.)
probe_left_over() {
	local port=$((20000 + RANDOM))
	nft add table ip leaving
	nft add chain ip leaving out '{ type nat hook postrouting priority srcnat; }'
	nft add rule ip leaving out oifname eth0 masquerade
	heard ext cam --src 192.168.8.110 --dst 192.168.0.10 udp --sport "$port" --dport 9000 || return 2
	conntrack -L -p udp 2>/dev/null | grep -q "dst=192.168.0.1 .*dport=$port" || return 2
	nft delete table ip leaving
	heard 4:17 ext --src 192.168.0.10 --dst 192.168.0.1 udp --sport 9000 --dport "$port"
}

baseline left_over

nft -f - <<'NFT'
table ip other {
	chain in {
		type nat hook prerouting priority dstnat;
		iifname "eth0" tcp dport 8080 dnat to 192.168.8.110:80
		iifname "eth2" tcp dport 8080 dnat to 192.168.8.110:80
		iifname "eth1" udp dport 123 ip daddr 192.168.8.1 dnat to 192.168.0.10
	}
	chain out {
		type nat hook output priority -100;
		ip daddr 192.168.0.10 tcp dport 8080 dnat to 192.168.8.110:80
	}
}
table ip6 other {
	chain in {
		type nat hook prerouting priority dstnat;
		iifname "eth0" tcp dport 8080 dnat to [fd00:8::110]:80
		iifname "eth2" tcp dport 8080 dnat to [fd00:8::110]:80
	}
}
NFT

page() { at "$1" curl -gsS --connect-timeout "$PROBE_WAIT" --max-time 20 "http://$2:8080/" | grep -q 'camera at' || return 1; }
probe_from_outside() { page ext 192.168.0.1; }
probe_from_laptop() { page priv 192.168.5.200; }
probe_from_outside6() { page ext '[fd00::1]'; }
probe_from_laptop6() { page priv '[fd00:5::200]'; }
probe_from_camera() { talks cam udp 192.168.8.1:123; }
probe_from_router() { curl -sS --connect-timeout "$PROBE_WAIT" --max-time 20 http://192.168.0.10:8080/ | grep -q 'camera at' || return 1; }
baseline from_outside from_outside6 from_laptop from_laptop6 from_camera from_router
load_camzone
# The camera may talk to the router's port 123, the outside to the router's 8080; neither is what happens.
{
	zones full
	echo '[services.alt]'
	echo 'tcp = [8080]'
	allow private camera http
	allow camera router answers
	allow external router alt
} | apply -
for name in from_outside from_outside6; do expect stopped "$name" no-rule; done
for name in from_laptop from_laptop6; do expect arrives "$name" allowed; done
expect stopped from_camera no-rule
# The router's own output is accepted by default, wherever it really goes.
expect arrives from_router default
nft delete table ip other
nft delete table ip6 other
{ zones; allow camera external answers; } | apply -
expect stopped left_over wrong-address
