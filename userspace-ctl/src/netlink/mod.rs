// SPDX-License-Identifier: GPL-2.0

//! Talking to the kernel: [`wire`] reads bytes and does no I/O, [`socket`] does the I/O,
//! [`family`] knows the commands, [`reply`] and [`item`] what they answer.

pub mod family;
pub mod item;
pub mod reply;
pub mod socket;
pub mod wire;
