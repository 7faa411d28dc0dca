#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A bridge of the router, with br_netfilter: what its hosts say to each other needs a rule like all that
# is forwarded, and they find each other without one, as they do where IP is not looked at.
# shellcheck disable=SC2317 # probes are called by their names
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

modprobe br_netfilter || bail "there is no br_netfilter"
ip link add guard0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
ip link set guard0 up
for n in 1 2; do
	ip netns add host$n
	ip link add port$n type veth peer name eth0 address 02:00:00:00:07:0$n netns host$n
	ip link set port$n master guard0 up
	at host$n ip address add fd00:7::$n/64 dev eth0 nodad
	at host$n ip address add fe80::7:$n/64 dev eth0 nodad
	at host$n ip address add 10.7.0.$n/24 dev eth0
	at host$n ip link set eth0 up
done

# One host sends, the other hears; what is for all hosts, the router does too.
across() {
	local word
	word=$(nonce across)
	probe recv --netns host2 --iface eth0 --nonce "$word" --timeout "$PROBE_WAIT" -- \
		probe send --netns host1 --nonce "$word" "$@"
}
found_by() { across --src fe80::7:1 --dst ff02::1 "$@"; }
probe_ping() {
	at host1 ip neigh flush dev eth0
	at host2 ip neigh flush dev eth0
	at host1 ping -6 -q -c 1 -W "$PROBE_WAIT" fd00:7::2 || return 1
}
probe_ns() { found_by ns fd00:7::2; }
probe_far_ns() { found_by --ttl 254 ns fd00:7::2; }
probe_ra() { found_by ra; }
probe_redirect() { found_by redirect fe80::7:2 fd00:7::2; }
probe_mld() { found_by mld ff02::1; }
probe_udp() { across --src fd00:7::1 --dst fd00:7::2 --dst-mac 02:00:00:00:07:02 udp --dport 9; }

probe_dhcp() { across --src 0.0.0.0 --dst 255.255.255.255 udp --sport 68 --dport 67; }
probe_mdns() { across --src 10.7.0.1 --dst 224.0.0.251 udp --dport 5353; }
probe_mdns6() { across --src fe80::7:1 --dst ff02::fb udp --dport 5353; }

policy() {
	printf '[zones.guarded]\ninterfaces = ["guard0", "guard0.7"]\nnetworks = ["fd00:7::/64", "10.7.0.0/24"]\nipv6 = "%s"\n' "$1"
}
found=(ns mld)
all=(dhcp mdns mdns6)
baseline ping ns far_ns ra redirect mld udp "${all[@]}"
load_camzone

{ policy full; allow guarded guarded ping; } | apply -
expect arrives ping allowed
for name in "${found[@]}"; do expect arrives "$name" neighbour-discovery; done
expect stopped far_ns malformed
expect stopped ra rogue-router
expect stopped redirect icmp-redirect
for name in udp "${all[@]}"; do expect stopped "$name" no-rule; done

# A rule from the zone to itself is for groups and broadcasts there too.
{ policy full; allow guarded guarded dhcp; allow guarded guarded mdns; } | apply -
for name in "${all[@]}"; do expect arrives "$name" allowed; done
expect stopped udp no-rule

# Who applies it hears why a bridge needs that.
check "apply tells of br_netfilter" grep -q "bridge 'guard0' .*br_netfilter" "$work/apply"
ip link add link guard0 name guard0.7 type vlan id 7 || bail "there are no VLANs"
{ policy full; } | apply -
check "and of a VLAN on the bridge" grep -q "'guard0.7' lies on a bridge" "$work/apply"
sysctl -q -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0
{ policy full; } | apply -
refuse "and not where it leaves bridges alone" grep br_netfilter "$work/apply"
expect arrives mdns
sysctl -q -w net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1

{ policy minimal; } | apply -
expect stopped ping ipv6-off
for name in "${found[@]}"; do expect arrives "$name" neighbour-discovery; done

{ policy off; } | apply -
for name in ping "${found[@]}"; do expect stopped "$name" ipv6-off; done
