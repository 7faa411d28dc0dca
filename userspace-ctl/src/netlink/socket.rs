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
    pub fn dump(mut self, family: u16, command: u8) -> Result<impl Messages, Error> {
        let exchange = self.begin(family, command, &[], true)?;
        Ok(Dump::new(exchange, move || self.receive()))
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
/// the first behind which what is dumped was changed. An error is the last.
pub trait Messages: Iterator<Item = Result<Vec<u8>, Error>> {}

impl<I: Iterator<Item = Result<Vec<u8>, Error>>> Messages for I {}

/// A dump whose datagrams `receive` waits for.
struct Dump<R> {
    receive: R,
    exchange: Exchange,
    come: std::vec::IntoIter<Vec<u8>>,
    ended: bool,
}

impl<R: FnMut() -> Result<Vec<u8>, Error>> Dump<R> {
    /// The rest of an exchange that has begun.
    fn new(exchange: Exchange, receive: R) -> Self {
        Dump {
            receive,
            exchange,
            come: Vec::new().into_iter(),
            ended: false,
        }
    }

    /// Waits for more. Says whether that was the last.
    fn more(&mut self) -> Result<bool, Error> {
        let ack = self.exchange.take(&(self.receive)()?)?;
        if self.exchange.interrupted {
            return Err(Error::Changing);
        }
        let last = ack.map(accepted).transpose()?.is_some();
        self.come = std::mem::take(&mut self.exchange.replies).into_iter();
        Ok(last)
    }
}

impl<R: FnMut() -> Result<Vec<u8>, Error>> Iterator for Dump<R> {
    type Item = Result<Vec<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(message) = self.come.next() {
                return Some(Ok(message));
            }
            if self.ended {
                return None;
            }
            match self.more() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_core::{NLMSG_DONE, NLM_F_DUMP_INTR};

    const FAMILY: u16 = 30;

    /// A message of the dump, with attributes of these bytes.
    fn message(flags: u16, bytes: &[u8]) -> Vec<u8> {
        wire::request(FAMILY, flags, 7, 0, bytes).unwrap()
    }

    /// The end of the dump, with this error in place of the command.
    fn done(flags: u16, errno: i32) -> Vec<u8> {
        let mut bytes = wire::request(NLMSG_DONE, flags, 7, 0, &[]).unwrap();
        bytes[wire::HEADER..].copy_from_slice(&(-errno).to_ne_bytes());
        bytes
    }

    /// What is read of these datagrams, and whether the dump asks for no more than there are.
    fn read(datagrams: &[Vec<u8>]) -> Vec<String> {
        let mut datagrams = datagrams.iter().cloned();
        let receive = || {
            datagrams
                .next()
                .ok_or(Error::Broken("the last was not seen"))
        };
        let dump = Dump::new(Exchange::new(FAMILY, 7, true), receive);
        let said = dump.map(|message| match message {
            Ok(bytes) => format!("{bytes:?}"),
            Err(Error::Changing) => String::from("changing"),
            Err(Error::Refused(ack)) => format!("refused {}", ack.errno),
            Err(error) => format!("{error:?}"),
        });
        said.collect()
    }

    #[test]
    fn messages_come_in_order_and_the_end_is_seen() {
        let two = [message(0, &[1; 4]), message(0, &[2; 4])].concat();
        let three = [message(0, &[3; 4]), done(0, 0)].concat();
        let all = ["[1, 1, 1, 1]", "[2, 2, 2, 2]", "[3, 3, 3, 3]"];
        assert_eq!(read(&[two.clone(), three]), all);
        assert_eq!(read(&[two, done(0, 0)]), all[..2]);
        assert!(read(&[done(0, 0)]).is_empty());
    }

    #[test]
    fn nothing_comes_behind_a_change_or_a_refusal() {
        let one = || message(0, &[1; 4]);
        let marked = [message(NLM_F_DUMP_INTR, &[2; 4]), one()].concat();
        let said = ["[1, 1, 1, 1]", "changing"];
        assert_eq!(read(&[one(), marked, done(0, 0)]), said);
        assert_eq!(read(&[one(), done(NLM_F_DUMP_INTR, 0)]), said);
        let refused = [one(), done(0, libc::EMSGSIZE)].concat();
        assert_eq!(read(&[one(), refused]), ["[1, 1, 1, 1]", "refused 90"]);
    }
}
