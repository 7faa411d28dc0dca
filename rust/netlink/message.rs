// SPDX-License-Identifier: GPL-2.0

//! Messages to user space: a header, and attributes written straight behind it.
//!
//! C headers: [`include/net/genetlink.h`](srctree/include/net/genetlink.h),
//! [`include/net/netlink.h`](srctree/include/net/netlink.h)

use super::{
    family,
    request::Request, //
};
use crate::bindings;
use camzone_policy::{
    attribute::{
        WriteError,
        Writer, //
    },
    memory::{
        List,
        OutOfMemory, //
    },
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::{
        Deref,
        DerefMut, //
    },
    ptr::NonNull,
    slice, //
};
use kernel::prelude::*;

/// The attributes at the end of a message; full when the message's buffer is.
///
/// # Invariants
///
/// `skb`, if there is one, is valid for `'a` and appended to by nobody else, and its data ends
/// with the `len` initialized bytes that begin at `start`.
pub(super) struct Body<'a> {
    skb: Option<NonNull<bindings::sk_buff>>,
    start: NonNull<u8>,
    len: usize,
    _lifetime: PhantomData<&'a mut [u8]>,
}

impl Body<'_> {
    /// The attributes of the message whose header was just put.
    ///
    /// # Safety
    ///
    /// `skb` is valid for the lifetime and appended to by nobody else, and its data ends at
    /// `start`.
    pub(super) unsafe fn new(skb: NonNull<bindings::sk_buff>, start: NonNull<c_void>) -> Self {
        // INVARIANT: The caller's promise, with no byte written.
        Body {
            skb: Some(skb),
            start: start.cast(),
            len: 0,
            _lifetime: PhantomData,
        }
    }
}

impl Deref for Body<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: By the type invariant these bytes are initialized, and borrowed with `self`.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl DerefMut for Body<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: By the type invariant these bytes are initialized, and borrowed with `self`.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl List<u8> for Body<'_> {
    fn new() -> Self {
        // INVARIANT: No message, and no byte written.
        Body {
            skb: None,
            start: NonNull::dangling(),
            len: 0,
            _lifetime: PhantomData,
        }
    }

    fn push(&mut self, value: u8) -> Result<(), OutOfMemory> {
        self.extend(&[value])
    }

    fn clear(&mut self) {
        if let Some(skb) = self.skb {
            // SAFETY: By the type invariant the message is valid and ours, and its data ends
            // with `len` bytes of ours. It is linear, so nothing is freed.
            unsafe {
                let len = (*skb.as_ptr()).len.saturating_sub(self.len as c_uint);
                bindings::skb_trim(skb.as_ptr(), len);
            }
        }
        // INVARIANT: The data ends at `start` again.
        self.len = 0;
    }

    fn extend(&mut self, values: &[u8]) -> Result<(), OutOfMemory> {
        let skb = self.skb.ok_or(OutOfMemory)?;
        let len = c_int::try_from(values.len()).map_err(|_| OutOfMemory)?;
        // SAFETY: By the type invariant the message is valid and ours; `values` has `len`
        // bytes. It refuses what does not fit.
        let failed = unsafe { bindings::nla_append(skb.as_ptr(), len, values.as_ptr().cast()) };
        if failed != 0 {
            return Err(OutOfMemory);
        }
        // INVARIANT: The data ends with the new bytes.
        self.len = self.len.saturating_add(values.len());
        Ok(())
    }
}

/// Counts the bytes of attributes and keeps none.
#[derive(Default)]
pub(super) struct Count {
    /// How many there were.
    pub(super) bytes: usize,
}

impl Deref for Count {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &[]
    }
}

impl DerefMut for Count {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut []
    }
}

impl List<u8> for Count {
    fn new() -> Self {
        Self::default()
    }

    fn push(&mut self, _: u8) -> Result<(), OutOfMemory> {
        self.extend(&[0])
    }

    fn clear(&mut self) {
        self.bytes = 0;
    }

    fn extend(&mut self, values: &[u8]) -> Result<(), OutOfMemory> {
        self.bytes = self.bytes.saturating_add(values.len());
        Ok(())
    }
}

/// The answer to a request.
///
/// # Invariants
///
/// `skb` is a message of ours, and `header` is what `genlmsg_put` said of it.
pub(super) struct Reply {
    skb: NonNull<bindings::sk_buff>,
    header: NonNull<c_void>,
}

impl Reply {
    /// Room for any answer of fixed size.
    pub(super) const SMALL: usize = 256;

    /// An empty answer with room for `room` bytes of attributes.
    pub(super) fn new(request: &Request<'_>, room: usize) -> Result<Self> {
        // SAFETY: Any numbers will do.
        let skb = unsafe { bindings::camzone_message_new(room) };
        let skb = NonNull::new(skb).ok_or(ENOMEM)?;
        let (portid, seq, command) = request.answer_to();
        // SAFETY: The message is valid and ours, and the family is static and registered.
        let header = unsafe {
            bindings::genlmsg_put(skb.as_ptr(), portid, seq, family::as_ptr(), 0, command)
        };
        let Some(header) = NonNull::new(header) else {
            // SAFETY: It is ours, and not used any more.
            unsafe { bindings::camzone_message_free(skb.as_ptr()) };
            return Err(EMSGSIZE);
        };
        // INVARIANT: Made above.
        Ok(Reply { skb, header })
    }

    /// Writes attributes, all of them or none.
    pub(super) fn write(
        &mut self,
        fill: impl FnOnce(&mut Writer<'_, Body<'_>>) -> Result<(), WriteError>,
    ) -> Result {
        // SAFETY: By the type invariant the message is valid and ours.
        let end = unsafe { tail(self.skb) };
        // SAFETY: As above, `end` is where its data ends, and it is borrowed meanwhile.
        let mut body = unsafe { Body::new(self.skb, end) };
        fill(&mut Writer(&mut body)).map_err(|_| {
            body.clear();
            EMSGSIZE
        })
    }

    /// Sends it to where the request came from.
    pub(super) fn send(self, request: &Request<'_>) -> Result {
        let reply = ManuallyDrop::new(self);
        let (portid, ..) = request.answer_to();
        // SAFETY: By the type invariant this is its header, and the namespace is alive. The
        // message is given away, and not dropped again.
        kernel::error::to_result(unsafe {
            bindings::camzone_message_send(
                reply.skb.as_ptr(),
                reply.header.as_ptr(),
                request.net(),
                portid,
            )
        })
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is ours, and not used any more.
        unsafe { bindings::camzone_message_free(self.skb.as_ptr()) };
    }
}

/// Where the data of a message ends (`skb_tail_pointer`).
///
/// # Safety
///
/// `skb` is valid and linear.
unsafe fn tail(skb: NonNull<bindings::sk_buff>) -> NonNull<c_void> {
    // SAFETY: The data of a linear buffer are the `len` bytes from `data` on.
    unsafe {
        let skb = skb.as_ref();
        let end = skb.data.add(skb.len as usize);
        NonNull::new_unchecked(end.cast())
    }
}
