// SPDX-License-Identifier: GPL-2.0

//! Hash tables that are filled once and then only read: open addressing, at most half full.

use super::CompileError;
use crate::memory::{List, Memory, OutOfMemory};

/// What a table is asked for.
pub(super) trait Key: Copy + Eq {
    /// Any key; it fills places where nothing is.
    const ANY: Self;

    /// 64 bits of which the upper ones depend on all bits of the key.
    fn hash(self) -> u64;
}

/// What a table answers.
pub(super) trait Value: Copy {
    /// That nothing is known.
    const NONE: Self;

    /// Whether it is that.
    fn is_none(self) -> bool;
}

/// How far behind its place a key may stand. Chance alone brings a row of some 35 places into a table
/// that is half full; more is somebody who looked for keys with one hash, and must not have packets,
/// or the kernel, walk along them.
pub(crate) const MOST_STEPS: usize = 256;

/// 2^64 divided by the golden ratio: multiplicative hashing (Knuth, TAOCP 3, 6.4).
const PHI: u64 = 0x9e37_79b9_7f4a_7c15;

impl Key for u32 {
    const ANY: Self = 0;

    #[inline(always)]
    fn hash(self) -> u64 {
        u64::from(self).wrapping_mul(PHI)
    }
}

impl Key for u64 {
    const ANY: Self = 0;

    #[inline(always)]
    fn hash(self) -> u64 {
        // Pairs of numbers: one product alone lays rows of them upon each other.
        let product = self.wrapping_mul(PHI);
        (product ^ (product >> 32)).wrapping_mul(PHI)
    }
}

impl Key for u128 {
    const ANY: Self = 0;

    #[inline(always)]
    fn hash(self) -> u64 {
        let (high, low) = ((self >> 64) as u64, self as u64);
        (high.wrapping_mul(PHI) ^ low).wrapping_mul(PHI)
    }
}

/// A place of a table.
#[derive(Clone, Copy)]
struct Slot<K, V> {
    key: K,
    value: V,
}

/// A table. A key is at the place that its hash says, or behind that with none free between; what
/// would wrap around stands behind the end.
pub(super) struct Table<K: Key, V: Value, M: Memory> {
    slots: M::List<Slot<K, V>>,
    shift: u32,
}

impl<K: Key, V: Value, M: Memory> Table<K, V, M> {
    /// An empty table with room for `most` entries.
    pub(super) fn new(most: usize) -> Result<Self, OutOfMemory> {
        // 2 to 2^62 places, so that a shift is never by the whole width.
        let len = most.max(1).checked_mul(2).ok_or(OutOfMemory)?;
        let len = len.checked_next_power_of_two().ok_or(OutOfMemory)?;
        let mut slots: M::List<Slot<K, V>> = List::new();
        for _ in 0..len {
            slots.push(Self::FREE)?;
        }
        Ok(Table {
            slots,
            shift: len.leading_zeros().saturating_add(1),
        })
    }

    const FREE: Slot<K, V> = Slot {
        key: K::ANY,
        value: V::NONE,
    };

    /// The first place to look for a key.
    #[inline(always)]
    fn place(&self, key: K) -> usize {
        key.hash().wrapping_shr(self.shift) as usize
    }

    /// Enters a key that is not there yet.
    ///
    /// # Errors
    ///
    /// [`CompileError::OutOfMemory`] when the table could not grow behind its end, and
    /// [`CompileError::Collisions`] when the next free place is too far away.
    pub(super) fn enter(&mut self, key: K, value: V) -> Result<(), CompileError> {
        let first = self.place(key);
        for place in first..first.saturating_add(MOST_STEPS) {
            match self.slots.get_mut(place) {
                Some(slot) if slot.value.is_none() => {
                    *slot = Slot { key, value };
                    return Ok(());
                }
                Some(_) => {}
                None => return Ok(self.slots.push(Slot { key, value })?),
            }
        }
        Err(CompileError::Collisions)
    }

    /// The value of a key. At most [`MOST_STEPS`] steps.
    #[inline(always)]
    pub(super) fn get(&self, key: K) -> V {
        let mut place = self.place(key);
        for _ in 0..MOST_STEPS {
            let Some(slot) = self.slots.get(place) else {
                break;
            };
            // A free place may have any key, and says none.
            if slot.key == key {
                return slot.value;
            }
            if slot.value.is_none() {
                break;
            }
            place = place.wrapping_add(1);
        }
        V::NONE
    }

    /// How many places are looked at to find what is there, at most.
    pub(super) fn most_steps(&self) -> usize {
        let taken = (0..).zip(self.slots.iter());
        let taken = taken.filter(|(_, slot)| !slot.value.is_none());
        let steps = taken.map(|(at, slot): (usize, _)| at.saturating_sub(self.place(slot.key)));
        steps.max().map_or(0, |behind| behind.saturating_add(1))
    }
}
