#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Twenty times (or as often as the argument says) loaded and unloaded under floods in both families, with namespaces coming and
# going beside it. The harness fails the run on any word of the kernel.
# run: --timeout 300
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding >/dev/null || bail "no lab"
flood() { while :; do "$@" >/dev/null 2>&1 || true; done; }
flood at cam ping -f -q -w 5 192.168.8.1 &
flood at priv ping -f -q -w 5 fd00:8::110 &
flood ping -f -q -w 5 127.0.0.1 &
flood unshare -n sh -c 'ip link set lo up; ping -c 3 -i 0.01 -q 127.0.0.1' &
sleep 1

rounds=${1:-20}
received() { cat /sys/class/net/eth1/statistics/rx_packets; }
before=$(received)
if ((rounds > 100)); then keep_hooks; fi
for ((n = 1; n <= rounds; n++)); do
	modprobe camzone sealed=$((n % 2))
	rmmod camzone
	if ((n % 100 == 0)); then echo "# $n of $rounds"; fi
done
check "$rounds rounds under traffic" test "$(received)" -gt $((before + rounds))
mapfile -t floods < <(jobs -p)
kill "${floods[@]}"
wait || true
# The loops are gone, their last pings are not: they would go on for seconds.
while pkill -x ping; do sleep 0.1; done
check "the camera reaches the router afterwards" at cam ping -c 1 -W "$long_wait" -q 192.168.8.1
