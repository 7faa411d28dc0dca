#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A zone's interface is renamed, removed, added again, moved to another namespace and back, and put
# into a VRF: what has not the name is in no zone from the next packet on, and what has it again is.
# run: --timeout 240
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

arm() { python3 -B "$tests/ynl/arm.py" "$@"; }
ping_router() { at host ping -c 1 -W "${patience:-$long_wait}" -q 10.7.0.1 >/dev/null; }
zone_of() { arm status | sed "s/.*\"$1\": \([^,}]*\).*/\1/"; }
no_zone() { arm counters | sed -n 's/^no-zone \([0-9]*\) .*/\1/p'; }

ip netns add host
plug() {
	ip link add guard0 type veth peer name eth0 netns host
	ip addr add 10.7.0.1/24 dev guard0
	ip link set guard0 up
	at host ip addr add 10.7.0.2/24 dev eth0
	at host ip link set eth0 up
	at host ip link set lo up
}
address() {
	ip addr add 10.7.0.1/24 dev guard0 2>/dev/null || true
	ip link set guard0 up
}
plug
check "without camzone the host reaches the router" ping_router
load_camzone
zones='zones=[{"name": "inside", "interface": ["guard0", "guard1"], "network": [{"address": "10.7.0.0", "prefix-len": 24}]}]'
rules='rules=[{"action": "allow", "from": [{"kind": "zone", "name": "inside"}], "to": [{"kind": "router"}],
	"service": [{"protocol": 1, "first": 8, "last": 8}]}]'
arm arm "$zones" "$rules" 'cameras=[]' >/dev/null
check "armed: so it does" ping_router
equal "status" '"inside"' "$(zone_of guard0)"

ip link set guard0 name elsewhere
patience=1 stops "renamed: it is in no zone" ping_router
equal "status" null "$(zone_of elsewhere)"
(($(no_zone) > 0)) && ok "the reason is no-zone" || not_ok "the reason is no-zone"
ip link set elsewhere name guard1
check "renamed to another name of the zone" ping_router
ip link set guard1 name guard0
check "renamed back" ping_router

ip link del guard0
plug
check "removed and added: the name counts, not the number" ping_router

ip netns add aside
ip link set guard0 netns aside
ip link add guard0 type dummy
ip link set guard0 up
equal "moved away, and a dummy has its name" '"inside"' "$(zone_of guard0)"
ip link del guard0
nsenter --net=/run/netns/aside -- ip link set guard0 netns 1
address
check "moved back" ping_router

if modprobe -q vrf && ip link add red type vrf table 10; then
	ip link set red up
	ip link set guard0 master red
	patience=1 stops "a slave of a VRF is refused" ping_router
	equal "status" null "$(zone_of guard0)"
	ip link set guard0 nomaster
	address
	check "no slave any more" ping_router
	ip link del red
else
	echo "# this kernel has no VRF"
fi

# Names come and go by the hundred under traffic.
at host ping -f -q -w 300 10.7.0.1 >/dev/null 2>&1 &
for ((n = 0; n < 100; n++)); do
	ip link set guard0 name "away$n"
	ip link set "away$n" name guard0
done
check "the flood went on to the last" kill $!
wait || true
check "after a hundred renamings it is bound" ping_router
arm disarm >/dev/null
check "and the module goes" rmmod camzone
