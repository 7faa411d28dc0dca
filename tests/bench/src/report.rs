// SPDX-License-Identifier: GPL-2.0
//! Rows of several boots made one list, and the table.

use crate::row::{self, Config, Family, Row, Scenario};
use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use std::fs;
use std::path::{Path, PathBuf};

/// The rows of a file with one on each line, each beside conntrack's of the same boot.
pub fn rows(file: &Path) -> Result<Vec<Row>> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut rows: Vec<Row> = Vec::new();
    for line in text.lines() {
        let row: Row =
            serde_json::from_str(line).with_context(|| format!("{}: {line}", file.display()))?;
        // Of what was measured twice the cheaper counts: noise only adds.
        match rows.iter_mut().find(|other| other.same_case(&row)) {
            Some(other) if other.insn_per_packet > row.insn_per_packet => *other = row,
            Some(_) => {}
            None => rows.push(row),
        }
    }
    let floors: Vec<Row> = rows
        .iter()
        .filter(|row| row.config == Config::Conntrack)
        .cloned()
        .collect();
    for row in &mut rows {
        // Conntrack alone knows of flows, and so of cameras, but of nothing else that a policy says.
        let same = |floor: &&Row| {
            (floor.scenario, floor.path, floor.family, floor.cameras)
                == (row.scenario, row.path, row.family, row.cameras)
        };
        let floor = floors
            .iter()
            .find(same)
            .filter(|_| row.config != Config::None);
        row.over_conntrack = floor
            .map(|floor| ((row.insn_per_packet - floor.insn_per_packet) * 10.0).round() / 10.0);
    }
    Ok(rows)
}

/// What a file of JSON says, such as the list that `table` wrote.
pub fn read<T: DeserializeOwned>(json: &Path) -> Result<T> {
    let context = || json.display().to_string();
    serde_json::from_str(&fs::read_to_string(json).with_context(context)?).with_context(context)
}

/// One row on each line: an array that people can read and diff.
pub fn lines(rows: &[Row]) -> Result<String> {
    let lines: Result<Vec<String>, _> = rows.iter().map(serde_json::to_string).collect();
    Ok(format!("[\n{}\n]", lines?.join(",\n")))
}

/// The row of the usual size, of the plan that is called as its family.
pub fn usual(
    rows: &[Row],
    family: Family,
    path: row::Path,
    config: Config,
    scenario: Scenario,
) -> Option<&Row> {
    rows.iter().find(|row| {
        (row.plan.as_str(), row.path, row.config, row.scenario)
            == (family.word(), path, config, scenario)
    })
}

pub fn table(json: &Path, files: &[PathBuf]) -> Result<()> {
    let mut all = Vec::new();
    for file in files {
        all.extend(rows(file)?);
    }
    println!(
        "{:12} {:11} {:7} {:4} {:10} {:>7} {:>6} {:>8} {:>5} {:>8} {:>12} {:>10}",
        "config",
        "scenario",
        "path",
        "",
        "permission",
        "cameras",
        "rules",
        "services",
        "zones",
        "networks",
        "insn/packet",
        "over ct"
    );
    for row in &all {
        let over = row
            .over_conntrack
            .map_or("-".to_owned(), |over| format!("{over:+.1}"));
        println!(
            "{:12} {:11} {:7} {:4} {:10} {:>7} {:>6} {:>8} {:>5} {:>8} {:>12.1} {over:>10}",
            row.config,
            row.scenario,
            row.path,
            row.family,
            row.permission,
            row.cameras,
            row.rules,
            row.services,
            row.zones,
            row.networks,
            row.insn_per_packet
        );
    }
    fs::write(json, lines(&all)? + "\n").with_context(|| json.display().to_string())
}
