// SPDX-License-Identifier: GPL-2.0

//! The command line.

use clap::{Parser, Subcommand};

use crate::colour::When;

/// Steers camzone, the camera-zone firewall in the kernel
#[derive(Debug, Parser)]
#[command(
    name = "camzonectl",
    version,
    after_help = "\
Exit status: 0 ok, 1 failure, 2 usage, 3 module not loaded, 4 permission, 5 bad file."
)]
pub struct Cli {
    /// Write JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Use colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    pub color: When,
    /// What to do
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Default, Subcommand)]
pub enum Command {
    /// Show what guards this network namespace, and its interfaces (the default)
    #[default]
    Status,
    /// Put a policy in force, at once and as a whole
    Apply {
        /// The policy file, or '-' for the standard input
        file: String,
        /// Only say whether it would be accepted; without the module, by this tool alone
        #[arg(short, long)]
        check: bool,
        /// Even if it stops the ssh session that this is done from
        #[arg(long)]
        cut_ssh: bool,
        /// Leave the judging of the policy to the kernel (the tests compare the two)
        #[arg(long, hide = true)]
        kernel_only: bool,
    },
    /// Show the policy in force as a file that 'apply' takes
    Show,
    /// Show what was counted
    Counters,
    /// Take the policy out of force and seal this network namespace
    Disarm,
    /// Print a policy in another firewall's words
    Export {
        /// The policy file, or '-' for the standard input
        file: String,
        /// As a ruleset of nftables, for 'nft -f'
        #[arg(long, required = true)]
        nft: bool,
    },
}
