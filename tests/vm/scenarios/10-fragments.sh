#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Fragments: whole datagrams in pieces pass as one; a piece forged from another interface never gets
# into somebody else's datagram; a header cut in two hides nothing.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up

# Both send the same datagram; of its two pieces each sends one.
two_senders() {
	local ear=$1 first=$2 second=$3 word
	shift 3
	word=$(nonce fragment)
	probe recv --raw "$ear" --nonce "$word" --timeout "$PROBE_WAIT" -- bash -c '
		first=$1 second=$2; shift 2
		probe send --netns "$first" --only 0 "$@" && probe send --netns "$second" --only 1 "$@"
	' pieces "$first" "$second" --nonce "$word" --id "$RANDOM" --frag-size 24 "$@"
}

probe_own() { heard 4:17 cam --src 192.168.8.110 --dst 192.168.8.1 --id "$RANDOM" --frag-size 24 udp --dport 123; }
probe_own6() { heard 6:17 cam --src fd00:8::110 --dst fd00:8::1 --id "$RANDOM" --frag-size 24 udp --dport 123; }
probe_honest() { two_senders 4:17 priv priv --src 192.168.5.10 --dst 192.168.5.200 udp --dport 123; }
probe_honest6() { two_senders 6:17 priv priv --src fd00:5::10 --dst fd00:5::200 udp --dport 123; }
probe_tail() { two_senders 4:17 priv cam --src 192.168.5.10 --dst 192.168.5.200 udp --dport 123; }
probe_head() { two_senders 4:17 cam priv --src 192.168.5.10 --dst 192.168.5.200 udp --dport 123; }
probe_tail6() { two_senders 6:17 priv cam --src fd00:5::10 --dst fd00:5::200 udp --dport 123; }
probe_cut_header() { heard 4:6 cam --src 192.168.8.110 --dst 192.168.8.1 --id "$RANDOM" --frag-size 8 tcp --dport 22; }
# (The kernel takes no IPv6 fragment whose first piece does not hold the whole header.)
probe_cut_header6() { heard 6:6 cam --src fd00:8::110 --dst fd00:8::1 --id "$RANDOM" --frag-size 24 tcp --dport 22; }

baseline own own6 honest honest6 tail head tail6 cut_header cut_header6
load_camzone
expect stopped own sealed
{ zones full; allow camera router answers; allow private router answers; } | apply -
expect arrives own allowed
expect arrives own6 allowed
expect arrives honest allowed
expect arrives honest6 allowed
expect stopped tail spoofed
expect stopped head spoofed
expect stopped tail6 spoofed
expect stopped cut_header no-rule
expect stopped cut_header6 no-rule
# Overlaps and pieces that reach past the end: the router drops what it cannot put together, and lives.
for pieces in '--piece 0:32+ --piece 8:32' '--piece 65528:64' '--piece 0:8+ --piece 0:8' '--piece 0:0+'; do
	# shellcheck disable=SC2086
	probe send --netns cam --src 192.168.8.110 --dst 192.168.8.1 $pieces udp --dport 123
	# shellcheck disable=SC2086
	probe send --netns cam --src fd00:8::110 --dst fd00:8::1 $pieces udp --dport 123
done
expect arrives own allowed
