// SPDX-License-Identifier: GPL-2.0

//! The extended acknowledgement: why a request was refused, and which attribute is to blame.
//!
//! C header: [`include/linux/netlink.h`](srctree/include/linux/netlink.h)

use crate::bindings;
use core::{
    fmt,
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::prelude::*;

/// The report that goes back with the acknowledgement of a request.
///
/// # Invariants
///
/// The pointer, if there is one, is valid for `'a` and nobody else uses what it points to.
pub(super) struct Extack<'a> {
    report: Option<NonNull<bindings::netlink_ext_ack>>,
    _lifetime: PhantomData<&'a mut bindings::netlink_ext_ack>,
}

impl Extack<'_> {
    /// The report of a request.
    ///
    /// # Safety
    ///
    /// `report` is null, or valid for the lifetime and used by nobody else during it.
    pub(super) unsafe fn new(report: *mut bindings::netlink_ext_ack) -> Self {
        // INVARIANT: The caller's promise.
        Extack {
            report: NonNull::new(report),
            _lifetime: PhantomData,
        }
    }

    /// Sets the text, cut where the report's buffer ends, and the attribute whose header
    /// begins `at` bytes into the request's payload.
    pub(super) fn set(&self, text: fmt::Arguments<'_>, payload: &[u8], at: Option<usize>) {
        let Some(mut report) = self.report else {
            return;
        };
        let mut buffer = [0; SIZE];
        // It never fails: what does not fit is cut.
        let _ = fmt::write(&mut Text::new(&mut buffer), text);
        // SAFETY: By the type invariant it is valid and ours, and no other reference to it is
        // ever made but here.
        let report = unsafe { report.as_mut() };
        report._msg_buf = buffer;
        report._msg = report._msg_buf.as_ptr();
        let attribute = at.and_then(|at| payload.get(at..)).unwrap_or(&[]);
        if !attribute.is_empty() {
            report.bad_attr = attribute.as_ptr().cast();
        }
    }
}

/// Bytes of the report's buffer.
const SIZE: usize = bindings::NETLINK_MAX_FMTMSG_LEN as usize;

/// A C string that is being written into an array.
///
/// # Invariants
///
/// Every byte behind the written ones is NUL, and the last one of the array is never written.
struct Text<'a> {
    rest: core::slice::IterMut<'a, c_char>,
}

impl<'a> Text<'a> {
    fn new(array: &'a mut [c_char; SIZE]) -> Self {
        array.fill(0);
        let mut rest = array.iter_mut();
        // INVARIANT: All is NUL, and the last byte is not among those that can be written.
        let _ = rest.next_back();
        Text { rest }
    }
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (from, to) in text.bytes().zip(&mut self.rest) {
            // It ends up on terminals, and may have the name of an interface in it.
            *to = match from {
                b' '..=b'~' => from,
                _ => b'?',
            };
        }
        Ok(())
    }
}
