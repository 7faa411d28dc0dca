#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Everything at once, on two processors: allowed and forbidden flows of both families without end,
# while policies are swapped, the module comes and goes, armed namespaces come and die, an interface
# is renamed and removed, and everything is dumped. Each packet is judged: none that may not pass
# arrives, and none that has to pass is lost, from the moment on at which a command has returned.
#   71-races.sh [SWAPS]     of all else there is a tenth at least
# run: --timeout 300
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

swaps=${1:-30}
rounds=$(((swaps + 9) / 10))
facts=$work/facts
mkdir "$facts"

# fact NAME [WORD]: what holds from now on; without a word it is about to change.
told=0
fact() {
	: >"$facts/$1"
	if (($# > 1)); then
		told=$((told + 1))
		echo "$told $2" >"$facts/$1"
	fi
}

# The console is slow, and who writes to it waits; the log itself has everything.
dmesg -n 3
# What the policies name, and what the walk over the devices comes by before those that count.
for ((n = 0; n < 96; n++)); do echo "link add spare$n index $((1000 + n)) type dummy"; done | ip -batch -
lab up --forwarding
ip netns add side
# plug INDEX: another number than the other end's.
plug() {
	ip -batch - <<-END
		link add eth3 index $1 address 02:00:00:00:07:01 type veth peer name eth0 address 02:00:00:00:07:02 netns side
		address add 10.7.0.1/24 dev eth3
		link set eth3 up
		neighbour replace 10.7.0.2 lladdr 02:00:00:00:07:02 dev eth3 nud permanent
	END
	ip -n side -batch - <<-END
		address add 10.7.0.2/24 dev eth0
		link set eth0 up
		route add default via 10.7.0.1
	END
	until probe arp --netns side 10.7.0.1 >/dev/null 2>&1; do sleep 0.02; done
}
plug 500
# While sealed nobody is asked for a hardware address, and what waits for one may be dropped.
ip -batch - <<-END
	neighbour replace 192.168.0.10 lladdr 02:00:00:00:00:0a dev eth0 nud permanent
	neighbour replace 192.168.8.110 lladdr 02:00:00:00:08:6e dev eth1 nud permanent
	neighbour replace 192.168.5.10 lladdr 02:00:00:00:05:0a dev eth2 nud permanent
	neighbour replace fd00::10 lladdr 02:00:00:00:00:0a dev eth0 nud permanent
	neighbour replace fd00:8::110 lladdr 02:00:00:00:08:6e dev eth1 nud permanent
	neighbour replace fd00:5::10 lladdr 02:00:00:00:05:0a dev eth2 nud permanent
END

# --- two policies: zones, rules and cameras have other numbers in one than in the other ---------

spares=$(printf ', "spare%d"' {0..95})
# (The router opens nothing: an answer of its to what it heard before it was guarded, sent when it is, would
# be a flow of its own, by which the other's packets pass.)
policy() {
	zones full
	printf '[defaults]\noutput = "drop"\n'
	printf '[zones.%s]\ninterfaces = ["eth3"%s]\nnetworks = ["10.7.0.0/24"]\n' "$1" "$spares"
	allow private camera answers
	allow camera router answers
	allow "$1" camera answers
}
policy a-side >"$work/one"
{
	policy side
	printf '[zones.a-first]\ninterfaces = ["none0"]\nnetworks = ["10.8.0.0/24"]\n'
	printf '[cameras.front-door]\nzone = "camera"\naddress = ["192.168.8.110", "fd00:8::110"]\n'
	allow front-door external answers
} >"$work/two"

cat >"$work/flows" <<END
# name    from  source         ear     destination              verdicts
talk      priv  192.168.5.10   cam     192.168.8.110:9000       pass guard=open, pass guard=armed, stop guard=sealed
talk6     priv  fd00:5::10     cam     [fd00:8::110]:9000       pass guard=open, pass guard=armed, stop guard=sealed
router    cam   192.168.8.110  router  192.168.8.1:123          pass guard=open, pass guard=armed, stop guard=sealed
home      cam   192.168.8.110  ext     192.168.0.10:32100       pass guard=open, stop guard=armed, stop guard=sealed
home6     cam   fd00:8::110    ext     [fd00::10]:32100         pass guard=open, stop guard=armed, stop guard=sealed
shut      ext   192.168.0.10   router  192.168.0.1:123          pass guard=open, stop guard=armed, stop guard=sealed
forged    cam   192.168.5.10   ext     192.168.0.10:9000 silent pass guard=open, stop guard=armed, stop guard=sealed
turn      cam   192.168.8.110  ext     192.168.0.10:9000        pass guard=armed policy=two, stop guard=armed policy=one
side      side  10.7.0.2       cam     192.168.8.110:9000       pass guard=armed name=here, stop guard=armed name=away
END

# --- what goes on beside ------------------------------------------------------------------------

# They go on for as long as there are swaps.
over() { [[ -e $facts/over ]]; }

renames() {
	local n
	for ((n = 1; ; n++)); do
		if ((n * 2 > rounds)) && over; then break; fi
		fact name
		ip link set eth3 name away3
		fact name away
		sleep 0.1
		fact name
		ip link set away3 name eth3
		fact name here
		echo renamed
		sleep 0.1
		if ((n % 5 == 2)); then
			fact name
			ip link delete eth3
			plug $((500 + n % 3))
			fact name here
			echo removed
		fi
	done
}

inner='zones.inner = { interfaces = ["in0"], networks = ["10.1.0.0/24"] }'
namespaces() {
	local n guard
	ip netns add den
	for ((n = 1; ; n++)); do
		if ((n > rounds)) && over; then break; fi
		ip netns add room
		ip -n room link add in0 address 02:00:00:00:01:01 type veth peer name peer netns den
		ip -n room address add 10.1.0.1/24 dev in0
		ip -n room link set in0 up
		ip -n den link set peer up
		probe send --netns den --iface peer --dst-mac 02:00:00:00:01:01 --src 10.1.0.2 --dst 10.1.0.1 \
			--count 500 --gap 1 udp --dport 123 >/dev/null 2>&1 &
		# Whether it gets armed hangs on whether the module is there just now: for certain as long as one
		# and the same fact says that a policy is in force.
		guard=$(<"$facts/guard")
		if at room camzonectl apply - <<<"$inner" >"$work/arm" 2>&1; then
			echo armed
		elif [[ $guard == *' armed' && $guard == "$(<"$facts/guard")" ]]; then
			echo refused
			cat "$work/arm"
		fi
		ip netns delete room
		echo destroyed
		wait $! || true
	done
}

# The module may not be there just now.
dumps() {
	until over; do
		echo tried >&3
		if camzonectl counters && camzonectl show && camzonectl status --json; then echo dumped >&3; fi
		sleep 0.1
	done >/dev/null 2>&1
}

# --- in front -----------------------------------------------------------------------------------

# Namespaces that are armed hold the module until they are gone.
unload() {
	local end=$((SECONDS + 30 * ${SLOW:-1}))
	until rmmod camzone 2>"$work/rmmod"; do
		((SECONDS < end)) || bail "the module cannot go: $(<"$work/rmmod")"
		sleep 0.02
	done
}

round() {
	local n name
	fact guard
	load_camzone
	fact guard sealed
	sleep 0.05
	fact guard
	apply "$work/one"
	fact policy one
	fact guard armed
	for ((n = 0; n < 10; n++)); do
		name=two
		if ((n % 2)); then name=one; fi
		fact policy
		apply "$work/$name"
		fact policy "$name"
		# Time enough for packets that hang on it.
		sleep 0.03
	done
	fact guard
	camzonectl disarm >/dev/null
	fact guard sealed
	sleep 0.05
	fact guard
	unload
	fact guard open
	sleep 0.05
}

# memory: KiB of slabs and vmalloc, and per CPU. From a copy, since it drops what is cached of the share.
cp "$top/build/enemy" "$work/enemy"
# (Its output is kept, so what is wrong has to be said elsewhere.)
memory() { "$work/enemy" memory || bail "the kernel's memory cannot be told (status $?)" >&2; }

if ((swaps > 1000)); then keep_hooks; fi
fact guard open
fact policy none
fact name here
floods=()
for cpu in 0 1; do
	probe flood --cpu "$cpu" --batch 1 --patience "${SLOW:-1}" --facts "$facts" "$work/flows" >"$work/flood$cpu" 2>&1 &
	floods+=($!)
done
for cpu in 0 1; do
	until grep -q ready "$work/flood$cpu"; do
		kill -0 "${floods[cpu]}" 2>/dev/null || bail "no flood: $(<"$work/flood$cpu")"
		sleep 0.05
	done
done
sleep 0.5
round
before=$(memory)
lines=$(log_lines)
began=${EPOCHREALTIME/./}

renames >"$work/renames" 2>&1 &
beside=($!)
namespaces >"$work/namespaces" 2>&1 &
beside+=($!)
dumps 3>"$work/dumps" &
beside+=($!)
# Before the floods, which leave nothing over: twice the swaps in a minute.
renice -n -15 $$ >/dev/null
for ((n = 1; n < rounds; n++)); do
	round
	if ((n % 100 == 0)); then echo "# $n of $rounds rounds, $(((${EPOCHREALTIME/./} - began) / 1000000)) s"; fi
done
took=$(((${EPOCHREALTIME/./} - began) / 1000))
touch "$facts/over"
for pid in "${beside[@]}"; do
	wait "$pid" || not_ok "what goes on beside failed" "$(tail -n 5 "$work/renames" "$work/namespaces")"
done
touch "$facts/end"
status=0
for pid in "${floods[@]}"; do wait "$pid" || status=$(($? | status)); done
# Else fewer packets were judged than it seems.
((status < 2)) || bail "a flood ended by itself: $(grep -h probe: "$work"/flood?)"
ok "$rounds loads, $((rounds * 10)) swaps in $took ms"
# times FILE WORD: how often that went well.
times() { grep -c "^$2\$" "$work/$1" || true; }
counts=() few=()
# tell COUNT WORD LEAST
tell() {
	local least=$(($3 > 1 ? $3 : 1))
	counts+=("$1 $2")
	(($1 >= least)) || few+=("$2: $1, at least $least were expected")
}
tell "$(times namespaces destroyed)" "namespaces destroyed" "$rounds"
# For these the module has to be there, as it is most of the time; who reads may be overtaken by swaps, too.
tell "$(times namespaces armed)" "armed" $(($(times namespaces destroyed) / 4))
tell "$(times dumps dumped)" "of $(times dumps tried) dumped" $(($(times dumps tried) / 8))
tell "$(times renames renamed)" "renamed" $((rounds / 2))
tell "$(times renames removed)" "removed" $(($(times renames renamed) / 5))
tell "$(($(log_lines) - lines))" "lines logged" 1
if (($(times namespaces refused))); then few+=("it was there, and yet: $(tail -n 5 "$work/namespaces")"); fi
text="beside them: $(printf '%s, ' "${counts[@]}")"
if ((${#few[@]})); then not_ok "${text%, }" "${few[@]}"; else ok "${text%, }"; fi

# --- the count ----------------------------------------------------------------------------------

cat "$work"/flood? | sed 's/^/# /'
# sum WORD [FLOW]
sum() {
	awk -v word="$1" -v flow="${2-}" '$1 == "flow" && (flow == "" || flow == $2) {
		for (n = 3; n < NF; n += 2) if ($n == word) sum += $(n + 1)
	} END { print sum + 0 }' "$work"/flood?
}
equal "no wrong verdict: none of $(sum stopped) forbidden packets arrived, none of $(sum passed) and $(sum answered) answers was lost" \
	"0 0 0" "$(sum leaked) $(sum lost) $status"
idle=()
for name in talk talk6 router home home6 shut forged turn side; do
	for word in passed stopped; do (($(sum $word $name) > 0)) || idle+=("$name: none $word"); done
done
equal "each flow had both, forbidden ones passed when nothing guarded" "" "${idle[*]}"

# The per-CPU allocator keeps what was freed, a mebibyte at a time.
given_back() { ((${after% *} <= ${before% *} + 1024 && ${after#* } <= ${before#* } + 4096)); }
for ((n = 0; n < 10; n++)); do
	after=$(memory)
	if given_back; then break; fi
done
check "what the kernel took is given back: $before KiB (per CPU), then $after" given_back
load_camzone
check "and the module comes and goes" rmmod camzone
