// SPDX-License-Identifier: GPL-2.0
//! Whether a packet has become dearer than the committed figures say.

use crate::report;
use crate::row::{Config, Row};
use anyhow::{ensure, Context, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// The figures that are kept.
#[derive(Serialize, Deserialize)]
struct Baseline {
    /// Of the kernel they were measured with.
    kernel: String,
    rows: Vec<Row>,
}

/// How much the whole of a packet may grow, and how many instructions our own share.
const TOTAL: f64 = 0.01;
const OWN: f64 = 10.0;
/// Another kernel makes other totals; then only our own share counts, and may be as much dearer.
const OTHER_KERNEL: f64 = 0.1;

/// What is wrong with a row, if anything is.
fn fault(row: &Row, was: &Row, same_kernel: bool) -> Option<String> {
    let total = row.insn_per_packet - was.insn_per_packet;
    let (own, own_was) = (row.over_conntrack?, was.over_conntrack?);
    if same_kernel && total > was.insn_per_packet * TOTAL {
        return Some(format!(
            "{total:+.1} in all, which is more than {} %",
            TOTAL * 100.0
        ));
    }
    // What is dropped early costs less than conntrack alone; its share is a gain, not a cost.
    let may = if same_kernel {
        OWN
    } else {
        OWN.max(own_was.abs() * OTHER_KERNEL)
    };
    (own - own_was > may).then(|| {
        format!(
            "{:+.1} of our own, which is more than {may:.0}",
            own - own_was
        )
    })
}

fn ours(file: &Path) -> Result<Vec<Row>> {
    let mut rows = report::rows(file)?;
    rows.retain(|row| row.config == Config::Camzone);
    ensure!(!rows.is_empty(), "{}: no rows of camzone", file.display());
    Ok(rows)
}

/// Compares `rows` with the figures kept in `baseline`.
pub fn check(baseline: &Path, rows: &Path, kernel: &str) -> Result<()> {
    let kept: Baseline = report::read(baseline)?;
    let same_kernel = kept.kernel == kernel;
    if !same_kernel {
        println!(
            "the figures are of {}, this is {kernel}: only our own share is compared",
            kept.kernel
        );
    }
    let rows = ours(rows)?;
    let mut faults = 0;
    println!(
        "{:11} {:7} {:4} {:>11} {:>9} {:>11} {:>9}",
        "scenario", "path", "", "insn/packet", "kept", "over ct", "kept"
    );
    let share = |over: Option<f64>| over.map_or("-".to_owned(), |over| format!("{over:+.1}"));
    for was in &kept.rows {
        let row = rows
            .iter()
            .find(|row| row.same_case(was))
            .with_context(|| format!("not measured: {was:?}"))?;
        let fault = fault(row, was, same_kernel);
        faults += usize::from(fault.is_some());
        println!(
            "{:11} {:7} {:4} {:>11.1} {:>9.1} {:>11} {:>9} {}",
            row.scenario,
            row.path,
            row.family,
            row.insn_per_packet,
            was.insn_per_packet,
            share(row.over_conntrack),
            share(was.over_conntrack),
            fault.map_or(String::new(), |fault| format!(" TOO DEAR: {fault}"))
        );
    }
    ensure!(
        faults == 0,
        "{faults} of {} figures are worse than those kept (tests/bench/gate --keep keeps new ones)",
        kept.rows.len()
    );
    Ok(())
}

/// Keeps the figures of `rows`.
pub fn keep(baseline: &Path, rows: &Path, kernel: &str) -> Result<()> {
    let lines = report::lines(&ours(rows)?)?;
    let text = format!("{{\"kernel\":{kernel:?},\"rows\":{lines}}}\n");
    fs::write(baseline, text).with_context(|| baseline.display().to_string())
}
