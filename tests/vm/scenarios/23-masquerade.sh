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
# A camera asks for a port of the router's for its flow, and is told what is said to the router there.
probe_shadow_out() { heard ext cam --src 192.168.8.110 --dst 192.168.0.10 udp --sport 51820 --dport 51820; }
probe_shadow() {
	conntrack -F >/dev/null 2>&1
	probe_shadow_out || return 2
	heard cam ext --src 192.168.0.10 --dst 192.168.0.1 udp --sport 51820 --dport 51820
}
probe_served() { heard 4:17 ext --src 192.168.0.10 --dst 192.168.0.1 udp --sport 51820 --dport 51820; }
nft -f - <<-'NFT'
	table ip other {
		chain out { type nat hook postrouting priority srcnat; oifname "eth0" masquerade; }
	}
NFT
baseline shadow shadow_out
nft delete table ip other
conntrack -F >/dev/null 2>&1
baseline served
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

# What a rule lets the outside send to the router is the router's: a masqueraded flow gets another port.
tunnel() {
	zones
	printf '[services.tunnel]\nudp = [%s]\n' "$1"
	allow camera external tunnel 'masquerade = true'
	allow external router tunnel "${2-}"
}
tunnel 51820 | apply -
expect stopped shadow allowed
expect arrives served allowed
tunnel 51820 'to_address = "192.168.0.1"' | apply -
expect stopped shadow allowed
expect arrives served allowed
# A policy that opens the port ends a flow which has it by then.
{ zones; allow camera external answers 'masquerade = true'; printf '[services.tunnel]\nudp = [51820]\n'; allow camera external tunnel 'masquerade = true'; } | apply -
conntrack -F >/dev/null 2>&1
expect arrives shadow_out allowed
tunnel 51820 | apply -
expect arrives served allowed
# Where there is no other port, it keeps its own.
tunnel '"1-65535"' | apply -
conntrack -F >/dev/null 2>&1
expect arrives shadow_out allowed
conntrack -F >/dev/null 2>&1

# A flow that a helper expected goes the way of the one that announced it: it ends when that is to be
# translated otherwise. (Else it would go on with the camera's own address, or with the router's.)
modprobe nf_conntrack_ftp
nft -f - <<-'NFT'
	table inet helper {
		ct helper ftp { type "ftp" protocol tcp; }
		chain in { type filter hook prerouting priority 0; tcp dport 21 ct helper set "ftp"; }
	}
NFT
cat >"$work/server.py" <<'PY'
import socket, threading
def serve(port, talk):
    listener = socket.create_server(("192.168.0.10", port))
    while True:
        threading.Thread(target=talk, args=listener.accept()).start()
def control(peer, _):
    peer.sendall(b"220 here\r\n")
    peer.recv(100)
    peer.sendall(b"227 Entering Passive Mode (192,168,0,10,195,81)\r\n")
    peer.recv(100)
def data(peer, address):
    while peer.recv(100):
        peer.sendall(address[0].encode())
for port, talk in (21, control), (50001, data):
    threading.Thread(target=serve, args=(port, talk)).start()
PY
# Whom the server sees, or "silence", line by line.
cat >"$work/client.py" <<'PY'
import socket, time
control = socket.create_connection(("192.168.0.10", 21), timeout=15)
control.recv(100)
control.sendall(b"PASV\r\n")
control.recv(100)
data = socket.create_connection(("192.168.0.10", 50001), timeout=15)
data.settimeout(1)
while True:
    try:
        data.sendall(b"who")
        print(data.recv(100).decode() or "end", flush=True)
    except OSError:
        print("silence", flush=True)
    time.sleep(0.1)
PY
at ext python3 "$work/server.py" >"$work/server" 2>&1 &
for port in 21 50001; do listening ext tcp "$port"; done
says() { [[ $(tail -n 1 "$work/said.$1") == "$2" ]]; }
# swapped BEFORE SEEN AFTER: a flow of the one policy under the other.
swapped() {
	apply "$work/$1"
	at cam timeout 60 python3 "$work/client.py" >"$work/said.$1" 2>&1 &
	check "$1: an expected flow comes from $2" within 15 says "$1" "$2"
	apply "$work/$3"
	check "$3: it is over" within 15 says "$1" silence
}
{ zones; allow camera external ftp; } >"$work/plain"
{ zones; allow camera external ftp 'masquerade = true'; } >"$work/masq"
swapped plain 192.168.8.110 masq
swapped masq 192.168.0.1 plain
