#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# ICMP errors are judged by the flow that they carry; a forged inner packet opens and ends nothing.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up

error() { heard "$1" "$2" --src "$3" --dst "$4" icmp --type "${6-3}" --code "${7-4}" --word 1400 --inner "$5"; }
# Two live talks, whose ends have ports that we know.
probe_live() { talks priv udp 192.168.8.110:9000 --src 192.168.5.10:30001; }
probe_router_live() { talks router udp 192.168.0.10:123 --src 192.168.0.1:30002; }
own=udp:192.168.5.10:30001\>192.168.8.110:9000
routers=udp:192.168.0.1:30002\>192.168.0.10:123
probe_own() { error priv cam 192.168.8.110 192.168.5.10 "$own"; }
probe_unreachable() { error priv cam 192.168.8.110 192.168.5.10 "$own" 3 3; }
probe_redirect() { error priv cam 192.168.8.110 192.168.5.10 "$own" 5 1; }
probe_quench() { error priv cam 192.168.8.110 192.168.5.10 "$own" 4 0; }
probe_no_flow() { error priv cam 192.168.8.110 192.168.5.10 udp:192.168.5.10:30099\>192.168.8.110:9000; }
probe_not_its_own() { error 4:1 cam 192.168.8.110 192.168.8.1 "$routers"; }
probe_into_router() { error 4:1 cam 192.168.8.110 192.168.0.1 "$routers"; }
probe_from_ext() { error priv ext 192.168.0.10 192.168.5.10 "$own"; }
probe_swapped() { error priv cam 192.168.8.110 192.168.5.10 udp:192.168.8.110:9000\>192.168.5.10:30001; }
probe_outer_router() { error 4:1 ext 192.168.0.10 192.168.0.1 "$routers"; }

all=(own unreachable redirect quench no_flow not_its_own into_router from_ext swapped outer_router)
baseline live router_live "${all[@]}"
load_camzone
{ zones; allow private camera answers; } | apply -
expect arrives live allowed
expect arrives router_live default
expect arrives own
expect arrives unreachable
expect arrives outer_router
expect stopped redirect icmp-redirect
expect stopped no_flow invalid
for name in not_its_own into_router from_ext quench; do expect stopped "$name"; done
expect stopped swapped
# None of it has ended the talks.
expect arrives live allowed
expect arrives router_live default
