#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Masquerade on an allow: the kernel's own NAT does it, and a change of what the policy says about a
# flow's NAT ends the flow.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up

probe_ntp() { talks cam udp 192.168.0.10:123; }
probe_stream() { talks cam tcp 192.168.0.10:443; }
probe_wire() { heard ext cam --src 192.168.8.110 --dst 192.168.0.10 udp --sport "$((32000 + RANDOM % 8000))" --dport 123; }
probe_changed() { talks cam udp 192.168.0.10:123 --src 192.168.8.110:31500 -- "$work/change"; }
probe_cut() { talks cam tcp 192.168.0.10:443 -- "$work/change"; }
probe_kept() { talks cam udp 192.168.0.10:123 --src 192.168.8.110:31501 -- "$work/change"; }
printf '#!/bin/sh\n' >"$work/change"
chmod +x "$work/change"
baseline ntp stream wire changed cut kept
seen_as() { equal "$1: the outside sees $2" "IPv4 $2 >" "$(grep -o "IPv4 $2 >" "$work/wire" || cat "$work/wire")"; }
seen_as "without camzone" 192.168.8.110

load_camzone
{ zones; allow camera external answers; allow camera external https; } >"$work/plain"
{ zones; allow camera external answers 'masquerade = true'; allow camera external https 'masquerade = true'; } >"$work/masq"
apply "$work/plain"
expect arrives wire allowed
seen_as "without masquerade" 192.168.8.110
apply "$work/masq"
expect arrives wire allowed
seen_as "with masquerade" 192.168.0.1
expect arrives ntp allowed
expect arrives stream allowed

printf '#!/bin/sh\nexec camzonectl apply %s\n' "$work/plain" >"$work/change"
# Taken back, it ends at once what was masqueraded: a stream is cut, a datagram begins a new flow.
expect stopped cut not-syn
apply "$work/masq"
expect arrives changed allowed
printf '#!/bin/sh\nexec camzonectl apply %s\n' "$work/masq" >"$work/change"
apply "$work/plain"
# Given, it ends what went untranslated when that speaks next.
expect stopped changed nat-changed
# The same NAT said anew changes nothing.
apply "$work/masq"
expect arrives kept allowed
expect arrives cut allowed
