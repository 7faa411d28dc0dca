# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# lib.sh: what every scenario of the VM needs; sourced by tests/vm/scenarios/* and tests/vm/demo.
#
# A scenario declares its probes as functions probe_NAME, which end with 0 when the packet arrived
# (the receiver saw it), 1 when it did not, and anything else when the probe could not be done:
#
#    probe_phone_home() { heard ext cam --src 192.168.8.110 --dst 192.168.0.10 udp --dport 32100; }
#
#    baseline phone_home                     # camzone not loaded: it must arrive
#    load_camzone && apply "$article"
#    expect stopped phone_home no-rule       # refused for a probe without a baseline
#
# So nothing is called stopped that would not have arrived anyway, in the same boot. Output is TAP.
set -euo pipefail
# It changes the network, and loads modules.
[[ -d /host/job ]] || { echo "this is for a guest: tests/vm/run $0" >&2; exit 2; }

tests=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
top=$(readlink -f "$tests/../..")
# shellcheck disable=SC2034 # for scenarios
article=$top/examples/article.toml
# shellcheck disable=SC2034 # for scenarios
article_v6=$top/examples/article-v6.toml
PATH=$PATH:$tests:$tests/probe/target/release:/usr/sbin

work=$(mktemp -d /tmp/scenario.XXXXXX)
declare -A baselined=()
tap_count=0 tap_failed=0

# How long a probe waits, in seconds: short where silence is expected (the wait begins when the sender
# has ended, and a packet crosses the lab in less than a hundredth of it), long where an answer is,
# which ends the wait; a busy host must not look like a closed firewall, nor must a kernel that is
# SLOW times as slow as the stock one.
short_wait=0.5 long_wait=$((15 * ${SLOW:-1}))
PROBE_WAIT=$long_wait

# within SECONDS COMMAND...: whether the command succeeds in that time, tried again and again.
within() {
	local end=$((SECONDS + $1 * ${SLOW:-1}))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

# listening HOST|router tcp|udp PORT: waits until somebody does.
listening() { within 15 somebody_listens "$@" || bail "nobody listens on $2 port $3 of $1"; }
somebody_listens() {
	local enter=(nsenter --net="/run/netns/$1" --)
	if [[ $1 == router ]]; then enter=(); fi
	[[ -n $("${enter[@]}" ss -Hln "--$2" "sport = :$3") ]]
}

# --- results ---------------------------------------------------------------------------------

ok() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $*"
}

# not_ok TEXT [WHY...]
not_ok() {
	tap_count=$((tap_count + 1)) tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $1"
	shift
	if (($#)); then printf '%s\n' "$@" | sed 's/^/  # /'; fi
}

# check TEXT COMMAND...: ok when the command succeeds.
check() {
	local text=$1
	shift
	if "$@" >"$work/check" 2>&1; then ok "$text"; else not_ok "$text" "$* failed" "$(<"$work/check")"; fi
}

# refuse TEXT COMMAND...: ok when the command fails.
refuse() {
	local text=$1
	shift
	if "$@" >"$work/check" 2>&1; then not_ok "$text" "$* succeeded"; else ok "$text"; fi
}

# stops TEXT PROBE...: ok when it says that nothing arrived (status 1), but not when it could not be done.
stops() {
	local text=$1 status=0
	shift
	"$@" >"$work/check" 2>&1 || status=$?
	if ((status == 1)); then ok "$text"; else not_ok "$text" "$*: status $status" "$(<"$work/check")"; fi
}

# equal TEXT EXPECTED GOT
equal() {
	if [[ $2 == "$3" ]]; then ok "$1"; else not_ok "$1" "expected: $2" "     got: $3"; fi
}

# The scenario cannot go on: not a failed test, but none at all.
bail() {
	echo "Bail out! $*"
	exit 1
}

finish() {
	local status=$?
	trap - EXIT
	echo "1..$tap_count"
	if ((status)); then echo "# the scenario ended with status $status"; fi
	if ((tap_failed)); then echo "# $tap_failed of $tap_count failed"; fi
	rm -rf "$work"
	exit $((status || tap_failed ? 1 : 0))
}
trap finish EXIT

# --- probes ----------------------------------------------------------------------------------

# at NAMESPACE COMMAND...
at() {
	local ns=$1
	shift
	nsenter --net="/run/netns/$ns" -- "$@"
}

nonce() {
	echo "cz-$1-$BASHPID-$RANDOM$RANDOM"
}

# heard EAR FROM SEND-ARGUMENTS...: whether a crafted packet is heard.
#   EAR   ext, cam, cam2, priv    frames that come in at that host (before a firewall of its own)
#         4:17, 6:58, ...         packets of that protocol which reach the router itself, reassembled
#         0.0.0.0:67, ...         datagrams to that UDP port of the router
#   FROM  ext, cam, cam2, priv    onto the wire there; `router` is its output path
heard() {
	local ear=$1 from=$2 word listen send
	shift 2
	word=cz-$from-$BASHPID-$RANDOM$RANDOM
	case $ear in
	ext | cam | cam2 | priv) listen=(--netns "$ear" --iface eth0) ;;
	[46]:*[!0-9]* | '['* | *.*) listen=(--udp "$ear") ;;
	*) listen=(--raw "$ear") ;;
	esac
	case $from in
	router) send=(--local) ;;
	*) send=(--netns "$from") ;;
	esac
	probe recv "${listen[@]}" --nonce "$word" --timeout "$PROBE_WAIT" -- \
		probe send "${send[@]}" --nonce "$word" "$@"
}

# talks FROM tcp|udp ADDRESS:PORT [CONNECT-ARGUMENTS...]: whether a plain exchange works.
talks() {
	local ns=()
	[[ $1 == router ]] || ns=(--netns "$1")
	probe connect "$2" "$3" "${ns[@]}" --timeout "$PROBE_WAIT" "${@:4}"
}

# run_probe NAME WAIT: 0 arrived, 1 stopped; its words are in $work/NAME.
run_probe() {
	local status=0
	declare -F "probe_$1" >/dev/null || bail "no probe is called $1"
	PROBE_WAIT=$2 "probe_$1" >"$work/$1" 2>&1 || status=$?
	return "$status"
}

# Every named probe must arrive while nothing guards the router; they run side by side.
baseline() {
	local name status pids=() free=6
	[[ ! -e /sys/module/camzone ]] || bail "a baseline is taken before camzone is loaded"
	for name in "$@"; do
		if ((free-- <= 0)); then wait -n || true; fi
		run_probe "$name" "$long_wait" &
		pids+=("$name:$!")
	done
	for name in "${pids[@]}"; do
		status=0
		wait "${name#*:}" || status=$?
		name=${name%:*}
		((status == 0)) || bail "without camzone probe $name must arrive (status $status): $(<"$work/$name")"
		baselined[$name]=1
	done
	ok "without camzone these arrive: $*"
}

# expect stopped|arrives NAME [REASON]: and the reason's counter must have moved.
expect() {
	local want=$1 name=$2 reason=${3-} got=arrives status=0 before wait=$long_wait why
	[[ -n ${baselined[$name]-} ]] || bail "probe $name has no baseline: it may not be judged"
	if [[ $want == stopped ]]; then wait=$short_wait; fi
	before=$(reasons)
	run_probe "$name" "$wait" || status=$?
	case $status in
	0) ;;
	1) got=stopped ;;
	*) bail "probe $name could not be done: $(<"$work/$name")" ;;
	esac
	why=$(reasons_since "$before")
	if [[ $got != "$want" ]]; then
		not_ok "$name: $want" "it was: $got" "counted: ${why:-nothing}" "$(<"$work/$name")"
	elif [[ -n $reason && " $why " != *" $reason="* ]]; then
		not_ok "$name: $want, $reason" "counted: ${why:-nothing}"
	else
		ok "$name: $want${why:+ ($why)}"
	fi
}

# --- camzone ---------------------------------------------------------------------------------

load_camzone() {
	modprobe camzone "$@" || bail "camzone does not load"
}

# apply FILE|- [ARGUMENTS...]
apply() {
	camzonectl apply "$@" >"$work/apply" 2>&1 || bail "the policy was not accepted: $(<"$work/apply")"
}

generation() {
	camzonectl status --json | jq -r .generation
}

state() {
	camzonectl status --json | jq -r .state
}

counters() {
	camzonectl counters --json
}

# One line "reason=packets reason=packets", those at zero left out.
reasons() {
	[[ -e /sys/module/camzone ]] || return 0
	counters | jq -r '[.reasons[] | select(.packets > 0) | "\(.reason)=\(.packets)"] | join(" ")'
}

reason_count() {
	counters | jq -r --arg reason "$1" '[.reasons[] | select(.reason == $reason) | .packets] | add // 0'
}

# reasons_since "$before": what was counted since then, in the same form.
reasons_since() {
	gained "$1" "$(reasons)"
}

# gained "$before" "$after": the difference of two of these lines.
gained() {
	local word old=" $1 " before out=()
	for word in $2; do
		before=0
		if [[ $old =~ \ ${word%=*}=([0-9]+)\  ]]; then before=${BASH_REMATCH[1]}; fi
		((${word#*=} == before)) || out+=("${word%=*}=$((${word#*=} - before))")
	done
	echo "${out[*]-}"
}

# zones [MODE]: the lab's three zones, unless off with both families' networks, for policies in a scenario;
# MODE is the cameras' and the laptop's ipv6 (off, minimal, full).
zones() {
	local mode=${1-off} camera='"192.168.8.0/24"' private='"192.168.5.0/24"'
	if [[ $mode != off ]]; then camera+=', "fd00:8::/64"' private+=', "fd00:5::/64"'; fi
	cat <<-TOML
		forwarding = true
		[zones.external]
		interfaces = ["eth0"]
		networks = "any"
		ipv6 = "$mode"
		[zones.camera]
		interfaces = ["eth1"]
		networks = [$camera]
		ipv6 = "$mode"
		[zones.private]
		interfaces = ["eth2"]
		networks = [$private]
		ipv6 = "$mode"
		[services.answers]
		udp = [123, 9000]
		[services.stream]
		tcp = [554]
	TOML
}

# allow FROM TO SERVICE [LINE...]: one rule of such a policy.
allow() {
	printf '[[allow]]\nfrom = "%s"\nto = "%s"\nservices = ["%s"]\n' "$1" "$2" "$3"
	shift 3
	if (($#)); then printf '%s\n' "$@"; fi
}

# --- the kernel's log ------------------------------------------------------------------------

log_lines() {
	dmesg | wc -l
}

# said SINCE TEXT: whether the kernel's log holds the text after line SINCE.
said() {
	# Without -q: grep would leave early, and dmesg's broken pipe would count as a failure.
	dmesg | tail -n "+$(($1 + 1))" | grep -F -- "$2" >/dev/null
}

# keep_hooks: netfilter's static keys stay on from here, by hooks of somebody who lets all pass. For who
# loads and unloads thousands of times under floods: QEMU may run what it had translated of a place
# that the kernel patched just then (docs/hacking.md).
keep_hooks() {
	local hook
	nft add table inet keeper
	for hook in prerouting input forward output postrouting; do
		nft add chain inet keeper "$hook" "{ type filter hook $hook priority 400; }"
	done
}
