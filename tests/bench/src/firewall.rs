// SPDX-License-Identifier: GPL-2.0
//! Puts a firewall in force, and takes it away again without a trace.

use crate::row::{Config, Family};
use crate::rulesets::iptables::{script, sets, How};
use crate::rulesets::{camzone, nft};
use crate::run::{feed, run};
use crate::shape::Shape;
use anyhow::Result;

/// A firewall in force.
pub struct Firewall {
    config: Config,
    family: Family,
}

/// What a firewall is told, made beforehand: to be timed alone.
pub struct Orders {
    config: Config,
    family: Family,
    steps: Vec<(String, String)>,
}

fn iptables(family: Family, variant: &str) -> String {
    let name = if family == Family::V4 {
        "iptables"
    } else {
        "ip6tables"
    };
    format!("{name}-{variant}-restore")
}

/// noop.ko lies where this program does.
fn noop(hooks: u8) -> Result<String> {
    let program = std::env::current_exe()?;
    Ok(format!(
        "insmod {} hooks={hooks}",
        program.with_file_name("noop.ko").display()
    ))
}

impl Orders {
    pub fn new(config: Config, shape: &Shape) -> Result<Orders> {
        let step = |line: &str, input: String| (line.to_owned(), input);
        let restore = |variant| iptables(shape.family, variant);
        let steps = match config {
            Config::None => vec![],
            Config::Conntrack => vec![
                step("modprobe nf_conntrack", String::new()),
                step(&noop(0)?, String::new()),
            ],
            Config::Noop => vec![
                step("modprobe nf_conntrack", String::new()),
                step(&noop(1)?, String::new()),
            ],
            Config::Camzone => vec![
                step("modprobe camzone", String::new()),
                step("camzonectl apply -", camzone::file(shape)),
            ],
            Config::Iptables => vec![step(&restore("legacy"), script(shape, How::Rules))],
            Config::IptablesNft => vec![step(&restore("nft"), script(shape, How::Rules))],
            Config::Nft => vec![step("nft -f -", nft::best(shape, false))],
            Config::NftLinear => vec![step("nft -f -", nft::linear(shape))],
            Config::Flowtable => vec![step("nft -f -", nft::best(shape, true))],
            Config::Ipset => vec![
                step("ipset restore", sets(shape)),
                step(&restore("legacy"), script(shape, How::Set)),
            ],
        };
        Ok(Orders {
            config,
            family: shape.family,
            steps,
        })
    }

    /// Each program and its input.
    pub fn steps(&self) -> &[(String, String)] {
        &self.steps
    }

    pub fn run(&self) -> Result<Firewall> {
        for (line, input) in &self.steps {
            feed(line, input)?;
        }
        Ok(Firewall {
            config: self.config,
            family: self.family,
        })
    }
}

impl Firewall {
    pub fn up(config: Config, shape: &Shape) -> Result<Firewall> {
        Orders::new(config, shape)?.run()
    }

    /// What is there of one that did not come up.
    pub fn clear_away(config: Config, shape: &Shape) {
        let family = shape.family;
        let _ = Firewall { config, family }.down();
        // camzone that is loaded and not armed drops everything.
        let _ = run("rmmod camzone");
    }

    pub fn down(self) -> Result<()> {
        let v4 = self.family == Family::V4;
        match self.config {
            Config::None => {}
            Config::Conntrack | Config::Noop => drop(run("rmmod noop")?),
            Config::Camzone => {
                run("camzonectl disarm")?;
                run("rmmod camzone")?;
                // disarm gives the sysctls back.
                crate::run::write("/proc/sys/net/ipv4/ip_forward", "1")?;
                crate::run::write("/proc/sys/net/ipv6/conf/all/forwarding", "1")?;
            }
            Config::Nft | Config::NftLinear | Config::Flowtable | Config::IptablesNft => {
                drop(run("nft flush ruleset")?)
            }
            Config::Iptables | Config::Ipset => {
                let name = if v4 {
                    "iptables-legacy"
                } else {
                    "ip6tables-legacy"
                };
                for chain in ["INPUT", "FORWARD", "OUTPUT"] {
                    run(&format!("{name} -P {chain} ACCEPT"))?;
                }
                run(&format!("{name} -F"))?;
                run(&format!("{name} -X"))?;
                run(if v4 {
                    "rmmod iptable_filter"
                } else {
                    "rmmod ip6table_filter"
                })?;
                if self.config == Config::Ipset {
                    run("ipset destroy")?;
                }
            }
        }
        Ok(())
    }
}
