// SPDX-License-Identifier: GPL-2.0

//! The rules of camzone: what a policy is, whether it is sound, and what becomes of a packet.
//!
//! The same sources are linked into the kernel module, used by `camzonectl` and tested on the
//! host. Nothing in here knows the kernel, does I/O, allocates by itself or panics:
//!
//! - memory comes through [`memory::Memory`], and every allocation may fail;
//! - a policy arrives as netlink attributes ([`attribute`]), is validated item by item
//!   ([`draft`]), becomes a [`policy::Policy`], and is compiled once ([`tables`]);
//! - a packet's header is read by [`header`], and [`decide::decide`] gives its verdict.

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
// An error is made once, while a policy is read, and names what it is about.
#![allow(clippy::result_large_err)]

pub mod address;
pub mod attribute;
pub mod decide;
pub mod draft;
pub mod dump;
pub mod error;
pub mod facts;
pub mod header;
pub mod limit;
pub mod memory;
pub mod name;
pub mod policy;
pub mod service;
pub mod tables;
#[rustfmt::skip]
pub mod uapi;
