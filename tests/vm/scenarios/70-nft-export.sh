#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What `camzonectl export --nft` prints is a ruleset that nft takes, for every policy of the
# examples and for one that says everything a policy file can say.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

for file in "$article" "$article_v6" "$top"/userspace-ctl/tests/{,nft/}everything.toml; do
	name=${file#"$top"/} base=$(basename "$file")
	camzonectl export --nft "$file" >"$work/$base.nft" || bail "$file is not exported"
	check "nft would load $name" nft -c -f "$work/$base.nft"
	check "nft loads $name" nft -f "$work/$base.nft"
	check "nft loads $name again, over itself" nft -f "$work/$base.nft"
	equal "it is one table" "table inet camzone" "$(nft list tables)"
done
printf '[zones.a]\ninterfaces = "e*"\nnetworks = "any"\n' >"$work/star.toml"
camzonectl export --nft "$work/star.toml" | nft -f - || bail "an interface called e*"
check "a star in an interface's name is a star" grep -q "element 00002a65 .*goto -> ingress.a" \
	<(nft --debug=netlink list chain inet camzone ingress)
nft flush ruleset
