// SPDX-License-Identifier: GPL-2.0
//! A netlink socket that sends what it is told, and takes whatever comes back.

use crate::answer::{self, Answer};
use crate::message::Message;
use crate::sys;
use camzone_ctl::netlink::reply;
use camzone_policy::{attribute::Writer, uapi};
use netlink_sys::{protocols::NETLINK_GENERIC, Socket};
use std::io::{Error, ErrorKind, Result};
use std::os::fd::AsRawFd;

/// `GENL_ID_CTRL`, `CTRL_CMD_GETFAMILY`, `CTRL_ATTR_FAMILY_NAME`
const CONTROLLER: (u16, u32, u16) = (16, 3, 2);
/// The answers to a datagram, all of them.
const ROOM: i32 = 8 << 20;
const DATAGRAM: usize = 256 << 10;

/// A socket, and the family that it speaks to.
pub struct Peer {
    socket: Socket,
    family: u16,
    seq: u32,
    buffer: Vec<u8>,
}

impl Peer {
    /// A socket of the calling thread's namespace and user.
    pub fn open(family: u16) -> Result<Self> {
        let mut socket = Socket::new(NETLINK_GENERIC)?;
        socket.bind_auto()?;
        socket.set_ext_ack(true)?;
        socket.set_cap_ack(true)?;
        socket.set_non_blocking(true)?;
        Ok(Peer {
            socket,
            family,
            seq: 0,
            buffer: Vec::with_capacity(DATAGRAM),
        })
    }

    /// Lets more answers wait than a user may.
    pub fn with_room(self) -> Result<Self> {
        sys::receive_room(self.socket.as_raw_fd(), ROOM)?;
        Ok(self)
    }

    /// Sends these as one datagram and returns the number of the first; the others follow.
    pub fn send(&mut self, messages: &[Message], bytes: &mut Vec<u8>) -> Result<u32> {
        bytes.clear();
        let first = self.seq.wrapping_add(1);
        for message in messages {
            self.seq = self.seq.wrapping_add(1);
            message.write(self.family, self.seq, bytes);
        }
        // Whoever names the kernel as the receiver is not asked who opened the socket
        // (NETLINK_SKB_DST): it is the default receiver.
        self.socket.send(bytes, 0)?;
        Ok(first)
    }

    /// Everything that is there. The kernel works while one sends, and while one reads a dump, so
    /// nothing comes later.
    pub fn answers(&mut self) -> Result<Vec<Answer>> {
        let mut answers = Vec::new();
        loop {
            self.buffer.clear();
            match self.socket.recv_from(&mut self.buffer, 0) {
                Ok(_) => answers.extend(answer::read(self.family, &self.buffer)?),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(answers),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::new(e.kind(), format!("reading answers: {e}"))),
            }
        }
    }

    /// Asks something simple.
    pub fn ask(&mut self, message: Message) -> Result<Vec<Answer>> {
        self.send(&[message], &mut Vec::new())?;
        self.answers()
    }
}

/// The number of the family `camzone`.
pub fn family() -> Result<u16> {
    let (id, command, attribute) = CONTROLLER;
    let mut name = Vec::new();
    let text = uapi::CAMZONE_FAMILY_NAME.strip_suffix(b"\0");
    let written = Writer(&mut name).string(attribute, text.unwrap_or_default());
    written.map_err(|_| Error::from(ErrorKind::OutOfMemory))?;
    let answers = Peer::open(id)?.ask(Message::new(command, name))?;
    let number = answers.iter().find_map(|answer| match answer {
        Answer::Reply { attributes, .. } => reply::family_id(attributes),
        Answer::End { .. } => None,
    });
    number.ok_or_else(|| Error::other("there is no family camzone: is the module loaded?"))
}
