// SPDX-License-Identifier: GPL-2.0

//! Where lists get their memory: the kernel's allocator, a host's, or one that fails on purpose.

use core::ops::DerefMut;

/// No memory was left; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

/// A family of growable lists.
pub trait Memory {
    /// A growable list of `T`.
    type List<T>: List<T>;
}

/// A growable list that says when it cannot grow.
pub trait List<T>: DerefMut<Target = [T]> {
    /// An empty list; allocates nothing.
    fn new() -> Self;

    /// Appends `value`, or leaves the list as it was.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the list could not grow.
    fn push(&mut self, value: T) -> Result<(), OutOfMemory>;

    /// Drops all items and keeps the memory.
    fn clear(&mut self);

    /// Appends every item of `values`; on an error some of them may have been appended.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the list could not grow.
    fn extend(&mut self, values: &[T]) -> Result<(), OutOfMemory>
    where
        T: Copy,
    {
        values.iter().try_for_each(|value| self.push(*value))
    }
}

/// Swaps two items; does nothing when an index is out of range.
fn swap<T>(items: &mut [T], a: usize, b: usize) {
    let (low, high) = (a.min(b), a.max(b));
    if let Some((left, right)) = items.split_at_mut_checked(high) {
        if let (Some(x), Some(y)) = (left.get_mut(low), right.first_mut()) {
            core::mem::swap(x, y);
        }
    }
}

/// Lets the item at `root` sink to its place in the heap `items[..end]`.
fn sift_down<T>(items: &mut [T], mut root: usize, end: usize, less: &impl Fn(&T, &T) -> bool) {
    loop {
        let left = root.saturating_mul(2).saturating_add(1);
        let right = left.saturating_add(1);
        let below = |items: &[T], a: usize, b: usize| match (items.get(a), items.get(b)) {
            (Some(x), Some(y)) => less(x, y),
            _ => false,
        };
        let mut largest = root;
        if left < end && below(items, largest, left) {
            largest = left;
        }
        if right < end && below(items, largest, right) {
            largest = right;
        }
        if largest == root {
            return;
        }
        swap(items, root, largest);
        root = largest;
    }
}

#[inline(never)] // What is compared may be large, and need not lie in a frame twice.
fn are_sorted<T>(items: &[T], less: &impl Fn(&T, &T) -> bool) -> bool {
    items.is_sorted_by(|a, b| !less(b, a))
}

/// Sorts in place by heapsort: O(n log n) always, no allocation, and, unlike `core`'s sorts, no
/// path to a panic. Not stable.
pub fn sort<T>(items: &mut [T], less: impl Fn(&T, &T) -> bool) {
    // What was dumped is.
    if are_sorted(items, &less) {
        return;
    }
    let len = items.len();
    for root in (0..len / 2).rev() {
        sift_down(items, root, len, &less);
    }
    for end in (1..len).rev() {
        swap(items, 0, end);
        sift_down(items, 0, end, &less);
    }
}

/// Finds in a sorted slice the item that `compare` calls equal. At most 64 steps.
#[inline]
pub fn search<T>(items: &[T], compare: impl Fn(&T) -> core::cmp::Ordering) -> Option<usize> {
    let (mut low, mut high) = (0usize, items.len());
    while low < high {
        let middle = low.midpoint(high);
        match compare(items.get(middle)?) {
            core::cmp::Ordering::Equal => return Some(middle),
            core::cmp::Ordering::Less => low = middle.saturating_add(1),
            core::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}

/// How many items stand before the first, in a sorted slice, that is not `before`. Unlike
/// `core`'s, without a path to a panic.
pub fn count_before<T>(items: &[T], before: impl Fn(&T) -> bool) -> usize {
    let (mut low, mut high) = (0usize, items.len());
    while low < high {
        let middle = low.midpoint(high);
        match items.get(middle) {
            Some(item) if before(item) => low = middle.saturating_add(1),
            _ => high = middle,
        }
    }
    low
}

/// The slice in runs of neighbours that are `same`. Unlike `core`'s, without a path to a panic.
pub fn runs<T>(items: &[T], same: impl Fn(&T, &T) -> bool) -> impl Iterator<Item = &[T]> {
    let mut rest = items;
    core::iter::from_fn(move || {
        let first = rest.first()?;
        let len = rest.iter().position(|item| !same(first, item));
        let len = len.unwrap_or(rest.len());
        let (run, behind) = rest.split_at_checked(len.max(1))?;
        rest = behind;
        Some(run)
    })
}

#[cfg(feature = "heap")]
mod heap {
    extern crate alloc;

    use super::{List, Memory, OutOfMemory};
    use alloc::vec::Vec;

    /// A host's heap: what `camzonectl` and the tests use.
    #[derive(Clone, Copy, Debug)]
    pub struct Heap;

    impl Memory for Heap {
        type List<T> = Vec<T>;
    }

    impl<T> List<T> for Vec<T> {
        fn new() -> Self {
            Vec::new()
        }

        fn push(&mut self, value: T) -> Result<(), OutOfMemory> {
            self.try_reserve(1).map_err(|_| OutOfMemory)?;
            Vec::push(self, value);
            Ok(())
        }

        fn clear(&mut self) {
            Vec::clear(self);
        }
    }
}

#[cfg(feature = "heap")]
pub use heap::Heap;
