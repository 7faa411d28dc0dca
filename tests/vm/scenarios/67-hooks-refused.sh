#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Netfilter has no room for a hook: the policy is refused as a whole, nothing of it stays,
# and it is accepted once there is room.
# run: --timeout 240
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

# As many as the kernel allows in one place.
most=1024
fill() {
	{
		echo 'table ip full {'
		for ((n = 0; n < most; n++)); do echo "chain c$n { type $1; }"; done
		echo '}'
	} | at room nft -f - || bail "no chains"
}
empty() { at room nft delete table ip full; }
hooks() { at room nft list hooks 2>/dev/null | grep -c camzone || true; }
where() { at room camzonectl status --json | jq -r .state; }
arm() { { zones; allow camera external http 'masquerade = true'; } | at room camzonectl apply - >"$work/apply" 2>&1; }

ip netns add room
load_camzone
for place in "filter hook forward priority 0" "nat hook postrouting priority 100"; do
	fill "$place"
	for _ in 1 2 3; do refuse "no room at: $place" arm; done
	equal "nothing is guarded" idle "$(where)"
	empty
	equal "none of ours is left" 0 "$(hooks)"
done
check "there is room" arm
equal "it is armed" armed "$(where)"
(($(hooks) > 0)) && ok "the hooks are there" || not_ok "the hooks are there"
ip netns delete room
within 10 rmmod camzone 2>/dev/null || true
refuse "and the module goes" test -e /sys/module/camzone
