// SPDX-License-Identifier: GPL-2.0

//! Choices made from bytes: what proptest shrinks, and what a fuzzer could feed. Where the bytes
//! end every choice is the first, so fewer and smaller bytes mean simpler things.

use std::{fmt, ops::RangeInclusive};

use proptest::{collection::vec, prelude::*};

/// Bytes to make choices from, shown in short.
#[derive(Clone)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self
            .0
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        self.0[..end]
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Bytes {
    /// The choices.
    pub fn dice(&self) -> Dice<'_> {
        Dice::new(&self.0)
    }
}

/// So many bytes.
pub fn bytes(count: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), count).prop_map(Bytes)
}

/// A source of choices.
pub struct Dice<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl<'a> Dice<'a> {
    /// Choices from these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Dice {
            bytes: bytes.iter(),
        }
    }

    /// Any byte.
    pub fn byte(&mut self) -> u8 {
        self.bytes.next().copied().unwrap_or(0)
    }

    /// Any 16 bits.
    pub fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// A number of the range.
    pub fn within(&mut self, range: RangeInclusive<usize>) -> usize {
        let span = range.end() - range.start() + 1;
        range.start() + usize::from(self.byte()) % span
    }

    /// True `percent` times out of a hundred, and never where the bytes have ended.
    pub fn chance(&mut self, percent: u8) -> bool {
        u32::from(self.byte()) * 100 >= u32::from(100 - percent) * 256
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.byte()) % of.len()]
    }

    /// The same items in some order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, i - self.within(0..=i));
        }
    }
}
