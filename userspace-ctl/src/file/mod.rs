// SPDX-License-Identifier: GPL-2.0

//! The policy file: text to [`model::PolicyFile`], every fault with its place.

pub mod address;
pub mod model;
mod policy;
mod rules;
pub mod services;
pub mod source;
mod syntax;
mod tree;

pub use policy::parse;
