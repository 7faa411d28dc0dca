// SPDX-License-Identifier: GPL-2.0
//! `probe diff`: two routers, alike in everything but the firewall, get the same packets; what
//! comes out of them must be the same, but for a short list of differences that have names.

mod dice;
mod ears;
mod fixed;
mod flow;
mod intended;
mod judge;
mod packet;
mod permission;
mod policy;
mod round;
pub mod sockets;
mod stranger;
mod stream;
mod text;
mod world;

use clap::{Args, ValueEnum};
use dice::Dice;
use ears::Ears;
use intended::Oracle;
use policy::Policy;
use round::{Round, Tally, SHOWN};
use std::fs;
use std::io::{Error, Result};
use std::path::PathBuf;
use std::time::Instant;
use stream::Stream;
use world::{run, ROUTERS};

/// How many packets the article's routers get before they forget all flows.
const PART: u64 = 5_000;

/// What camzone is held against.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Case {
    /// Random policies, and the rulesets that camzonectl makes of them
    Random,
    /// The article's policy, and the article's script under iptables-legacy
    Article,
    /// The intended differences, each shown by a packet of its own
    Differences,
}

#[derive(Args)]
pub struct Diff {
    #[arg(long, value_enum, default_value = "random")]
    case: Case,
    /// What all choices are made from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many packets
    #[arg(long, default_value_t = 100_000)]
    packets: u64,
    /// How many policies they are shared among
    #[arg(long, default_value_t = 40)]
    policies: u64,
    /// Only this policy of the run, or this part of the article's packets
    #[arg(long)]
    only: Option<u64>,
    /// The article's policy and script
    #[arg(long, num_args = 2, value_names = ["POLICY", "SCRIPT"])]
    article: Vec<PathBuf>,
    /// Show each policy and its ruleset
    #[arg(long)]
    verbose: bool,
}

impl Diff {
    /// Whether the two agreed.
    pub fn run(&self) -> Result<bool> {
        sockets::stay_on(0)?;
        if self.case == Case::Article {
            world::only_the_article();
        }
        world::set_up()?;
        let mut ears = Ears::open()?;
        match self.case {
            Case::Random => self.random(&mut ears),
            Case::Article => self.script(&mut ears),
            Case::Differences => fixed::nft::differences(&mut ears),
        }
    }

    fn random(&self, ears: &mut Ears) -> Result<bool> {
        let mut tally = Tally::default();
        let (start, mut number) = (Instant::now(), 0);
        for index in self.only.map_or(0..self.policies, |only| only..only + 1) {
            let mut dice = Dice::new(self.seed, index);
            let (policy, left_out) = put_in_force(&mut dice, self.verbose)?;
            tally.rules += policy.rules.len() as u64;
            tally.left_out += left_out;
            let again = format!(
                "--seed {} --policies {} --packets {} --only {index}",
                self.seed, self.policies, self.packets
            );
            let stream = Stream::new(&policy, dice, number);
            let mut round = Round::new(ears, &mut tally, stream, Oracle::Nft, again);
            round.run(self.packets / self.policies)?;
            number = round.stream.number();
            if tally.wrong >= SHOWN {
                break;
            }
            let seconds = start.elapsed().as_secs_f64();
            println!("policy {index}: {} packets, {seconds:.0} s", tally.sent);
        }
        tally.count_reasons()?;
        Ok(tally.report(self.only.is_none()))
    }

    fn script(&self, ears: &mut Ears) -> Result<bool> {
        let [file, script] = &self.article[..] else {
            return Err(Error::other(
                "say where the article's policy and script are",
            ));
        };
        apply(&fs::read_to_string(file)?)?;
        fixed::article::run_script(&script.to_string_lossy())?;
        let policy = Policy::article();
        let mut tally = Tally::default();
        let (mut part, mut number) = (self.only.unwrap_or(0), 0);
        while tally.sent < self.packets && tally.wrong < SHOWN {
            forget_flows()?;
            let again = format!(
                "--case article --article {} {} --seed {} --only {part}",
                file.display(),
                script.display(),
                self.seed
            );
            let stream = Stream::new(&policy, Dice::new(self.seed, part), number);
            let mut round = Round::new(ears, &mut tally, stream, Oracle::Article, again);
            round.run(PART)?;
            number = round.stream.number();
            part += 1;
            if self.only.is_some() {
                break;
            }
        }
        tally.count_reasons()?;
        let fine = tally.report(false);
        Ok(fixed::article::differences(ears, &fs::read_to_string(file)?)? && fine)
    }
}

/// A policy in force in camzone's router.
fn apply(text: &str) -> Result<()> {
    run(Some(ROUTERS[0]), &["camzonectl", "apply", "-"], text).map(drop)
}

/// No flow is known to either router.
fn forget_flows() -> Result<()> {
    ROUTERS
        .iter()
        .try_for_each(|router| run(Some(router), &["conntrack", "-F"], "").map(drop))
}

/// The policy in force in camzone's router, and its ruleset in the other one.
fn put(text: &str, ruleset: &str) -> Result<()> {
    apply(text)?;
    run(Some(ROUTERS[1]), &["nft", "-f", "-"], ruleset)
        .map_err(|e| Error::other(format!("{e}\n{text}\n{ruleset}")))
        .map(drop)
}

fn export(text: &str) -> Result<String> {
    run(None, &["camzonectl", "export", "--nft", "-"], text)
}

/// What camzonectl says of rules that are sound one by one, and not beside each other.
const NOT_BESIDE: &[&str] = &[
    "the deny leaves nothing of the allow",
    "two allows meet, and only one of them masquerades",
    "this rule says the same as another",
];

/// A random policy in force in both routers, which know no flow; and how many of its rules were left
/// out, since they are none beside the others.
fn put_in_force(dice: &mut Dice, verbose: bool) -> Result<(Policy, u64)> {
    let mut policy = Policy::any(dice);
    let mut left_out = 0;
    let (text, ruleset) = loop {
        let text = policy.toml();
        let error = match export(&text) {
            Ok(ruleset) => break (text, ruleset),
            Err(error) => error.to_string(),
        };
        let clash = NOT_BESIDE.iter().any(|clash| error.contains(clash));
        if !clash || policy.rules.pop().is_none() {
            return Err(Error::other(format!("{error}\n{text}")));
        }
        left_out += 1;
    };
    if verbose {
        println!("{text}\n{ruleset}");
    }
    put(&text, &ruleset)?;
    forget_flows()?;
    Ok((policy, left_out))
}
