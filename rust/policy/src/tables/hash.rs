// SPDX-License-Identifier: GPL-2.0

//! Hash tables that are filled once and then only read: open addressing, never more than half
//! full, and no probe longer than the longest that filling needed.

use crate::memory::{List, Memory, OutOfMemory};

/// What a table is asked for.
pub(super) trait Key: Copy + Eq {
    /// 64 bits of which the upper ones depend on all bits of the key.
    fn hash(self) -> u64;
}

/// 2^64 divided by the golden ratio: multiplicative hashing (Knuth, TAOCP 3, 6.4).
const PHI: u64 = 0x9e37_79b9_7f4a_7c15;

impl Key for u32 {
    #[inline(always)]
    fn hash(self) -> u64 {
        u64::from(self).wrapping_mul(PHI)
    }
}

impl Key for u64 {
    #[inline(always)]
    fn hash(self) -> u64 {
        // Both halves have to reach the upper bits.
        (self ^ self.rotate_left(32)).wrapping_mul(PHI)
    }
}

impl Key for u128 {
    #[inline(always)]
    fn hash(self) -> u64 {
        let (high, low) = ((self >> 64) as u64, self as u64);
        (high.wrapping_mul(PHI) ^ low.rotate_left(32) ^ low).wrapping_mul(PHI)
    }
}

/// A place of a table.
#[derive(Clone, Copy)]
struct Slot<K, V> {
    key: K,
    value: Option<V>,
}

/// The places of one table among those of all.
#[derive(Clone, Copy)]
pub(super) struct Area {
    start: usize,
    // One less than the number of places, which is a power of two.
    mask: usize,
    shift: u32,
    // The most places that have to be looked at.
    reach: usize,
}

/// Several tables, one behind the other.
pub(super) struct Tables<K: Key, V: Copy, M: Memory> {
    slots: M::List<Slot<K, V>>,
}

impl<K: Key, V: Copy, M: Memory> Tables<K, V, M> {
    /// No table yet; allocates nothing.
    pub(super) fn new() -> Self {
        Tables { slots: List::new() }
    }

    /// Adds a table with room for `most` entries.
    pub(super) fn add(&mut self, most: usize, filler: K) -> Result<Area, OutOfMemory> {
        // 2 to 2^62 places, so that a shift is never by the whole width.
        let len = most.max(1).checked_mul(2).ok_or(OutOfMemory)?;
        let len = len.checked_next_power_of_two().ok_or(OutOfMemory)?;
        let start = self.slots.len();
        let slot = Slot {
            key: filler,
            value: None,
        };
        for _ in 0..len {
            self.slots.push(slot)?;
        }
        Ok(Area {
            start,
            mask: len.wrapping_sub(1),
            shift: len.leading_zeros().saturating_add(1),
            reach: 0,
        })
    }

    /// The places to look for a key, in order.
    #[inline(always)]
    fn places(area: &Area, key: K) -> impl Iterator<Item = usize> {
        let Area { start, mask, .. } = *area;
        let first = key.hash().wrapping_shr(area.shift) as usize;
        (0..area.reach).map(move |step| start.wrapping_add(first.wrapping_add(step) & mask))
    }

    /// Enters a key that is not there yet. Without room for it the table stays as it is.
    pub(super) fn enter(&mut self, area: &mut Area, key: K, value: V) {
        let whole = Area {
            reach: area.mask.saturating_add(1),
            ..*area
        };
        let mut probes = 0usize;
        for place in Self::places(&whole, key) {
            probes = probes.saturating_add(1);
            match self.slots.get_mut(place) {
                Some(slot) if slot.value.is_none() => {
                    let value = Some(value);
                    *slot = Slot { key, value };
                    area.reach = area.reach.max(probes);
                    return;
                }
                Some(_) => {}
                None => return,
            }
        }
    }

    /// The value of a key.
    #[inline(always)]
    pub(super) fn get(&self, area: &Area, key: K) -> Option<V> {
        for place in Self::places(area, key) {
            let slot = self.slots.get(place)?;
            let value = slot.value?;
            if slot.key == key {
                return Some(value);
            }
        }
        None
    }
}
