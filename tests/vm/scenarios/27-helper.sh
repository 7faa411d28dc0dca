#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Flows that a conntrack helper expects are judged by the flow that announced them: its permission is
# theirs, in every state, but a deny of their own beats it, and they are between its two ends or not at all.
# run: --timeout 240
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up
# loose: a PORT command may name a third host, which is what a camera would try.
modprobe nf_conntrack_ftp
# (Its option would be lost where the kernel has the helper built in.)
echo 1 >/sys/module/nf_conntrack_ftp/parameters/loose
helper() {
	nft -f - <<-'NFT'
		table inet helper {
			ct helper ftp { type "ftp" protocol tcp; }
			chain in { type filter hook prerouting priority 0; tcp dport 21 ct helper set "ftp"; }
		}
	NFT
}

head -c 200000 /dev/urandom >"$work/picture"
# upload ADDRESS [CURL-ARGUMENTS...]: one picture by passive FTP; the data port is any of the range's.
upload() {
	local name
	name=$(nonce picture)
	at cam curl -gsS --ftp-pasv --connect-timeout 5 --max-time 25 "${@:2}" \
		-T "$work/picture" "ftp://$1/upload/$name" || return 1
	cmp "$work/picture" "/run/camzone-lab/ftp/upload/$name"
}
probe_upload() { upload 192.168.8.1; }
probe_upload6() { upload '[fd00:8::1]'; }
# What the router would send if its server fell for the camera's PORT.
probe_bounce() { heard priv router --src 192.168.8.1 --dst 192.168.5.10 tcp --sport 20 --dport 8021; }
probe_sideways() { heard cam2 router --src 192.168.8.1 --dst 192.168.8.111 tcp --sport 20 --dport 8021; }
probe_active() { heard cam router --src 192.168.8.1 --dst 192.168.8.110 tcp --sport 20 --dport 8021; }
# announce HOST: a camera says that it waits at port 8021 there.
announce() {
	# A command of its own first: the helper reads from a line's beginning, which it has to have seen.
	at cam timeout 60 bash -c 'exec 3<>/dev/tcp/192.168.8.1/21
		for word in "USER ftp" "PASS x" "PORT ${1//./,},31,85"; do
			read -r -t 20 _ <&3 && printf "%s\r\n" "$word" >&3
		done
		sleep 60' announce "$1" &
	announcer=$!
	within 20 expects || bail "the helper expects nothing"
}
expects() { conntrack -L expect 2>/dev/null | grep -F 'dport=8021' >/dev/null; }

forget() { kill "$announcer" 2>/dev/null || true; }

baseline upload upload6 bounce sideways active
load_camzone
{ zones full; allow camera router ftp; } >"$work/control"
apply "$work/control"
expect stopped upload no-rule
expect stopped upload6 no-rule
helper
expect arrives upload allowed
expect arrives upload6 allowed

expect arrives bounce default
announce 192.168.5.10
expect stopped bounce wrong-zone
forget
expect arrives sideways default
announce 192.168.8.111
expect stopped sideways wrong-zone
forget
announce 192.168.8.110
expect arrives active allowed
forget
{
	cat "$work/control"
	printf '[[deny]]\nfrom = "router"\nto = "camera"\nservices = ["any"]\n'
} >"$work/denied"
apply "$work/denied"
announce 192.168.8.110
expect stopped active denied
forget
apply "$work/control"

# A deny stops what was announced before it, and cuts what runs.
{ zones full; } >"$work/nothing"
upload 192.168.8.1 --limit-rate 10k >"$work/slow" 2>&1 &
slow=$!
arrived() { find /run/camzone-lab/ftp/upload -newer "$work/nothing" -type f -printf '%s\n' | tail -n 1 | grep . || echo 0; }
runs() { (($(arrived) > 0)); }
check "an upload runs" within 20 runs
apply "$work/nothing"
# What the server has in its hands already may still be written.
stands() {
	before=$(arrived)
	sleep 2
	[[ $(arrived) == "$before" ]]
}
check "with the control's permission the data's is gone" within 10 stands
check "before it was complete" test "$(arrived)" -lt 200000
kill "$slow" 2>/dev/null || true
expect stopped upload no-rule
