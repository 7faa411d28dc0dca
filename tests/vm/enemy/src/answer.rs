// SPDX-License-Identifier: GPL-2.0
//! What came back, message by message.

use std::io::{Error, Result};

const HEADER: usize = 16;
const ERROR: u16 = 2;
const DONE: u16 = 3;

/// A message of the kernel.
#[derive(Debug)]
pub enum Answer {
    /// An acknowledgement, or the end of a dump; 0 is success.
    End { seq: u32, errno: i32 },
    /// What the family has to say.
    Reply { command: u8, attributes: Vec<u8> },
}

/// The messages in a datagram. The kernel's own must be well formed, whatever was sent.
pub fn read(family: u16, mut bytes: &[u8]) -> Result<Vec<Answer>> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let cut = || Error::other("an answer is cut off");
        let (header, _) = bytes.split_first_chunk::<HEADER>().ok_or_else(cut)?;
        let word = |at: usize| u32::from_ne_bytes(std::array::from_fn(|i| header[at + i]));
        let (len, kind, seq) = (word(0) as usize, word(4).to_ne_bytes(), word(8));
        let kind = u16::from_ne_bytes([kind[0], kind[1]]);
        let payload = bytes.get(HEADER..len).ok_or_else(cut)?;
        match kind {
            ERROR | DONE => {
                let (number, _) = payload.split_first_chunk::<4>().ok_or_else(cut)?;
                let errno = i32::from_ne_bytes(*number).wrapping_neg();
                answers.push(Answer::End { seq, errno });
            }
            kind if kind == family => {
                let (generic, attributes) = payload.split_first_chunk::<4>().ok_or_else(cut)?;
                answers.push(Answer::Reply {
                    command: generic[0],
                    attributes: attributes.to_vec(),
                });
            }
            // What a length that lies made a message of others, or none.
            _ => {}
        }
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(answers)
}
