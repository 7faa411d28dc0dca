#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Weak host: the router answers a zone only on the addresses that it has there, unless a rule names
# another.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up

probe_own() { talks cam tcp 192.168.8.1:21 --only-connect; }
probe_private() { talks cam tcp 192.168.5.200:21 --only-connect; }
probe_outer() { talks cam tcp 192.168.0.1:21 --only-connect; }
probe_own6() { talks cam tcp '[fd00:8::1]:21' --only-connect; }
probe_private6() { talks cam tcp '[fd00:5::200]:21' --only-connect; }
probe_outer6() { talks cam tcp '[fd00::1]:21' --only-connect; }
probe_loopback() { heard 4:6 cam --src 192.168.8.110 --dst 127.0.0.1 tcp --dport 21; }

echo 1 >/proc/sys/net/ipv4/conf/eth1/route_localnet
baseline own private outer own6 private6 outer6 loopback
load_camzone
{ zones full; allow camera router ftp; } | apply -
expect arrives own allowed
expect arrives own6 allowed
for name in private outer private6 outer6; do expect stopped "$name" wrong-address; done
expect stopped loopback wrong-address
# A line without a number of its own (ppp0, say) has another interface's address: that stays at home there.
ip link add ppp0 type dummy
ip link set ppp0 up
ip address add 192.168.8.1/32 dev ppp0
ip address add fd00:8::1/128 dev ppp0 nodad
expect arrives own allowed
expect arrives own6 allowed
ip address add 192.168.5.200/32 dev ppp0
expect stopped private wrong-address
ip link del ppp0
{ zones full; allow camera router ftp 'to_address = "192.168.5.200"'; } | apply -
expect arrives private allowed
expect stopped outer wrong-address
expect stopped own no-rule
expect stopped private6 wrong-address
