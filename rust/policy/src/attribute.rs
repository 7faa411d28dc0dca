// SPDX-License-Identifier: GPL-2.0

//! Netlink attributes in a byte slice: reading them within its bounds, and writing them.
//!
//! The format is `Documentation/userspace-api/netlink/intro.rst`: a `u16` length that counts the
//! four bytes of the header, a `u16` type with two flag bits, the payload, and padding to four
//! bytes. Numbers are in host byte order.

use crate::memory::{List, OutOfMemory};

/// Bytes of an attribute's header.
pub const HEADER: usize = 4;
/// Set in the type of an attribute that holds attributes (`NLA_F_NESTED`).
const NESTED: u16 = 1 << 15;
/// The bits of the type that are the type (`NLA_TYPE_MASK`).
const TYPE_MASK: u16 = (1 << 14) - 1;

/// A number of the family as an attribute's type: `u32` in the header that C reads, 14 bits here.
pub const fn kind(number: u32) -> u16 {
    (number & TYPE_MASK as u32) as u16
}

const fn padding(len: usize) -> usize {
    len.wrapping_neg() % 4
}

/// One attribute of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The type, without its flag bits.
    pub kind: u16,
    /// The payload.
    pub payload: &'a [u8],
    /// Where the attribute's header begins, in bytes from the beginning of the message.
    pub at: usize,
}

/// The attribute at this offset is cut off or shorter than its own header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncated(pub usize);

impl<'a> Attribute<'a> {
    /// The attributes inside this one.
    pub const fn nested(&self) -> Attributes<'a> {
        Attributes {
            rest: self.payload,
            at: self.at.saturating_add(HEADER),
        }
    }

    /// The payload as a number of 32 bits; `None` when it is not four bytes.
    pub fn u32(&self) -> Option<u32> {
        self.payload.try_into().ok().map(u32::from_ne_bytes)
    }

    /// The payload as a string, without the NUL that may end it.
    pub fn string(&self) -> &'a [u8] {
        match self.payload.split_last() {
            Some((0, string)) => string,
            _ => self.payload,
        }
    }
}

/// Iterates over the attributes of a message or of a nest. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Attributes<'a> {
    /// The attributes of `message`, which begins with the first of them.
    pub const fn new(message: &'a [u8]) -> Self {
        Attributes {
            rest: message,
            at: 0,
        }
    }

    fn split(&mut self) -> Option<Attribute<'a>> {
        let (header, body) = self.rest.split_first_chunk::<HEADER>()?;
        let [a, b, c, d] = *header;
        let len = usize::from(u16::from_ne_bytes([a, b]));
        let (payload, behind) = body.split_at_checked(len.checked_sub(HEADER)?)?;
        let attribute = Attribute {
            kind: u16::from_ne_bytes([c, d]) & TYPE_MASK,
            payload,
            at: self.at,
        };
        // The last attribute may lack its padding.
        let pad = padding(len).min(behind.len());
        self.rest = behind.get(pad..)?;
        self.at = self.at.checked_add(len)?.checked_add(pad)?;
        Some(attribute)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, Truncated>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let attribute = self.split();
        if attribute.is_none() {
            self.rest = &[];
        }
        Some(attribute.ok_or(Truncated(self.at)))
    }
}

/// Writes attributes to the end of a list of bytes.
pub struct Writer<'a, L: List<u8>>(pub &'a mut L);

/// Something could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// No memory was left.
    OutOfMemory,
    /// The attribute would be longer than the 65,535 bytes that its length can say.
    TooLong,
}

impl From<OutOfMemory> for WriteError {
    fn from(_: OutOfMemory) -> Self {
        WriteError::OutOfMemory
    }
}

impl<L: List<u8>> Writer<'_, L> {
    /// Bytes written so far: where the next attribute begins.
    pub fn position(&self) -> usize {
        self.0.len()
    }

    fn header(&mut self, kind: u16, len: usize) -> Result<(), WriteError> {
        let len = len.checked_add(HEADER).ok_or(WriteError::TooLong)?;
        let len = u16::try_from(len).map_err(|_| WriteError::TooLong)?;
        self.0.extend(&len.to_ne_bytes())?;
        Ok(self.0.extend(&kind.to_ne_bytes())?)
    }

    /// At most four: a NUL and the padding.
    fn zeros(&mut self, count: usize) -> Result<(), WriteError> {
        match [0; HEADER].get(..count) {
            Some(zeros) => Ok(self.0.extend(zeros)?),
            None => Ok(()),
        }
    }

    /// Writes an attribute of any payload.
    ///
    /// # Errors
    ///
    /// [`WriteError`]; the list may then end with a part of the attribute.
    pub fn bytes(&mut self, kind: u16, payload: &[u8]) -> Result<(), WriteError> {
        self.header(kind, payload.len())?;
        self.0.extend(payload)?;
        self.zeros(padding(payload.len()))
    }

    /// Writes a number of 32 bits.
    ///
    /// # Errors
    ///
    /// As [`Writer::bytes`].
    pub fn u32(&mut self, kind: u16, value: u32) -> Result<(), WriteError> {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// Writes a number of 64 bits; the reader may find it at any multiple of four bytes.
    ///
    /// # Errors
    ///
    /// As [`Writer::bytes`].
    pub fn u64(&mut self, kind: u16, value: u64) -> Result<(), WriteError> {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// Writes a number in four bytes if it fits and in eight if not (`NLA_UINT`).
    ///
    /// # Errors
    ///
    /// As [`Writer::bytes`].
    pub fn uint(&mut self, kind: u16, value: u64) -> Result<(), WriteError> {
        match u32::try_from(value) {
            Ok(value) => self.u32(kind, value),
            Err(_) => self.u64(kind, value),
        }
    }

    /// Writes a flag if it is set.
    ///
    /// # Errors
    ///
    /// As [`Writer::bytes`].
    pub fn flag(&mut self, kind: u16, set: bool) -> Result<(), WriteError> {
        if set {
            self.bytes(kind, &[])?;
        }
        Ok(())
    }

    /// Writes a string with the NUL that ends it.
    ///
    /// # Errors
    ///
    /// As [`Writer::bytes`].
    pub fn string(&mut self, kind: u16, string: &[u8]) -> Result<(), WriteError> {
        let len = string.len().checked_add(1).ok_or(WriteError::TooLong)?;
        self.header(kind, len)?;
        self.0.extend(string)?;
        self.zeros(padding(len).saturating_add(1))
    }

    /// Writes an attribute that holds what `fill` writes.
    ///
    /// # Errors
    ///
    /// As [`Writer::bytes`], or the error of `fill`.
    pub fn nest(
        &mut self,
        kind: u16,
        fill: impl FnOnce(&mut Self) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let start = self.0.len();
        self.header(kind | NESTED, 0)?;
        fill(self)?;
        let len = self.0.len().saturating_sub(start);
        let len = u16::try_from(len).map_err(|_| WriteError::TooLong)?;
        if let Some(place) = self.0.get_mut(start..) {
            for (to, from) in place.iter_mut().zip(len.to_ne_bytes()) {
                *to = from;
            }
        }
        Ok(())
    }
}
