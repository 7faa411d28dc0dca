// SPDX-License-Identifier: GPL-2.0

//! `camzonectl`: steers camzone, the camera-zone firewall in the kernel.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use camzone_ctl::{
    cli::Cli,
    commands,
    failure::Failure,
    output::Output, //
};
use clap::{error::ErrorKind, Parser};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let output = Output::new(cli.json, cli.color);
    match commands::run(cli, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.fail(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// The command line is wrong, or asks for help.
fn usage(error: &clap::Error) -> ExitCode {
    let asked = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    let json = std::env::args_os().any(|argument| argument == "--json");
    if json && !asked {
        let text = error.render().to_string();
        // All of the sentence, without the usage and the hints behind it.
        let lines = text.lines().take_while(|line| !line.is_empty());
        let lines: Vec<_> = lines.map(str::trim).collect();
        let text = lines.join(" ");
        let text = text.trim_start_matches("error: ");
        let failure = Failure::Usage(text.to_owned());
        Output::new(true, Default::default()).fail(&failure);
        return ExitCode::from(failure.exit_code());
    }
    // A reader that went away has what it wanted.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
