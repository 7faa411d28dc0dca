// SPDX-License-Identifier: GPL-2.0

//! One file a command.

mod apply;
mod counters;
mod disarm;
mod export;
mod show;
mod status;

use std::io::{self, Write};

use serde_json::json;

use crate::{
    cli::{Cli, Command},
    failure::Failure,
    json::Document,
    netlink::{family::Family, reply},
    output::Output,
    policy_text::hex,
};

/// Does what the command line says.
///
/// # Errors
///
/// Why it could not be done.
pub fn run(cli: Cli, output: &Output) -> Result<(), Failure> {
    match cli.command.unwrap_or_default() {
        Command::Status => status::run(output),
        Command::Apply {
            file,
            check,
            cut_ssh,
            kernel_only,
        } => {
            let how = apply::How {
                check,
                cut_ssh,
                kernel_only,
            };
            apply::run(&file, how, output)
        }
        Command::Show => show::run(output),
        Command::Counters => counters::run(output),
        Command::Disarm => disarm::run(output),
        Command::Export { file, nft: _ } => export::run(&file, output),
    }
}

/// The module's family.
fn family() -> Result<Family, Failure> {
    Family::find()?.ok_or(Failure::NotLoaded)
}

/// What stands at the top of a dump.
struct Top {
    generation: u32,
    digest: Option<String>,
}

impl Top {
    /// By the dump's first message.
    fn of(first: &[u8]) -> Self {
        let status = reply::status(first);
        Top {
            generation: status.generation,
            digest: status.digest.as_deref().map(hex),
        }
    }

    fn to_json<W: Write>(&self, out: &mut Document<'_, W>) -> io::Result<()> {
        out.member("version", &json!(1))?;
        out.member("generation", &json!(self.generation))?;
        out.member("digest", &json!(self.digest))
    }
}

/// The first of a digest, for a person.
fn short(digest: Option<&[u8]>) -> String {
    let hex = digest.map(hex).unwrap_or_default();
    hex.chars().take(12).collect()
}

/// A number of things.
fn count(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}
