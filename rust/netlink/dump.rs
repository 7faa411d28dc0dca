// SPDX-License-Identifier: GPL-2.0

//! Dumps: answers of any length, one item a message, as many messages a round as fit.
//!
//! Between two rounds no lock is held, only the place of the next item is kept. When the policy
//! was swapped meanwhile, the next message says so (`NLM_F_DUMP_INTR`) and its reader begins
//! anew.
//!
//! C headers: [`include/net/genetlink.h`](srctree/include/net/genetlink.h),
//! [`include/linux/netlink.h`](srctree/include/linux/netlink.h)

use super::{
    family,
    message::{
        Body,
        Count, //
    },
};
use crate::{
    bindings,
    netfilter::namespace::{
        Namespace,
        Snapshot, //
    }, //
};
use camzone_policy::{
    attribute::WriteError,
    memory::List, //
};
use core::{
    mem::size_of,
    ptr::NonNull, //
};
use kernel::{
    error::from_result,
    prelude::*, //
};

/// What became of an item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// Its attributes were written.
    Written,
    /// It has nothing to say, and no message.
    Nothing,
    /// There is none in this place or behind it.
    End,
}

/// A command that is answered item by item.
pub(super) trait Dump {
    /// Its number.
    const COMMAND: u8;

    /// Writes the attributes of the item in place `index`.
    fn write<L: List<u8>>(
        snapshot: &Snapshot<'_>,
        index: usize,
        list: &mut L,
    ) -> Result<Item, WriteError>;
}

/// One round of a dump.
///
/// # Invariants
///
/// `skb` is the round's buffer, which nobody else uses, `callback` is the state of the dump it
/// belongs to, and both are valid for `'a`.
struct Round<'a> {
    skb: NonNull<bindings::sk_buff>,
    callback: &'a mut bindings::netlink_callback,
    info: &'a bindings::genl_info,
}

/// The buffer has no room for a message.
struct Full;

impl<'a> Round<'a> {
    /// # Safety
    ///
    /// The arguments are what the core of generic netlink hands to a `dumpit`, and they are
    /// used no longer than that runs.
    unsafe fn new(
        skb: NonNull<bindings::sk_buff>,
        callback: &'a mut bindings::netlink_callback,
    ) -> Self {
        // SAFETY: Generic netlink's `data` is the dump's `genl_dumpit_info`, which lives until
        // the dump is done.
        let info = unsafe { &(*callback.data.cast::<bindings::genl_dumpit_info>()).info };
        // INVARIANT: The caller's promise.
        Round {
            skb,
            callback,
            info,
        }
    }

    /// The namespace of the reader's socket.
    fn namespace(&self) -> Option<&'a Namespace> {
        // SAFETY: The socket holds its namespace, and lives until the dump is done.
        unsafe { Namespace::from_raw(self.info._net.net) }
    }

    /// The place of the next item.
    fn place(&mut self) -> &mut usize {
        // SAFETY: The scratch space is zeroed at first and then only ours, it is aligned for
        // a word, and every value of a word is valid.
        unsafe { &mut *(&raw mut self.callback.__bindgen_anon_1.args[0]).cast::<usize>() }
    }

    /// Bytes in the buffer.
    fn len(&self) -> usize {
        // SAFETY: By the type invariant it is valid.
        unsafe { (*self.skb.as_ptr()).len as usize }
    }

    /// Appends a message with what `fill` writes, or nothing.
    fn message(
        &mut self,
        command: u8,
        fill: impl FnOnce(&mut Body<'_>) -> Result<Item, WriteError>,
    ) -> Result<Item, Full> {
        let skb = self.skb.as_ptr();
        let (portid, seq) = (self.info.snd_portid, self.info.snd_seq);
        let flags = bindings::NLM_F_MULTI as c_int;
        // SAFETY: By the type invariant the buffer is valid and ours; the family is registered
        // as long as its handlers run.
        let header =
            unsafe { bindings::genlmsg_put(skb, portid, seq, family::as_ptr(), flags, command) };
        let header = NonNull::new(header).ok_or(Full)?;
        // SAFETY: The header was put at the end of the buffer, which is ours.
        let mut body = unsafe { Body::new(self.skb, header) };
        let result = fill(&mut body);
        if !matches!(result, Ok(Item::Written)) {
            // SAFETY: It is this buffer's last header.
            unsafe { bindings::camzone_message_cancel(skb, header.as_ptr()) };
            return result.map_err(|_| Full);
        }
        // SAFETY: As above, and by the type invariant `callback` is valid. It marks the message
        // when the policy was swapped since the last one.
        unsafe { bindings::camzone_message_end(skb, header.as_ptr(), self.callback) };
        Ok(Item::Written)
    }

    /// Appends messages until the buffer is full or all items were written, and says whether
    /// that is so.
    fn run<D: Dump>(&mut self, snapshot: &Snapshot<'_>) -> Result<bool> {
        // 0 stands for a dump that has not begun.
        self.callback.seq = snapshot.generation().wrapping_add(1).max(1);
        loop {
            let place = *self.place();
            match self.message(D::COMMAND, |body| D::write(snapshot, place, body)) {
                Ok(Item::Written | Item::Nothing) => {
                    *self.place() = place.saturating_add(1);
                }
                Ok(Item::End) => return Ok(true),
                Err(Full) if self.len() == 0 => return Err(EMSGSIZE),
                Err(Full) => {
                    self.make_room::<D>(snapshot, place);
                    return Ok(false);
                }
            }
        }
    }

    /// Sees to it that the next round's buffer has room for the item in place `index`, which
    /// may be longer than a buffer usually is.
    fn make_room<D: Dump>(&mut self, snapshot: &Snapshot<'_>, index: usize) {
        const HEADERS: usize = size_of::<bindings::nlmsghdr>() + size_of::<bindings::genlmsghdr>();
        let mut count = Count::default();
        if D::write(snapshot, index, &mut count).is_ok() {
            let bytes = u32::try_from(count.bytes.saturating_add(HEADERS)).unwrap_or(u32::MAX);
            self.callback.min_dump_alloc = self.callback.min_dump_alloc.max(bytes);
        }
    }
}

/// What the core calls for a round of a dump: positive when there is more to come.
///
/// The dump holds a reference to the module until it is done or its socket is closed.
///
/// # Safety
///
/// To be called as the `dumpit` of an operation of the family only.
pub(super) unsafe extern "C" fn dumpit<D: Dump>(
    skb: *mut bindings::sk_buff,
    callback: *mut bindings::netlink_callback,
) -> c_int {
    from_result(|| {
        let skb = NonNull::new(skb).ok_or(EINVAL)?;
        // SAFETY: The core hands over what is valid and used by nobody else while this runs.
        let mut round = unsafe { Round::new(skb, &mut *callback) };
        let namespace = round.namespace().ok_or(ENODEV)?;
        let done = namespace.read(|snapshot| round.run::<D>(snapshot))?;
        if done {
            return Ok(0);
        }
        Ok(c_int::try_from(round.len())?)
    })
}
