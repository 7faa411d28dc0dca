#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The same packets into camzone and into a firewall that is not ours: what comes out is the same, but
# for the differences that are meant, each of which is shown.
#    diff.sh [PACKETS [POLICIES [SEED]]]
#    diff.sh --ARGUMENTS...      of `probe diff`, as a disagreement prints them
# run: --timeout 900
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

load_camzone sealed=0
if [[ ${1-} == -* ]]; then
	if probe diff "$@"; then ok "$*"; else not_ok "$*"; fi
	# shellcheck disable=SC2317 # debug/81-moved-buffers.sh sources this
	return 0 2>/dev/null || exit 0
fi
packets=${1:-100000} policies=${2:-40} seed=${3:-1}
# agree TEXT ARGUMENTS...: a comparison, in its own words; a fresh pair of routers each time.
agree() {
	local text=$1
	shift
	if probe diff --seed "$seed" "$@" 2>&1 | sed 's/^/  # /'; then ok "$text"; else not_ok "$text"; fi
	for ns in diff-a diff-b diff-w; do ip netns delete "$ns"; done
}

agree "the intended differences from nftables are there" --case differences
agree "the article's policy and its script agree, but for the script's faults" --case article \
	--packets "$((packets / 10))" --article "$article" "$tests/article-iptables.sh"
agree "camzone and nftables agree about $policies policies" --packets "$packets" --policies "$policies"
