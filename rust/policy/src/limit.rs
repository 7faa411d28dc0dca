// SPDX-License-Identifier: GPL-2.0

//! How often something may be logged: a token bucket in one word, so that it can be kept
//! without a lock.

/// How many lines there may be.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Lines that may follow each other at once, at most 255.
    pub burst: u8,
    /// Milliseconds in which one more line is earned, not 0.
    pub interval_ms: u32,
}

/// Of one subject, for one reason.
pub const EACH: Rate = Rate {
    burst: 5,
    interval_ms: 2000,
};

/// Of all together: who sends by many names fills the log no faster than a handful of subjects.
pub const ALL: Rate = Rate {
    burst: 100,
    interval_ms: 100,
};

/// The word of a bucket that was never used.
pub const FULL: u64 = 0;

// Bits 0..=31: when tokens were last earned, in ms; 32..=39: tokens used; 40..=63: suppressed.
const USED: u32 = 32;
const SUPPRESSED: u32 = 40;
const SUPPRESSED_MAX: u64 = (1 << 24) - 1;

/// One event at `now_ms` (any clock that wraps at 2^32). Returns the bucket's next word, and,
/// if the event may be logged, how many were not since the last that was (at most 16,777,215).
#[inline]
pub const fn step(word: u64, now_ms: u32, rate: Rate) -> (u64, Option<u32>) {
    let used = (word >> USED) & 0xff;
    let suppressed = word >> SUPPRESSED;
    let last = if used == 0 { now_ms } else { word as u32 };
    let passed = now_ms.wrapping_sub(last);
    // Another CPU may have been here in between, with a clock that was read later.
    let earned = if passed > u32::MAX / 2 {
        0
    } else {
        // Never by 0, which nobody asks for.
        match passed.checked_div(rate.interval_ms) {
            Some(earned) => earned,
            None => 0,
        }
    };
    let used = used.saturating_sub(earned as u64);
    // What is left over of an interval counts towards the next token.
    let last = if used == 0 {
        now_ms
    } else {
        last.wrapping_add(earned.wrapping_mul(rate.interval_ms))
    };
    if used < rate.burst as u64 {
        return (
            pack(last, used.saturating_add(1), 0),
            Some(suppressed as u32),
        );
    }
    (held_back(pack(last, used, 0), suppressed as u32), None)
}

/// The word after a step whose event is not logged all the same, nor are the `suppressed` before it
/// forgotten; the token is spent.
#[inline]
pub const fn held_back(word: u64, suppressed: u32) -> u64 {
    let all = (suppressed as u64).saturating_add(1);
    let all = if all < SUPPRESSED_MAX {
        all
    } else {
        SUPPRESSED_MAX
    };
    pack(word as u32, (word >> USED) & 0xff, all)
}

#[inline]
const fn pack(last: u32, used: u64, suppressed: u64) -> u64 {
    last as u64 | (used << USED) | (suppressed << SUPPRESSED)
}
