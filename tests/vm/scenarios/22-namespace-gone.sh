#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A namespace that is destroyed while it is armed and traffic runs in it: nothing leaks, nothing is
# left behind, and the module can go.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
probe_before() { heard 4:17 cam --src 192.168.8.110 --dst 192.168.8.1 udp --dport 123; }
baseline before

# inner NAME: a second router with one interface, and a host behind it.
inner() {
	ip netns add "$1"
	ip netns add "$1-host"
	ip -n "$1" link set lo up
	ip -n "$1" link add in0 type veth peer name eth0 netns "$1-host"
	ip -n "$1" address add 10.1.0.1/24 dev in0
	ip -n "$1" link set in0 up
	ip -n "$1-host" address add 10.1.0.2/24 dev eth0
	ip -n "$1-host" link set eth0 up
}
policy='
[zones.inner]
interfaces = ["in0"]
networks = ["10.1.0.0/24"]
[[allow]]
from = "inner"
to = "router"
services = ["ntp"]
'
# hears NAME: whether that router gets what its host sends.
hears() {
	local word
	word=$(nonce inner)
	probe recv --netns "$1" --raw 4:17 --nonce "$word" --timeout "${patience:-$long_wait}" -- \
		probe send --netns "$1-host" --via 10.1.0.1 --src 10.1.0.2 --dst 10.1.0.1 --nonce "$word" udp --dport "${2-123}"
}

load_camzone
inner one
check "a namespace that nobody sealed is not guarded" hears one 9
at one camzonectl apply - <<<"$policy" || bail "the inner namespace refuses its policy"
check "armed, it lets pass what its policy says" hears one
patience=0.5 stops "and nothing else" hears one 9
equal "the outer one is still sealed" sealed "$(state)"
expect stopped before sealed

# judged: packets of both kinds were, and more are on their way.
judged() {
	at one camzonectl counters --json | jq -e '[.reasons[] | select(.packets > 5) | .reason] | contains(["allowed", "spoofed"])' >/dev/null
}
for round in 1 2 3; do
	[[ $round == 1 ]] || {
		inner one
		at one camzonectl apply - <<<"$policy" || bail "round $round"
	}
	probe send --netns one-host --via 10.1.0.1 --src 10.1.0.2 --dst 10.1.0.1 --count 3000 --gap 1 udp --dport 123 &
	probe send --netns one-host --via 10.1.0.1 --src 10.9.9.9 --dst 10.1.0.1 --count 3000 --gap 1 udp --dport 123 &
	within 5 judged || bail "no traffic in round $round"
	ip netns delete one
	wait
	ip netns delete one-host
done
ok "destroyed three times while armed, under traffic"

# Guarded to its end: what the policy stops does not pass while the namespace is taken down, for which
# its devices need longer than netfilter does.
inner two
ip netns add two-out
ip -n two link add out0 type veth peer name eth0 netns two-out
ip -n two address add 10.2.0.1/24 dev out0
ip -n two link set out0 up
ip -n two-out address add 10.2.0.2/24 dev eth0
ip -n two-out link set eth0 up
at two sysctl -qw net.ipv4.ip_forward=1
# reaches COMMAND: whether a packet gets through while it runs; 2 where it failed, or nothing was on its way.
reaches() {
	local word
	word=$(nonce through)
	probe recv --netns two-out --raw 4:17 --nonce "$word" --timeout "${patience:-$long_wait}" -- sh -c "
		probe send --netns two-host --via 10.1.0.1 --src 10.1.0.2 --dst 10.2.0.2 --nonce $word --count 100000000 udp --dport 9 &
		sleep 0.2
		kill -0 \$! || exit 9
		$1 || exit 9
		kill \$! 2>/dev/null || :
		wait"
}
check "idle, that namespace forwards" reaches :
at two camzonectl apply --json - <<<"$policy
[zones.out]
interfaces = ['out0']
networks = 'any'
" >/dev/null || bail "the forwarding namespace refuses its policy"
patience=1 stops "armed, it does not" reaches :
patience=1 stops "nor while it goes" reaches "ip netns delete two && sleep $((2 * ${SLOW:-1}))"
ip netns delete two-host
ip netns delete two-out

# What is left goes with the last reference, a moment later.
within 10 rmmod camzone 2>/dev/null || true
refuse "the module is gone, and no armed namespace has held it" test -e /sys/module/camzone
