// SPDX-License-Identifier: GPL-2.0
//! enemy: does to camzone in the guest what nobody should.
//!
//! Exit status: 0 camzone held, 1 it did not, 2 the attack itself could not be made. A fault is
//! printed with what reproduces it.

mod answer;
mod corpus;
mod ledger;
mod memory;
mod message;
mod mutate;
mod netlink;
mod round;
mod script;
mod socket;
mod sys;
mod tree;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "enemy",
    about = "Does to camzone in the guest what nobody should"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Send mutated messages to the netlink family
    Netlink(netlink::Netlink),
    /// Print how many KiB the kernel itself uses: slabs and vmalloc, per-CPU areas
    Memory,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Netlink(netlink) => netlink.run(),
        Command::Memory => memory::in_use().map(|used| {
            println!("{} {}", used.plain, used.per_cpu);
            true
        }),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(e) => {
            eprintln!("enemy: {e}");
            ExitCode::from(2)
        }
    }
}
