// SPDX-License-Identifier: GPL-2.0

//! Counters of packets and bytes, every CPU its own, summed up exactly.
//!
//! C header: [`include/linux/percpu.h`](srctree/include/linux/percpu.h)

use crate::{
    bindings,
    memory::{
        enomem,
        filled,
        KernelList, //
    },
};
use camzone_policy::{
    decide::Reason,
    memory::List,
    policy::RuleId,
    tables::AnswerId, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
};

/// What is counted.
#[derive(Clone, Copy)]
pub(crate) enum Slot {
    /// Verdicts for this reason.
    Reason(Reason),
    /// What the cell in this place let pass.
    CellAccepted(usize),
    /// What it stopped.
    CellDropped(usize),
    /// What the rule in this place decided.
    Rule(RuleId),
    /// What a cell's answer decided: a part of what its rule, its cell and its reason did.
    Answer(AnswerId),
}

/// Packets and bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sum {
    /// How many packets.
    pub(crate) packets: u64,
    /// How many bytes, from the IP header on.
    pub(crate) bytes: u64,
}

impl Sum {
    /// Both together.
    pub(super) fn plus(self, other: Sum) -> Sum {
        Sum {
            packets: self.packets.wrapping_add(other.packets),
            bytes: self.bytes.wrapping_add(other.bytes),
        }
    }
}

/// The most that one per-CPU allocation holds (`PCPU_MIN_UNIT_SIZE` is 32 KiB).
const CHUNK: usize = 32 * 1024 / size_of::<bindings::camzone_counter>();

/// One per-CPU allocation.
///
/// # Invariants
///
/// From `camzone_counters_alloc`, and [`CHUNK`] counters long unless it is the last.
struct Chunk(NonNull<bindings::camzone_counter>);

impl Chunk {
    fn new(len: usize) -> Result<Self> {
        let len = u32::try_from(len).map_err(|_| ENOMEM)?;
        // SAFETY: May be called with any length, where sleeping is allowed.
        let counters = unsafe { bindings::camzone_counters_alloc(len) };
        // INVARIANT: It was allocated just now.
        Ok(Chunk(NonNull::new(counters).ok_or(ENOMEM)?))
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it was allocated for this, and it is freed once.
        unsafe { bindings::camzone_counters_free(self.0.as_ptr()) };
    }
}

// SAFETY: A per-CPU allocation belongs to no thread.
unsafe impl Send for Chunk {}

// SAFETY: Each CPU writes its own counters, by operations that are atomic on it.
unsafe impl Sync for Chunk {}

/// The counters of one snapshot.
///
/// # Invariants
///
/// `chunks` hold at least `len` counters.
pub(crate) struct Counters {
    chunks: KernelList<Chunk>,
    len: usize,
    cells: usize,
    answers: usize,
    // What was counted before this snapshot; written once, when that is known.
    before: KernelList<(Atomic<u64>, Atomic<u64>)>,
}

impl Counters {
    /// None at all: nothing is counted, and every sum is 0.
    pub(super) fn none() -> Self {
        // INVARIANT: 0 counters need no chunk.
        Counters {
            chunks: List::new(),
            len: 0,
            cells: 0,
            answers: 0,
            before: List::new(),
        }
    }

    /// Counters for every reason, and for that many answers, cells and rules.
    pub(super) fn new(answers: usize, cells: usize, rules: usize) -> Result<Self> {
        let len = cells
            .checked_mul(2)
            .and_then(|cells| cells.checked_add(rules))
            .and_then(|len| len.checked_add(Reason::COUNT))
            .and_then(|len| len.checked_add(answers))
            .ok_or(ENOMEM)?;
        let mut chunks: KernelList<Chunk> = List::new();
        let mut left = len;
        while left > 0 {
            chunks.push(Chunk::new(left.min(CHUNK))?).map_err(enomem)?;
            left = left.saturating_sub(CHUNK);
        }
        // INVARIANT: Chunks were added until nothing was left.
        Ok(Counters {
            chunks,
            len,
            cells,
            answers,
            before: filled(len, |_| (Atomic::new(0), Atomic::new(0)))?,
        })
    }

    /// The place of a slot: answers, reasons, cells that accepted, cells that dropped, rules.
    #[inline(always)]
    fn place(&self, slot: Slot) -> usize {
        let behind = self.answers.wrapping_add(Reason::COUNT);
        let (before, place) = match slot {
            Slot::Answer(answer) => return answer as usize,
            Slot::Reason(reason) => (self.answers, reason.number() as usize),
            Slot::CellAccepted(cell) => (behind, cell),
            Slot::CellDropped(cell) => (behind.wrapping_add(self.cells), cell),
            Slot::Rule(rule) => (
                behind.wrapping_add(self.cells.wrapping_mul(2)),
                rule as usize, //
            ),
        };
        before.saturating_add(place)
    }

    /// Where the counters of the CPUs are; null if there is no such slot.
    #[inline(always)]
    fn counter(&self, slot: Slot) -> *mut bindings::camzone_counter {
        let place = self.place(slot);
        if place >= self.len {
            return ptr::null_mut();
        }
        match self.chunks.get(place / CHUNK) {
            // By the type invariant that many counters are in the chunk.
            Some(chunk) => chunk.0.as_ptr().wrapping_add(place % CHUNK),
            None => ptr::null_mut(),
        }
    }

    /// Counts a packet that a rule allowed, with one call, and returns the hook's verdict.
    #[inline(always)]
    pub(super) fn accept(&self, answer: AnswerId, bytes: u32) -> c_uint {
        let counter = self.counter(Slot::Answer(answer));
        if counter.is_null() {
            return bindings::NF_ACCEPT;
        }
        // SAFETY: It is not null, so it is that of a per-CPU counter.
        unsafe { bindings::camzone_accept(counter, bytes) }
    }

    /// Counts a packet in up to three slots, with one call.
    pub(super) fn count(&self, reason: Slot, cell: Option<Slot>, rule: Option<Slot>, bytes: u32) {
        let counter = |slot: Option<Slot>| slot.map_or(ptr::null_mut(), |slot| self.counter(slot));
        // SAFETY: Each pointer is null or that of a per-CPU counter.
        unsafe {
            bindings::camzone_count(self.counter(reason), counter(cell), counter(rule), bytes);
        }
    }

    /// What was counted in `slot`.
    pub(crate) fn sum(&self, slot: Slot) -> Sum {
        let mut now: bindings::camzone_counter = pin_init::zeroed();
        let counter = self.counter(slot);
        if counter.is_null() {
            return Sum::default();
        }
        // SAFETY: It is not null, so it is that of a per-CPU counter.
        unsafe { bindings::camzone_counter_sum(counter, &mut now) };
        let (packets, bytes) = match self.before.get(self.place(slot)) {
            Some((packets, bytes)) => (packets.load(Relaxed), bytes.load(Relaxed)),
            None => (0, 0),
        };
        Sum {
            packets: now.packets.wrapping_add(packets),
            bytes: now.bytes.wrapping_add(bytes),
        }
    }

    /// Lets `slot` go on from what was counted before this snapshot.
    pub(super) fn carry(&self, slot: Slot, sum: Sum) {
        if let Some((packets, bytes)) = self.before.get(self.place(slot)) {
            packets.store(sum.packets, Relaxed);
            bytes.store(sum.bytes, Relaxed);
        }
    }
}
