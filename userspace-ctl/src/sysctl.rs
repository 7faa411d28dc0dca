// SPDX-License-Identifier: GPL-2.0

//! The forwarding sysctls of this process's network namespace.

use std::fs;

use crate::{failure::Failure, netlink::reply::Saved};

const IPV4: &str = "/proc/sys/net/ipv4/ip_forward";
const IPV6: &str = "/proc/sys/net/ipv6/conf/all/forwarding";

fn read(path: &str) -> Option<bool> {
    Some(fs::read_to_string(path).ok()?.trim() != "0")
}

/// Writes one of them if it is not so already.
fn write(path: &str, on: bool) -> Result<(), Failure> {
    if read(path) == Some(on) {
        return Ok(());
    }
    fs::write(path, if on { "1\n" } else { "0\n" }).map_err(|error| {
        let message = format!("{path} cannot be set to {}: {error}", u8::from(on));
        Failure::other(message).with_errno(error.raw_os_error())
    })
}

/// Both as they are now. A kernel without IPv6 does not forward it.
///
/// # Errors
///
/// The IPv4 one cannot be read.
pub fn current() -> Result<Saved, Failure> {
    let ipv4 = read(IPV4).ok_or_else(|| Failure::other(format!("{IPV4} cannot be read")))?;
    let ipv6 = read(IPV6).unwrap_or(false);
    Ok(Saved { ipv4, ipv6 })
}

/// What they have to be when no policy forwards any more: what was off before is off again, and
/// what was on before was left alone, so it is as the owner has it now.
pub fn put_back(now: Saved, before: Saved) -> Saved {
    Saved {
        ipv4: now.ipv4 && before.ipv4,
        ipv6: now.ipv6 && before.ipv6,
    }
}

/// Makes them so.
///
/// # Errors
///
/// One cannot be written; the other was tried.
pub fn set(wanted: Saved) -> Result<(), Failure> {
    let ipv4 = write(IPV4, wanted.ipv4);
    // Where there is no IPv6 there is nothing to turn off.
    let ipv6 = match read(IPV6) {
        None if !wanted.ipv6 => Ok(()),
        _ => write(IPV6, wanted.ipv6),
    };
    ipv4.and(ipv6)
}
