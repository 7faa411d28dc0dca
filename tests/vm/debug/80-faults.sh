#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Faults on purpose, on the debug kernel: each allocation of loading, of a namespace, of each command
# of the family, of each way into arms, of dumps to their end and of a log line fails once. What is lost
# by that, kmemleak finds at the end.
# run: --faults --timeout 900
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

ip link add lo0 type veth peer name lo1
ip addr add 192.168.77.1/24 dev lo0
# Nobody sends but the test: a counter must not change between two dumps.
sysctl -q net.ipv6.conf.lo0.disable_ipv6=1 net.ipv6.conf.lo1.disable_ipv6=1
ip link set lo0 up
ip link set lo1 up
load_camzone
(($#)) || set -- transactions arming dumps logs namespaces load
PYTHONPATH=$tests/ynl python3 -B "$tests/debug/faults.py" "$@"
