#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run: --timeout 300
# Dumps: of thousands of items, of items longer than a page, while the policy is swapped, and while
# the module is to be removed.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")/../ynl

modprobe camzone
python3 -B "$here/dumps.py"
[[ ! -e /sys/module/camzone ]]
