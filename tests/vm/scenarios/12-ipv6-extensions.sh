#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# IPv6 extension headers: what is allowed stays allowed behind them, nothing forbidden hides there.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up

cam() { heard "$1" cam --src fd00:8::110 --dst "$2" --ext "$3" "${@:4}"; }
probe_dst() { cam 6:17 fd00:8::1 dst udp --dport 123; }
probe_hop() { cam 6:17 fd00:8::1 hop udp --dport 123; }
probe_atomic() { cam 6:17 fd00:8::1 atomic udp --dport 123; }
probe_chain() { cam 6:17 fd00:8::1 hop,dst,atomic,dst udp --dport 123; }
probe_dst_no() { cam 6:6 fd00:8::1 dst tcp --dport 22; }
probe_chain_no() { cam 6:6 fd00:8::1 hop,dst,atomic,dst tcp --dport 22; }
probe_out() { cam ext fd00::10 dst udp --dport 32100; }
probe_long() { cam ext fd00::10 dst,dst,dst,dst,dst,dst,dst,dst,dst,dst udp --dport 32100; }
probe_routing() { cam ext fd00::10 route udp --dport 32100; }
probe_ah() { cam ext fd00::10 ah udp --dport 32100; }
probe_none() { cam ext fd00::10 none udp --dport 32100; }
probe_esp() { heard ext cam --src fd00:8::110 --dst fd00::10 proto 50; }
# Neighbour discovery needs no rule; what only looks like it, behind a header that the kernel does not follow, does.
probe_disguise() { cam 6:139 fd00:8::1 hip ns fd00:8::1; }
probe_forged() { heard ext cam --src fd00:5::77 --dst fd00::10 --ext hop,dst udp --dport 32100; }
# What is wrong with a hop-by-hop option the router tells before any hook is asked: to the source that the packet
# gives, with what it carries, as if it were about a talk of that source.
sysctl -q net.ipv6.icmp.ratelimit=0
probe_told() {
	talks priv udp '[fd00::10]:123' --src '[fd00:5::10]:30003' || return 2
	heard priv cam --src fd00:5::10 --dst fd00::10 --ext unknown udp --sport 30003 --dport 123
}
probe_told_itself() { heard 6:58 cam --src fd00::1 --dst fd00::10 --ext unknown udp --dport 9000; }

baseline told told_itself
baseline dst hop atomic chain dst_no chain_no out long routing ah none esp disguise forged
load_camzone
expect stopped told_itself sealed
{ zones full; allow camera router answers; allow private external answers; } | apply -
expect stopped told icmp-error
expect stopped told_itself no-zone
for name in dst hop atomic chain; do expect arrives "$name" allowed; done
for name in dst_no chain_no out disguise; do expect stopped "$name" no-rule; done
# These hold no ports that a rule could name: closed, whatever the word for it.
for name in ah esp; do expect stopped "$name" no-rule; done
expect stopped long malformed
expect stopped routing source-route
expect stopped none invalid
expect stopped forged spoofed

{ zones minimal; } | apply -
expect stopped disguise ipv6-off
{ zones off; } | apply -
for name in dst chain long none; do expect stopped "$name" ipv6-off; done
