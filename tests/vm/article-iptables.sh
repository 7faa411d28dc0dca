# SPDX-License-Identifier: GPL-2.0
# The script that docs/from-iptables.md goes through, as it was published: an oracle (tests/vm/diff.sh).
# Faults and all; `sh` has to be told to run it. What follows is not ours.

# Minimal Netfilter Script to be used only for Experimentation
# No warranty or statement of fitness of any kind is conveyed 
# User assumes full risk in using this script

#!/bin/sh
EXT_IF=eth0; 
EXT_NET=192.168.0.1/24;
CAM_IF=eth1; 
CAM_NET=192.168.8.0/24;
PRIV_IF=eth2; 
PRIV_NET=192.168.5.0/24;

# Clear out any existing rules
iptables --flush
iptables --flush --table nat
iptables --delete-chain

# Set default policies
iptables --policy INPUT DROP
iptables --policy OUTPUT ACCEPT
iptables --policy FORWARD DROP

ip6tables --policy INPUT DROP
ip6tables --policy OUTPUT ACCEPT
ip6tables --policy FORWARD DROP

# Support loopback / local
iptables --append INPUT -i lo --protocol all --jump ACCEPT
iptables --append OUTPUT -o lo --protocol all --jump ACCEPT

# INPUT rules
iptables --append INPUT --match state --state INVALID --jump LOG --log-prefix "DROP INVALID " --log-ip-options --log-tcp-options
iptables --append INPUT --match state --state INVALID --jump DROP
iptables --append INPUT --match state --state ESTABLISHED,RELATED --jump ACCEPT

iptables --append INPUT --in-interface $CAM_IF ! --source $CAM_NET --jump LOG --log-prefix "SPOOFED PKT "
iptables --append INPUT --in-interface $CAM_IF ! --source $CAM_NET --jump DROP

iptables --append INPUT --protocol icmp --icmp-type echo-request --jump ACCEPT
iptables --append INPUT --in-interface $CAM_IF  -p tcp --source $CAM_NET --dport 21 --syn -m state --state NEW --jump ACCEPT
iptables --append INPUT --in-interface $PRIV_IF  -p tcp --source $PRIV_NET --dport 22 --syn -m state --state NEW --jump ACCEPT
iptables --append INPUT --in-interface $CAM_IF -p tcp --source $CAM_NET -m multiport --dports  50000:50100 --syn -m state --state NEW --jump ACCEPT

# OUTPUT rules
iptables -A OUTPUT -m state --state INVALID -j LOG --log-prefix "DROP INVALID " --log-ip-options
iptables -A OUTPUT -m state --state INVALID -j DROP
iptables -A OUTPUT -m state --state ESTABLISHED,RELATED -j ACCEPT

# FORWARD rules
iptables -A FORWARD -m state --state INVALID -j LOG --log-prefix "DROP INVALID " --log-ip-options --log-tcp-options
iptables  -A FORWARD -m state --state INVALID -j DROP
iptables -A FORWARD -m state --state ESTABLISHED,RELATED -j ACCEPT
iptables -A FORWARD -p tcp -i $PRIV_IF --dport 80 --syn -m state --state NEW -j ACCEPT

# source NAT
#iptables --table nat -A POSTROUTING -s $CAM_NET -o $EXT_IF -j MASQUERADE
