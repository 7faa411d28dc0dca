#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module comes and goes: it seals before insmod returns, only rmmod opens, an armed namespace
# keeps it loaded, and a namespace that dies takes its guard with it.
# run: --timeout 240
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

arm() { python3 -B "$tests/ynl/arm.py" "$@"; }
# IN a namespace of a process, or of a name.
in_net() { nsenter --net="$1" -- "${@:2}"; }
answers() { ping -c 1 -W "${patience:-$long_wait}" -q "$@" >/dev/null; }
cam_answers() { at cam ping -c 1 -W "${patience:-$long_wait}" -q 192.168.8.1 >/dev/null; }
unused() { [[ $(</sys/module/camzone/refcnt) == 0 ]]; }
lab up >/dev/null || bail "no lab"
check "without camzone the camera reaches the router" cam_answers

# --- seals, and opens only when unloaded
load_camzone
patience=1 stops "loaded: sealed at once" cam_answers
patience=1 stops "also what the router itself sends" answers 192.168.8.110
check "loopback passes" answers 127.0.0.1
check "in both families" answers -6 ::1
check "and the router's own addresses" answers 192.168.8.1
equal "status says so" sealed "$(arm status | cut -d' ' -f1)"
refuse "it is not loaded twice" insmod "$(modinfo -n camzone)"
check "unloaded" rmmod camzone
check "and open" cam_answers

# --- idle on request
load_camzone sealed=0
check "sealed=0: nothing is stopped" cam_answers
equal "status says so" idle "$(arm status | cut -d' ' -f1)"
check "and connection tracking is on" grep -q 192.168.8.110 /proc/net/nf_conntrack
refuse "an idle namespace is not disarmed" arm disarm
at priv ping -c 1 -W "$long_wait" -q 192.168.5.200 >/dev/null
check "armed from idle" arm arm
refuse "the flows that touch a zone with cameras are forgotten" grep -q 192.168.8.110 /proc/net/nf_conntrack
check "the others are not" grep -q 192.168.5.10 /proc/net/nf_conntrack
arm disarm >/dev/null
rmmod camzone

# --- other namespaces
load_camzone
ip netns add other
in_net /run/netns/other ip link set lo up
ip link add eth0 netns other type veth peer name peer netns cam
in_net /run/netns/other ip addr add 10.9.9.1/24 dev eth0
in_net /run/netns/other ip link set eth0 up
at cam ip addr add 10.9.9.2/24 dev peer
at cam ip link set peer up
other_answers() { at cam ping -c 1 -W "${patience:-$long_wait}" -q 10.9.9.1 >/dev/null; }
check "another namespace is not guarded" within 5 other_answers
equal "its state" idle "$(in_net /run/netns/other python3 -B "$tests/ynl/arm.py" status | cut -d' ' -f1)"
check "its administrator arms it" in_net /run/netns/other python3 -B "$tests/ynl/arm.py" arm
patience=1 stops "now it is" other_answers
refuse "an armed namespace keeps the module" rmmod camzone
check "disarmed" in_net /run/netns/other python3 -B "$tests/ynl/arm.py" disarm
patience=1 stops "means sealed" other_answers
check "the module can go" rmmod camzone
check "and the namespace is open" other_answers

# --- destroyed while armed
load_camzone
in_net /run/netns/other python3 -B "$tests/ynl/arm.py" arm >/dev/null
refuse "armed again" rmmod camzone
ip netns del other
check "a dead namespace lets go of the module" within 20 unused
for n in {1..20}; do
	ip netns add "many$n"
	in_net "/run/netns/many$n" ip link set lo up
	((n % 4)) || in_net "/run/netns/many$n" python3 -B "$tests/ynl/arm.py" arm >/dev/null
done
for n in {1..20}; do ip netns del "many$n"; done
check "so do twenty, some of them armed" within 20 unused

# --- a user's own namespace does not keep the module
unshare --user --map-root-user --net sleep 1000 &
holder=$!
# (Before that it is in ours.)
moved() { [[ $(readlink "/proc/$holder/exe") == */sleep ]]; }
within 15 moved || bail "there are no user namespaces"
enter=(nsenter --target "$holder" --user --net --preserve-credentials --)
check "a user arms a namespace of her own" "${enter[@]}" python3 -B "$tests/ynl/arm.py" arm
equal "it is armed" armed "$("${enter[@]}" python3 -B "$tests/ynl/arm.py" status | cut -d' ' -f1)"
check "and the module can go all the same" rmmod camzone
kill "$holder"
check "everything is open" cam_answers
