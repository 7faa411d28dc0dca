#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run: --timeout 240
# Transactions: left half sent, too many of them, refused halfway, and two tools that commit at once.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")/../ynl

modprobe camzone
python3 -B "$here/transactions.py"
rmmod camzone
