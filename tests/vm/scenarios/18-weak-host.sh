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
expect stopped loopback
{ zones full; allow camera router ftp 'to_address = "192.168.5.200"'; } | apply -
expect arrives private allowed
expect stopped outer
expect stopped own no-rule
expect stopped private6
