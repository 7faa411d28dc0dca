#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run: --timeout 240
# Messages that are truncated, oversized, wrongly nested, unknown, doubled or anything at all: each
# is refused, says why, and leaves the policy in force as it was.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")/../ynl

modprobe camzone
python3 -B "$here/malformed.py"
rmmod camzone
