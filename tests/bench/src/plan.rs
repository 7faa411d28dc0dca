// SPDX-License-Identifier: GPL-2.0
//! What is measured in one boot of the guest. Every plan has conntrack alone in it too, which its
//! rows are compared with.

use crate::measure::Case;
use crate::row::{Config, Family, Path, Permission, Scenario};
use crate::shape::Shape;
use Scenario::{Drop, Established, First, Invalid, Mix, New, Spoofed};

/// One firewall with one policy, and what is sent through it.
pub struct Step {
    pub config: Config,
    pub shape: Shape,
    pub cases: Vec<Case>,
}

/// A name for the command line, and what it stands for.
pub struct Plan {
    pub name: &'static str,
    steps: fn() -> Vec<Step>,
}

impl Plan {
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = (self.steps)();
        for case in steps.iter_mut().flat_map(|step| &mut step.cases) {
            case.plan = self.name;
        }
        steps
    }
}

/// What together makes `build/bench.json`.
pub const FULL: [Plan; 7] = [
    Plan {
        name: "ipv4",
        steps: || matrix(Family::V4),
    },
    Plan {
        name: "ipv6",
        steps: || matrix(Family::V6),
    },
    Plan {
        name: "cameras",
        steps: cameras,
    },
    Plan {
        name: "rules",
        steps: rules,
    },
    Plan {
        name: "services",
        steps: services,
    },
    Plan {
        name: "zones",
        steps: zones,
    },
    Plan {
        name: "networks",
        steps: networks,
    },
];

const OTHERS: [Plan; 2] = [
    Plan {
        name: "short",
        steps: short,
    },
    Plan {
        name: "gate",
        steps: gate,
    },
];

/// The plan of that name.
pub fn find(name: &str) -> Option<&'static Plan> {
    FULL.iter().chain(&OTHERS).find(|plan| plan.name == name)
}

const PACKETS: u64 = 5000;
/// Where each packet walks along all rules.
const FEW_PACKETS: u64 = 300;
/// The largest size that these are asked for.
const MOST_LINEAR: u32 = 1000;

fn is_linear(config: Config) -> bool {
    matches!(
        config,
        Config::Iptables | Config::IptablesNft | Config::NftLinear
    )
}

fn step(
    config: Config,
    shape: Shape,
    paths: &[Path],
    scenarios: &[Scenario],
    packets: u64,
) -> Step {
    let mut cases = Vec::new();
    for path in paths {
        for scenario in scenarios {
            cases.push(Case {
                plan: "",
                shape,
                path: *path,
                scenario: *scenario,
                packets,
            });
        }
    }
    Step {
        config,
        shape,
        cases,
    }
}

/// What is logged may earn a line in between: once more, and the cheaper of two counts.
fn logged_twice(scenarios: &[Scenario]) -> Vec<Scenario> {
    let logged = |scenario: &&Scenario| matches!(scenario, Drop | Invalid | Mix);
    let again = scenarios.iter().filter(logged);
    scenarios.iter().chain(again).copied().collect()
}

/// A glance: what changes in the hot path show at once.
fn short() -> Vec<Step> {
    [
        Config::None,
        Config::Conntrack,
        Config::Noop,
        Config::Camzone,
        Config::Nft,
    ]
    .map(|config| {
        let scenarios = logged_twice(&[Established, New, First, Drop, Spoofed]);
        step(
            config,
            Shape::usual(Family::V4),
            &[Path::Forward],
            &scenarios,
            PACKETS,
        )
    })
    .into()
}

/// What `make bench-check` compares with the committed figures: each twice, of which the cheaper
/// counts, since what the kernel does beside a packet only adds.
fn gate() -> Vec<Step> {
    let mut steps = Vec::new();
    for config in [Config::Conntrack, Config::Camzone] {
        for (family, path, scenarios) in [
            (
                Family::V4,
                Path::Forward,
                &[Established, New, First, Drop, Spoofed][..],
            ),
            (Family::V6, Path::Forward, &[Established, New, Drop]),
            (Family::V4, Path::Input, &[Established, New, Drop]),
        ] {
            steps.push(step(
                config,
                Shape::usual(family),
                &[path],
                &scenarios.repeat(2),
                PACKETS,
            ));
        }
    }
    steps
}

/// Every firewall and every scenario at the usual size.
fn matrix(family: Family) -> Vec<Step> {
    let shape = Shape::usual(family);
    let mut steps = Vec::new();
    for config in Config::ALL {
        steps.push(match config {
            // Only what is established leaves for the flow table, and only through the router.
            Config::Flowtable => step(
                *config,
                shape,
                &[Path::Forward],
                &logged_twice(&[Established, New, Mix]),
                PACKETS,
            ),
            _ => step(
                *config,
                shape,
                Path::ALL,
                &logged_twice(Scenario::ALL),
                PACKETS,
            ),
        });
    }
    steps
}

/// One axis: a shape for each size, and those who are measured beside camzone.
fn axis(sizes: &[u32], shape: fn(u32) -> Shape, rivals: &[Config]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut floors = Vec::new();
    for size in sizes {
        let shape = shape(*size);
        let configs = [Config::Conntrack, Config::Camzone].iter().chain(rivals);
        for config in configs {
            if is_linear(*config) && *size > MOST_LINEAR {
                continue;
            }
            if *config == Config::Conntrack {
                // It knows of nothing but flows, of which every camera has one.
                if floors.contains(&shape.cameras) {
                    continue;
                }
                floors.push(shape.cameras);
            }
            let packets = if is_linear(*config) && *size >= 100 {
                FEW_PACKETS
            } else {
                PACKETS
            };
            steps.push(step(
                *config,
                shape,
                &[Path::Forward],
                &logged_twice(&[Established, New, Drop, Spoofed]),
                packets,
            ));
        }
    }
    steps
}

fn usual() -> Shape {
    Shape::usual(Family::V4)
}

/// Each camera by its address.
fn cameras() -> Vec<Step> {
    axis(
        &[1, 10, 100, 1000, 10_000, 100_000],
        |cameras| Shape {
            cameras,
            permission: Permission::Camera,
            ..usual()
        },
        &[
            Config::Iptables,
            Config::Nft,
            Config::NftLinear,
            Config::Ipset,
        ],
    )
}

/// Every camera with every service, in a rule of its own.
fn one(services: u32) -> Shape {
    Shape {
        permission: Permission::Camera,
        services,
        singly: true,
        ..usual()
    }
}

/// Each rule says one thing: a camera and a service, of which there are two and three, or a hundred
/// and the rest; beside the four rules that are always there.
fn rules() -> Vec<Step> {
    axis(
        &[10, 100, 1000, 10_000],
        |rules| match rules {
            10 => Shape {
                cameras: 2,
                ..one(3)
            },
            _ => one(rules / 100),
        },
        &[
            Config::Iptables,
            Config::Nft,
            Config::NftLinear,
            Config::Ipset,
        ],
    )
}

fn services() -> Vec<Step> {
    axis(
        &[1, 16, 256, 4096],
        |services| Shape {
            services,
            ..usual()
        },
        &[Config::Iptables, Config::Nft, Config::Ipset],
    )
}

fn zones() -> Vec<Step> {
    axis(
        &[3, 16, 64, 256],
        |zones| Shape { zones, ..usual() },
        &[Config::Iptables, Config::Nft],
    )
}

fn networks() -> Vec<Step> {
    axis(
        &[1, 16, 64, 256],
        |networks| Shape {
            networks,
            ..usual()
        },
        &[Config::Iptables, Config::Nft],
    )
}
