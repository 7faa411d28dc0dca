#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# INVALID and spoofed packets, in every direction: dropped, counted, and in the kernel's log with the
# article's prefixes, at a bounded rate.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up

tcp() { heard "$1" "$2" --src "$3" --dst "$4" tcp --sport "$((32000 + RANDOM % 20000))" "${@:5}"; }
probe_in() { tcp 4:6 cam 192.168.8.110 192.168.8.1 --dport 21 --flags SF; }
probe_in_null() { tcp 4:6 cam 192.168.8.110 192.168.8.1 --dport 21 --flags none; }
probe_in_xmas() { tcp 4:6 cam 192.168.8.110 192.168.8.1 --dport 21 --flags FPU; }
probe_through() { tcp cam priv 192.168.5.10 192.168.8.110 --dport 80 --flags SF; }
probe_out() { tcp ext router 192.168.0.1 192.168.0.10 --dport 80 --flags SF; }
probe_in6() { tcp 6:6 cam fd00:8::110 fd00:8::1 --dport 21 --flags SF; }
probe_ack() { tcp 4:6 cam 192.168.8.110 192.168.8.1 --dport 21 --flags A; }
probe_synack() { tcp cam priv 192.168.5.10 192.168.8.110 --dport 80 --flags SA; }
probe_rst() { tcp cam priv 192.168.5.10 192.168.8.110 --dport 80 --flags R; }
probe_spoofed() { tcp ext cam 192.168.5.77 192.168.0.10 --dport 80; }
probe_upload() { talks cam tcp 192.168.8.1:21 --only-connect; }

bad=(in in_null in_xmas through in6)
baseline "${bad[@]}" out ack synack rst spoofed upload
load_camzone
{ zones full; allow camera router ftp; allow private camera http; } | apply -
mark=$(log_lines)
for name in "${bad[@]}"; do expect stopped "$name" invalid; done
expect stopped out invalid
expect stopped ack not-syn
for name in synack rst; do expect stopped "$name" invalid; done
check "the log says DROP INVALID" said "$mark" 'DROP INVALID '
mark=$(log_lines)
expect stopped spoofed spoofed
check "the log says SPOOFED PKT" said "$mark" 'SPOOFED PKT '
expect arrives upload allowed

# A flood: all of it counted, little of it logged.
mark=$(log_lines)
before=$(reason_count spoofed)
probe send --netns cam --src 192.168.5.77 --dst 192.168.0.10 --count 2000 udp --dport 9
all_counted() { (($(reason_count spoofed) - before >= 2000)); }
within 10 all_counted || true
equal "a flood is counted to the packet" 2000 "$(($(reason_count spoofed) - before))"
lines=$(($(log_lines) - mark))
if ((lines <= 60)); then ok "and logged in $lines lines"; else not_ok "2000 packets, $lines log lines"; fi
