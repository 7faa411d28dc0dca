#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Who may speak to the family: nobody without CAP_NET_ADMIN over the namespace, and a user in a
# namespace of his own only to that one. What he arms there does not hold the module.
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
here=$tests/ynl
user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
chmod 755 "$work"
flag=$work/flag
touch "$flag" && chmod 666 "$flag"

init() { ynl --spec "$top/netlink/specs/camzone.yaml" --do status-get --output-json | jq -c 'del(.port)'; }

load_camzone
before=$(init)
check "root in the initial namespace may" test -n "$before"
check "nobody may nothing" "${user[@]}" python3 -B "$here/permissions.py" denied
check "nor may the root of a user namespace without a network of its own" \
	"${user[@]}" unshare -Ur python3 -B "$here/permissions.py" denied
check "nor root without the capability" \
	setpriv --bounding-set -net_admin --inh-caps -net_admin python3 -B "$here/permissions.py" denied

# Waits until the one in the namespace says the word.
await() {
	local i
	for ((i = 0; i < 300; i++)); do
		if [[ $(<"$flag") == "$1" ]]; then return; fi
		kill -0 "$own" || break
		sleep 0.1
	done
	bail "it did not come to say '$1': $(<"$work/own")"
}

"${user[@]}" unshare -Urn python3 -B "$here/permissions.py" own "$flag" >"$work/own" 2>&1 &
own=$!
await armed
equal "nothing of what he armed is seen from here" "$before" "$(init)"
upload='import sys; sys.path.insert(0, sys.argv[1]); import camzone; c = camzone.family(); camzone.upload(c)'
check "a policy here" python3 -B -c "$upload" "$here"
echo -n look >"$flag"
await looked
refuse "what is armed here holds the module" rmmod camzone
check "disarmed" ynl --spec "$top/netlink/specs/camzone.yaml" --do disarm
check "what he armed does not hold it" rmmod camzone
echo -n end >"$flag"
check "he could do in his own what he liked" wait "$own"
sed 's/^/# /' "$work/own"
load_camzone
equal "a fresh one is as it was" "$before" "$(init)"
rmmod camzone
