// SPDX-License-Identifier: GPL-2.0

//! What each cell allows: denies first, and then allows, whatever their order in the file.

use camzone_policy::policy::{Action, Rule, Run, ZoneId};

use super::{
    join,
    matches::{Cell, Which},
    set,
    words::Words,
    Script,
};
use crate::{names::Names, policy_text::action};

const fn denies(rule: &Rule, reject: bool) -> bool {
    matches!(rule.action, Action::Deny { reject: says } if says == reject)
}

const fn allows(rule: &Rule) -> bool {
    matches!(rule.action, Action::Allow { .. })
}

/// Whether something can pass between two zones, or be told that it cannot.
pub(super) fn is_there(words: &Words<'_>, cell: Cell) -> bool {
    words.policy.defaults.forward || !words.rules(cell, |_| true).is_empty()
}

/// Every cell's chain.
pub(super) fn all(words: &Words<'_>, out: &mut Script) {
    let mut names = Names::default();
    for rule in &words.policy.rules {
        names.name(rule.services.of(&words.policy.services));
    }
    for from in words.ids() {
        let cell = Cell {
            from: Some(from),
            to: None,
        };
        to_router(words, cell, &mut names, out);
        let cell = Cell {
            from: None,
            to: Some(from),
        };
        let mut chain = plain(words, cell, "drop", &mut names);
        chain.push(default(words.policy.defaults.output));
        write(words, cell, "cell", &chain, out);
        for to in words.ids() {
            let cell = Cell {
                from: Some(from),
                to: Some(to),
            };
            if is_there(words, cell) {
                let mut chain = plain(words, cell, "goto refuse", &mut names);
                chain.push(default(words.policy.defaults.forward));
                write(words, cell, "cell", &chain, out);
            }
        }
    }
}

fn write(words: &Words<'_>, cell: Cell, kind: &str, chain: &[String], out: &mut Script) {
    let (from, to) = (words.name(cell.from), words.name(cell.to));
    out.0 += "\n";
    out.chain(&format!("{kind}.{from}.{to}"), chain);
}

fn default(accept: bool) -> String {
    String::from(if accept { "accept" } else { "drop" })
}

/// What a rule says, for who reads the ruleset.
fn remark(words: &Words<'_>, rule: &Rule, names: &mut Names) -> String {
    let policy = words.policy;
    let services = names.name(rule.services.of(&policy.services));
    let ends = |run: Run| {
        let ends = run.of(&policy.ends).iter();
        ends.map(|end| policy.end_name(*end))
            .collect::<Vec<_>>()
            .join(", ")
    };
    format!(
        "# {} from {} to {}: {}",
        action(rule.action),
        ends(rule.from),
        ends(rule.to),
        services.join(", ")
    )
}

/// The lines of the denies: those that are silent come first.
fn denied(words: &Words<'_>, cell: Cell, refuse: &str, names: &mut Names) -> Vec<String> {
    let mut out = Vec::new();
    for (reject, verdict) in [(false, "drop"), (true, refuse)] {
        for rule in words.rules(cell, |rule| denies(rule, reject)) {
            out.push(remark(words, rule, names));
            let conditions = words.flows(rule, cell, Which::All);
            out.extend(conditions.iter().map(|c| join(&[c, verdict])));
        }
    }
    out
}

/// Denies and allows where every allow counts.
fn plain(words: &Words<'_>, cell: Cell, refuse: &str, names: &mut Names) -> Vec<String> {
    let mut out = denied(words, cell, refuse, names);
    for rule in words.rules(cell, allows) {
        out.push(remark(words, rule, names));
        for condition in words.flows(rule, cell, Which::All) {
            if rule.action == (Action::Allow { masquerade: true }) {
                // It went on its way before this was said, and its source is not translated.
                let old = "ct status & (confirmed | snat) == confirmed drop";
                out.push(join(&[&condition, old]));
            }
            out.push(join(&[&condition, "accept"]));
        }
    }
    out
}

/// A zone's flows to the router: how they arrive, and how they are answered.
fn to_router(words: &Words<'_>, cell: Cell, names: &mut Names, out: &mut Script) {
    let default = default(words.policy.defaults.input);
    let mut answer = plain(words, cell, "drop", names);
    answer.push(default.clone());
    write(words, cell, "answer", &answer, out);

    let mut chain = denied(words, cell, "goto refuse.input", names);
    let named = |rule: &Rule| rule.to_addresses.len > 0;
    for rule in words.rules(cell, |rule| allows(rule) && named(rule)) {
        chain.push(remark(words, rule, names));
        let conditions = words.flows(rule, cell, Which::All);
        chain.extend(conditions.iter().map(|c| join(&[c, "accept"])));
    }
    // Broadcast and multicast need a rule of their own; so does an address that is not the one
    // that the router has where the packet came in.
    for rule in words.rules(cell, |rule| allows(rule) && !named(rule)) {
        let conditions = words.flows(rule, cell, Which::Broadcast);
        if !conditions.is_empty() {
            chain.push(remark(words, rule, names));
        }
        let to_all = "fib daddr type broadcast";
        chain.extend(conditions.iter().map(|c| join(&[to_all, c, "accept"])));
    }
    chain.push(String::from("fib daddr . iif type != local drop"));
    for rule in words.rules(cell, |rule| allows(rule) && !named(rule)) {
        chain.push(remark(words, rule, names));
        let conditions = words.flows(rule, cell, Which::All);
        chain.extend(conditions.iter().map(|c| join(&[c, "accept"])));
    }
    chain.push(default);
    write(words, cell, "cell", &chain, out);
}

/// What denies forbid the router to say about somebody's packet.
pub(super) fn own(words: &Words<'_>, zone: ZoneId) -> Vec<String> {
    let cell = Cell {
        from: None,
        to: Some(zone),
    };
    let mut out = Vec::new();
    for rule in words.rules(cell, |rule| !allows(rule)) {
        let conditions = words.own(rule, cell);
        out.extend(conditions.iter().map(|c| join(&[c, "drop"])));
    }
    out.push(String::from("accept"));
    out
}

/// POST_ROUTING: the translation that allows ask for.
pub(super) fn masquerade(words: &Words<'_>, out: &mut Script) {
    if !words.policy.masquerades() {
        return;
    }
    out.remark("The source of what is forwarded becomes the router's own, where an allow says so.");
    let mut chain = vec![String::from(
        "type nat hook postrouting priority srcnat; policy accept;",
    )];
    let wanted = |rule: &Rule| rule.action == Action::Allow { masquerade: true };
    for from in words.ids() {
        for to in words.ids() {
            let cell = Cell {
                from: Some(from),
                to: Some(to),
            };
            // What the router sends itself has come in nowhere.
            let way = format!(
                "iifname {} oifname {}",
                set(words.interfaces(from)),
                set(words.interfaces(to))
            );
            for rule in words.rules(cell, wanted) {
                let conditions = words.flows(rule, cell, Which::All);
                chain.extend(conditions.iter().map(|c| join(&[&way, c, "masquerade"])));
            }
        }
    }
    out.chain("postrouting", &chain);
}
