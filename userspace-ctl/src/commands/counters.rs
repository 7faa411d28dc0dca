// SPDX-License-Identifier: GPL-2.0

//! `camzonectl counters`

use std::collections::HashMap;

use camzone_policy::decide::Reason;
use serde_json::{json, Value};

use super::family;
use crate::{
    colour::Paint,
    failure::Failure,
    names::Names,
    netlink::{family::InForce, reply::Counter},
    output::Output,
    policy_text::{action, ends, format_id, hex},
    table::Table,
};

pub(super) fn run(output: &Output) -> Result<(), Failure> {
    let (policy, counters) = family()?.counters()?;
    output.data(
        || to_json(&policy, &counters),
        |paint| to_text(&policy, &counters, paint),
    )
}

/// The word for a reason.
fn word(number: u32) -> String {
    let found = Reason::ALL.iter().find(|reason| reason.number() == number);
    found.map_or(format!("reason-{number}"), |reason| {
        reason.word().to_owned()
    })
}

/// What a rule says.
struct Said {
    action: &'static str,
    from: Vec<String>,
    to: Vec<String>,
    services: Vec<String>,
}

/// What each rule says, by its id.
fn rules_said(in_force: &InForce) -> HashMap<u64, Said> {
    let Some(policy) = &in_force.policy else {
        return HashMap::new();
    };
    let mut names = Names::new(policy);
    let rules = in_force.rule_ids.iter().zip(&policy.rules);
    let said = rules.map(|(id, rule)| {
        let said = Said {
            action: action(rule),
            from: ends(policy, rule.from),
            to: ends(policy, rule.to),
            services: names.name(rule.services.of(&policy.services)),
        };
        (*id, said)
    });
    said.collect()
}

fn to_json(policy: &InForce, counters: &[Counter]) -> Value {
    let said = rules_said(policy);
    let (mut reasons, mut cells, mut rules) = (Vec::new(), Vec::new(), Vec::new());
    for counter in counters {
        let Counter {
            packets,
            bytes,
            dropped,
            ..
        } = counter;
        if let Some(reason) = counter.reason {
            reasons.push(json!({ "reason": word(reason), "packets": packets, "bytes": bytes }));
        } else if let (Some(from), Some(to)) = (&counter.from, &counter.to) {
            cells.push(json!({
                "from": from, "to": to, "packets": packets, "bytes": bytes, "dropped": dropped,
            }));
        } else if let Some(id) = counter.rule {
            let said = said.get(&id);
            rules.push(json!({
                "id": format_id(id),
                "action": said.map(|said| said.action),
                "from": said.map(|said| &said.from),
                "to": said.map(|said| &said.to),
                "services": said.map(|said| &said.services),
                "packets": packets,
                "bytes": bytes,
            }));
        }
    }
    json!({
        "version": 1,
        "generation": policy.generation,
        "digest": policy.digest.as_deref().map(hex),
        "reasons": reasons,
        "cells": cells,
        "rules": rules,
    })
}

fn to_text(policy: &InForce, counters: &[Counter], paint: Paint) -> String {
    let said = rules_said(policy);
    // What was seen comes first, and the order is otherwise that of the kernel.
    let mut sorted: Vec<&Counter> = counters.iter().collect();
    sorted.sort_by_key(|counter| counter.packets == 0 && counter.dropped == 0);
    let mut reasons = Table::new(&["reason", "#packets", "#bytes"]);
    let mut cells = Table::new(&["from", "to", "#packets", "#bytes", "#dropped"]);
    let mut rules = Table::new(&[
        "rule", "action", "from", "to", "services", "#packets", "#bytes",
    ]);
    for counter in sorted {
        let (packets, bytes) = (counter.packets.to_string(), counter.bytes.to_string());
        if let Some(reason) = counter.reason {
            reasons.row([word(reason), packets, bytes]);
        } else if let (Some(from), Some(to)) = (&counter.from, &counter.to) {
            cells.row([
                from.clone(),
                to.clone(),
                packets,
                bytes,
                counter.dropped.to_string(),
            ]);
        } else if let Some(id) = counter.rule {
            let said = said.get(&id);
            let joined = |names: fn(&Said) -> &Vec<String>| {
                said.map_or(String::from("?"), |said| names(said).join(","))
            };
            rules.row([
                format_id(id),
                said.map_or("?", |said| said.action).to_owned(),
                joined(|said| &said.from),
                joined(|said| &said.to),
                joined(|said| &said.services),
                packets,
                bytes,
            ]);
        }
    }
    let tables = [reasons, cells, rules];
    let tables = tables.iter().filter(|table| !table.is_empty());
    let head = |head: bool, line: &str| {
        if head {
            paint.bold(line)
        } else {
            line.to_owned()
        }
    };
    tables
        .map(|table| table.render(head))
        .collect::<Vec<_>>()
        .join("\n")
}
