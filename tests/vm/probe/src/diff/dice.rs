// SPDX-License-Identifier: GPL-2.0
//! Choices that a seed makes again: SplitMix64 (Steele, Lea and Flood, 2014).

use std::ops::RangeInclusive;

#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    /// The choices of a policy of a run.
    pub fn new(seed: u64, policy: u64) -> Self {
        let mut dice = Dice(seed);
        let other = dice.word() ^ policy.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Dice(other)
    }

    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number of the range.
    pub fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        let span = range.end() - range.start() + 1;
        range.start() + self.word() % span
    }

    /// A place in something of this length.
    pub fn place(&mut self, len: usize) -> usize {
        self.within(0..=len as u64 - 1) as usize
    }

    /// True so many times out of a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.word() % 100 < percent
    }

    /// One of these.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.place(of.len())].clone()
    }
}
