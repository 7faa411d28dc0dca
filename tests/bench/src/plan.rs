// SPDX-License-Identifier: GPL-2.0
//! What is measured in one boot of the guest.

use crate::measure::Case;
use crate::row::{Config, Family, Path, Scenario};
use crate::shape::Shape;

/// One firewall with one policy, and what is sent through it.
pub struct Step {
    pub config: Config,
    pub shape: Shape,
    pub cases: Vec<Case>,
}

fn step(config: Config, shape: Shape, paths: &[Path], scenarios: &[Scenario], packets: u64) -> Step {
    let mut cases = Vec::new();
    for path in paths {
        for scenario in scenarios {
            cases.push(Case { shape, path: *path, scenario: *scenario, packets });
        }
    }
    Step { config, shape, cases }
}

/// A glance: what changes in the hot path show at once.
pub fn short() -> Vec<Step> {
    use Scenario::*;
    [Config::None, Config::Conntrack, Config::Noop, Config::Camzone, Config::Nft]
        .map(|config| {
            step(config, Shape::usual(Family::V4), &[Path::Forward], &[Established, New, First, Drop, Spoofed], 5000)
        })
        .into()
}
