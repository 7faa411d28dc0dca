#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Masquerading, by the kernel's own engine: on with a policy that wants it and off with one that
# does not, on the next packet, for the flows that there are too.
# run: --timeout 240
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

arm() { python3 -B "$tests/ynl/arm.py" "$@"; }
zones='zones=[
	{"name": "camera", "interface": ["eth1"], "network": [{"address": "192.168.8.0", "prefix-len": 24}, {"address": "fd00:8::", "prefix-len": 64}], "ipv6": "full"},
	{"name": "external", "interface": ["eth0"], "any": true, "ipv6": "full"},
	{"name": "private", "interface": ["eth2"], "network": [{"address": "192.168.5.0", "prefix-len": 24}]}]'
cameras='cameras=[{"name": "front-door", "zone": "camera", "address": ["192.168.8.110"]}]'
# policy MASQUERADE
policy() {
	local word=
	[[ $1 == plain ]] || word=', "masquerade": true'
	arm arm "$zones" "$cameras" "settings={\"forwarding\": true}" "rules=[
		{\"action\": \"allow\", \"from\": [{\"kind\": \"zone\", \"name\": \"camera\"}], \"to\": [{\"kind\": \"zone\", \"name\": \"external\"}],
		 \"service\": [{\"protocol\": 17, \"first\": 9000, \"last\": 9001}, {\"protocol\": 58, \"first\": 128, \"last\": 128}]$word}]" >/dev/null
}
# Whom the outside sees, and whether an answer finds its way back: one line "SOURCE ANSWER".
cat >"$work/server.py" <<'PY'
import socket
sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
sock.bind(("::", 9000))
while True:
    data, peer = sock.recvfrom(100)
    sock.sendto(peer[0].removeprefix("::ffff:").encode(), peer)
PY
cat >"$work/client.py" <<'PY'
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
sock = socket.socket(family, socket.SOCK_DGRAM)
sock.bind((sys.argv[3] if len(sys.argv) > 3 else "", int(sys.argv[2])))
sock.settimeout(1)
sock.sendto(b"?", (sys.argv[1], 9000))
try:
    print(sock.recv(100).decode())
except TimeoutError:
    print("nothing")
PY
seen() { at cam python3 "$work/client.py" "$@"; }
translated() { grep -c 'dport=9000.*dst=192.168.0.1 ' /proc/net/nf_conntrack || true; }

lab up --forwarding >/dev/null || bail "no lab"
at ext python3 "$work/server.py" &
sleep 1
equal "without camzone the outside sees the camera" 192.168.8.110 "$(seen 192.168.0.10 5000)"
equal "in both families" fd00:8::110 "$(seen fd00:0::10 5000)"

load_camzone
policy plain
equal "a plain allow translates nothing" 192.168.8.110 "$(seen 192.168.0.10 5001)"
equal "IPv6 neither" fd00:8::110 "$(seen fd00:0::10 5001)"
policy masquerade
equal "masquerade: a new flow has the router's address" 192.168.0.1 "$(seen 192.168.0.10 5002)"
equal "IPv6 too" fd00::1 "$(seen fd00:0::10 5002)"
equal "a flow from before is ended, and begins again translated" "nothing 192.168.0.1" \
	"$(seen 192.168.0.10 5001) $(seen 192.168.0.10 5001)"
policy masquerade
equal "the same policy again ends nothing" 192.168.0.1 "$(seen 192.168.0.10 5002)"
equal "two flows are translated" 2 "$(translated)"
policy plain
equal "a plain policy: no translated flow is left" 0 "$(translated)"
equal "the outside sees the camera again" 192.168.8.110 "$(seen 192.168.0.10 5002)"

policy masquerade
seen 192.168.0.10 5005 >/dev/null
ip link set eth0 name wan0
policy plain
ip link set wan0 name eth0
equal "nor is one if its interface has another name by then" 0 "$(translated)"

# The camera's network has an address of the router's, and the rule means the network.
router_seen() { python3 "$work/client.py" 192.168.0.10 "$1" 192.168.8.1; }
policy masquerade
equal "the router's own packets are not translated" 192.168.8.1 "$(router_seen 5006)"
policy plain
equal "and go on when the policy is plain" 192.168.8.1 "$(router_seen 5006)"

# What other tables masquerade is theirs: the router's own, say.
nft -f - <<'NFT'
table ip other {
	chain out {
		type nat hook postrouting priority 90
		udp sport 5007 masquerade
	}
}
NFT
policy masquerade
equal "another table translates the router's own" 192.168.0.1 "$(router_seen 5007)"
policy plain
equal "that flow outlives our masquerade" 1 "$(translated)"
nft delete table ip other
conntrack -F 2>/dev/null

policy masquerade
seen 192.168.0.10 5003 >/dev/null
arm disarm >/dev/null
equal "disarmed: no translated flow is left either" 0 "$(translated)"
check "the module goes" rmmod camzone
equal "and the outside sees the camera" 192.168.8.110 "$(seen 192.168.0.10 5004)"
kill %1
