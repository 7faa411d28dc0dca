// SPDX-License-Identifier: GPL-2.0

//! The generic netlink family `camzone`, by which a namespace is steered.
//!
//! What the messages are is said by `netlink/specs/camzone.yaml`. The core of generic netlink
//! has validated a request against the tables of [`schema`] and checked the sender's
//! permission before a handler sees it. Handlers hold a [`request::Request`] or a
//! [`dump::Round`], and nothing else of the kernel's.
//!
//! Locks, outermost first: `cb_lock` of generic netlink (held around every request's handler and
//! the first round of a dump, and taken by the release of a socket before it tells [`release`])
//! or, in the later rounds of a dump, the socket's `nl_cb_mutex` alone; the namespace's
//! transactions, the namespace's configuration, the RTNL. The transactions are never held while
//! either of the last two is taken. What keeps the family for those later rounds is the module,
//! to which a dump has a reference.

mod commit;
mod digest;
mod dump;
mod extack;
mod family;
mod items;
mod message;
mod release;
mod request;
mod schema;
mod status;
pub(crate) mod transaction;
mod upload;

pub(crate) use self::{
    family::Family,
    release::ReleaseNotifier, //
};
