// SPDX-License-Identifier: GPL-2.0
//! camzone-bench: `guest` measures inside the guest and writes rows; the rest runs on the host
//! and makes tables of them.

mod firewall;
mod measure;
mod network;
mod pktgen;
mod plan;
mod profile;
mod report;
mod row;
mod rulesets;
mod run;
mod shape;

use anyhow::{ensure, Result};
use clap::{Parser, Subcommand};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "camzone-bench", about = "Instructions per packet: camzone beside what one would use instead")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure, in the guest, as its root; rows are added to a file as they come
    Guest {
        plan: String,
        rows: PathBuf,
        /// Only these firewalls
        #[arg(long = "config")]
        configs: Vec<row::Config>,
        /// Only these scenarios
        #[arg(long = "scenario")]
        scenarios: Vec<row::Scenario>,
        /// Where the kernel's symbols go, for the profiler
        #[arg(long)]
        kallsyms: Option<PathBuf>,
    },
    /// What the profiler counted, by function
    Profile {
        folder: PathBuf,
        #[arg(long)]
        against: Option<PathBuf>,
        #[arg(long, default_value_t = 80)]
        lines: usize,
    },
    /// Make one list of rows, and print it as a table
    Table { json: PathBuf, rows: Vec<PathBuf> },
    /// The policy in the language of a firewall
    Ruleset {
        config: row::Config,
        #[arg(long, default_value_t = 100)]
        cameras: u32,
    },
}

fn guest(
    plan: &str,
    rows: &Path,
    configs: &[row::Config],
    scenarios: &[row::Scenario],
    kallsyms: Option<&Path>,
) -> Result<()> {
    let mut steps = match plan {
        "short" => plan::short(),
        _ => anyhow::bail!("no plan is called {plan}"),
    };
    steps.retain(|step| configs.is_empty() || configs.contains(&step.config));
    for step in &mut steps {
        step.cases.retain(|case| scenarios.is_empty() || scenarios.contains(&case.scenario));
    }
    let zones = steps.iter().map(|step| step.shape.zones).max().unwrap_or(3);
    pktgen::load()?;
    network::up(zones)?;
    measure::set_up_conntrack()?;
    let sinks = network::Sinks::open()?;
    // The first seconds of a boot are twice as dear.
    run::settle(20);
    let mut out = OpenOptions::new().create(true).append(true).open(rows)?;
    let mut failed = 0;
    for step in steps {
        let firewall = match firewall::Firewall::up(step.config, &step.shape) {
            Ok(firewall) => firewall,
            Err(error) => {
                failed += 1;
                println!("FAILED {} {:?}: {error:#}", step.config, step.shape);
                continue;
            }
        };
        for case in &step.cases {
            match case.measure(step.config, &sinks) {
                Ok(row) => {
                    println!(
                        "{:12} {:11} {:7} {} {:7} {:9.1}",
                        row.config, row.scenario, row.path, row.family, row.cameras, row.insn_per_packet
                    );
                    writeln!(out, "{}", serde_json::to_string(&row)?)?;
                }
                Err(error) => {
                    failed += 1;
                    println!("FAILED {error:#}");
                }
            }
        }
        if let Some(file) = kallsyms {
            std::fs::write(file, run::read("/proc/kallsyms")?)?;
        }
        firewall.down()?;
    }
    ensure!(failed == 0, "{failed} measurements failed");
    Ok(())
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Guest { plan, rows, configs, scenarios, kallsyms } => {
            guest(&plan, &rows, &configs, &scenarios, kallsyms.as_deref())
        }
        Command::Profile { folder, against, lines } => profile::print(&folder, against.as_deref(), lines),
        Command::Table { json, rows } => report::table(&json, &rows),
        Command::Ruleset { config, cameras } => ruleset(config, cameras),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("camzone-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn ruleset(config: row::Config, cameras: u32) -> Result<()> {
    let shape = shape::Shape { cameras, ..shape::Shape::usual(row::Family::V4) };
    for (line, input) in firewall::Orders::new(config, &shape)?.steps() {
        println!("# {line}\n{input}");
    }
    Ok(())
}
