#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A deny that rejects says so: TCP by a reset, all else by an ICMP error, in both families, to the
# router and through it; also where the router itself may send nothing, unless a deny is about that.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up

probe_in_tcp() { talks priv tcp 192.168.5.200:49999; }
probe_in_udp() { talks priv udp 192.168.5.200:123; }
probe_in_tcp6() { talks priv tcp '[fd00:5::200]:49999'; }
probe_in_udp6() { talks priv udp '[fd00:5::200]:123'; }
probe_through_tcp() { talks priv tcp 192.168.8.110:554; }
probe_through_udp() { talks priv udp 192.168.8.110:9000; }
probe_through_tcp6() { talks priv tcp '[fd00:8::110]:554'; }
probe_through_udp6() { talks priv udp '[fd00:8::110]:9000'; }
all=({in,through}_{tcp,udp}{,6})

# answers NAME WORD: how the probe learnt that it was stopped.
answers() { equal "$1: $2" "$2" "$(grep -o -e refused -e 'timed out' "$work/$1" || cat "$work/$1")"; }
# deny [LINE...]
deny() {
	zones full
	printf '[defaults]\noutput = "drop"\n[services.all]\ntcp = "0-65535"\nudp = "0-65535"\n'
	printf '[[deny]]\nfrom = "private"\nto = ["router", "camera"]\nservices = ["all"]\n'
	printf '%s\n' "$@"
}

baseline "${all[@]}"
load_camzone
deny | apply -
for name in "${all[@]}"; do
	expect stopped "$name" denied
	answers "$name" 'timed out'
done
# A refusal ends the wait at once.
short_wait=5
deny 'reject = true' | apply -
for name in "${all[@]}"; do
	expect stopped "$name" denied
	answers "$name" refused
done
short_wait=0.5
deny 'reject = true' '[[deny]]' 'from = "router"' 'to = "private"' 'services = ["any"]' | apply -
for name in in_tcp through_udp6; do
	expect stopped "$name" denied
	answers "$name" 'timed out'
done
