#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A container whose packets the router sends (ipvlan, mode l3): it is not the router, and what the router
# may is not its own.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
modprobe ipvlan || bail "there is no ipvlan"
ip netns add box
ip link add link eth2 name box0 type ipvlan mode l3
ip link set box0 netns box
ip -n box -batch - <<-END
	link set lo up
	link set box0 up
	address add 192.168.5.77/24 dev box0
	address add fd00:5::77/64 dev box0 nodad
END

# from_box EAR SEND-ARGUMENTS...: as heard, by the container's own path.
from_box() {
	local word listen=(--raw "$1")
	word=$(nonce box)
	if [[ $1 == priv ]]; then listen=(--netns priv --iface eth0); fi
	shift
	probe recv "${listen[@]}" --nonce "$word" --timeout "$PROBE_WAIT" -- \
		nsenter --net=/run/netns/box probe send --local --nonce "$word" "$@" udp --dport 9000
}
probe_box() { from_box priv --src 192.168.5.77 --dst 192.168.5.10; }
probe_box6() { from_box priv --src fd00:5::77 --dst fd00:5::10; }
probe_box_advert() {
	local word
	word=$(nonce box)
	probe recv --netns priv --iface eth0 --nonce "$word" --timeout "$PROBE_WAIT" -- \
		nsenter --net=/run/netns/box probe send --local --nonce "$word" --src fe80::bad --dst fd00:5::10 ra
}
probe_box_router() { from_box 4:17 --src 192.168.5.77 --dst 192.168.5.200; }
probe_box_router6() { from_box 6:17 --src fd00:5::77 --dst fd00:5::200; }
probe_own() { heard priv router --src 192.168.5.200 --dst 192.168.5.10 udp --dport 9000; }
probe_own6() { heard priv router --src fd00:5::200 --dst fd00:5::10 udp --dport 9000; }
# A socket of the router's may take an address that is none (IP_TRANSPARENT, or a raw one).
probe_foreign() { heard priv router --src 192.168.8.110 --dst 192.168.5.10 udp --dport 9000; }
probe_self() { heard 4:17 router --src 192.168.5.200 --dst 192.168.5.200 udp --dport 9000; }
probe_self6() { heard 6:17 router --src fd00:5::200 --dst fd00:5::200 udp --dport 9000; }

own=(own own6 foreign)
self=(self self6)
baseline box box6 box_advert box_router box_router6 "${own[@]}" "${self[@]}"
load_camzone
for name in "${self[@]}"; do expect arrives "$name" loopback; done
for name in box box6 box_advert box_router box_router6; do expect stopped "$name" sealed; done
{ zones full; allow router private answers; } | apply -
for name in "${own[@]}"; do expect arrives "$name" allowed; done
for name in "${self[@]}"; do expect arrives "$name" loopback; done
for name in box box6 box_advert; do expect stopped "$name" wrong-zone; done
for name in box_router box_router6; do expect stopped "$name" no-zone; done
