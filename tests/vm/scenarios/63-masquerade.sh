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
import os, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
sock = socket.socket(family, socket.SOCK_DGRAM)
sock.bind((sys.argv[3] if len(sys.argv) > 3 else "", int(sys.argv[2])))
sock.settimeout(int(os.environ.get("PATIENCE", 2)) * int(os.environ.get("SLOW", 1)))
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
listening ext udp 9000
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

# A packet that user space holds (NFQUEUE) while the policy changes was translated by the old one.
cat >"$work/holder.py" <<'PY'
# Holds the first packet of queue 0 until the file "go" is there, and lets it go on then.
import os, pathlib, socket, struct, sys, time
work = pathlib.Path(sys.argv[1])
sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
def send(kind, number, value):
    attribute = struct.pack("=HH", 4 + len(value), number) + value
    attribute += bytes(-len(attribute) % 4)
    body = struct.pack("!BBH", 0, 0, 0) + attribute
    sock.send(struct.pack("=IHHII", 16 + len(body), 3 << 8 | kind, 1, 0, 0) + body)
send(2, 1, struct.pack("!BBH", 1, 0, 0))
send(2, 2, struct.pack("!IB", 65535, 2))
(work / "holds").touch()
message = sock.recv(70000)
place = 20
while struct.unpack_from("=HH", message, place)[1] != 1:
    place += struct.unpack_from("=H", message, place)[0] + 3 & ~3
number = message[place + 4 : place + 8]
(work / "held").touch()
while not (work / "go").exists():
    time.sleep(0.05)
send(1, 2, struct.pack("!I", 1) + number)
(work / "gone").touch()
time.sleep(100)
PY
awaits() { within 15 test -e "$work/$1" || bail "$1 never came"; }
# held PORT COMMAND...: whom the outside sees of a packet from that port which is held while COMMAND runs.
held() {
	rm -f "$work"/{holds,held,go,gone}
	python3 "$work/holder.py" "$work" &
	local holder=$!
	awaits holds
	nft add rule inet other forward udp sport "$1" queue num 0
	seen 192.168.0.10 "$1" >"$work/seen" &
	awaits held
	"${@:2}"
	touch "$work/go"
	awaits gone
	wait %+ || true
	nft flush chain inet other forward
	kill "$holder"
	cat "$work/seen"
}
nft add table inet other
nft add chain inet other forward '{ type filter hook postrouting priority 150; }'
# Which keeps both families' translation registered; else that drops what is held, as it goes.
nft add chain inet other nat '{ type nat hook postrouting priority 90; }'
policy masquerade
# (On a busy machine a policy takes its time, in which who waits for an answer must not go.)
PATIENCE=20 held 5008 policy masquerade >"$work/one"
equal "user space holds a packet over a change to the same" 192.168.0.1 "$(<"$work/one")"
conntrack -F 2>/dev/null
held 5008 policy plain >"$work/one"
equal "over one to a plain policy: it is gone, and sent to nobody" "nothing 0" "$(<"$work/one") $(translated)"
nft delete table inet other

policy masquerade
seen 192.168.0.10 5003 >/dev/null
arm disarm >/dev/null
equal "disarmed: no translated flow is left either" 0 "$(translated)"
check "the module goes" rmmod camzone
equal "and the outside sees the camera" 192.168.8.110 "$(seen 192.168.0.10 5004)"

# When a namespace is armed for the first time, the flows are ended of which nobody knows who opened them;
# one that user space holds the first packet of is in no table yet.
nft add table inet other
nft add chain inet other forward '{ type filter hook postrouting priority 150; }'
modprobe camzone sealed=0
held 5009 : >"$work/one"
equal "idle, what user space held goes on" 192.168.8.110 "$(<"$work/one")"
conntrack -F 2>/dev/null
held 5009 policy plain >"$work/one"
equal "what it held while a namespace is armed is gone" nothing "$(<"$work/one")"
conntrack -F 2>/dev/null
held 5009 : >"$work/one"
equal "armed, what it held goes on" 192.168.8.110 "$(<"$work/one")"
kill %1
