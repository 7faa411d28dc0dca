// SPDX-License-Identifier: GPL-2.0
//! The few system calls that no library has: who a thread is, and where.

use std::io::{Error, Result};

/// The user `nobody`.
const NOBODY: libc::uid_t = 65_534;

/// Runs `work` as a user without capabilities; this thread only, unlike what the C library does.
pub fn as_nobody<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    become_user(NOBODY)?;
    let result = work();
    become_user(0)?;
    result
}

/// The effective user, and with it the effective capabilities.
fn become_user(user: libc::uid_t) -> Result<()> {
    let same = libc::uid_t::MAX;
    // SAFETY: The call takes three numbers, and changes the calling thread's credentials.
    match unsafe { libc::syscall(libc::SYS_setresuid, same, user, same) } {
        0 => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}

/// Moves this thread into a network namespace of its own.
pub fn leave_network() -> Result<()> {
    // SAFETY: The call takes a number, and touches none of our memory.
    match unsafe { libc::unshare(libc::CLONE_NEWNET) } {
        0 => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}

/// Room for what is received on a socket, beyond what users may have.
pub fn receive_room(fd: libc::c_int, bytes: libc::c_int) -> Result<()> {
    let size = std::mem::size_of_val(&bytes) as libc::socklen_t;
    // SAFETY: The pointer and size are those of `bytes`, which lives through the call.
    let result = unsafe {
        libc::setsockopt(
            fd,
            libc::SOL_SOCKET,
            libc::SO_RCVBUFFORCE,
            (&raw const bytes).cast(),
            size,
        )
    };
    match result {
        0 => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}
