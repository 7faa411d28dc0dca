// SPDX-License-Identifier: GPL-2.0

//! What camzone does with netfilter, connection tracking, network namespaces and devices: safe
//! views and registrations, one file for each interface of C.
//!
//! A packet's way: [`hook`] is called with a [`packet`] and asks [`judge`], who has the policy crate
//! decide, answers what that asks with the help of [`conntrack`], [`ports`] and [`locals`], and sees
//! to [`counters`] and [`log`]. All of it happens under RCU, on one [`regime`].
//!
//! A policy's way: [`namespace`] makes a regime of it, publishes it with [`rcu`], and carries
//! the counters over ([`carry`]); [`nat`] ends the flows whose translation changed.
//!
//! Locks, outermost first: a namespace's configuration, the RTNL, a snapshot's ports. No packet
//! waits for any of them.

pub(crate) mod carry;
pub(crate) mod conntrack;
pub(crate) mod counters;
pub(crate) mod devices;
pub(crate) mod hook;
pub(crate) mod judge;
pub(crate) mod locals;
pub(crate) mod log;
pub(crate) mod namespace;
pub(crate) mod nat;
pub(crate) mod net;
pub(crate) mod packet;
pub(crate) mod pernet;
pub(crate) mod ports;
pub(crate) mod rcu;
pub(crate) mod regime;
