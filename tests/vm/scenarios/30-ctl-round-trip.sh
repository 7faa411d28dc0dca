#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# camzonectl apply, show, counters and status: what is shown makes the same policy again, a check
# changes nothing, a bad file leaves the policy in force, and a large policy goes there and back.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

digest() { camzonectl status --json | jq -r .digest; }

# there_and_back NAME FILE
there_and_back() {
	local first again
	apply "$2" >"$work/said" 2>&1
	first=$(digest)
	camzonectl show >"$work/shown.toml"
	check "$1: what is shown is accepted" camzonectl apply --check "$work/shown.toml"
	apply - <"$work/shown.toml" >"$work/said" 2>&1
	again=$(digest)
	equal "$1: and makes the same policy again" "$first" "$again"
	equal "$1: JSON knows its digest" "$first" "$(camzonectl show --json | jq -r .digest)"
	equal "$1: its rules all have an id" 0 \
		"$(camzonectl show --json | jq '[.policy.rules[] | select(.id == null)] | length')"
}

lab up
load_camzone
refuse "nothing is shown while no policy is in force" camzonectl show
check "the article's policy would be accepted" camzonectl apply --check "$article"
equal "a check changes nothing" "sealed 1" "$(state) $(generation)"

there_and_back "the article" "$article"
there_and_back "with IPv6" "$article_v6"
there_and_back "everything" "$top/userspace-ctl/tests/everything.toml"

# The same policy said in another order is the same policy.
apply "$article" >"$work/said" 2>&1
said=$(digest)
jumbled=$work/jumbled.toml
{
	sed -n '/^\[\[allow\]\]/,$p' "$article" | grep -v '^forwarding'
	sed '/^\[\[allow\]\]/,$d' "$article" | sed '/^forwarding/d; /^\[defaults\]/,/^output/d'
} >"$jumbled"
sed -i '1i forwarding = true' "$jumbled"
apply "$jumbled" >"$work/said" 2>&1
equal "order has no meaning" "$said" "$(digest)"

before=$(generation)
status=0
camzonectl apply "$top/userspace-ctl/tests/bad/rule-contradiction.toml" >"$work/out" 2>"$work/err" || status=$?
equal "a bad file is refused" 5 "$status"
check "with its line" grep -q 'rule-contradiction.toml:14:1' "$work/err"
equal "and the policy in force stays" "armed $before $said" "$(state) $(generation) $(digest)"

# The form that programs read: what docs/json.md lists is there, and on the other side nothing else is.
listed() { sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "$top/docs/json.md" | grep -v '^`' | tr ' ' '\n' | sort -u; }
keys() {
	jq -r 'paths | if .[0] == "policy" and ([.[1]] | inside(["zones", "cameras", "services"])) and .[2] then .[2] = "*" else . end |
		reduce .[] as $step (""; . + if ($step | type) == "number" then "[]" else "." + $step end)' |
		sed -E '/\[\]$/d; /^\.policy\.services\.\*[.[]/d' | sort -u
}
# form NAME [JSON-OF-A-COMMAND...]
form() { equal "the form of $1" "$(listed "$1")" "$("${@:2}" | keys)"; }
failing() { { camzonectl --json "$@" >/dev/null || true; } 2>&1; }
camzonectl --json apply "$top/userspace-ctl/tests/everything.toml" >"$work/applied"
equal "the form of apply" "" "$(comm -23 <(listed apply) <(keys <"$work/applied"))"
form status camzonectl --json status
form export camzonectl --json export --nft "$article"
form show camzonectl --json show
apply "$article" >"$work/said" 2>&1
form error failing aply
at priv ping -c 1 192.168.5.200 >"$work/ping" || true
form counters camzonectl --json counters
check "the counters have their form" jq -e '(.generation | type) == "number" and
	(.digest | length) == 64 and ([.rules[] | (.id | length) == 16 and .action == "allow" and (.from | type) == "array" and
	(.to | type) == "array" and (.services | type) == "array"] | all) and (.rules | length) == 4' <(counters)
form disarm camzonectl --json disarm
apply "$article" >"$work/said" 2>&1
at priv ping -c 3 -i 0.2 192.168.5.200 >"$work/ping" || true
equal "a rule's counter moves" 3 \
	"$(counters | jq '[.rules[] | select(.services == ["ping"]) | .packets] | add / 2')"
check "the table has what was seen first" bash -c \
	'camzonectl counters | sed -n 2p | grep -qE "^[a-z-]+ +[1-9]"'

# A camera camp: more than fits into one message, one zone of more than one page.
large=$work/large.toml
{
	echo '[zones.external]'
	echo 'interfaces = ["eth0"]'
	echo 'networks = "any"'
	echo '[zones.camera]'
	echo 'interfaces = ["eth1"]'
	printf 'networks = ["192.168.8.0/24"'
	for i in {0..127}; do for j in {0..15}; do printf ', "10.%d.%d.0/25"' "$i" "$((j * 16))"; done; done
	echo ']'
	for i in {0..99}; do for j in {1..100}; do
		printf '[cameras.c-%d-%d]\nzone = "camera"\naddress = "10.%d.0.%d"\n' "$i" "$j" "$i" "$j"
	done; done
	printf '[[allow]]\nfrom = "camera"\nto = "router"\nservices = "ntp"\n'
} >"$large"
began=$SECONDS
there_and_back "ten thousand cameras" "$large"
echo "# ten thousand cameras took $((SECONDS - began)) s"
equal "all of them are in force" 10000 "$(camzonectl show --json | jq '.policy.cameras | length')"
