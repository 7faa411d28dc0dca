#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# DHCP, broadcast and multicast to the router: each needs a rule of its own.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding

probe_dhcp() { heard 0.0.0.0:67 cam dhcp; }
probe_dhcp_forged() { heard 4:17 cam --src 192.168.5.10 dhcp; }
probe_zero_source() { heard 4:17 cam --src 0.0.0.0 --dst 255.255.255.255 udp --dport 9999; }
probe_broadcast() { heard 4:17 cam --src 192.168.8.110 --dst 255.255.255.255 udp --dport 123; }
probe_directed() { heard 4:17 cam --src 192.168.8.110 --dst 192.168.8.255 udp --dport 123; }
probe_multicast() { heard 4:17 cam --src 192.168.8.110 --dst 224.0.0.1 udp --dport 123; }
probe_igmp() { heard 4:2 cam --src 192.168.8.110 igmp 224.0.0.1; }
probe_unicast() { heard 4:17 cam --src 192.168.8.110 --dst 192.168.8.1 udp --dport 123; }
probe_multicast6() { heard 6:17 cam --src fd00:8::110 --dst ff02::1 udp --dport 123; }
probe_discovery() {
	local word
	word=$(nonce ssdp)
	probe recv --udp 0.0.0.0:3702 --join 239.255.255.250@192.168.8.1 --nonce "$word" --timeout "$PROBE_WAIT" -- \
		probe send --netns cam --src 192.168.8.110 --dst 239.255.255.250 --nonce "$word" udp --dport 3702
}
# What the router says to a group it hears itself, if it listens.
probe_own() {
	local word
	word=$(nonce own)
	probe recv --udp 0.0.0.0:5353 --join 224.0.0.251@192.168.8.1 --nonce "$word" --timeout "$PROBE_WAIT" -- python3 -c '
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("192.168.8.1"))
sock.sendto(sys.argv[1].encode(), ("224.0.0.251", 5353))' "$word"
}

all=(dhcp dhcp_forged zero_source broadcast directed multicast igmp unicast multicast6 discovery)
baseline "${all[@]}" own
load_camzone
for name in "${all[@]}"; do expect stopped "$name" sealed; done

# A rule for port 123 is for the router's address, not for everybody's.
{ zones full; allow camera router answers; allow camera router dhcp; } | apply -
expect arrives unicast allowed
expect arrives own loopback
expect arrives dhcp allowed
expect stopped dhcp_forged spoofed
expect stopped zero_source spoofed
for name in broadcast directed multicast igmp discovery multicast6; do expect stopped "$name" broadcast; done

{ zones; allow camera router answers; } | apply -
expect stopped dhcp broadcast
expect arrives unicast allowed
