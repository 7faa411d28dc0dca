#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runts and lengths that lie: stopped, counted, and nothing is read that is not there.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up

# short FAMILY PROTOCOL NONCE: a packet whose whole content is the nonce, shorter than the header
# that its protocol promises.
short() {
	local ends=(--src 192.168.8.110 --dst 192.168.0.10)
	[[ $1 == 4 ]] || ends=(--src fd00:8::110 --dst fd00::10)
	probe recv --netns ext --iface eth0 --nonce "$3" --timeout "$PROBE_WAIT" -- \
		probe send --netns cam "${ends[@]}" --nonce "$3" proto "$2"
}
probe_tcp_runt() { short 4 6 czruntT1; }
probe_udp_runt() { short 4 17 czrunU; }
probe_icmp_runt() { short 4 1 czI1; }
probe_tcp_runt6() { short 6 6 czruntT6; }
probe_udp_runt6() { short 6 17 czruU6; }
probe_icmp_runt6() { short 6 58 czI6; }
cam() { heard "$1" cam --src 192.168.8.110 --dst "$2" "${@:3}"; }
probe_udp_long() { cam ext 192.168.0.10 udp --dport 123 --length 900; }
probe_udp_tiny() { cam ext 192.168.0.10 udp --dport 123 --length 3; }
probe_tcp_offset() { cam ext 192.168.0.10 tcp --dport 443 --offset 15; }
probe_tcp_no_offset() { cam ext 192.168.0.10 tcp --dport 443 --offset 2; }
probe_bad_sum() { cam 4:17 192.168.8.1 --bad-checksum udp --dport 123; }
probe_good() { cam 4:17 192.168.8.1 udp --dport 123; }

runts=(tcp_runt udp_runt icmp_runt tcp_runt6 udp_runt6 icmp_runt6)
lies=(udp_long udp_tiny tcp_offset tcp_no_offset bad_sum)
baseline "${runts[@]}" "${lies[@]}" good
load_camzone
{ zones full; allow camera router answers; allow camera external answers; } | apply -
for name in "${runts[@]}" "${lies[@]}"; do expect stopped "$name" invalid; done
expect arrives good allowed

# What the kernel itself refuses before any hook, or what ends anywhere: it must only do no harm.
for cut in 1 8 19 20 21 27; do
	probe send --netns cam --src 192.168.8.110 --dst 192.168.8.1 --cut "$cut" udp --dport 123
	probe send --netns cam --src fd00:8::110 --dst fd00:8::1 --cut "$((cut + 20))" udp --dport 123
done
for lie in '--ip-length 0' '--ip-length 19' '--ip-length 21' '--ip-length 65535' '--ihl 0' '--ihl 4' '--ihl 15' --bad-ip-checksum; do
	# shellcheck disable=SC2086
	probe send --netns cam --src 192.168.8.110 --dst 192.168.8.1 $lie udp --dport 123
done
for lie in 0 1 7 8 65535; do
	probe send --netns cam --src fd00:8::110 --dst fd00:8::1 --ip-length "$lie" udp --dport 123
	probe send --netns cam --src fd00:8::110 --dst fd00:8::1 --ip-length "$lie" --ext hop,dst udp --dport 123
done
expect arrives good allowed
