#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the kernel refuses, it refuses at the same line and column of the file where the tool by itself
# would have; and of tools that commit at once, each is either in force for a while or told so.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up
load_camzone
apply "$article" >"$work/said"
was="$(state) $(generation)"

# Every bad file that is well written, so that its fault is one of the policy, is put to both judges.
same=0 pointed=0 different=()
for file in "$top"/userspace-ctl/tests/bad/*.toml; do
	if camzonectl --json apply --check --kernel-only "$file" >"$work/out" 2>"$work/kernel"; then
		different+=("$file: the kernel accepts it")
		continue
	fi
	camzonectl --json apply --check "$file" >"$work/out" 2>"$work/tool" || true
	if ! jq -r .error.message "$work/kernel" | grep -q '^the kernel refuses this: '; then continue; fi
	place='.error | "\(.line):\(.column)"'
	kernel=$(jq -r "$place" "$work/kernel") tool=$(jq -r "$place" "$work/tool")
	same=$((same + 1))
	# What is found when zones or cameras are complete has no attribute to point at.
	if [[ $kernel == null:null ]]; then continue; fi
	pointed=$((pointed + 1))
	# The tool sometimes knows the very word where the kernel knows the item.
	[[ ${kernel%:*} -le ${tool%:*} ]] || different+=("$file: kernel $kernel, tool $tool")
	if [[ $kernel == "$tool" ]]; then exact=$((${exact-0} + 1)); fi
done
equal "kernel and tool refuse the same" "" "${different[*]-}"
echo "# $same files were put to the kernel, $pointed had a place, ${exact-0} the very same"
check "there were enough of them" test "$same" -ge 30
check "with a place" test "$pointed" -ge 25
check "and mostly the same" test "${exact-0}" -ge 20
equal "the policy in force is what it was" "$was" "$(state) $(generation)"

status=0
camzonectl apply --kernel-only "$top/userspace-ctl/tests/bad/network-host-bits.toml" >"$work/out" 2>"$work/err" || status=$?
equal "such a refusal is a bad file" 5 "$status"
check "with the file's line" grep -q 'network-host-bits.toml:11:13' "$work/err"
check "and the text underlined" grep -q '\^\^\^\^' "$work/err"

# An ssh session that the policy allows, by an interface that this machine does not have.
export SSH_CONNECTION="192.168.5.10 40000 192.168.5.200 22"
sed 's/"eth2"/"eth9"/' "$article" >"$work/elsewhere.toml"
was="$(state) $(generation)"
status=0
camzonectl apply "$work/elsewhere.toml" >"$work/out" 2>"$work/err" || status=$?
equal "what would end the own ssh session is not applied" "1 $was" "$status $(state) $(generation)"
check "which is said" grep -q "your own ssh session (this machine has no interface of zone 'private'): nothing was changed" "$work/err"
check "and what interfaces there are" grep -q "interface 'eth2' is in no zone" "$work/err"
apply --cut-ssh "$work/elsewhere.toml"
apply "$article"
equal "unless it may end, or lives" "armed $((${was#* } + 2))" "$(state) $(generation)"
unset SSH_CONNECTION

# Twenty-four at once: the kernel lets one of those that began together win.
before=$(generation) applied=0 late=0 other=0 pids=()
for i in {1..24}; do
	policy=$article
	((i % 2)) || policy=$article_v6
	camzonectl --json apply "$policy" >"$work/race.$i" 2>&1 &
	pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || true; done
for i in {1..24}; do
	if jq -e .applied "$work/race.$i" >/dev/null; then
		applied=$((applied + 1))
	elif jq -r .error.message "$work/race.$i" | grep -qE 'another policy came between|transactions are open already'; then
		late=$((late + 1))
	else
		other=$((other + 1))
		sed 's/^/# /' "$work/race.$i"
	fi
done
echo "# of 24 at once $applied were in force for a while, $late were told that they came late"
equal "each was in force or told so" "0 24" "$other $((applied + late))"
equal "the generation counts those that were in force" "$((before + applied))" "$(generation)"
equal "the last one stands" armed "$(state)"
