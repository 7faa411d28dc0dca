// SPDX-License-Identifier: GPL-2.0
//! How much memory the kernel itself has taken.

use std::fs;
use std::io::{Error, Result};

/// KiB that only the kernel can give back: slabs, per-CPU areas and vmalloc.
pub fn taken() -> Result<u64> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        number.ok_or_else(|| Error::other(format!("/proc/meminfo has no {name}")))
    };
    Ok(field("SUnreclaim:")? + field("Percpu:")? + field("VmallocUsed:")?)
}
