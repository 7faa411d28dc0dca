// SPDX-License-Identifier: GPL-2.0

//! What the host tests of camzone's policy crate share: a naive reference of the verdict, and
//! the generators of policies and packets.

pub mod dice;
pub mod every;
pub mod memory;
pub mod packets;
pub mod policies;
pub mod reference;
pub mod wire;

/// How many cases a property gets: `PROPTEST_CASES` scales them all, 256 stands for `default`.
pub fn cases(default: u32) -> u32 {
    let scale = std::env::var("PROPTEST_CASES").ok();
    let scale: u64 = scale.and_then(|s| s.parse().ok()).unwrap_or(256);
    u32::try_from((u64::from(default) * scale / 256).max(1)).unwrap_or(u32::MAX)
}

/// The configuration of a property with this many cases.
pub fn config(default: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases: cases(default),
        failure_persistence: None,
        ..Default::default()
    }
}
