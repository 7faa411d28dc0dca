#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# One policy takes the place of another under traffic: the next packet is judged by the new one,
# live streams included, and what was counted stays counted where the rule is the same.
# run: --timeout 240
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

arm() { python3 -B "$tests/ynl/arm.py" "$@"; }
zones='zones=[
	{"name": "camera", "interface": ["eth1"], "network": [{"address": "192.168.8.0", "prefix-len": 24}]},
	{"name": "private", "interface": ["eth2"], "network": [{"address": "192.168.5.0", "prefix-len": 24}]}]'
more='zones=[
	{"name": "a-first", "interface": ["none0"], "network": [{"address": "10.0.0.0", "prefix-len": 24}]},
	{"name": "camera", "interface": ["eth1"], "network": [{"address": "192.168.8.0", "prefix-len": 24}]},
	{"name": "private", "interface": ["eth2"], "network": [{"address": "192.168.5.0", "prefix-len": 24}]}]'
cameras='cameras=[{"name": "front-door", "zone": "camera", "address": ["192.168.8.110"]}]'
rule='"from": [{"kind": "zone", "name": "private"}], "to": [{"kind": "zone", "name": "camera"}], "service": [{"protocol": 1, "first": 8, "last": 8}]'
ping_rule="{\"action\": \"allow\", $rule}"
tcp_rule="{\"action\": \"allow\", ${rule/\"protocol\": 1, \"first\": 8, \"last\": 8/\"protocol\": 6, \"first\": 554, \"last\": 554}}"
reject_rule="{\"action\": \"deny\", \"reject\": true, ${rule/\"protocol\": 1, \"first\": 8, \"last\": 8/\"protocol\": 6, \"first\": 554, \"last\": 554}}"
count() { arm counters | sed -n "s/^$1 \([0-9]*\) .*/\1/p"; }
# The one rule that counted anything.
rules() { arm counters | awk '$1 ~ /^[0-9]+$/ { sum += $2 } END { print sum + 0 }'; }
# pings COUNT [SECONDS]: how many are answered; it waits so long only if none is.
pings() { at priv ping -c "$1" -i 0.05 -W "${2:-$long_wait}" -q 192.168.8.110 2>/dev/null | sed -n 's/.* \([0-9]*\) received.*/\1/p'; }

lab up --forwarding >/dev/null || bail "no lab"
equal "without camzone 5 of 5 pings are answered" 5 "$(pings 5)"
load_camzone
equal "sealed: none" 0 "$(pings 2 1)"
sealed=$(count sealed)
((sealed >= 2)) && ok "$sealed packets were counted" || not_ok "nothing was counted while sealed"

arm arm "$zones" "$cameras" "rules=[$ping_rule, $tcp_rule]" >/dev/null
((sealed <= $(count sealed))) && ok "what was counted while sealed stays counted" || not_ok "sealed: $sealed, then $(count sealed)"
equal "armed: 5 of 5" 5 "$(pings 5)"
equal "the rule counted both directions" 10 "$(rules)"
equal "and the cell too" 10 "$(count 'private>camera')"

arm arm "$more" "$cameras" "rules=[$tcp_rule, $ping_rule]" >/dev/null
equal "another zone, another order: the rule counts on" 10 "$(rules)"
equal "the cell too, in its new place" 10 "$(count 'private>camera')"
equal "and 5 more" 5 "$(pings 5)"
equal "make 20" 20 "$(rules)"

arm arm "$more" "$cameras" "rules=[$tcp_rule]" >/dev/null
equal "a rule that is gone has no counter" 0 "$(rules)"
equal "nor lets anything pass" 0 "$(pings 2 1)"
equal "the cell has its own" 20 "$(count 'private>camera')"
arm arm "$zones" "$cameras" "rules=[$ping_rule, $tcp_rule]" >/dev/null
equal "a rule that comes back begins at 0" 0 "$(rules)"

# --- a live stream
cat >"$work/source.py" <<'PY'
import socket, time
server = socket.create_server(("", 554))
while True:
    conn, _ = server.accept()
    try:
        while True:
            conn.send(b"x" * 100)
            time.sleep(0.01)
    except OSError:
        pass
PY
cat >"$work/sink.py" <<'PY'
import socket, sys, time
conn = socket.create_connection(("192.168.8.110", 554), timeout=15)
conn.settimeout(0.2)
while True:
    try:
        word = "data" if conn.recv(10000) else "end"
    except TimeoutError:
        word = "silence"
    except ConnectionResetError:
        word = "reset"
    print(word, flush=True)
    if word in ("end", "reset"):
        sys.exit()
PY
at cam python3 "$work/source.py" &
listening cam tcp 554
at priv python3 "$work/sink.py" >"$work/stream" &
sink=$!
for ((n = 0; n < 100; n++)); do [[ -s $work/stream ]] && break || sleep 0.1; done
equal "a stream runs" data "$(tail -n 1 "$work/stream")"
arm arm "$zones" "$cameras" "rules=[$ping_rule]" >/dev/null
# What was on its way is read first.
for ((n = 0; n < 150; n++)); do [[ $(tail -n 1 "$work/stream") != silence ]] || break; sleep 0.1; done
sleep 0.7
equal "the allow is gone: it stops" silence "$(tail -n 1 "$work/stream")"
arm arm "$zones" "$cameras" "rules=[$ping_rule, $tcp_rule]" >/dev/null
# TCP tries again at growing intervals.
for ((n = 0; n < 150; n++)); do [[ $(tail -n 1 "$work/stream") != data ]] || break; sleep 0.1; done
equal "the allow is back: it goes on" data "$(tail -n 1 "$work/stream")"
arm arm "$zones" "$cameras" "rules=[$ping_rule, $reject_rule]" >/dev/null
check "a deny that rejects refuses a new one at once" sh -c \
	"nsenter --net=/run/netns/priv -- python3 -c '
import socket, time
begin = time.monotonic()
try:
    socket.create_connection((\"192.168.8.110\", 554), timeout=3)
except ConnectionRefusedError:
    raise SystemExit(time.monotonic() - begin > 1)
raise SystemExit(1)'"
kill "$sink" 2>/dev/null || true

# --- under flood
at priv ping -f -q 192.168.8.110 >"$work/flood" 2>&1 &
flood=$!
# Zones and rules have other numbers in one than in the other: who mixed the two would misjudge.
for ((n = 0; n < 15; n++)); do
	if ((n % 2)); then
		arm arm "$zones" "$cameras" "rules=[$ping_rule, $tcp_rule]" >/dev/null
	else
		arm arm "$more" "$cameras" "rules=[$reject_rule, $ping_rule]" >/dev/null
	fi
done
# (The shell in between ignores the signal, as all that bash runs beside it.)
check "the flood went on to the last" pkill -INT -x ping
wait "$flood" || true
read -r sent received < <(sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' "$work/flood")
# The last may be on its way when ping ends.
check "of $sent packets $received are answered: none is lost to fifteen swaps" test "$received" -ge "$((sent - 1))"
arm disarm >/dev/null
check "and the module goes" rmmod camzone
