#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What another table does to connection tracking opens nothing: a packet that it exempts has no flow
# that could have a permission, one in a conntrack zone of its own has, and a flow that nobody has
# seen the beginning of is none.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

lab up --forwarding
lab servers up
nft -f - <<'NFT'
table inet other {
	chain in {
		type filter hook prerouting priority raw;
		udp dport 9001 notrack
		udp dport 9000 ct zone set 7
	}
	chain out {
		type filter hook output priority raw;
		udp dport 9001 notrack
	}
}
NFT

udp() { heard "$1" "$2" --src "$3" --dst "$4" udp --dport 9001; }
probe_in() { udp 4:17 cam 192.168.8.110 192.168.8.1; }
probe_in6() { udp 6:17 cam fd00:8::110 fd00:8::1; }
probe_through() { udp cam priv 192.168.5.10 192.168.8.110; }
probe_out() { udp ext router 192.168.0.1 192.168.0.10; }
probe_zoned() { heard cam priv --src 192.168.5.10 --dst 192.168.8.110 udp --dport 9000; }

exempt=(in in6 through out)
baseline "${exempt[@]}" zoned
load_camzone
policy() { zones full; printf '[services.both]\nudp = "9000-9001"\n'; allow camera router both; allow private camera both; }
policy | apply -
for name in "${exempt[@]}"; do expect stopped "$name" untracked; done
expect arrives zoned allowed
nft delete table inet other
for name in in in6 through; do expect arrives "$name" allowed; done
