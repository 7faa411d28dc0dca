// SPDX-License-Identifier: GPL-2.0

//! docs/policy.md names every key and every service that the tool knows.

const PAGE: &str = include_str!("../../docs/policy.md");
const EVERYTHING: &str = include_str!("everything.toml");
const SERVICES: &str = include_str!("../services.toml");

/// The page has this between backticks.
#[track_caller]
fn named(word: &str) {
    assert!(PAGE.contains(&format!("`{word}`")), "no `{word}` there");
}

#[test]
fn every_key() {
    let keys = EVERYTHING.lines().filter_map(|line| line.split_once(" = "));
    let count = keys.map(|(key, _)| named(key)).count();
    assert!(count > 40, "{count} keys");
}

#[test]
fn every_service() {
    let tables = SERVICES
        .lines()
        .filter_map(|line| line.strip_prefix("[services."));
    let names = tables.filter_map(|rest| rest.split(']').next());
    let count = names.map(named).count();
    assert!(count > 30, "{count} services");
}

/// Its example is one: with the zones that it speaks of it is a policy.
#[test]
fn the_example() {
    use camzone_ctl::file::{parse, source::Source};
    let blocks: Vec<_> = PAGE.split("```toml\n").skip(1).collect();
    assert_eq!(blocks.len(), 1);
    let rule = blocks[0].split("```").next().unwrap_or_default();
    let zone = "[zones.camera]\ninterfaces = [\"eth1\"]\nnetworks = [\"192.168.8.0/24\"]\n";
    let source = Source::new("page", format!("{zone}{rule}"));
    assert!(parse(&source).is_ok());
}
