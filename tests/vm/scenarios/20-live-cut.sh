#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A change of policy cuts live streams on their next packet, in both directions of the word: what a new
# policy forbids ends, what it still allows goes on.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up

# A stream from the camera, in whose middle a policy is applied.
rtsp() { talks priv tcp "${2-192.168.8.110:554}" -- "$work/$1"; }
change() {
	{
		echo '#!/bin/bash'
		echo 'set -e'
		printf 'camzonectl apply - <<"TOML"\n%s\nTOML\n' "$(cat)"
	} >"$work/$1"
	chmod +x "$work/$1"
}
{ zones full; allow private camera stream; allow private router ssh; } | change same
{ zones full; allow private router ssh; } | change less
{
	zones full
	allow private camera stream
	printf '[cameras.front-door]\nzone = "camera"\naddress = ["192.168.8.110", "fd00:8::110"]\n'
	printf '[[deny]]\nfrom = "private"\nto = "front-door"\nservices = ["any"]\n'
} | change deny

probe_stream() { rtsp "$change"; }
probe_stream6() { rtsp "$change" '[fd00:8::110]:554'; }

printf '#!/bin/sh\n' >"$work/nothing"
chmod +x "$work/nothing"
change=nothing
baseline stream stream6
load_camzone
"$work/same" >/dev/null
change=same
expect arrives stream allowed
expect arrives stream6 allowed
change=less
expect stopped stream no-rule
"$work/same" >/dev/null
expect stopped stream6 no-rule
"$work/same" >/dev/null
change=deny
expect stopped stream denied
"$work/same" >/dev/null
printf '#!/bin/sh\ncamzonectl disarm\n' >"$work/disarm"
chmod +x "$work/disarm"
change=disarm
expect stopped stream sealed
