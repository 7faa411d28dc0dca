// SPDX-License-Identifier: GPL-2.0
//! camzone-bench: `guest` measures inside the guest and writes rows; the rest runs on the host
//! and makes tables of them.

mod cpus;
mod firewall;
mod gate;
mod load;
mod measure;
mod network;
mod page;
mod pktgen;
mod plan;
mod plot;
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
#[command(
    name = "camzone-bench",
    about = "Instructions per packet: camzone beside what one would use instead"
)]
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
    /// The plans that make build/bench.json
    Plans,
    /// Make one list of rows, and print it as a table
    Table { json: PathBuf, rows: Vec<PathBuf> },
    /// Draw the rows of a list
    Plot { svg: PathBuf, json: PathBuf },
    /// Make the tables of a page anew, of the figures in a folder
    Page { page: PathBuf, build: PathBuf },
    /// Compare rows with the figures that are kept
    Check {
        baseline: PathBuf,
        rows: PathBuf,
        kernel: String,
    },
    /// Keep the figures of rows
    Keep {
        baseline: PathBuf,
        rows: PathBuf,
        kernel: String,
    },
    /// The policy in the language of a firewall
    Ruleset {
        config: row::Config,
        #[arg(long, default_value_t = 100)]
        cameras: u32,
        /// To whom it permits: `zone` or `camera`
        #[arg(long, default_value = "zone")]
        permission: row::Permission,
    },
}

/// What is chosen of a plan.
struct Chosen<'a> {
    configs: &'a [row::Config],
    scenarios: &'a [row::Scenario],
    kallsyms: Option<&'a Path>,
}

fn guest(name: &str, file: &Path, chosen: &Chosen<'_>) -> Result<()> {
    let steps = match (name, plan::find(name)) {
        ("load" | "cpus", _) => vec![],
        (_, Some(plan)) => plan.steps(),
        _ => anyhow::bail!("no plan is called {name}"),
    };
    // What is logged is written, but not shown: a thread does that later, for thousands of
    // instructions a line, while the next packets are counted. Errors still are.
    run::run("dmesg -n 4")?;
    pktgen::load()?;
    network::up(steps.iter().map(|step| step.shape.zones).max().unwrap_or(3))?;
    measure::set_up_conntrack()?;
    let sinks = network::Sinks::open()?;
    // The first seconds of a boot are twice as dear.
    run::settle(20);
    let mut out = OpenOptions::new().create(true).append(true).open(file)?;
    match name {
        "load" => load::measure(&sinks, |load| keep(&mut out, &load)),
        "cpus" => cpus::measure(&sinks, |turn| keep(&mut out, &turn)),
        _ => rows(steps, chosen, &sinks, &mut out),
    }
}

/// One line for what was measured, in the file and for who watches.
fn keep(out: &mut impl Write, what: &impl serde::Serialize) -> Result<()> {
    let line = serde_json::to_string(what)?;
    println!("{line}");
    Ok(writeln!(out, "{line}")?)
}

fn rows(
    steps: Vec<plan::Step>,
    chosen: &Chosen<'_>,
    sinks: &network::Sinks,
    out: &mut impl Write,
) -> Result<()> {
    let mut failed = 0;
    for mut step in steps {
        step.cases.retain(|case| {
            chosen.scenarios.is_empty() || chosen.scenarios.contains(&case.scenario)
        });
        if !(chosen.configs.is_empty() || chosen.configs.contains(&step.config)) {
            continue;
        }
        let firewall = match firewall::Firewall::up(step.config, &step.shape) {
            Ok(firewall) => firewall,
            Err(error) => {
                failed += 1;
                firewall::Firewall::clear_away(step.config, &step.shape);
                println!("FAILED {} {:?}: {error:#}", step.config, step.shape);
                continue;
            }
        };
        for case in &step.cases {
            // The kernel sends a packet of its own now and then, which is counted too: once more.
            let again = |error| {
                println!("again: {error:#}");
                case.measure(step.config, sinks)
            };
            match case.measure(step.config, sinks).or_else(again) {
                Ok(row) => {
                    println!(
                        "{:12} {:11} {:7} {} {:7} cameras {:6} rules {:9.1}",
                        row.config,
                        row.scenario,
                        row.path,
                        row.family,
                        row.cameras,
                        row.rules,
                        row.insn_per_packet
                    );
                    writeln!(out, "{}", serde_json::to_string(&row)?)?;
                }
                Err(error) => {
                    failed += 1;
                    println!("FAILED {error:#}");
                }
            }
        }
        if let Some(file) = chosen.kallsyms {
            std::fs::write(file, run::read("/proc/kallsyms")?)?;
        }
        firewall.down()?;
    }
    ensure!(failed == 0, "{failed} measurements failed");
    Ok(())
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Guest {
            plan,
            rows,
            configs,
            scenarios,
            kallsyms,
        } => {
            let chosen = Chosen {
                configs: &configs,
                scenarios: &scenarios,
                kallsyms: kallsyms.as_deref(),
            };
            guest(&plan, &rows, &chosen)
        }
        Command::Profile {
            folder,
            against,
            lines,
        } => profile::print(&folder, against.as_deref(), lines),
        Command::Plans => {
            plan::FULL.iter().for_each(|plan| println!("{}", plan.name));
            Ok(())
        }
        Command::Table { json, rows } => report::table(&json, &rows),
        Command::Plot { svg, json } => {
            report::read::<Vec<row::Row>>(&json).and_then(|rows| plot::draw(&svg, &rows))
        }
        Command::Page { page, build } => page::make(&page, &build),
        Command::Check {
            baseline,
            rows,
            kernel,
        } => gate::check(&baseline, &rows, &kernel),
        Command::Keep {
            baseline,
            rows,
            kernel,
        } => gate::keep(&baseline, &rows, &kernel),
        Command::Ruleset {
            config,
            cameras,
            permission,
        } => ruleset(config, cameras, permission),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("camzone-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn ruleset(config: row::Config, cameras: u32, permission: row::Permission) -> Result<()> {
    let shape = shape::Shape {
        cameras,
        permission,
        ..shape::Shape::usual(row::Family::V4)
    };
    for (line, input) in firewall::Orders::new(config, &shape)?.steps() {
        println!("# {line}\n{input}");
    }
    Ok(())
}
