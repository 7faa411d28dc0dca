#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Mutated messages by the thousand, from many sockets, with and without permission, here and in
# other namespaces: after each that was refused the policy in force is what it was, the kernel's
# memory is bounded, and it has nothing to complain of.
#   70-netlink-attack.sh [MESSAGES [ENEMY-OPTION...]]
# run: --timeout 400
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

messages=${1:-20000}
shift $(($# ? 1 : 0))
# On the share a program's pages are slow.
cp "$top/build/enemy" "$work/enemy"
ip link add eth0 type dummy
ip link add eth1 type dummy
ip link set eth0 up
load_camzone
apply "$article"
if "$work/enemy" netlink --messages "$messages" "$@"; then
	ok "$messages messages change nothing that they may not"
else
	not_ok "$messages messages change nothing that they may not"
fi
camzonectl disarm >/dev/null
check "and the module goes" rmmod camzone
