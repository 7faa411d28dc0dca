#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Forged senders and replies: whoever speaks for one end of a live talk from another interface is not heard, nor
# is another camera that borrows a camera's address, or the router's.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up

# forge ROUTER-PORT FROM: an answer of the outside's time server, made elsewhere.
forge() {
	local word
	word=$(nonce reply)
	talks router udp 192.168.0.10:123 --src "192.168.0.1:$1" --awaits "$word" -- \
		probe send --netns "$2" --src 192.168.0.10 --dst 192.168.0.1 --nonce "$word" udp --sport 123 --dport "$1"
}
probe_by_camera() { forge 31001 cam; }
probe_by_laptop() { forge 31002 priv; }
probe_by_outside() { forge 31003 ext; }
# The same into a talk that crosses the router, heard by the laptop.
through() { heard priv "$1" --src 192.168.8.110 --dst 192.168.5.10 "${@:2}" udp --sport 9000 --dport 31004; }
probe_live() { talks priv udp 192.168.8.110:9000 --src 192.168.5.10:31004; }
probe_camera_itself() { through cam; }
probe_outside_as_camera() { through ext; }
probe_laptop_as_camera() { heard cam priv --src 192.168.8.110 --dst 192.168.8.110 udp --dport 9000; }
probe_other_camera() { through cam2; }
probe_other_flow() { heard priv cam --src 192.168.8.110 --dst 192.168.5.10 udp --sport 9000 --dport 31005; }
# The router's own address lies in the camera's network, and is nobody else's. IPv4 itself stops it unless told not to.
probe_as_router() { heard ext cam --src 192.168.8.1 --dst 192.168.0.10 udp --dport 123; }
probe_as_router6() { heard ext cam --src fd00:8::1 --dst fd00::10 udp --dport 123; }
echo 1 >/proc/sys/net/ipv4/conf/eth1/accept_local
# The address that every router of the link has (RFC 4291, 2.6.1): what answers it reaches the router, at a port
# that the camera chose.
probe_to_router() {
	local port=$((20000 + RANDOM))
	heard ext cam --src fd00:8:: --dst fd00::10 udp --sport "$port" --dport 9000 || return 2
	heard 6:17 ext --src fd00::10 --dst fd00:8:: udp --sport 9000 --dport "$port"
}

baseline by_camera by_laptop by_outside live
baseline camera_itself outside_as_camera other_camera other_flow laptop_as_camera as_router as_router6 to_router
load_camzone
policy() {
	zones full
	printf '[cameras.front-door]\nzone = "camera"\naddress = "192.168.8.110"\nmac = "02:00:00:00:08:6e"\n'
	allow private camera answers
	allow camera external answers
}
policy | apply -
expect stopped by_camera spoofed
expect stopped by_laptop spoofed
# What the true other end says is heard.
expect arrives by_outside default
expect arrives live allowed
expect arrives camera_itself allowed
expect stopped outside_as_camera spoofed
expect stopped laptop_as_camera spoofed
expect stopped other_camera mac-mismatch
expect stopped other_flow no-rule
for name in as_router as_router6; do expect stopped "$name" spoofed; done
expect stopped to_router wrong-address
