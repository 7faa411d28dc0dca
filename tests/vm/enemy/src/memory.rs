// SPDX-License-Identifier: GPL-2.0
//! How much memory the kernel itself has taken.

use std::io::{Error, Result};
use std::path::Path;
use std::thread;
use std::time::Duration;
use std::{fmt, fs};

/// KiB that only the kernel can give back.
#[derive(Clone, Copy, Default)]
pub struct Memory {
    /// Slabs and vmalloc.
    pub plain: u64,
    /// Per-CPU areas. Their allocator keeps pages of what was freed (mm/percpu.c, "spare"), about
    /// a mebibyte a chunk, and says to nobody how much of them is in use.
    pub per_cpu: u64,
}

impl Memory {
    /// What it is more than this.
    pub fn since(self, before: Memory) -> Memory {
        Memory {
            plain: self.plain.saturating_sub(before.plain),
            per_cpu: self.per_cpu.saturating_sub(before.per_cpu),
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} + {} per-CPU KiB", self.plain, self.per_cpu)
    }
}

/// What is taken now.
pub fn taken() -> Result<Memory> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        number.ok_or_else(|| Error::other(format!("/proc/meminfo has no {name}")))
    };
    Ok(Memory {
        plain: field("SUnreclaim:")? + field("VmallocUsed:")?,
        per_cpu: field("Percpu:")?,
    })
}

/// What is still in use when all that was given back has arrived. What an allocator keeps of memory
/// that is free is not in it: empty slabs, and what KASAN holds back to catch late uses
/// (`kasan_cache_shrink`, mm/kasan/common.c).
pub fn in_use() -> Result<Memory> {
    // Grace periods, and namespaces that are taken down.
    thread::sleep(Duration::from_secs(2));
    write("/proc/sys/vm/drop_caches".as_ref(), "3")?;
    for cache in fs::read_dir("/sys/kernel/slab")? {
        let shrink = cache?.path().join("shrink");
        match write(&shrink, "1") {
            // It went meanwhile.
            Err(_) if !shrink.exists() => {}
            result => result?,
        }
    }
    // Else each processor has some pages to itself that it did not report yet.
    write("/proc/sys/vm/stat_refresh".as_ref(), "1")?;
    taken()
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|e| Error::new(e.kind(), format!("{}: {e}", path.display())))
}
