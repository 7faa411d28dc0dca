// SPDX-License-Identifier: GPL-2.0
//! probe: sends, awaits and answers the packets that normal programs cannot make.
//!
//! Exit status: 0 it came through, 1 it did not, 2 the probe itself could not be done. So a typing
//! error or a missing interface is never taken for a packet that a firewall stopped.

mod checksum;
mod diff;
mod flood;
mod flow;
mod ip;
mod link;
mod netns;
mod recv;
mod send;
mod sys;
mod talk;
mod transport;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "probe",
    about = "Sends, awaits and answers the packets that normal programs cannot make",
    after_help = "Exit status: 0 it came through, 1 it did not, 2 the probe could not be done.\n\n\
        A forged source, and whether it came through:\n  \
        probe recv --netns ext --iface eth0 --nonce n1 -- \\\n    \
        probe send --netns cam --src 192.168.5.77 --dst 192.168.0.10 --nonce n1 udp --dport 123"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Put one crafted packet, or the pieces of one, onto the wire
    Send(Box<send::Send>),
    /// Wait for a nonce, having run a sender
    Recv(recv::Recv),
    /// Ask who has an IPv4 address
    Arp(link::Arp),
    /// Have a plain TCP or UDP exchange with an echo
    Connect(talk::Connect),
    /// Be that echo
    Listen(talk::Listen),
    /// Send random packets into camzone and into another firewall, and compare what comes out
    Diff(diff::Diff),
    /// Send flows without end from one processor, and judge every packet that arrives or is lost
    Flood(flood::Flood),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Send(send) => send.run().map(|()| true),
        Command::Recv(recv) => recv.run(),
        Command::Arp(arp) => arp.run(),
        Command::Connect(connect) => connect.run(),
        Command::Listen(listen) => listen.run(),
        Command::Diff(diff) => diff.run(),
        Command::Flood(flood) => flood.run(),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(e) => {
            eprintln!("probe: {e}");
            ExitCode::from(2)
        }
    }
}
