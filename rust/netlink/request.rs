// SPDX-License-Identifier: GPL-2.0

//! A request that the core of generic netlink has validated, and how a handler gets it.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

use super::extack::Extack;
use crate::{
    bindings,
    netfilter::namespace::Namespace, //
};
use camzone_policy::{
    attribute::{
        Attribute,
        Attributes, //
    },
    error,
};
use core::{
    fmt,
    mem::size_of,
    slice, //
};
use kernel::{
    error::from_result,
    prelude::*, //
};

/// An error that the kernel crate may have no name for.
pub(super) fn errno(number: u32) -> Error {
    Error::from_errno(-(number as c_int))
}

/// A command that is answered at once.
pub(super) trait Do {
    /// Its number.
    const COMMAND: u8;

    /// Does it; what it refuses it has explained with [`Request::refuse`].
    fn run(request: &Request<'_>) -> Result;
}

/// A request, while its handler runs.
///
/// # Invariants
///
/// `info` and the namespace it names are valid for `'a`.
pub(super) struct Request<'a> {
    info: &'a bindings::genl_info,
    namespace: &'a Namespace,
    payload: &'a [u8],
    extack: Extack<'a>,
}

impl<'a> Request<'a> {
    /// # Safety
    ///
    /// `info` is what the core of generic netlink hands to a `doit`, and it is used no longer
    /// than that runs.
    unsafe fn new(info: &'a bindings::genl_info) -> Result<Self> {
        const HEADERS: usize = size_of::<bindings::nlmsghdr>() + size_of::<bindings::genlmsghdr>();
        // SAFETY: The core checked that the message has at least its two headers, and that all
        // of `nlmsg_len` lies in the buffer, which stays while the handler runs.
        let payload = unsafe {
            let len = (*info.nlhdr).nlmsg_len as usize;
            let start = info.genlhdr.add(1).cast::<u8>();
            slice::from_raw_parts(start, len.saturating_sub(HEADERS))
        };
        // SAFETY: The sender's socket holds its namespace while the handler runs.
        let namespace = unsafe { Namespace::from_raw(info._net.net) }.ok_or(ENODEV)?;
        // SAFETY: The core made the report for this request alone.
        let extack = unsafe { Extack::new(info.extack) };
        // INVARIANT: The caller's promise.
        Ok(Request {
            info,
            namespace,
            payload,
            extack,
        })
    }

    /// The namespace of the sender's socket.
    pub(super) fn namespace(&self) -> &'a Namespace {
        self.namespace
    }

    /// The namespace as the C side has it; valid as long as the request.
    pub(super) fn net(&self) -> *mut bindings::net {
        self.info._net.net
    }

    /// The attributes, as bytes.
    pub(super) fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The number of the sender's socket.
    pub(super) fn portid(&self) -> u32 {
        self.info.snd_portid
    }

    /// Whom an answer goes to: the socket's number, the request's, and the command's.
    pub(super) fn answer_to(&self) -> (u32, u32, u8) {
        // SAFETY: By the type invariant `info` is valid, and so is the header it points to.
        let command = unsafe { (*self.info.genlhdr).cmd };
        (self.info.snd_portid, self.info.snd_seq, command)
    }

    /// Says why the request is refused, and where the attribute is that is to blame.
    pub(super) fn refuse(&self, errno: Error, at: Option<usize>, why: fmt::Arguments<'_>) -> Error {
        self.extack.set(why, self.payload, at);
        errno
    }

    /// Says what the policy crate found wrong.
    pub(super) fn refuse_policy(&self, fault: error::Error) -> Error {
        let at = match fault.place {
            error::Place::Message(at) => Some(at),
            _ => None,
        };
        let errno = match fault.kind {
            error::Kind::OutOfMemory => ENOMEM,
            error::Kind::TooMany { .. } => E2BIG,
            _ => EINVAL,
        };
        self.refuse(errno, at, format_args!("{}", fault.kind))
    }

    /// Hands each attribute to `visit`, and refuses those that come twice; the core would let
    /// the last one count.
    pub(super) fn each_once(&self, mut visit: impl FnMut(&Attribute<'a>) -> Result) -> Result {
        self.once(Attributes::new(self.payload), &mut visit)
    }

    /// As [`Request::each_once`], for the attributes in `nest`.
    pub(super) fn each_once_in(
        &self,
        nest: &Attribute<'a>,
        mut visit: impl FnMut(&Attribute<'a>) -> Result,
    ) -> Result {
        self.once(nest.nested(), &mut visit)
    }

    fn once(
        &self,
        attributes: Attributes<'a>,
        visit: &mut impl FnMut(&Attribute<'a>) -> Result,
    ) -> Result {
        let mut seen = 0u64;
        for attribute in attributes {
            let attribute = attribute.map_err(|fault| self.refuse_policy(fault.into()))?;
            let bit = 1u64.checked_shl(attribute.kind.into()).unwrap_or(0);
            if seen & bit != 0 {
                let why = format_args!("attribute is given twice");
                return Err(self.refuse(EINVAL, Some(attribute.at), why));
            }
            seen |= bit;
            visit(&attribute)?;
        }
        Ok(())
    }
}

/// What the core calls for a command.
///
/// # Safety
///
/// To be called as the `doit` of an operation of the family only.
pub(super) unsafe extern "C" fn doit<H: Do>(
    _skb: *mut bindings::sk_buff,
    info: *mut bindings::genl_info,
) -> c_int {
    from_result(|| {
        // SAFETY: The core's `info` is valid while this runs, and not written.
        let request = unsafe { Request::new(&*info) }?;
        H::run(&request)?;
        Ok(0)
    })
}
