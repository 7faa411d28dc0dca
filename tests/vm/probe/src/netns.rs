// SPDX-License-Identifier: GPL-2.0
//! Opening sockets inside a named network namespace, and coming back.

use std::fs::File;
use std::io::{Error, Result};
use std::os::fd::AsRawFd;
use std::path::Path;

/// Runs `work` in the namespace `name` (as `ip netns` names it), or here when there is no name.
pub fn within<T>(name: Option<&str>, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let Some(name) = name else { return work() };
    let home = File::open("/proc/thread-self/ns/net")?;
    let path = Path::new("/run/netns").join(name);
    let away =
        File::open(&path).map_err(|e| Error::new(e.kind(), format!("namespace {name}: {e}")))?;
    enter(&away)?;
    let result = work();
    enter(&home)?;
    result
}

fn enter(namespace: &File) -> Result<()> {
    // SAFETY: `namespace` is an open file, and setns touches none of our memory.
    match unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) } {
        0 => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}
