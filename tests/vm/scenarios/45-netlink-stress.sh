#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run: --timeout 180
# Commits, dumps, status, devices that come and go, namespaces that are armed and die, packets, and
# the module in and out, all at once: nothing may hang, and the kernel may not complain.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")/../ynl

ip link add eth1 type veth peer name far1
ip addr add 192.168.8.1/24 dev eth1
ip link set eth1 up
ip link set far1 up
modprobe camzone
timeout $((120 * ${SLOW:-1})) python3 -B "$here/stress.py" $((${1:-20} * ${SLOW:-1}))
rmmod camzone
