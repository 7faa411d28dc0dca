// SPDX-License-Identifier: GPL-2.0
//! What it takes to put a policy in force: instructions of the program and the kernel together,
//! and the kernel's memory afterwards.

use crate::firewall::{Firewall, Orders};
use crate::measure::Case;
use crate::network::{Counts, Sinks};
use crate::pktgen::send;
use crate::row::{Config, Family, Path, Permission, Scenario};
use crate::run::{feed, read, run, settle};
use crate::shape::Shape;
use anyhow::{ensure, Context, Result};
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
    /// How much more memory the kernel has taken with the policy in force.
    pub kernel_bytes: i64,
    /// For the same policy again, in place of itself; only camzone swaps a policy as a whole.
    pub again: Option<u64>,
    /// What both take longer when the policy is replaced while packets flow than one after the other.
    pub swap: Option<i64>,
    /// To show counters, of all of the cameras.
    pub counters: Option<u64>,
    /// To show the policy in force.
    pub show: Option<u64>,
}

const SIZES: [u32; 4] = [100, 1000, 10_000, 100_000];
const CONFIGS: [Config; 3] = [Config::Camzone, Config::Nft, Config::Ipset];

/// Packets that flow while a policy is replaced.
const FLOOD: u64 = 100_000;

/// Bytes that only the kernel can give back (slabs, among them what is too large for one, vmalloc,
/// per-CPU areas), once what is freed late is freed: RCU's lazy callbacks take ten seconds. Not by what
/// is free: caches and each processor's free pages come and go by megabytes.
fn taken() -> Result<i64> {
    settle(30);
    let text = read("/proc/meminfo")?;
    let field = |name: &str| -> Result<i64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.context("/proc/meminfo")?.parse()?)
    };
    Ok((field("SUnreclaim:")? + field("VmallocUsed:")? + field("Percpu:")?) * 1024)
}

/// How long nobody had anything to do, of a processor that is alone; in steps of ten milliseconds.
fn idle() -> Result<f64> {
    let text = read("/proc/uptime")?;
    let idle = text.split_whitespace().nth(1).context("/proc/uptime")?;
    Ok(idle.parse::<f64>()? * 1e9)
}

/// How many instructions: of a clock that counts them, less those of waiting.
fn count<T>(what: impl FnOnce() -> Result<T>) -> Result<(T, u64)> {
    let (start, before) = (Instant::now(), idle()?);
    let done = what()?;
    let waited = idle()? - before;
    Ok((
        done,
        (start.elapsed().as_nanos() as f64 - waited).max(0.0) as u64,
    ))
}

/// How long a flood and `apply` take together, less the flood alone; no packet of it may be lost.
fn swapped(shape: &Shape, sinks: &Sinks, apply: impl Fn() -> Result<u64> + Sync) -> Result<i64> {
    let case = Case {
        plan: "load",
        // Few flows are enough.
        shape: Shape {
            cameras: shape.cameras.min(100),
            ..*shape
        },
        path: Path::Forward,
        scenario: Scenario::Established,
        packets: FLOOD,
    };
    run("conntrack -F")?;
    case.prime(Config::Camzone, sinks)?;
    let flood = || count(|| send(&[case.answered(FLOOD)]));
    let (_, alone) = flood()?;
    let before = Counts::now(shape.family)?.private;
    let (_, both) = count(|| {
        std::thread::scope(|scope| {
            let applied = scope.spawn(&apply);
            flood()?;
            applied
                .join()
                .map_err(|_| anyhow::anyhow!("the swap failed"))?
        })
    })?;
    let passed = Counts::now(shape.family)?.private - before;
    ensure!(
        passed == FLOOD,
        "{passed} of {FLOOD} packets passed while the policy was replaced"
    );
    Ok(both as i64 - alone as i64)
}

fn one(config: Config, cameras: u32, sinks: &Sinks) -> Result<Load> {
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
    let before = taken()?;
    let (firewall, instructions) = count(|| orders.run())?;
    let kernel_bytes = taken()? - before;
    let (mut again, mut swap, mut counters, mut show) = (None, None, None, None);
    if config == Config::Camzone {
        let (line, input) = orders.steps().last().context("no orders")?;
        let apply = || count(|| feed(line, input)).map(|(_, instructions)| instructions);
        let alone = apply()?;
        again = Some(alone);
        swap = Some(swapped(&shape, sinks, apply)? - alone as i64);
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
        swap,
        counters,
        show,
    })
}

/// Measures all of them; each is given to `done`.
pub fn measure(sinks: &Sinks, mut done: impl FnMut(Load) -> Result<()>) -> Result<()> {
    for cameras in SIZES {
        for config in CONFIGS {
            done(
                one(config, cameras, sinks)
                    .with_context(|| format!("{config}, {cameras} cameras"))?,
            )?;
        }
    }
    Ok(())
}
