// SPDX-License-Identifier: GPL-2.0
//! `enemy netlink`: mutated messages, from many sockets at once, with and without permission, here
//! and in other namespaces. After every message that was refused, the policy in force has to be
//! one that somebody was told he had put in force, and the kernel's memory stays bounded.

use crate::memory::{self, Memory};
use crate::round::{Attack, Fault, Tally, ROUND};
use crate::{corpus, socket};
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
    #[arg(long, default_value_t = 512)]
    leak: u64,
    /// The same of per-CPU areas
    #[arg(long, default_value_t = 4096)]
    per_cpu: u64,
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
        let warm = self.several(&attack, 0..8, Memory::default())?;
        // What was found is said before the disarm, which may fail by it.
        if !report(&warm) {
            return Ok(false);
        }
        attack.disarm()?;
        let before = memory::in_use()?;
        let begun = Instant::now();
        let rounds = match self.round {
            Some(round) => round..round + 1,
            None => 8..8 + self.messages.div_ceil(ROUND),
        };
        let outcome = self.several(&attack, rounds, before)?;
        let mut good = report(&outcome);
        // Whichever policy won is large or small by chance, so it goes.
        attack.disarm()?;
        let mut after = memory::in_use()?;
        // RCU's lazy callbacks wait ten seconds, and one that frees may ask for another.
        for _ in 0..15 {
            if after.since(before).plain <= self.leak {
                break;
            }
            after = memory::in_use()?;
        }
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
        let left = after.since(before);
        println!(
            "# the kernel's memory: {before}, at most {} more, at the end {left} more",
            outcome.peak
        );
        good &= within("meanwhile", outcome.peak.plain, self.growth)
            & within("meanwhile (per-CPU)", outcome.peak.per_cpu, self.growth)
            & within("at the end", left.plain, self.leak)
            & within("at the end (per-CPU)", left.per_cpu, self.per_cpu);
        Ok(good)
    }

    /// Runs these rounds, several at once, each in a thread of its own that may go elsewhere.
    fn several(
        &self,
        attack: &Attack,
        rounds: std::ops::Range<u64>,
        before: Memory,
    ) -> Result<Outcome> {
        let next = AtomicU64::new(rounds.start);
        let over = AtomicBool::new(false);
        let outcome = Mutex::new(Outcome::default());
        let peak = thread::scope(|scope| -> Result<Memory> {
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
    peak: Memory,
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

/// How much memory the kernel had taken more than before, at most.
fn watch(over: &AtomicBool, before: Memory) -> Result<Memory> {
    let mut peak = Memory::default();
    while !over.load(Ordering::Relaxed) {
        let grown = memory::taken()?.since(before);
        peak.plain = peak.plain.max(grown.plain);
        peak.per_cpu = peak.per_cpu.max(grown.per_cpu);
        thread::sleep(Duration::from_millis(50));
    }
    Ok(peak)
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
