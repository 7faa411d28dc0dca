#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kernel's own client speaks the family: what it lets through is what the spec says, and a
# policy that it applies is read back equal.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")/../ynl

ip link add eth1 type veth peer name stray
modprobe camzone
python3 -B "$here/policies.py"
python3 -B "$here/roundtrip.py"

# An answer of more than a page.
for ((i = 0; i < 80; i++)); do echo "link add left$i type veth peer name right$i"; done | ip -batch -
count=$(ynl --spec "$here/../../../netlink/specs/camzone.yaml" --do status-get --output-json | jq '.port | length')
[[ $count == 162 ]]
echo "ok - status lists $count interfaces"
rmmod camzone
