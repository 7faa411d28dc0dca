#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Streams that run when the module is loaded idle: conntrack picks them up midway and cannot know who
# opened them. Once a policy is in force, only those live on that it allows either way round; a stream
# that began under conntrack's eyes is judged as what it is.
# run: --timeout 240
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding

# Whoever finds the file say.NAME sends a line on stream NAME; every line heard goes to heard.NAME.
cat >"$work/stream.py" <<'PYTHON'
import os, select, socket, sys, time
work, role, name, host, port, kind = sys.argv[1:]
os.chdir(work)
if kind == "udp":
    stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if role == "server":
        stream.bind(("0.0.0.0", int(port)))
        open(f"ready.{name}", "w").close()
        stream.connect(stream.recvfrom(100)[1])
    else:
        stream.connect((host, int(port)))
        stream.sendall(b"hello")
        open(f"open.{name}", "w").close()
elif role == "server":
    listener = socket.create_server(("0.0.0.0", int(port)))
    open(f"ready.{name}", "w").close()
    stream, _ = listener.accept()
else:
    stream = socket.create_connection((host, int(port)))
    open(f"open.{name}", "w").close()
while True:
    if select.select([stream], [], [], 0.1)[0]:
        heard = stream.recv(4096)
        if not heard:
            break
        with open(f"heard.{role}.{name}", "ab") as file:
            file.write(heard)
    try:
        os.unlink(f"say.{role}.{name}")
    except FileNotFoundError:
        continue
    stream.sendall(b"word\n")
PYTHON
talker() { exec python3 -B "$work/stream.py" "$work" "$@"; }
until_there() { within 15 test -e "$1" || bail "$1 never came"; }
# stream NAME FROM ADDRESS PORT [udp]: a stream from a host to the router.
stream() {
	talker server "$1" any "$4" "${5-tcp}" >/dev/null 2>&1 &
	until_there "$work/ready.$1"
	at "$2" python3 -B "$work/stream.py" "$work" client "$1" "$3" "$4" "${5-tcp}" >/dev/null 2>&1 &
	until_there "$work/open.$1"
}
# said_on NAME server|client WAIT: whether what that end says now is heard by the other.
words() { cat "$work/heard.$1.$2" 2>/dev/null | wc -l; }
said_on() {
	local name=$1 end=$2 other=client before tries
	[[ $end == server ]] || other=server
	before=$(words "$other" "$name")
	touch "$work/say.$end.$name"
	# It counts from when it is said: on a slow kernel that takes a while.
	for tries in {1..150}; do
		if [[ ! -e $work/say.$end.$name ]]; then break; fi
		sleep 0.1
	done
	for ((tries = 0; tries < $3 * 10; tries++)); do
		if (($(words "$other" "$name") > before)); then return 0; fi
		sleep 0.1
	done
	return 1
}
policy() {
	zones
	printf '[defaults]\noutput = "%s"\n' "$1"
	printf '[services.stream-in]\ntcp = ["7001-7002"]\n'
	allow private router stream-in
}
# The policy names no camera: no zone is known to have any.
stream forbidden ext 192.168.0.1 7000
stream of-camera cam 192.168.8.1 7003
stream permitted priv 192.168.5.200 7001
stream datagrams ext 192.168.0.1 7005 udp
for name in forbidden of-camera permitted datagrams; do
	check "without camzone the router is heard: $name" said_on "$name" server 15
	check "and so is who connected: $name" said_on "$name" client 15
done

load_camzone sealed=0
# The router's packet is the first that conntrack sees: for it the router opened the stream.
for name in forbidden of-camera permitted datagrams; do check "idle: $name goes on" said_on "$name" server 15; done
stream seen ext 192.168.0.1 7004
check "a stream begins while idle" said_on seen server 15
policy accept | apply -
for name in forbidden of-camera seen; do
	refuse "armed: the router is not heard: $name" said_on "$name" server 1
	refuse "nor is who connected: $name" said_on "$name" client 1
done
refuse "nor is who sends datagrams, though the router had answered" said_on datagrams client 1
check "what is allowed either way round goes on" said_on permitted server 15
check "in both directions" said_on permitted client 15
equal "what nobody saw the beginning of is no stream any more" yes "$(
	(($(reason_count not-syn) > 0)) && echo yes
)"

# Where the router may not open what it likes, the old session ends; one that is opened anew does not.
camzonectl disarm >/dev/null
rmmod camzone
check "unloaded: it still goes on" said_on permitted client 15
load_camzone sealed=0
check "who connected is the first to be seen" said_on permitted client 15
stream anew priv 192.168.5.200 7002
check "one more is opened while idle" said_on anew client 15
policy drop | apply -
refuse "nobody knows who opened the old one" said_on permitted client 1
check "the new one goes on" said_on anew client 15
check "in both directions" said_on anew server 15
