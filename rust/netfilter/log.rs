// SPDX-License-Identifier: GPL-2.0

//! Lines in the kernel's log about packets that were stopped, by netfilter's logging.
//!
//! C header: [`include/net/netfilter/nf_log.h`](srctree/include/net/netfilter/nf_log.h)

use super::packet::Packet;
use crate::{
    bindings,
    memory::{
        filled,
        KernelList, //
    },
};
use camzone_policy::{
    decide::Reason,
    limit,
    name::Name, //
};
use kernel::{
    error::to_result,
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
};

/// How often a bucket is tried, should another CPU be at it too. After that nothing is logged.
const TRIES: usize = 4;

/// How many bytes the kernel lets a prefix have (`NF_LOG_PREFIXLEN`), NUL included.
const PREFIX: usize = 128;

/// The most token buckets that there are; a power of two. They are 512 KiB, and enough for 2,849
/// subjects.
const MOST: usize = 1 << 16;

/// A token bucket for every subject and reason; where these are more than [`MOST`], several share
/// one. And one for all together.
pub(super) struct Limits {
    each: KernelList<Atomic<u64>>,
    all: Atomic<u64>,
}

impl Limits {
    /// For that many subjects.
    pub(super) fn new(subjects: usize) -> Result<Self> {
        let len = subjects.saturating_mul(Reason::COUNT).min(MOST);
        Ok(Limits {
            each: filled(len, |_| Atomic::new(limit::FULL))?,
            all: Atomic::new(limit::FULL),
        })
    }

    /// The bucket of a subject and a reason.
    fn bucket(&self, subject: usize, reason: Reason) -> Option<&Atomic<u64>> {
        let place = subject
            .checked_mul(Reason::COUNT)?
            .checked_add(reason.number() as usize)?;
        // One that shares can have another's lines suppressed; so can who sends with its address.
        self.each.get(if self.each.len() < MOST {
            place
        } else {
            place % MOST
        })
    }

    /// Whether a line about this subject may be logged, and how many were not since the last.
    pub(super) fn pass(&self, subject: usize, reason: Reason) -> Option<u32> {
        let bucket = self.bucket(subject, reason)?;
        // SAFETY: May be called anywhere.
        let now = unsafe { bindings::camzone_now_ms() };
        let mut granted = None;
        update(bucket, |word| {
            let (next, passes) = limit::step(word, now, limit::EACH);
            let all = || update(&self.all, |word| limit::step(word, now, limit::ALL));
            match passes {
                Some(suppressed) if !*granted.get_or_insert_with(|| all().is_some()) => {
                    (limit::held_back(next, suppressed), None)
                }
                _ => (next, passes),
            }
        })
    }
}

/// Takes a step in a bucket; nothing passes if other CPUs are at it again and again.
fn update(
    bucket: &Atomic<u64>,
    mut step: impl FnMut(u64) -> (u64, Option<u32>), //
) -> Option<u32> {
    let mut word = bucket.load(Relaxed);
    for _ in 0..TRIES {
        let (next, passes) = step(word);
        match bucket.cmpxchg(word, next, Relaxed) {
            Ok(_) => return passes,
            Err(current) => word = current,
        }
    }
    None
}

/// What stands before the kernel's description of a packet.
///
/// # Invariants
///
/// `bytes[len..]` is NUL, and `len` is less than [`PREFIX`].
struct Prefix {
    bytes: [u8; PREFIX],
    len: usize,
}

impl Prefix {
    fn new() -> Self {
        Prefix {
            bytes: [0; PREFIX],
            len: 0,
        }
    }

    /// Appends as much as there is room for.
    fn push(&mut self, text: &[u8]) {
        let last = PREFIX.saturating_sub(1);
        for byte in text {
            match self.bytes.get_mut(self.len) {
                Some(place) if self.len < last => *place = *byte,
                _ => return,
            }
            // INVARIANT: It was less than `PREFIX - 1`.
            self.len = self.len.saturating_add(1);
        }
    }

    fn push_number(&mut self, number: u32) {
        let mut digits = [0u8; 10];
        let mut rest = number;
        let mut len = 0usize;
        for digit in digits.iter_mut().rev() {
            *digit = b'0'.wrapping_add((rest % 10) as u8);
            len = len.saturating_add(1);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        let start = digits.len().saturating_sub(len);
        self.push(digits.get(start..).unwrap_or(&[]));
    }
}

/// Logs a packet that was stopped; `suppressed` lines like it were not.
///
/// The words are those of the script that camzone replaces, where it had one.
pub(super) fn line(packet: &Packet<'_>, reason: Reason, camera: Option<&Name>, suppressed: u32) {
    let mut prefix = Prefix::new();
    match reason {
        Reason::Invalid => prefix.push(b"DROP INVALID "),
        Reason::Spoofed | Reason::MacMismatch => prefix.push(b"SPOOFED PKT "),
        _ => {
            prefix.push(b"CAMZONE ");
            prefix.push(reason.word().as_bytes());
            prefix.push(b" ");
            if let Some(camera) = camera {
                prefix.push(camera.as_bytes());
                prefix.push(b" ");
            }
        }
    }
    if suppressed > 0 {
        prefix.push(b"[");
        prefix.push_number(suppressed);
        prefix.push(b" suppressed] ");
    }
    if let Ok(prefix) = CStr::from_bytes_until_nul(&prefix.bytes) {
        packet.log(prefix);
    }
}

/// The kernel's loggers are there, and stay.
///
/// # Invariants
///
/// `camzone_logger_get` succeeded for `NFPROTO_INET`.
pub(crate) struct Loggers(());

impl Loggers {
    /// Holds the loggers of both families; has their module loaded if need be.
    pub(crate) fn hold() -> Result<Self> {
        // SAFETY: May be called where sleeping is allowed.
        to_result(unsafe { bindings::camzone_logger_get(bindings::NFPROTO_INET as u8) })?;
        // INVARIANT: It succeeded.
        Ok(Loggers(()))
    }
}

impl Drop for Loggers {
    fn drop(&mut self) {
        // SAFETY: By the type invariant this is the other half of `camzone_logger_get`.
        unsafe { bindings::camzone_logger_put(bindings::NFPROTO_INET as u8) };
    }
}
