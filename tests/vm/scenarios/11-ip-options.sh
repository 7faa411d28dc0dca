#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# IP options move the ports away from where a careless reader looks for them; what is allowed stays
# allowed with them, what is forbidden stays forbidden.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up

record_route=07:07:04:00:00:00:00
timestamp=44:08:05:00:00:00:00:00
alert=94:04:00:00
# Forty bytes, the most there can be, which read as ports would be 123.
padding=$(printf '01%.0s' {1..40})

cam() { heard "$1" cam --src 192.168.8.110 --dst "$2" --options "$3" "${@:4}"; }
probe_record() { cam 4:17 192.168.8.1 "$record_route" udp --dport 123; }
probe_time() { cam 4:17 192.168.8.1 "$timestamp" udp --dport 123; }
probe_alert() { cam 4:17 192.168.8.1 "$alert" udp --dport 123; }
probe_full() { cam 4:17 192.168.8.1 "$padding" udp --dport 123; }
probe_record_no() { cam 4:6 192.168.8.1 "$record_route" tcp --dport 22; }
probe_full_no() { cam 4:6 192.168.8.1 "$padding" tcp --dport 22; }
probe_out() { cam ext 192.168.0.10 "$padding" udp --dport 32100; }

baseline record time alert full record_no full_no out
load_camzone
{ zones; allow camera router answers; } | apply -
for name in record time alert full; do expect arrives "$name" allowed; done
for name in record_no full_no out; do expect stopped "$name" no-rule; done

# Options that lie about their length, and source routes: never delivered, never harmful.
short_wait=0.1 PROBE_WAIT=0.1
for options in 07:ff:04:00 07:03:04:00 07:01:00:00 44:28:05:00 83:07:04:c0:a8:05:0a 89:07:04:c0:a8:00:0a ff:00:00:00; do
	cam 4:17 192.168.8.1 "$options" udp --dport 123 >/dev/null 2>&1 || true
	cam ext 192.168.0.10 "$options" udp --dport 123 >/dev/null 2>&1 || true
done
expect arrives record allowed
