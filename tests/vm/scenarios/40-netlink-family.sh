#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kernel's own client speaks the family: what it lets through is what the spec says, and a
# policy that it applies is read back equal.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")/../ynl

modprobe camzone
python3 -B "$here/policies.py"
python3 -B "$here/roundtrip.py"
rmmod camzone
