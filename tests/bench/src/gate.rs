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
///
/// A dearer hook shows both in a packet's whole cost and in our share of it, which is the rest
/// beyond what conntrack alone took. Either moves without the other by some ten instructions from
/// one boot to the next, with where the kernel has put things; so the smaller growth of the two is
/// ours. What is dropped before conntrack has not paid for it, and has no share: the whole is ours.
fn fault(row: &Row, was: &Row, same_kernel: bool) -> Option<String> {
    let (all, all_was) = (row.insn_per_packet, was.insn_per_packet);
    let total = all - all_was;
    if same_kernel && total > all_was * TOTAL {
        return Some(format!(
            "{total:+.1} in all, which is more than {} %",
            TOTAL * 100.0
        ));
    }
    let (share, share_was) = (row.over_conntrack?, was.over_conntrack?);
    let (own, own_was) = if share_was < 0.0 {
        (total, all_was)
    } else if same_kernel {
        (total.min(share - share_was), share_was)
    } else {
        (share - share_was, share_was)
    };
    let may = if same_kernel {
        OWN
    } else {
        OWN.max(own_was * OTHER_KERNEL)
    };
    (own > may).then(|| format!("{own:+.1} of our own, which is more than {may:.0}"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{Family, Path, Permission, Scenario, Verdicts};

    fn row(all: f64, share: f64) -> Row {
        Row {
            plan: "gate".to_owned(),
            config: Config::Camzone,
            scenario: Scenario::Established,
            path: Path::Forward,
            family: Family::V4,
            permission: Permission::Zone,
            cameras: 100,
            rules: 5,
            services: 5,
            zones: 3,
            networks: 3,
            insn_per_packet: all,
            over_conntrack: Some(share),
            packets: 10_000,
            verdicts: Verdicts::default(),
        }
    }

    #[test]
    fn a_dearer_hook_is_a_fault() {
        let was = row(6076.0, 468.0);
        assert!(fault(&row(6087.0, 479.0), &was, true).is_some());
        assert!(fault(&row(6085.0, 477.0), &was, true).is_none());
        // More than 1 % of all, whoever's it is.
        assert!(fault(&row(6140.0, 468.0), &was, true).is_some());
    }

    #[test]
    fn what_only_the_boot_makes_dearer_is_none() {
        let was = row(6076.0, 468.0);
        assert!(fault(&row(6087.0, 468.0), &was, true).is_none());
        assert!(fault(&row(6076.0, 479.0), &was, true).is_none());
    }

    #[test]
    fn of_an_early_drop_the_whole_counts() {
        let was = row(3296.0, -2320.8);
        assert!(fault(&row(3296.0, -2310.6), &was, true).is_none());
        assert!(fault(&row(3307.0, -2310.6), &was, true).is_some());
        assert!(fault(&row(3600.0, -2000.0), &was, false).is_none());
        assert!(fault(&row(3650.0, -2320.8), &was, false).is_some());
    }

    #[test]
    fn on_another_kernel_our_share_alone_counts() {
        let was = row(6076.0, 468.0);
        assert!(fault(&row(8000.0, 512.0), &was, false).is_none());
        assert!(fault(&row(6000.0, 516.0), &was, false).is_some());
    }
}
