#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Faults on purpose, on the debug kernel: each allocation of loading, of a namespace, of each command
# of the family, of each way into arms, of dumps to their end and of a log line fails once. What is lost
# by that, kmemleak finds at the end.
# run: --faults --timeout 900
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

# The console is slow, and who writes to it waits; the log itself has everything.
dmesg -n 3
# Nobody sends but the test: a counter must not change between two dumps.
sysctl -q net.ipv4.ip_forward=1 net.ipv6.conf.default.addr_gen_mode=1
load_camzone
(($#)) || set -- transactions arming dumps logs namespaces load
PYTHONPATH=$tests/ynl python3 -B "$tests/debug/faults.py" "$@"
