#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# camzonectl's exit codes, with and without the module, with and without the permission, and that no
# other user's tool gets at the policy in force.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

# exits CODE TEXT COMMAND...: the command ends so; its words are in $work/out and $work/err.
exits() {
	local code=$1 text=$2 status=0
	shift 2
	"$@" >"$work/out" 2>"$work/err" || status=$?
	equal "$text: exit $code" "$code" "$status"
}

nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"; }

lab up
for command in status show counters disarm "apply $article"; do
	# shellcheck disable=SC2086 # a command and its arguments
	exits 3 "$command without the module" camzonectl $command
	check "it says what to do" grep -q 'modprobe camzone' "$work/err"
done
exits 3 "the same in JSON" camzonectl --json status
check "it is JSON" jq -e '.error.kind == "not-loaded" and .error.exit_code == 3' "$work/err"
exits 0 "a check without the module" camzonectl apply --check "$article"
check "it says who judged" grep -q 'the kernel was not asked' "$work/out"
equal "asking does not load the module" no "$([[ -e /sys/module/camzone ]] && echo yes || echo no)"

load_camzone
apply "$article" >"$work/said"
was="$(state) $(generation)"
for command in status show counters disarm "apply $article" "apply --check $article"; do
	# shellcheck disable=SC2086
	exits 4 "nobody's $command" nobody camzonectl $command
	check "it names the permission" grep -q CAP_NET_ADMIN "$work/err"
	# Root in a user namespace of its own is nobody to this network namespace.
	# shellcheck disable=SC2086
	exits 4 "$command from an own user namespace" nobody unshare --user --map-root-user camzonectl $command
done
exits 4 "the same in JSON" nobody camzonectl --json disarm
check "it is JSON" jq -e '.error.kind == "permission" and .error.errno == 1' "$work/err"
equal "none of it changed anything" "$was" "$(state) $(generation)"

# Colour on a terminal, and only there.
painted() { script -qec "$1" /dev/null </dev/null | grep -F $'\e[' >/dev/null; }
check "a terminal has colour" painted "TERM=xterm camzonectl status"
refuse "not with NO_COLOR" painted "TERM=xterm NO_COLOR=1 camzonectl status"
refuse "nor a dumb one" painted "TERM=dumb camzonectl status"
refuse "nor a pipe" painted "TERM=xterm camzonectl status | cat"

# A network namespace of one's own is one's own, and nobody else's.
exits 0 "status in an own network namespace" nobody unshare --user --net --map-root-user camzonectl status
check "it is not guarded" grep -q '^state  *idle' "$work/out"
exits 0 "nor is the router's policy shown there" \
	nobody unshare --user --net --map-root-user bash -c '! camzonectl show'

exits 2 "an unknown command" camzonectl aply
exits 5 "a file that is not there" camzonectl apply /no/such/file
exits 5 "a directory" camzonectl apply /
exits 5 "nothing" camzonectl apply /dev/null
exits 0 "a reader that goes away" bash -c 'camzonectl counters | true; exit "${PIPESTATUS[0]}"'
exits 1 "a full disk" bash -c 'camzonectl counters >/dev/full'
exits 0 disarm camzonectl disarm
exits 0 "disarm once more" camzonectl disarm
equal "it is sealed" sealed "$(state)"
rmmod camzone
modprobe camzone sealed=0
exits 1 "disarm where nothing is guarded" camzonectl disarm
check "the kernel's words are shown" grep -q 'not guarded' "$work/err"
