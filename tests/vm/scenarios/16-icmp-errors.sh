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
# The same over IPv6: packet too big, or port unreachable.
error6() { heard "$1" "$2" --src "$3" --dst "$4" icmp --type "${6-2}" --code "${7-0}" --word 1400 --inner "$5"; }
probe_live6() { talks priv udp '[fd00:8::110]:9000' --src '[fd00:5::10]:30003'; }
probe_router_live6() { talks router udp '[fd00::10]:123' --src '[fd00::1]:30004'; }
own6='udp:[fd00:5::10]:30003>[fd00:8::110]:9000'
routers6='udp:[fd00::1]:30004>[fd00::10]:123'
probe_own6() { error6 priv cam fd00:8::110 fd00:5::10 "$own6"; }
probe_unreachable6() { error6 priv cam fd00:8::110 fd00:5::10 "$own6" 1 4; }
probe_outer_router6() { error6 6:58 ext fd00::10 fd00::1 "$routers6"; }
probe_no_flow6() { error6 priv cam fd00:8::110 fd00:5::10 'udp:[fd00:5::10]:30099>[fd00:8::110]:9000'; }
probe_into_router6() { error6 6:58 cam fd00:8::110 fd00::1 "$routers6"; }
probe_from_ext6() { error6 priv ext fd00::10 fd00:5::10 "$own6"; }
probe_unknown6() { error6 priv cam fd00:8::110 fd00:5::10 "$own6" 100 0; }

all6=(own6 unreachable6 outer_router6 no_flow6 into_router6 from_ext6 unknown6)
all=(own unreachable redirect quench no_flow not_its_own into_router from_ext swapped outer_router)
baseline live router_live live6 router_live6 "${all[@]}" "${all6[@]}"
load_camzone
{ zones full; allow private camera answers; } | apply -
expect arrives live allowed
expect arrives router_live default
expect arrives own allowed
expect arrives unreachable allowed
expect arrives outer_router default
expect stopped redirect icmp-redirect
expect stopped no_flow invalid
expect stopped quench icmp-error
expect stopped into_router wrong-zone
expect stopped from_ext wrong-zone
for name in not_its_own swapped; do expect stopped "$name" invalid; done
expect arrives live6 allowed
expect arrives router_live6 default
expect arrives own6 allowed
expect arrives unreachable6 allowed
expect arrives outer_router6 default
expect stopped no_flow6 invalid
for name in into_router6 from_ext6; do expect stopped "$name" wrong-zone; done
expect stopped unknown6 icmp-error
# None of it has ended the talks.
expect arrives live allowed
expect arrives router_live default
expect arrives live6 allowed
expect arrives router_live6 default
