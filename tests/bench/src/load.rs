// SPDX-License-Identifier: GPL-2.0
//! What it takes to put a policy in force: instructions of the program and the kernel together,
//! and the kernel's memory afterwards.

use crate::firewall::{Firewall, Orders};
use crate::row::{Config, Family, Permission};
use crate::run::{feed, read, run, settle, write};
use crate::shape::Shape;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// One policy of one firewall.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Load {
    pub config: Config,
    pub cameras: u32,
    pub services: u32,
    /// Of the program that reads the policy, and of the kernel.
    pub instructions: u64,
    /// How much less memory the kernel has free with the policy in force.
    pub kernel_bytes: i64,
    /// For the same policy again, in place of itself; only camzone swaps a policy as a whole.
    pub again: Option<u64>,
    /// To show counters, of all of the cameras.
    pub counters: Option<u64>,
    /// To show the policy in force.
    pub show: Option<u64>,
}

const SIZES: [u32; 4] = [100, 1000, 10_000, 100_000];
const CONFIGS: [Config; 3] = [Config::Camzone, Config::Nft, Config::Ipset];

/// Bytes that nobody has, once caches are dropped and what is freed late is freed: RCU's lazy
/// callbacks take ten seconds.
fn free() -> Result<i64> {
    settle(30);
    write("/proc/sys/vm/drop_caches", "3")?;
    write("/proc/sys/vm/compact_memory", "1")?;
    settle(1);
    let text = read("/proc/meminfo")?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemFree:"))
        .context("no MemFree")?;
    let kilobytes: i64 = line
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .context("MemFree")?;
    Ok(kilobytes * 1024)
}

/// How many instructions: of a clock that counts them.
fn count<T>(what: impl FnOnce() -> Result<T>) -> Result<(T, u64)> {
    let start = Instant::now();
    let done = what()?;
    Ok((done, start.elapsed().as_nanos() as u64))
}

fn one(config: Config, cameras: u32) -> Result<Load> {
    let shape = Shape {
        cameras,
        permission: Permission::Camera,
        ..Shape::usual(Family::V4)
    };
    let orders = Orders::new(config, &shape)?;
    // Modules are there, tables are not: the first time does not count.
    let small = Shape {
        cameras: 1,
        ..shape
    };
    Firewall::up(config, &small)?.down()?;
    if config == Config::Camzone {
        run("modprobe camzone")?;
    }
    let before = free()?;
    let (firewall, instructions) = count(|| orders.run())?;
    let kernel_bytes = before - free()?;
    let (mut again, mut counters, mut show) = (None, None, None);
    if config == Config::Camzone {
        let (line, input) = orders.steps().last().context("no orders")?;
        again = Some(count(|| feed(line, input))?.1);
        counters = Some(count(|| run("camzonectl counters"))?.1);
        show = Some(count(|| run("camzonectl show"))?.1);
    }
    firewall.down()?;
    Ok(Load {
        config,
        cameras,
        services: shape.services,
        instructions,
        kernel_bytes,
        again,
        counters,
        show,
    })
}

/// Measures all of them; each is given to `done`.
pub fn measure(mut done: impl FnMut(Load) -> Result<()>) -> Result<()> {
    for cameras in SIZES {
        for config in CONFIGS {
            done(one(config, cameras).with_context(|| format!("{config}, {cameras} cameras"))?)?;
        }
    }
    Ok(())
}
