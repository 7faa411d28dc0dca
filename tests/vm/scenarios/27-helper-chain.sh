#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A flow that is announced by a flow that was announced itself, as calls are (SIP, H.323): the permission
# of the first is the last one's. Here in FTP's words, of which a second helper reads the data connection.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
modprobe nf_conntrack_ftp

# Each port's server tells of the next one; the last one answers.
cat >"$work/server.py" <<'PYTHON'
import socket, sys, threading
ports = [int(port) for port in sys.argv[1:]]
def serve(listener, following):
    while True:
        peer, _ = listener.accept()
        with peer, peer.makefile("rwb", buffering=0) as lines:
            peer.settimeout(60)
            try:
                lines.write(b"220 here\r\n")
                if lines.readline() and following:
                    lines.write(b"227 Entering Passive Mode (192,168,8,1,%d,%d)\r\n" % divmod(following, 256))
                    lines.readline()
                else:
                    lines.write(b"250 there\r\n")
            except OSError:
                pass
for port, following in zip(ports, ports[1:] + [0]):
    listener = socket.create_server(("192.168.8.1", port))
    threading.Thread(target=serve, args=(listener, following)).start()
PYTHON
# Ends with 0 if the last one answered, with 1 if one was not reached.
cat >"$work/client.py" <<'PYTHON'
import re, socket, sys
port, wait, held = 21, float(sys.argv[1]), []
while port:
    try:
        peer = socket.create_connection(("192.168.8.1", port), timeout=wait)
        lines = peer.makefile("rwb", buffering=0)
        lines.readline()
        lines.write(b"PASV\r\n")
        answer = lines.readline().decode()
    except OSError as error:
        print(f"port {port}: {error}")
        sys.exit(1)
    held.append((peer, lines))
    print(port, answer)
    told = re.search(r"(\d+),(\d+)\)", answer)
    port = told and int(told[1]) * 256 + int(told[2])
sys.exit(0 if answer.startswith("250") else 2)
PYTHON
python3 "$work/server.py" 21 50001 50002 50003 >"$work/server" 2>&1 &
server=$!
for port in 21 50001 50002 50003; do listening router tcp "$port"; done
helper() {
	nft -f - <<-'NFT'
		table inet helper {
			ct helper ftp { type "ftp" protocol tcp; }
			chain in { type filter hook prerouting priority 0; tcp dport { 21, 50001, 50002 } ct helper set "ftp"; }
		}
	NFT
}
probe_chain() { at cam python3 "$work/client.py" "$PROBE_WAIT"; }

baseline chain
load_camzone
{ zones; allow camera router ftp; } >"$work/control"
apply "$work/control"
expect stopped chain no-rule
helper
expect arrives chain allowed
{ zones; } | apply -
expect stopped chain no-rule
kill "$server"
