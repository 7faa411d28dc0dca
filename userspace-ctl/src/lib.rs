// SPDX-License-Identifier: GPL-2.0

//! The parts of `camzonectl`: a policy file becomes messages ([`file`], [`encode`]), is judged by
//! the policy crate ([`validate`], [`explain`]), and travels to the kernel ([`netlink`]).

#![forbid(unsafe_code)]
#![deny(missing_docs)]
// A diagnostic is made once, when something is wrong, and carries all there is to say.
#![allow(clippy::result_large_err)]

pub mod bridge;
pub mod cli;
pub mod colour;
pub mod commands;
pub mod diagnostic;
pub mod encode;
pub mod explain;
pub mod failure;
pub mod file;
pub mod json;
pub mod names;
pub mod netlink;
pub mod nft;
pub mod output;
pub mod policy_text;
pub mod session;
pub mod spool;
pub mod suggest;
pub mod sysctl;
pub mod table;
pub mod validate;
