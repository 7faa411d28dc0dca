#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# forwarding = true: the sysctls are on while such a policy is in force, and afterwards as they were
# before the first one, whoever ends it; IPv6's only where a zone has ipv6 = "full".
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

sysctls() { echo "$(</proc/sys/net/ipv4/ip_forward) $(</proc/sys/net/ipv6/conf/all/forwarding)"; }
set_sysctls() {
	echo "$1" >/proc/sys/net/ipv4/ip_forward
	echo "$2" >/proc/sys/net/ipv6/conf/all/forwarding
}
still=$work/still.toml
sed '/^forwarding/d' "$article" >"$still"

lab up
load_camzone

for was in "0 0" "1 0" "0 1" "1 1"; do
	# shellcheck disable=SC2086 # two numbers
	set_sysctls $was
	apply --check "$article_v6" >"$work/said"
	equal "were $was: a check leaves them" "$was" "$(sysctls)"
	apply "$article" >"$work/said"
	equal "were $was: on for IPv4" "1 ${was#* }" "$(sysctls)"
	apply "$article_v6" >"$work/said"
	equal "were $was: on for both" "1 1" "$(sysctls)"
	apply "$article_v6" >"$work/said"
	apply "$article" >"$work/said"
	equal "were $was: IPv6 as it was" "1 ${was#* }" "$(sysctls)"
	# Another process, with nothing of the first one's environment.
	env -i /usr/bin/env PATH="$PATH" camzonectl disarm >"$work/said"
	equal "were $was: as before, after a disarm" "$was" "$(sysctls)"
	apply "$article_v6" >"$work/said"
	equal "were $was: on again" "1 1" "$(sysctls)"
	apply "$still" >"$work/said"
	equal "were $was: as before, after a policy that does not forward" "$was" "$(sysctls)"
	camzonectl disarm >"$work/said"
	equal "were $was: still as before, after the disarm" "$was" "$(sysctls)"
done

# What the owner sets while no policy forwards is the owner's.
set_sysctls 0 0
apply "$article" >"$work/said"
apply "$still" >"$work/said"
set_sysctls 1 1
apply "$still" >"$work/said"
equal "a policy that does not forward leaves the owner's value" "1 1" "$(sysctls)"
apply "$article_v6" >"$work/said"
camzonectl disarm >"$work/said"
equal "and it is what is put back" "1 1" "$(sysctls)"

set_sysctls 1 0
apply "$article_v6" >"$work/said"
set_sysctls 0 1
camzonectl disarm >"$work/said"
equal "what was on before is left as the owner has it now" "0 0" "$(sysctls)"
set_sysctls 1 1
camzonectl disarm >"$work/said"
equal "and a second disarm puts nothing back" "1 1" "$(sysctls)"
set_sysctls 0 0
apply "$article" >"$work/said"
apply "$still" >"$work/said"
set_sysctls 1 1
camzonectl disarm >"$work/said"
equal "nor one after a policy that does not forward" "1 1" "$(sysctls)"

# A policy that does not come into force turns nothing on, whoever refuses it.
set_sysctls 0 0
bad=$work/bad.toml
{ cat "$article_v6"; printf '[[deny]]\nfrom = "private"\nto = "camera"\nservices = ["http"]\n'; } >"$bad"
for judge in "" --kernel-only; do
	# shellcheck disable=SC2086 # nothing, or an option
	refuse "refused by the ${judge:-tool}" camzonectl apply $judge "$bad"
	equal "forwarding stays off" "0 0" "$(sysctls)"
done

# In force, but the sysctl cannot be written: said, and the policy guards all the same.
set_sysctls 0 0
status=0
unshare --mount bash -c 'mount -o remount,ro,bind /proc/sys 2>/dev/null || mount --bind -o ro /proc/sys /proc/sys
	mount -o remount,ro,bind /proc/sys; camzonectl apply "$1"' - "$article" >"$work/out" 2>"$work/err" || status=$?
equal "a sysctl that cannot be written is a failure" 1 "$status"
check "it is named" grep -q '/proc/sys/net/ipv4/ip_forward cannot be set to 1' "$work/err"
equal "the policy is in force all the same" "armed 0 0" "$(state) $(sysctls)"
