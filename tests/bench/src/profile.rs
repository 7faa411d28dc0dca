// SPDX-License-Identifier: GPL-2.0
//! What the profiler counted, by function of the kernel.

use crate::row::Row;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The kernel's half of the addresses.
const KERNEL: u64 = 0xffff_8000_0000_0000;

#[derive(Default, Clone, Copy)]
pub struct Cost {
    pub instructions: f64,
    pub calls: f64,
}

/// Where functions begin, in order.
fn symbols(file: &Path) -> Result<Vec<(u64, String)>> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut symbols = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(address), Some(kind), Some(name)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        if !matches!(kind, "t" | "T" | "w" | "W") || name.starts_with("__pfx_") {
            continue;
        }
        let name = format!("{:#}", rustc_demangle::demangle(name));
        let module = words.next().unwrap_or_default();
        symbols.push((
            u64::from_str_radix(address, 16)?,
            format!("{name} {module}").trim_end().to_owned(),
        ));
    }
    symbols.sort();
    // Of several names for one place the first in the alphabet will do.
    symbols.dedup_by_key(|symbol| symbol.0);
    Ok(symbols)
}

/// What one run cost a packet, by function.
fn costs(folder: &Path) -> Result<BTreeMap<String, Cost>> {
    let symbols = symbols(&folder.join("kallsyms"))?;
    let rows = fs::read_to_string(folder.join("rows")).context("no rows")?;
    let mut packets = 0.0;
    for line in rows.lines() {
        packets += serde_json::from_str::<Row>(line)?.packets as f64;
    }
    let mut costs: BTreeMap<String, Cost> = BTreeMap::new();
    let blocks = fs::read_to_string(folder.join("blocks")).context("nothing was counted")?;
    for line in blocks.lines() {
        let mut words = line.split_whitespace();
        let mut word = || words.next().with_context(|| line.to_owned());
        let address = u64::from_str_radix(word()?, 16)?;
        let (length, times): (f64, f64) = (word()?.parse()?, word()?.parse()?);
        let place = symbols.partition_point(|symbol| symbol.0 <= address);
        let (start, name) = match place.checked_sub(1).filter(|_| address >= KERNEL) {
            Some(place) => (symbols[place].0, symbols[place].1.as_str()),
            None => (0, "(user space)"),
        };
        let cost = costs.entry(name.to_owned()).or_default();
        cost.instructions += length * times / packets;
        if start == address {
            cost.calls += times / packets;
        }
    }
    Ok(costs)
}

/// What a packet costs by function, the dearest first, and what all of them cost; with `against`,
/// how much more than there.
pub fn functions(folder: &Path, against: Option<&Path>) -> Result<(f64, Vec<(String, Cost)>)> {
    let mut costs = costs(folder)?;
    if let Some(other) = against {
        for (name, other) in self::costs(other)? {
            let cost = costs.entry(name).or_default();
            cost.instructions -= other.instructions;
            cost.calls -= other.calls;
        }
    }
    let total = costs.values().map(|cost| cost.instructions).sum();
    let mut list: Vec<_> = costs
        .into_iter()
        .filter(|(_, cost)| cost.instructions.abs() >= 0.5)
        .collect();
    list.sort_by(|a, b| b.1.instructions.abs().total_cmp(&a.1.instructions.abs()));
    Ok((total, list))
}

/// Prints the functions that cost a packet most; with `against`, what they cost more than there.
pub fn print(folder: &Path, against: Option<&Path>, lines: usize) -> Result<()> {
    let (total, list) = functions(folder, against)?;
    println!(
        "{total:10.1} instructions per packet{}",
        if against.is_some() {
            ", difference"
        } else {
            ""
        }
    );
    println!("{:>10} {:>8}  function", "", "calls");
    for (name, cost) in list.iter().take(lines) {
        println!("{:10.1} {:8.2}  {name}", cost.instructions, cost.calls);
    }
    Ok(())
}
