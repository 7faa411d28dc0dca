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
        flags::GFP_KERNEL_ACCOUNT,
        AllocError, //
    },
    prelude::*, //
};

/// Memory of the kernel. To be used where sleeping is allowed. It is accounted to whoever asks:
/// in a namespace of her own, that may be any user.
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
        if self.0.len() == self.0.capacity() {
            reserve(&mut self.0, 1).map_err(|AllocError| OutOfMemory)?;
        }
        self.0.push_within_capacity(value).map_err(|_| OutOfMemory)
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
        reserve(&mut self.0, values.len()).map_err(|AllocError| OutOfMemory)?;
        values
            .iter()
            .try_for_each(|value| self.0.push_within_capacity(*value))
            .map_err(|_| OutOfMemory)
    }
}

/// The errno of [`OutOfMemory`].
pub(crate) fn enomem(_: OutOfMemory) -> Error {
    ENOMEM
}

/// Makes room for that many more.
///
/// The one place that grows a list: the kernel crate's arithmetic is checked for overflow, so that
/// a panic seems possible in here (`rust/core-symbols.txt`), and ought to be nowhere else.
#[inline(never)]
fn reserve<T>(list: &mut KVVec<T>, more: usize) -> Result<(), AllocError> {
    list.reserve(more, GFP_KERNEL_ACCOUNT)
}

/// A list of `len` values that `make` makes of their places.
///
/// # Errors
///
/// `ENOMEM` when the list could not be allocated.
pub(crate) fn filled<T>(len: usize, mut make: impl FnMut(usize) -> T) -> Result<KernelList<T>> {
    let mut list = KVVec::new();
    reserve(&mut list, len)?;
    for place in 0..len {
        list.push_within_capacity(make(place)).map_err(|_| ENOMEM)?;
    }
    Ok(KernelList(list))
}
