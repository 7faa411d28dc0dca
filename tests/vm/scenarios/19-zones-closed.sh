#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Between zones everything is closed, also to a neighbour in one's own zone; an interface that is in
# no zone is sealed.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up
# A fourth interface that no policy names.
ip netns add guest
ip link add eth3 type veth peer name eth0 netns guest
ip address add 192.168.9.1/24 dev eth3
ip link set eth3 up
ip -n guest link set lo up
ip -n guest address add 192.168.9.10/24 dev eth0
ip -n guest link set eth0 up
ip -n guest route add default via 192.168.9.1

tcp() { heard "$1" "$2" --src "$3" --dst "$4" tcp --dport "$5"; }
probe_cam_priv() { tcp priv cam 192.168.8.110 192.168.5.10 80; }
probe_priv_ext() { tcp ext priv 192.168.5.10 192.168.0.10 80; }
probe_ext_priv() { tcp priv ext 192.168.0.10 192.168.5.10 22; }
probe_ext_cam() { tcp cam ext 192.168.0.10 192.168.8.110 80; }
probe_cam_ext() { tcp ext cam 192.168.8.110 192.168.0.10 443; }
probe_cam_cam() { tcp cam2 cam 192.168.8.110 192.168.8.111 80; }
probe_cam_cam6() { heard cam2 cam --src fd00:8::110 --dst fd00:8::111 tcp --dport 80; }
probe_guest_router() { tcp 4:6 guest 192.168.9.10 192.168.9.1 22; }
probe_guest_cam() { tcp cam guest 192.168.9.10 192.168.8.110 80; }
probe_guest_ext() { tcp ext guest 192.168.9.10 192.168.0.10 80; }
probe_router_guest() {
	local word
	word=$(nonce guest)
	probe recv --netns guest --iface eth0 --nonce "$word" --timeout "$PROBE_WAIT" -- \
		probe send --local --src 192.168.9.1 --dst 192.168.9.10 --nonce "$word" udp --dport 9
}

closed=(cam_priv priv_ext ext_priv ext_cam cam_ext cam_cam cam_cam6)
strange=(guest_router guest_cam guest_ext router_guest)
baseline "${closed[@]}" "${strange[@]}"
load_camzone
for name in "${closed[@]}" "${strange[@]}"; do expect stopped "$name" sealed; done
{ zones full; allow private camera http; } | apply -
for name in "${closed[@]}"; do expect stopped "$name" no-rule; done
for name in "${strange[@]}"; do expect stopped "$name" no-zone; done
{ zones full; allow camera camera http; } | apply -
expect arrives cam_cam allowed
expect arrives cam_cam6 allowed
