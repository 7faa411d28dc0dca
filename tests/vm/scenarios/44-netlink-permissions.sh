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

: >"$flag"
"${user[@]}" unshare -Urn python3 -B "$here/permissions.py" own "$flag" >"$work/own" 2>&1 &
own=$!
for ((i = 0; i < 200; i++)); do
	if [[ -s $flag ]] || ! kill -0 "$own" 2>/dev/null; then break; fi
	sleep 0.1
done
equal "nothing of it is seen from here" "$before" "$(init)"
check "and it does not hold the module" rmmod camzone
load_camzone
rm "$flag"
# Its policy went with the module: it finds another generation, or none, but no crash.
wait "$own" || true
check "he could do in his own what he liked" test "$(grep -c '^ok' "$work/own")" -ge 5
sed 's/^/# /' "$work/own"
equal "a fresh one is as it was" "$before" "$(init)"
rmmod camzone
