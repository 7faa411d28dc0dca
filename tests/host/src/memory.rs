// SPDX-License-Identifier: GPL-2.0

//! Memory that fails on purpose.

use std::{cell::Cell, ops};

use camzone_policy::memory::{List, Memory, OutOfMemory};

thread_local! {
    static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    static RECOVERS: Cell<bool> = const { Cell::new(false) };
}

/// A family of lists of which only so many items can be appended, all lists together.
pub struct Failing;

impl Failing {
    /// Lets the next `count` appends of this thread succeed and all others fail; or, where
    /// memory `recovers`, only the next one.
    pub fn after(count: usize, recovers: bool) {
        LEFT.set(count);
        RECOVERS.set(recovers);
    }

    /// How many more appends will succeed.
    pub fn left() -> usize {
        LEFT.get()
    }
}

impl Memory for Failing {
    type List<T> = FailingList<T>;
}

/// A list of [`Failing`].
pub struct FailingList<T>(Vec<T>);

impl<T> ops::Deref for FailingList<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> ops::DerefMut for FailingList<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T> List<T> for FailingList<T> {
    fn new() -> Self {
        FailingList(Vec::new())
    }

    fn push(&mut self, value: T) -> Result<(), OutOfMemory> {
        let Some(left) = LEFT.get().checked_sub(1) else {
            if RECOVERS.get() {
                LEFT.set(usize::MAX);
            }
            return Err(OutOfMemory);
        };
        LEFT.set(left);
        self.0.push(value);
        Ok(())
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}
