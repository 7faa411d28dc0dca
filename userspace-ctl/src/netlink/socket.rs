// SPDX-License-Identifier: GPL-2.0

//! A generic netlink socket.

use std::io;

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST};
use netlink_sys::{protocols::NETLINK_GENERIC, Socket, SocketAddr};

use super::wire::{self, Ack, Broken, Exchange, Extack};

/// Room for what is received; a message that is longer gets more.
const ROOM: usize = 32 << 10;

/// Why there is no answer.
#[derive(Debug)]
pub enum Error {
    /// The system refuses.
    Io(&'static str, io::Error),
    /// What came is not understood.
    Broken(&'static str),
    /// The kernel refuses.
    Refused(Ack),
    /// What is dumped changed meanwhile.
    Changing,
}

impl From<Broken> for Error {
    fn from(broken: Broken) -> Self {
        Error::Broken(broken.0)
    }
}

/// An answer.
#[derive(Debug, Default)]
pub struct Answer {
    /// The attributes of its messages.
    pub messages: Vec<Vec<u8>>,
    /// A warning that came with it.
    pub warning: Extack,
}

/// A generic netlink socket of this process.
pub struct Connection {
    socket: Socket,
    seq: u32,
}

impl Connection {
    /// Opens one.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn open() -> Result<Self, Error> {
        let io = |what| move |error| Error::Io(what, error);
        let mut socket = Socket::new(NETLINK_GENERIC).map_err(io("socket"))?;
        socket.bind_auto().map_err(io("bind"))?;
        socket.set_ext_ack(true).map_err(io("NETLINK_EXT_ACK"))?;
        socket.set_cap_ack(true).map_err(io("NETLINK_CAP_ACK"))?;
        Ok(Connection { socket, seq: 0 })
    }

    /// Asks something that is answered at once.
    ///
    /// # Errors
    ///
    /// [`Error`]; the kernel's refusal among them.
    pub fn ask(&mut self, family: u16, command: u8, attributes: &[u8]) -> Result<Answer, Error> {
        let (exchange, ack) = self.exchange(family, command, attributes)?;
        let (messages, warning) = (exchange.replies, ack.extack);
        Ok(Answer { messages, warning })
    }

    /// Asks for a dump.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and [`Error::Broken`]. A refusal comes as its first message.
    pub fn dump(mut self, family: u16, command: u8) -> Result<Dump, Error> {
        let exchange = self.begin(family, command, &[], true)?;
        Ok(Dump {
            connection: self,
            exchange,
            come: Vec::new().into_iter(),
            ended: false,
        })
    }

    fn exchange(
        &mut self,
        family: u16,
        command: u8,
        attributes: &[u8],
    ) -> Result<(Exchange, Ack), Error> {
        let mut exchange = self.begin(family, command, attributes, false)?;
        loop {
            if let Some(ack) = exchange.take(&self.receive()?)? {
                return accepted(ack).map(|ack| (exchange, ack));
            }
        }
    }

    /// Sends a request.
    fn begin(
        &mut self,
        family: u16,
        command: u8,
        attributes: &[u8],
        dump: bool,
    ) -> Result<Exchange, Error> {
        self.seq = self.seq.wrapping_add(1);
        let flags = NLM_F_REQUEST | NLM_F_ACK | if dump { NLM_F_DUMP } else { 0 };
        let request = wire::request(family, flags, self.seq, command, attributes);
        let request = request.ok_or(Error::Broken("the request is too long"))?;
        let kernel = SocketAddr::new(0, 0);
        let sent = self.socket.send_to(&request, &kernel, 0);
        sent.map_err(|error| Error::Io("sendto", error))?;
        Ok(Exchange::new(family, self.seq, dump))
    }

    /// The next datagram of the kernel, whole.
    fn receive(&self) -> Result<Vec<u8>, Error> {
        let mut room = ROOM;
        loop {
            let mut bytes = Vec::with_capacity(room);
            let peek = libc::MSG_PEEK | libc::MSG_TRUNC;
            let (len, _) = retry(|| {
                bytes.clear();
                self.socket.recv_from(&mut bytes, peek)
            })?;
            if len > bytes.len() {
                room = len;
                continue;
            }
            bytes.clear();
            let (_, sender) = retry(|| self.socket.recv_from(&mut bytes, libc::MSG_TRUNC))?;
            // Any process may send to this socket.
            if sender.port_number() == 0 {
                return Ok(bytes);
            }
        }
    }
}

/// The messages of a dump, as they come: the attributes of each, and [`Error::Changing`] in place of
/// the first behind which what is dumped was changed.
pub struct Dump {
    connection: Connection,
    exchange: Exchange,
    come: std::vec::IntoIter<Vec<u8>>,
    ended: bool,
}

impl Dump {
    /// Waits for more. Says whether that was the last.
    fn receive(&mut self) -> Result<bool, Error> {
        let ack = self.exchange.take(&self.connection.receive()?)?;
        if self.exchange.interrupted {
            return Err(Error::Changing);
        }
        self.come = std::mem::take(&mut self.exchange.replies).into_iter();
        Ok(ack.map(accepted).transpose()?.is_some())
    }
}

impl Iterator for Dump {
    type Item = Result<Vec<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(message) = self.come.next() {
                return Some(Ok(message));
            }
            if self.ended {
                return None;
            }
            match self.receive() {
                Ok(last) => self.ended = last,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

fn accepted(ack: Ack) -> Result<Ack, Error> {
    match ack.errno {
        0 => Ok(ack),
        _ => Err(Error::Refused(ack)),
    }
}

/// Repeats what a signal interrupted.
fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> Result<T, Error> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map_err(|error| Error::Io("recvfrom", error)),
        }
    }
}
