#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# An interface that is renamed, removed or added again: its zone goes by its name, and in between it is
# in no zone and so sealed.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up

probe_page() { talks priv tcp 192.168.8.110:80 --only-connect; }
probe_answers() { talks cam udp 192.168.8.1:123; }
probe_forged() { heard ext cam --src 192.168.5.77 --dst 192.168.0.10 udp --dport 123; }
baseline page answers forged
load_camzone
{ zones full; allow private camera http; allow camera router answers; } | apply -
expect arrives page allowed
expect arrives answers allowed
expect stopped forged spoofed

rename() {
	ip link set "$1" down
	ip link set "$1" name "$2"
	ip link set "$2" up
}
rename eth1 garden
expect stopped page no-zone
expect stopped answers no-zone
expect stopped forged no-zone
# The name of a zone's interface, taken by another: it is that zone's now.
rename eth2 eth1
expect stopped page spoofed
rename eth1 eth2
rename garden eth1
# Addresses stayed, routes by them came back; IPv6 addresses and the laptop's default route did not.
expect arrives page allowed
expect arrives answers allowed
expect stopped forged spoofed

equal "the policy in force has not changed" armed "$(state)"
ip link delete eth1
check "a policy holds with an interface away" camzonectl status
ip link add eth1 address 02:00:00:00:08:01 type veth peer name router netns sw
ip address add 192.168.8.1/24 dev eth1
ip link set eth1 up
ip -n sw link set router master br0 up
expect arrives page allowed
expect arrives answers allowed
expect stopped forged spoofed

# Quickly, under traffic: nothing may splat, and the last state counts.
probe send --netns cam --src 192.168.8.110 --dst 192.168.8.1 --count 2000 --gap 1 udp --dport 123 &
for _ in 1 2 3 4 5 6; do
	ip link set eth1 down
	ip link set eth1 name garden
	ip link set garden name eth1
	ip link set eth1 up
done
wait
expect arrives answers allowed
expect stopped forged spoofed
