#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Five hundred interfaces of a policy come and go at once: the RTNL is everybody's, so no grace period
# is waited for with it held; and names that come and go for ever are found as ever.
# run: --timeout 240
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

many=500
plug() { for ((n = 0; n < many; n++)); do echo "link add many$n type dummy"; done | at room ip -batch -; }
# Each by its name would be a request each; a group goes in one.
unplug() {
	at room sh -c 'ip -o link | grep -o "many[0-9]*" | sed "s/.*/link set & group 7/" | ip -batch -'
	local before=${EPOCHREALTIME/./}
	at room ip link del group 7
	took=$(((${EPOCHREALTIME/./} - before) / 1000))
}
bound() { at room camzonectl status --json | jq '[.interfaces[] | select(.zone == "inside")] | length'; }

ip netns add room
plug
unplug
plain=$took
ok "without camzone $many interfaces go in $plain ms"
load_camzone
{
	printf '[zones.inside]\nnetworks = ["10.7.0.0/24"]\ninterfaces = ["guard0"'
	for ((n = 0; n < many; n++)); do printf ', "many%d"' "$n"; done
	echo ']'
} | at room camzonectl apply - >"$work/apply" 2>&1 || bail "no policy"
plug
equal "armed: all are in their zone" "$many" "$(bound)"
unplug
((took < 3 * plain + 2000)) && ok "armed they go in $took ms" || not_ok "armed they go in $took ms"
equal "none is bound" 0 "$(bound)"

# Whatever the numbers, also those that have the same place.
at room ip link add guard0 index 5000 type dummy
for ((n = 0; n < 1200; n++)); do
	echo "link add many0 index $((6000 + n)) type dummy"
	echo "link del many0"
done | at room ip -batch - || bail "no loop"
equal "one stays while another comes and goes" 1 "$(bound)"
plug
equal "and there is still a place for each" $((many + 1)) "$(bound)"

ip netns delete room
before=${EPOCHREALTIME/./}
within 40 rmmod camzone 2>/dev/null || true
took=$(((${EPOCHREALTIME/./} - before) / 1000))
((took < 3 * plain + 5000)) && ok "with their namespace they are gone in $took ms" || not_ok "with their namespace they are gone in $took ms"
refuse "and so is the module" test -e /sys/module/camzone
