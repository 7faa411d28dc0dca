// SPDX-License-Identifier: GPL-2.0

//! A policy as an nftables ruleset: the same permissions, as well as nftables can say them.
//!
//! It is made from what the policy says, with neither the tables that are compiled for the kernel
//! nor `decide()`, so that the two can be held against each other (tests/vm/diff.sh). Every packet of a
//! flow is asked about the flow's two ends, as camzone does; what nftables has no words for
//! stands at the top of the ruleset.

mod cells;
mod hooks;
mod matches;
mod words;

use camzone_policy::{
    memory::Heap,
    policy::{Ipv6Mode, Policy, Zone},
};

use self::words::Words;
use crate::failure::Failure;

/// What no ruleset can say. docs/from-iptables.md has it at length.
const UNSAID: &str = "\
# The same permissions as camzone's, for every packet of a flow, but for what nftables cannot say:
#  - flows that a conntrack helper expects pass camzone by the permission of the flow that
#    announced them; here they are dropped;
#  - an address of the router is known to be a zone's only at the interface that a packet came by:
#    where a zone has several interfaces, the address of another of them needs a to_address;
#  - camzone refuses interfaces that are slaves of a VRF; here they go by their names;
#  - camzone drops a packet whose transport header lies beyond its first 128 bytes; here nothing is
#    seen behind an authentication header of IPv6, and what has to be seen is dropped;
#  - a masqueraded flow gets no port from camzone that a rule opens on the router; here it may keep
#    its own;
#  - camzone ends flows whose translation a new policy changes; here they stay, and are dropped;
#  - a drop has no reason here, and is neither logged nor put on record.
# It is no more than a ruleset: nothing is closed before it is loaded or after it is flushed.
";

/// The ruleset of a policy, as `nft -f` takes it.
///
/// # Errors
///
/// When an interface has a name that nftables cannot spell.
pub fn ruleset(policy: &Policy<Heap>) -> Result<String, Failure> {
    let words = Words::new(policy)?;
    let mut out = Script::default();
    out.0 += "#!/usr/sbin/nft -f\n";
    out.0 += "# An nftables ruleset, made by 'camzonectl export --nft'.\n#\n";
    out.0 += UNSAID;
    if policy.forwarding {
        let full = |zone: &Zone| zone.ipv6 == Ipv6Mode::Full;
        let ipv6 = match policy.zones.iter().any(full) {
            true => " net.ipv6.conf.all.forwarding=1",
            false => "",
        };
        out.0 += "#\n# The policy wants forwarding. Once this is loaded:\n";
        out.0 += &format!("# sysctl -w net.ipv4.ip_forward=1{ipv6}\n");
    }
    // Made first so that there is one to delete; both in one transaction with what follows.
    out.0 += "\ntable inet camzone\ndelete table inet camzone\n\ntable inet camzone {\n";
    words.sets(&mut out);
    hooks::ingress(&words, &mut out);
    hooks::shared(&words, &mut out);
    hooks::input(&words, &mut out);
    hooks::forward(&words, &mut out);
    hooks::output(&words, &mut out);
    cells::all(&words, &mut out);
    cells::masquerade(&words, &mut out);
    out.0 += "}\n";
    Ok(out.0)
}

/// The text of a table while it is written.
#[derive(Default)]
struct Script(String);

impl Script {
    /// A remark between the chains.
    fn remark(&mut self, text: &str) {
        self.0 += &format!("\n\t# {text}\n");
    }

    /// A chain with these lines.
    fn chain(&mut self, name: &str, lines: &[String]) {
        self.0 += &format!("\tchain {name} {{\n");
        for line in lines {
            self.0 += &format!("\t\t{line}\n");
        }
        self.0 += "\t}\n";
    }
}

/// Words with a blank between those that are not empty.
fn join(words: &[&str]) -> String {
    let said: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| !word.is_empty())
        .collect();
    said.join(" ")
}

/// One thing, or a set of several.
fn set(items: &[String]) -> String {
    match items {
        [one] => one.clone(),
        many => format!("{{ {} }}", many.join(", ")),
    }
}

/// Lines from literals and formatted text alike.
fn lines(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}
