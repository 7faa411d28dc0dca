// SPDX-License-Identifier: GPL-2.0
//! One policy in the language of each firewall. All of them:
//!
//! - drop what conntrack calls invalid, and what no rule permits to the router or through it;
//! - drop a source that is not the zone's where the packet comes in;
//! - permit the cameras their services towards `private`, and ftp-upload and ntp to the router;
//!   `private` http to the cameras and ssh to the router; everybody ping to the router;
//! - permit every further zone the same services towards `private`.

pub mod camzone;
pub mod iptables;
pub mod nft;
