#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Loading and unloading: sealed before insmod returns, twice is refused, rmmod is refused while armed,
# and both work while traffic flows.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up

probe_udp() { talks cam udp 192.168.8.1:123; }
probe_udp6() { talks cam udp '[fd00:8::1]:123'; }
probe_through() { talks priv tcp 192.168.8.110:554; }
probe_loopback() { talks router tcp 127.0.0.1:22 --only-connect && talks router tcp '[::1]:22' --only-connect; }
baseline udp udp6 through loopback

load_camzone
equal "loaded: sealed" sealed "$(state)"
for name in udp udp6 through; do expect stopped "$name" sealed; done
expect arrives loopback loopback
file=$(modinfo -n camzone)
refuse "loaded twice" insmod "$file"
check "modprobe finds it there" modprobe camzone
equal "still sealed" sealed "$(state)"

{ zones full; allow camera router answers; allow private camera stream; } >"$work/policy"
apply "$work/policy"
for name in udp udp6 through; do expect arrives "$name" allowed; done
refuse "rmmod while armed" rmmod camzone
refuse "loaded twice while armed" insmod "$file"
expect arrives udp allowed
check "disarm" camzonectl disarm
equal "disarmed: sealed" sealed "$(state)"
expect stopped udp sealed

# Traffic of every kind through all of it.
traffic=()
flood() { while :; do probe send --count 1000 "$@" || true; done; }
flood --netns cam --src 192.168.8.110 --dst 192.168.8.1 udp --dport 123 & traffic+=($!)
flood --netns priv --src fd00:5::10 --dst fd00:8::110 tcp --dport 554 & traffic+=($!)
flood --netns cam --src 192.168.5.77 --dst 192.168.0.10 udp --dport 123 & traffic+=($!)
# It runs: this many packets were allowed, and stopped as forged, since the policy is in force.
flows() { (($(reason_count allowed) > 20 && $(reason_count spoofed) > 10)); }
for round in 1 2 3 4 5; do
	rmmod camzone || bail "rmmod under traffic, round $round"
	modprobe camzone || bail "modprobe under traffic, round $round"
	apply "$work/policy"
	within 10 flows || bail "no traffic in round $round: $(reasons)"
	camzonectl counters --json >/dev/null &
	camzonectl disarm || bail "disarm under traffic, round $round"
	wait $!
done
kill "${traffic[@]}" 2>/dev/null || true
wait "${traffic[@]}" 2>/dev/null || true
ok "five rounds under traffic"
rmmod camzone
check "unloaded, all is open again" run_probe udp "$long_wait"

modprobe camzone sealed=0
equal "sealed=0: idle" idle "$(state)"
expect arrives udp
expect arrives through
rmmod camzone
