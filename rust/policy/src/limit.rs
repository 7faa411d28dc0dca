// SPDX-License-Identifier: GPL-2.0

//! How often something may be logged: a token bucket in one word, so that it can be kept
//! without a lock.

/// Lines that may follow each other at once.
pub const BURST: u32 = 5;
/// Milliseconds in which one more line is earned.
pub const INTERVAL_MS: u32 = 2000;

/// The word of a bucket that was never used.
pub const FULL: u64 = 0;

// Bits 0..=31: when tokens were last earned, in ms; 32..=39: tokens used; 40..=63: suppressed.
const USED: u32 = 32;
const SUPPRESSED: u32 = 40;
const SUPPRESSED_MAX: u64 = (1 << 24) - 1;

/// One event at `now_ms` (any clock that wraps at 2^32). Returns the bucket's next word, and,
/// if the event may be logged, how many were not since the last that was (at most 16,777,215).
pub const fn step(word: u64, now_ms: u32) -> (u64, Option<u32>) {
    let used = (word >> USED) & 0xff;
    let suppressed = word >> SUPPRESSED;
    let last = if used == 0 { now_ms } else { word as u32 };
    let passed = now_ms.wrapping_sub(last);
    // Another CPU may have been here in between, with a clock that was read later.
    let earned = if passed > u32::MAX / 2 {
        0
    } else {
        passed / INTERVAL_MS
    };
    let used = used.saturating_sub(earned as u64);
    // What is left over of an interval counts towards the next token.
    let last = if used == 0 {
        now_ms
    } else {
        last.wrapping_add(earned.wrapping_mul(INTERVAL_MS))
    };
    let (used, suppressed, logged) = if used < BURST as u64 {
        (used.saturating_add(1), 0, Some(suppressed as u32))
    } else if suppressed < SUPPRESSED_MAX {
        (used, suppressed.saturating_add(1), None)
    } else {
        (used, suppressed, None)
    };
    (
        last as u64 | (used << USED) | (suppressed << SUPPRESSED),
        logged,
    )
}
