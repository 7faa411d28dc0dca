// SPDX-License-Identifier: GPL-2.0
//! `enemy netlink`: mutated messages, from many sockets at once, with and without permission, here
//! and in other namespaces. After every message that was refused, the policy in force has to be
//! one that somebody was told he had put in force, and the kernel's memory stays bounded.

use crate::round::{Attack, Fault, Tally, ROUND};
use crate::{corpus, memory, socket};
use clap::Args;
use std::io::{Error, Result};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Args)]
pub struct Netlink {
    /// How many messages; they are sent in rounds of 500
    #[arg(long, default_value_t = 20_000)]
    messages: u64,
    /// Where all chance comes from; by default the clock, and it is printed
    #[arg(long)]
    seed: Option<u64>,
    /// Only this round of the seed
    #[arg(long)]
    round: Option<u64>,
    /// How many attack at once
    #[arg(long, default_value_t = 4)]
    threads: usize,
    /// KiB by which the kernel's own memory may have grown at the end
    #[arg(long, default_value_t = 2048)]
    leak: u64,
    /// KiB by which it may have grown meanwhile: sixteen transactions are open at most
    #[arg(long, default_value_t = 64 << 10)]
    growth: u64,
}

impl Netlink {
    /// Whether camzone held.
    pub fn run(&self) -> Result<bool> {
        let clock = std::time::UNIX_EPOCH.elapsed().map_err(Error::other)?;
        let seed = self.seed.unwrap_or(clock.as_nanos() as u64);
        println!("# enemy netlink --seed {seed} --messages {}", self.messages);
        let attack = Attack::new(seed, socket::family()?, corpus::policies())?;
        // What the first of everything takes is not counted: caches, and the modules that load.
        let warm = self.several(&attack, 0..8, 0)?;
        settle();
        let before = memory::taken()?;
        let begun = Instant::now();
        let rounds = match self.round {
            Some(round) => round..round + 1,
            None => 8..8 + self.messages.div_ceil(ROUND),
        };
        let outcome = self.several(&attack, rounds, before)?;
        settle();
        let mut after = memory::taken()?;
        // RCU's lazy callbacks wait ten seconds, and one that frees may ask for another.
        for _ in 0..15 {
            if after.saturating_sub(before) <= self.leak {
                break;
            }
            settle();
            after = memory::taken()?;
        }
        let mut good = report(&warm) & report(&outcome);
        let tally = &outcome.tally;
        println!(
            "# {} messages in {} s, {} refused, {} answered nothing",
            tally.sent,
            begun.elapsed().as_secs(),
            tally.refused,
            tally.silent
        );
        println!("# {}", tally.errors());
        println!(
            "# policies put in force: {} here, {} elsewhere; looked at {} times, read whole {} times",
            attack.steps()?,
            tally.elsewhere,
            tally.looks,
            tally.whole
        );
        if self.round.is_none() && tally.whole == 0 {
            println!("# the policy was never read whole");
            good = false;
        }
        let (peak, left) = (
            outcome.peak.saturating_sub(before),
            after.saturating_sub(before),
        );
        println!(
            "# the kernel's memory: {before} KiB, at most {peak} more, at the end {left} more"
        );
        good &= within("meanwhile", peak, self.growth) & within("at the end", left, self.leak);
        Ok(good)
    }

    /// Runs these rounds, several at once, each in a thread of its own that may go elsewhere.
    fn several(
        &self,
        attack: &Attack,
        rounds: std::ops::Range<u64>,
        before: u64,
    ) -> Result<Outcome> {
        let next = AtomicU64::new(rounds.start);
        let over = AtomicBool::new(false);
        let outcome = Mutex::new(Outcome::default());
        let peak = thread::scope(|scope| -> Result<u64> {
            let workers: Vec<_> = (0..self.threads)
                .map(|_| scope.spawn(|| work(attack, &next, rounds.end, &outcome)))
                .collect();
            let watch = scope.spawn(|| watch(&over, before));
            for worker in workers {
                worker.join().map_err(|_| Error::other("a thread died"))?;
            }
            over.store(true, Ordering::Relaxed);
            watch.join().map_err(|_| Error::other("a thread died"))?
        })?;
        let mut outcome = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
        outcome.peak = peak;
        Ok(outcome)
    }
}

/// What the rounds came to.
#[derive(Default)]
struct Outcome {
    tally: Tally,
    faults: Vec<Fault>,
    peak: u64,
}

/// Takes rounds until there are none, or somebody found something.
fn work(attack: &Attack, next: &AtomicU64, end: u64, outcome: &Mutex<Outcome>) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= end {
            return;
        }
        let mut tally = Tally::default();
        // Namespaces cannot be left, so each round has a thread.
        let result = thread::scope(|scope| {
            let round = scope.spawn(|| attack.round(number, &mut tally));
            round.join()
        });
        let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.tally.add(&tally);
        if let Ok(Err(fault)) = result {
            outcome.faults.push(fault);
            next.store(end, Ordering::Relaxed);
        }
    }
}

/// The most memory that the kernel had taken.
fn watch(over: &AtomicBool, before: u64) -> Result<u64> {
    let mut peak = before;
    while !over.load(Ordering::Relaxed) {
        peak = peak.max(memory::taken()?);
        thread::sleep(Duration::from_millis(50));
    }
    Ok(peak)
}

/// What was given back late is given back: grace periods, and namespaces that are taken down.
fn settle() {
    thread::sleep(Duration::from_secs(2));
}

fn within(when: &str, grown: u64, most: u64) -> bool {
    let fine = grown <= most;
    if !fine {
        println!("FAULT: {when} the kernel's memory had grown by {grown} KiB, more than {most}");
    }
    fine
}

fn report(outcome: &Outcome) -> bool {
    for fault in &outcome.faults {
        println!("FAULT: {fault}");
    }
    outcome.faults.is_empty()
}
