#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A packet whose sender chooses its way: the rules were asked about who it is sent to, and it would go
# on to somebody else. The router's own settings, which are off by default, let it here.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
for name in all eth1 eth2; do
	sysctl -q -w "net.ipv4.conf.$name.accept_source_route=1" "net.ipv6.conf.$name.seg6_enabled=1"
done

loose=83:07:04:c0:a8:08:6e
strict=89:07:04:c0:a8:08:6e
record=07:07:04:00:00:00:00
front() { heard cam priv --src 192.168.5.10 --dst "$@" udp --dport 9000; }
front6() { heard cam priv --src fd00:5::10 --dst "$@" udp --dport 9000; }
probe_front() { front 192.168.8.110; }
probe_front6() { front6 fd00:8::110; }
probe_side() { heard cam2 priv --src 192.168.5.10 --dst 192.168.8.111 --options "$record" udp --dport 9000; }
probe_side6() { heard cam2 priv --src fd00:5::10 --dst fd00:8::111 --ext hop,dst udp --dport 9000; }
# To the router's address in the cameras' zone, and on from there.
probe_loose() { front 192.168.8.1 --options "$loose"; }
probe_strict() { front 192.168.8.1 --options "01:$strict"; }
probe_segments() { front6 fd00:8::1 --ext srh=fd00:8::110; }
probe_behind() { front6 fd00:8::1 --ext dst,srh=fd00:8::110; }
probe_deep() { front6 fd00:8::1 --ext dst,dst,dst,dst,dst,dst,dst,dst,dst,srh=fd00:8::110; }

ways=(loose strict segments behind deep)
baseline front front6 side side6 "${ways[@]}"
load_camzone
{
	zones full
	allow private camera answers
	echo '[cameras.front-door]'
	echo 'zone = "camera"'
	echo 'address = ["192.168.8.110", "fd00:8::110"]'
	allow private front-door answers | sed 's/allow/deny/'
} | apply -
for name in side side6; do expect arrives "$name" allowed; done
for name in front front6; do expect stopped "$name" denied; done
for name in loose strict segments behind; do expect stopped "$name" source-route; done
# Nobody honest has so many headers; what hides behind them is not looked for.
expect stopped deep malformed
