#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# However many cameras and rules there are, camzonectl shows them in the same memory.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

# All of its memory, in KiB: its own code, what it holds back of its output, and little else.
limit=6144

# policy CAMERAS: each camera is named in a rule, with 250 others.
policy() {
	awk -v cameras="$1" 'BEGIN {
		print "[zones.camera]\ninterfaces = [\"eth1\"]\nnetworks = [\"10.0.0.0/8\"]"
		for (n = 0; n < cameras; n++) {
			printf "[cameras.camera-%d]\nzone = \"camera\"\n", n
			printf "address = \"10.%d.%d.%d\"\n", n / 62500 + 1, n / 250 % 250, n % 250 + 1
		}
		for (n = 0; n < cameras; n += 250) {
			printf "[[allow]]\nto = \"router\"\nservices = [\"ftp\"]\nfrom = ["
			for (k = n; k < n + 250; k++) printf "\"camera-%d\", ", k
			print "]"
		}
	}'
}
bounded() { (ulimit -v "$limit" && camzonectl "$@"); }

load_camzone
for cameras in 500 "${1:-20000}"; do
	policy "$cameras" >"$work/policy"
	apply "$work/policy"
	for command in show counters; do
		check "$command of $cameras cameras" bounded "$command"
		check "--json $command of $cameras cameras" bounded --json "$command"
	done
	bounded show >"$work/shown"
	check "what is shown is the policy" camzonectl apply "$work/shown"
	equal "all of it" "$cameras" "$(bounded --json show | jq '.policy.cameras | length')"
	equal "and all rules" "$((cameras / 250))" "$(bounded --json counters | jq '.rules | length')"
done
# Changed when a part of it was printed already: the rest waits in the kernel until that was read.
policy 500 >"$work/policy"
{
	status=0
	camzonectl --json show 2>"$work/error" || status=$?
	echo "$status" >"$work/status"
} | {
	IFS= read -r line
	apply "$work/policy" >&2
	{ echo "$line" && cat; } >"$work/part"
}
equal "what changed while it was printed is a failure" 1 "$(<"$work/status")"
check "which says why" grep -q 'changed while it was read: what was printed is not all' "$work/error"
check "some of it was printed" grep -q '"digest"' "$work/part"
refuse "but not all" jq -e . "$work/part"
# One long line makes all lines long.
{
	printf '[zones.a]\ninterfaces = ["eth1"]\nnetworks = ["10.0.0.0/8"]\n'
	printf '[cameras.%s]\nzone = "a"\naddress = "%s"\n' one 10.0.0.1
	awk 'BEGIN {
		for (n = 0; n < 250; n++) {
			name = sprintf("a-camera-with-a-long-name-%d", n)
			printf "[cameras.%s]\nzone = \"a\"\naddress = \"10.1.0.%d\"\n", name, n + 1
			names = names "\"" name "\", "
		}
		printf "[[deny]]\nfrom = [%s]\nto = \"router\"\nservices = [\"any\"]\n", names
		for (n = 0; n < 1500; n++) {
			printf "[services.s%d]\ntcp = %d\n", n, n + 10000
			printf "[[allow]]\nfrom = \"one\"\nto = \"router\"\nservices = [\"s%d\"]\n", n
		}
	}'
} >"$work/policy"
apply "$work/policy"
check "counters of a long rule among short ones" bounded counters
bounded --json show >/dev/full 2>"$work/full" && not_ok "a full disk is no success" || ok "a full disk is no success"
