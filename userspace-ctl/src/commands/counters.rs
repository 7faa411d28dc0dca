// SPDX-License-Identifier: GPL-2.0

//! `camzonectl counters`

use std::io::Write;

use camzone_policy::decide::Reason;
use serde_json::json;

use super::{family, Top};
use crate::{
    colour::Paint,
    failure::Failure,
    json::Document,
    names::Names,
    netlink::{
        item::{items, Item, Rule, NOT_UNDERSTOOD},
        reply::{self, Counter},
        socket::Error,
    },
    output::Output,
    policy_text::{action, format_id},
    spool::Stop,
    table::Table,
};

pub(super) fn run(output: &Output) -> Result<(), Failure> {
    let family = family()?;
    let paint = output.paint;
    output.stream(|for_program, out| {
        let mut policy = family.policy()?;
        let mut counters = family.counters()?;
        let of_policy = policy.next().transpose()?.map(|first| Top::of(&first));
        let first = counters.next().transpose()?.unwrap_or_default();
        let top = Top::of(&first);
        // Both are of one moment, whatever came between.
        if of_policy.is_none() != top.digest.is_none()
            || of_policy.is_some_and(|policy| policy.generation != top.generation)
        {
            return Err(Error::Changing.into());
        }
        let counters = [Ok(first)].into_iter().chain(counters);
        if for_program {
            let mut document = Document::new(out)?;
            top.to_json(&mut document)?;
            return to_json(counters, policy, &mut document);
        }
        to_text(counters, policy, paint, out)
    })
}

/// Numbers, and whose they are.
enum Row {
    Reason(String, Counter),
    Cell(String, String, Counter),
    Rule(Rule, Counter),
}

impl Row {
    /// The place of its table. They come in this order.
    const fn table(&self) -> usize {
        match self {
            Row::Reason(..) => 0,
            Row::Cell(..) => 1,
            Row::Rule(..) => 2,
        }
    }
}

/// Does something with each counter. The rules of both dumps come in the same order, and are the same.
fn each(
    counters: impl IntoIterator<Item = Result<Vec<u8>, Error>>,
    mut policy: impl Iterator<Item = Result<Vec<u8>, Error>>,
    mut visit: impl FnMut(Row) -> Result<(), Stop>,
) -> Result<(), Stop> {
    for message in counters {
        for mut counter in reply::counters(&message?) {
            let (from, to) = (counter.from.take(), counter.to.take());
            visit(match (counter.reason, from, to, counter.rule) {
                (Some(reason), ..) => Row::Reason(word(reason), counter),
                (_, Some(from), Some(to), _) => Row::Cell(from, to, counter),
                (.., Some(id)) => match next_rule(&mut policy)? {
                    Some(rule) if rule.id == Some(id) => Row::Rule(rule, counter),
                    _ => return Err(NOT_UNDERSTOOD.into()),
                },
                _ => continue,
            })?;
        }
    }
    match next_rule(&mut policy)? {
        None => Ok(()),
        Some(_) => Err(NOT_UNDERSTOOD.into()),
    }
}

/// The next rule of the policy.
fn next_rule(
    policy: &mut impl Iterator<Item = Result<Vec<u8>, Error>>,
) -> Result<Option<Rule>, Error> {
    for message in policy {
        for item in items(&message?)? {
            if let Item::Rule(rule) = item {
                return Ok(Some(rule));
            }
        }
    }
    Ok(None)
}

/// The word for a reason.
fn word(number: u32) -> String {
    let found = Reason::ALL.iter().find(|reason| reason.number() == number);
    found.map_or(format!("reason-{number}"), |reason| {
        reason.word().to_owned()
    })
}

fn to_json<W: Write>(
    counters: impl IntoIterator<Item = Result<Vec<u8>, Error>>,
    policy: impl Iterator<Item = Result<Vec<u8>, Error>>,
    out: &mut Document<'_, W>,
) -> Result<(), Stop> {
    const LISTS: [&str; 3] = ["reasons", "cells", "rules"];
    let mut names = Names::default();
    let mut lists = LISTS.iter();
    // How many were begun, of which the last is open.
    let mut begun = 0;
    let mut reach = |table: usize, out: &mut Document<'_, W>| -> Result<(), Stop> {
        for list in lists.by_ref().take((table + 1).saturating_sub(begun)) {
            if begun > 0 {
                out.end()?;
            }
            out.list(list)?;
            begun += 1;
        }
        Ok(())
    };
    each(counters, policy, |row| {
        reach(row.table(), out)?;
        let value = match &row {
            Row::Reason(reason, counter) => json!({
                "reason": reason, "packets": counter.packets, "bytes": counter.bytes,
            }),
            Row::Cell(from, to, counter) => json!({
                "from": from,
                "to": to,
                "packets": counter.packets,
                "bytes": counter.bytes,
                "dropped": counter.dropped,
            }),
            Row::Rule(rule, counter) => json!({
                "id": rule.id.map(format_id),
                "action": action(rule.action),
                "from": rule.from,
                "to": rule.to,
                "services": names.name(&rule.services),
                "packets": counter.packets,
                "bytes": counter.bytes,
            }),
        };
        Ok(out.element(&value)?)
    })?;
    reach(LISTS.len() - 1, out)?;
    out.end()?;
    Ok(out.end()?)
}

fn to_text(
    counters: impl IntoIterator<Item = Result<Vec<u8>, Error>>,
    policy: impl Iterator<Item = Result<Vec<u8>, Error>>,
    paint: Paint,
    out: &mut impl Write,
) -> Result<(), Stop> {
    const HEADS: [&[&str]; 3] = [
        &["reason", "#packets", "#bytes"],
        &["from", "to", "#packets", "#bytes", "#dropped"],
        &[
            "rule", "action", "from", "to", "services", "#packets", "#bytes",
        ],
    ];
    let mut names = Names::default();
    let mut tables = HEADS.map(|head| Table::new(head, paint));
    let mut last = None;
    let mut print = |place: usize, table: &mut Table| -> Result<(), Stop> {
        if last.replace(place).is_some_and(|last| last != place) {
            writeln!(out)?;
        }
        Ok(table.render(out)?)
    };
    each(counters, policy, |row| {
        let place = row.table();
        for (place, before) in tables.iter_mut().take(place).enumerate() {
            if !before.is_empty() {
                print(place, before)?;
            }
        }
        let (Row::Reason(_, counter) | Row::Cell(.., counter) | Row::Rule(_, counter)) = &row;
        // What was seen comes first, and the order is otherwise that of the kernel.
        let seen = counter.packets > 0 || counter.dropped > 0;
        let (packets, bytes) = (counter.packets.to_string(), counter.bytes.to_string());
        let dropped = counter.dropped.to_string();
        let cells = match row {
            Row::Reason(reason, _) => vec![reason, packets, bytes],
            Row::Cell(from, to, _) => vec![from, to, packets, bytes, dropped],
            Row::Rule(rule, _) => vec![
                rule.id.map(format_id).unwrap_or_default(),
                action(rule.action).to_owned(),
                rule.from.join(","),
                rule.to.join(","),
                names.name(&rule.services).join(","),
                packets,
                bytes,
            ],
        };
        let Some(table) = tables.get_mut(place) else {
            return Ok(());
        };
        table.ranked(seen, cells);
        if table.is_full() {
            print(place, table)?;
        }
        Ok(())
    })?;
    for (place, table) in tables.iter_mut().enumerate() {
        if !table.is_empty() {
            print(place, table)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{encode::encode, file, file::source::Source, validate::validate};
    use camzone_policy::{attribute::Writer, dump, uapi};

    const FILE: &str = r#"
        [zones.a]
        interfaces = "eth0"
        networks = "any"
        [[allow]]
        from = "a"
        to = "router"
        services = "ssh"
        [[deny]]
        from = "a"
        to = "router"
        services = "http"
    "#;

    type Messages = Vec<Result<Vec<u8>, Error>>;

    /// The policy's dump, in which the rules' ids are 1 and 2.
    fn policy() -> Messages {
        let source = Source::new("test", FILE);
        let file = file::parse(&source).unwrap();
        let policy = validate(&file, &encode(&file).unwrap()).unwrap();
        let mut rules = 0;
        let items = (0..).map_while(|place| dump::item(&policy, place));
        let write = |item| {
            let is_rule = matches!(item, dump::Item::Rule(_));
            rules += u64::from(is_rule);
            let mut bytes = Vec::new();
            dump::write(&policy, item, is_rule.then_some(rules), &mut bytes).unwrap();
            Ok(bytes)
        };
        items.map(write).collect()
    }

    fn counter(packets: u64, of: impl FnOnce(&mut Writer<'_, Vec<u8>>)) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let nest = Writer(&mut bytes).nest(uapi::CAMZONE_A_COUNTER as u16, |w| {
            of(w);
            w.uint(uapi::CAMZONE_A_COUNTER_PACKETS as u16, packets)
        });
        nest.unwrap();
        Ok(bytes)
    }

    fn counters(rules: &[u64]) -> Messages {
        let reason = |number, packets| {
            counter(packets, |w| {
                w.u32(uapi::CAMZONE_A_COUNTER_REASON as u16, number)
                    .unwrap();
            })
        };
        let rule = |id: &u64| {
            counter(if *id == 2 { 7 } else { 0 }, |w| {
                w.u64(uapi::CAMZONE_A_COUNTER_RULE as u16, *id).unwrap();
            })
        };
        let reasons = [reason(0, 0), reason(Reason::Allowed.number(), 3)];
        reasons.into_iter().chain(rules.iter().map(rule)).collect()
    }

    fn text(rules: &[u64]) -> Option<String> {
        let (mut out, paint) = (Vec::new(), Paint::default());
        to_text(counters(rules), policy().into_iter(), paint, &mut out).ok()?;
        String::from_utf8(out).ok()
    }

    #[test]
    fn each_rule_says_what_the_policy_says_of_it() {
        let said = text(&[1, 2]).unwrap();
        let lines: Vec<Vec<&str>> = said
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        let allowed = Reason::Allowed.word();
        assert_eq!(lines[1], [allowed, "3", "0"], "what was seen comes first");
        assert!(lines[3].is_empty());
        assert_eq!(lines[5][1..], ["deny", "a", "router", "http", "7", "0"]);
        assert_eq!(lines[6][1..], ["allow", "a", "router", "ssh", "0", "0"]);
    }

    #[test]
    fn rules_that_are_not_the_policys_are_not_shown() {
        for other in [&[2, 1][..], &[1, 3], &[1, 2, 3], &[2], &[1], &[]] {
            assert!(text(other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn all_lists_are_there() {
        for (rules, policy) in [(&[][..], Vec::new()), (&[1, 2], policy())] {
            let mut out = Vec::new();
            let mut document = Document::new(&mut out).unwrap();
            to_json(counters(rules), policy.into_iter(), &mut document).unwrap();
            let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
            let len = |key| json[key].as_array().map(Vec::len);
            let lens = ["reasons", "cells", "rules"].map(len);
            assert_eq!(lens, [Some(2), Some(0), Some(rules.len())]);
        }
    }

    #[test]
    fn a_change_of_either_dump_is_one_of_both() {
        let cut = |mut messages: Messages, at| {
            messages.truncate(at);
            messages.push(Err(Error::Changing));
            messages
        };
        let changing = |counters: Messages, policy: Messages| {
            let (mut out, paint) = (Vec::new(), Paint::default());
            let made = to_text(counters, policy.into_iter(), paint, &mut out);
            matches!(made, Err(Stop::Kernel(Error::Changing)))
        };
        let rules = [1, 2];
        assert!(!changing(counters(&rules), policy()));
        for at in 0..=4 {
            assert!(changing(cut(counters(&rules), at), policy()), "{at}");
            assert!(changing(counters(&rules), cut(policy(), at)), "{at}");
        }
    }
}
