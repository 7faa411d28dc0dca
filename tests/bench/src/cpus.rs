// SPDX-License-Identifier: GPL-2.0
//! One processor against two, by the clock on the wall: what no count of instructions shows, lines
//! of a cache that both of them write. Noise is met by taking turns and by the median.

use crate::firewall::Firewall;
use crate::measure::Case;
use crate::network::Sinks;
use crate::pktgen::{send, Stream};
use crate::row::{Config, Family, Path, Scenario};
use crate::run::{run, settle};
use crate::shape::Shape;
use anyhow::{ensure, Result};
use serde::{Deserialize, Serialize};

/// One turn: established packets of flows of the processor's own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Turn {
    pub config: Config,
    pub round: u32,
    /// Packets per second of one processor alone, and of two together.
    pub one: f64,
    pub two: f64,
}

const PACKETS: u64 = 40_000;
const ROUNDS: u32 = 15;
/// Who is measured.
pub const CONFIGS: [Config; 3] = [Config::Conntrack, Config::Camzone, Config::Nft];

/// Half of the cameras for each.
fn streams(case: &Case, cpus: u32) -> Vec<Stream> {
    let (shape, half) = (case.shape, case.shape.cameras / 2);
    let one = |cpu| {
        let sources = (shape.camera(cpu * half), shape.camera((cpu + 1) * half - 1));
        Stream {
            cpu,
            sources,
            ..case.answered(PACKETS)
        }
    };
    (0..cpus).map(one).collect()
}

/// Packets per second.
fn rate(case: &Case, cpus: u32) -> Result<f64> {
    let nanoseconds = send(&streams(case, cpus))?;
    Ok(PACKETS as f64 * f64::from(cpus) / nanoseconds as f64 * 1e9)
}

pub fn measure(sinks: &Sinks, mut done: impl FnMut(Turn) -> Result<()>) -> Result<()> {
    let cpus = std::thread::available_parallelism()?.get();
    ensure!(cpus >= 2, "two processors are needed, and there is {cpus}");
    let shape = Shape::usual(Family::V4);
    let case = Case {
        plan: "cpus",
        shape,
        path: Path::Forward,
        scenario: Scenario::Established,
        packets: PACKETS,
    };
    for round in 0..ROUNDS {
        for config in CONFIGS {
            let firewall = Firewall::up(config, &shape)?;
            run("conntrack -F")?;
            case.prime(config, sinks)?;
            settle(1);
            // Which comes first alternates.
            let (one, two) = if round % 2 == 0 {
                let one = rate(&case, 1)?;
                (one, rate(&case, 2)?)
            } else {
                let two = rate(&case, 2)?;
                (rate(&case, 1)?, two)
            };
            firewall.down()?;
            done(Turn {
                config,
                round,
                one,
                two,
            })?;
        }
    }
    Ok(())
}
