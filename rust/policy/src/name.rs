// SPDX-License-Identifier: GPL-2.0

//! Names of zones, cameras and interfaces, held inline.

use core::fmt;

use crate::uapi::{CAMZONE_IFNAME_LEN_MAX, CAMZONE_NAME_LEN_MAX};

const CAPACITY: usize = CAMZONE_NAME_LEN_MAX as usize;

/// A name of 1 to [`CAMZONE_NAME_LEN_MAX`] bytes.
///
/// Names order by their bytes, and a shorter one before its extensions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    // Unused bytes are NUL, so that the derived order is the order of the strings.
    bytes: [u8; CAPACITY],
    len: u8,
}

impl Name {
    /// A name of a zone or a camera: lower-case letters, digits, `-`, `_` and `.`, and a letter
    /// or digit first. `None` for anything else.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let fits = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(b);
        let first = bytes.first()?;
        (bytes.iter().all(fits) && first.is_ascii_alphanumeric()).then_some(())?;
        Self::copy(bytes, CAPACITY)
    }

    /// A name of a network interface, as `dev_valid_name()` of `net/core/dev.c` has it: up to 15
    /// bytes without `/`, `:` and white space, neither `.` nor `..`. `None` for anything else.
    pub fn interface(bytes: &[u8]) -> Option<Self> {
        let bad =
            |b: &u8| *b == 0 || *b == b'/' || *b == b':' || b.is_ascii_whitespace() || *b == 11;
        if bytes.iter().any(bad) || bytes == b"." || bytes == b".." {
            return None;
        }
        Self::copy(bytes, CAMZONE_IFNAME_LEN_MAX as usize)
    }

    fn copy(bytes: &[u8], max: usize) -> Option<Self> {
        if bytes.is_empty() || bytes.len() > max {
            return None;
        }
        let mut name = Name {
            bytes: [0; CAPACITY],
            len: u8::try_from(bytes.len()).ok()?,
        };
        for (to, from) in name.bytes.iter_mut().zip(bytes) {
            *to = *from;
        }
        Some(name)
    }

    /// The bytes, without any padding.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&[])
    }

    /// The name as a string (`?` should it not be UTF-8, which only an interface's can be).
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or("?")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
