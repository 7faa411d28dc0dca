#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kernel's log: the script's words where it had words, the camera's name, and a limit per camera
# and reason that tells what it kept back.
# run: --timeout 180
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

arm() { python3 -B "$tests/ynl/arm.py" "$@"; }
lab up --forwarding >/dev/null || bail "no lab"
load_camzone
arm arm 'zones=[
	{"name": "camera", "interface": ["eth1"], "network": [{"address": "192.168.8.0", "prefix-len": 24}]},
	{"name": "external", "interface": ["eth0"], "any": true},
	{"name": "private", "interface": ["eth2"], "network": [{"address": "192.168.5.0", "prefix-len": 24}]}]' \
	'cameras=[{"name": "front-door", "zone": "camera", "address": ["192.168.8.110"]},
	{"name": "side-door", "zone": "camera", "address": ["192.168.8.111"], "mac": "02:00:00:00:99:99"}]' 'rules=[]' >/dev/null
send() { probe send --netns "$1" --nonce log "${@:2}" >/dev/null; }
since=$(log_lines)
# lines TEXT
lines() { dmesg | tail -n "+$((since + 1))" | grep -F -c -- "$1" || true; }
at_least() { (($(lines "$2") >= $1)); }
# logged LABEL COUNT TEXT: that many lines. Who sent a packet is done before it is through the router.
logged() {
	within 5 at_least "$2" "$3" || true
	equal "$1" "$2" "$(lines "$3")"
}

send cam --src 192.168.8.110 --dst 192.168.0.10 udp --dport 32100
logged "what a camera may not is logged with its name" 1 'CAMZONE no-rule front-door IN=eth1 OUT=eth0'
send cam --src 192.168.5.77 --dst 192.168.8.1 udp --dport 9
logged "a forged source: the script's words" 1 'SPOOFED PKT IN=eth1'
send cam2 --src 192.168.8.111 --dst 192.168.8.1 udp --dport 9
logged "another hardware address too" 2 'SPOOFED PKT IN=eth1'
send cam --src 192.168.8.110 --dst 192.168.8.1 tcp --dport 21 --flags SA
logged "INVALID: the script's words" 1 'DROP INVALID IN=eth1'

since=$(log_lines) began=${EPOCHREALTIME/./}
for _ in {1..30}; do send cam --src 192.168.8.110 --dst 192.168.0.10 udp --dport 32100; done
took=$(((${EPOCHREALTIME/./} - began) / 1000))
few=$(lines 'CAMZONE no-rule front-door ')
# Five at once, of which one is used up, and one in two seconds.
((few >= 4 && few <= 5 + took / 2000 && few < 30)) && ok "of 30 alike $few are logged" || not_ok "of 30 alike $few are logged"
send priv --src 192.168.5.10 --dst 192.168.0.10 udp --dport 53
logged "others are not held back by that" 1 'CAMZONE no-rule IN=eth2 OUT=eth0'
sleep 2.5
send cam --src 192.168.8.110 --dst 192.168.0.10 udp --dport 32100
kept_back() { dmesg | grep -E -q 'CAMZONE no-rule front-door \[[0-9]+ suppressed\] IN=eth1'; }
check "what was kept back is told" within 5 kept_back
told=$(dmesg | tail -n "+$((since + 1))" | sed -n 's/.*CAMZONE no-rule front-door \[\([0-9]*\) suppressed\].*/\1/p' | awk '{ n += $1 } END { print n + 0 }')
equal "none is forgotten: logged and told make 31" 31 "$((told + $(lines 'CAMZONE no-rule front-door ')))"

# Each of many may have its lines, and all of them together no more than a hundred at once and ten a second.
cameras=$(for ((n = 2; n < 250; n++)); do printf '{"name": "cam%d", "zone": "camera", "address": ["192.168.8.%d"]}, ' "$n" "$n"; done)
arm arm 'zones=[{"name": "camera", "interface": ["eth1"], "network": [{"address": "192.168.8.0", "prefix-len": 24}]}]' \
	"cameras=[${cameras%, }]" 'rules=[]' >/dev/null
since=$(log_lines) refused=$(reason_count no-rule) began=${EPOCHREALTIME/./}
# (By one program: that many of the probe take longer than the lines would.)
at cam python3 - <<'END'
import socket, struct
router = bytes([192, 168, 8, 1])
wire = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
for n in range(2, 250):
    camera = bytes([192, 168, 8, n])
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 64, socket.IPPROTO_UDP, 0, camera, router)
    wire.sendto(header + struct.pack("!HHHH", 40000, 9, 8, 0), ("192.168.8.1", 0))
END
sent() { (($(reason_count no-rule) - refused >= 248)); }
check "every one of the 248 was refused" within 10 sent
took=$(((${EPOCHREALTIME/./} - began) / 1000))
all=$(lines 'CAMZONE no-rule cam')
((all >= 90 && all <= 101 + took / 100)) && ok "of 248 cameras' in $took ms $all are logged" || not_ok "of 248 cameras' in $took ms $all are logged"
((took < 14000)) || bail "that took too long to tell"
arm disarm >/dev/null
