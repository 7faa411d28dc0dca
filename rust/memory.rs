// SPDX-License-Identifier: GPL-2.0

//! The policy crate's memory, by the kernel's allocator.

use camzone_policy::memory::{
    List,
    Memory,
    OutOfMemory, //
};
use core::ops::{
    Deref,
    DerefMut, //
};
use kernel::{
    alloc::{
        flags::GFP_KERNEL,
        AllocError, //
    },
    prelude::*, //
};

/// Memory of the kernel. To be used where sleeping is allowed.
pub(crate) struct Kernel;

impl Memory for Kernel {
    type List<T> = KernelList<T>;
}

/// A list in memory that is physically contiguous if it is small.
pub(crate) struct KernelList<T>(KVVec<T>);

impl<T> Deref for KernelList<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> DerefMut for KernelList<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T> List<T> for KernelList<T> {
    #[inline]
    fn new() -> Self {
        KernelList(KVVec::new())
    }

    #[inline]
    fn push(&mut self, value: T) -> Result<(), OutOfMemory> {
        self.0
            .push(value, GFP_KERNEL)
            .map_err(|AllocError| OutOfMemory)
    }

    #[inline]
    fn clear(&mut self) {
        self.0.clear();
    }

    #[inline]
    fn extend(&mut self, values: &[T]) -> Result<(), OutOfMemory>
    where
        T: Copy,
    {
        self.0
            .extend_from_slice(values, GFP_KERNEL)
            .map_err(|AllocError| OutOfMemory)
    }
}

/// The errno of [`OutOfMemory`].
pub(crate) fn enomem(_: OutOfMemory) -> Error {
    ENOMEM
}

/// A list of `len` values that `make` makes of their places.
///
/// # Errors
///
/// `ENOMEM` when the list could not be allocated.
pub(crate) fn filled<T>(len: usize, mut make: impl FnMut(usize) -> T) -> Result<KVVec<T>> {
    let mut list = KVVec::with_capacity(len, GFP_KERNEL)?;
    for place in 0..len {
        list.push(make(place), GFP_KERNEL)?;
    }
    Ok(list)
}
