#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What `make KDIR=...` and `make install` made (tools/check-install), by the words of the README: the
# module goes in with insmod once what it leans on is loaded, and the tool puts a policy in force.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

made=$top/build/install/$(uname -r)
[[ -e $made/src/camzone.ko ]] || bail "run tools/check-install first, with --debug for the debug kernel"
# Not the one that the guest has; a copy, since programs do not run from the share on every kernel.
cp "$made/root/usr/local/bin/camzonectl" "$work/camzonectl"
camzonectl() { "$work/camzonectl" "$@"; }

lab up --forwarding
lab servers up
probe_udp() { talks cam udp 192.168.8.1:123; }
baseline udp
mapfile -t needed < <(sed -n '/^`insmod camzone.ko`/,/^$/p' "$top/README.md" | grep -o '`nf_[a-z0-9_]*`' | tr -d '`')
check "the README names what it leans on" test "${#needed[@]}" -ge 5
modprobe -a "${needed[@]}"
check "insmod camzone.ko" insmod "$made/src/camzone.ko"
expect stopped udp sealed
{ zones; allow camera router answers; } | camzonectl apply - >"$work/apply" 2>&1 || bail "$(<"$work/apply")"
expect arrives udp allowed
equal "its version is the tool's" "$(camzonectl --version | cut -d' ' -f2)" "$(camzonectl status --json | jq -r .module)"
camzonectl disarm >/dev/null
check "and it goes" rmmod camzone
