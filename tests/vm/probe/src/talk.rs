// SPDX-License-Identifier: GPL-2.0
//! `probe connect` and `probe listen`: plain TCP and UDP ends that echo what they hear.

use crate::recv::{contains, run_command};
use crate::{netns, sys};
use clap::{Args, ValueEnum};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, ValueEnum)]
pub enum Proto {
    Tcp,
    Udp,
}

/// For what has to work, however busy the host is and slow the kernel.
const LONG: Duration = Duration::from_secs(60);

#[derive(Args)]
pub struct Connect {
    proto: Proto,
    /// The other end
    to: SocketAddr,
    /// Network namespace to connect from
    #[arg(long, value_name = "NAME")]
    netns: Option<String>,
    /// Local address and port (UDP)
    #[arg(long, value_name = "ADDR:PORT")]
    src: Option<SocketAddr>,
    /// Seconds to wait for the connection, and for each answer; a minute at least for what is before
    /// COMMAND
    #[arg(long, default_value_t = 0.7, value_name = "SECONDS")]
    timeout: f64,
    /// Ask as a DNS client does, for the address of this name, instead of expecting an echo (UDP)
    #[arg(long, value_name = "NAME")]
    dns: Option<String>,
    /// TCP: be content with the connection, expect no echo
    #[arg(long)]
    only_connect: bool,
    /// After COMMAND wait for this text, instead of a second echo
    #[arg(long, value_name = "NONCE")]
    awaits: Option<String>,
    /// Run this in the middle of the live exchange; then the exchange must go on
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

enum End {
    Tcp(TcpStream),
    Udp(UdpSocket),
}

/// Errors by which a network says "no"; all others are faults of the test.
fn refusal(e: &Error) -> bool {
    use ErrorKind::*;
    let kinds = [
        TimedOut,
        WouldBlock,
        ConnectionRefused,
        ConnectionReset,
        ConnectionAborted,
        BrokenPipe,
    ];
    let codes = [
        libc::EHOSTUNREACH,
        libc::ENETUNREACH,
        libc::EPERM,
        libc::EACCES,
        libc::EPROTO,
    ];
    kinds.contains(&e.kind()) || e.raw_os_error().is_some_and(|code| codes.contains(&code))
}

impl Connect {
    /// Whether the exchange worked, to its last step.
    pub fn run(&self) -> Result<bool> {
        let patience = Duration::from_secs_f64(self.timeout);
        let before = match self.command.is_empty() {
            true => patience,
            false => patience.max(LONG),
        };
        let first = self
            .open(before)
            .and_then(|mut end| self.exchange(&mut end, "first", before).map(|()| end));
        let mut end = match first {
            Ok(end) => end,
            // Before the command nothing may fail, or its effect would be taken for granted.
            Err(e) if self.command.is_empty() && refusal(&e) => return Ok(no(&e)),
            Err(e) => return Err(e),
        };
        if self.command.is_empty() {
            println!("answered: {}", self.to);
            return Ok(true);
        }
        run_command(&self.command)?;
        let second = match &self.awaits {
            Some(nonce) => self.hear(&mut end, nonce.as_bytes(), patience),
            None => self.exchange(&mut end, "second", patience),
        };
        match second {
            Ok(()) => println!("answered again: {}", self.to),
            Err(e) if refusal(&e) => return Ok(no(&e)),
            Err(e) => return Err(e),
        }
        Ok(true)
    }

    fn open(&self, patience: Duration) -> Result<End> {
        netns::within(self.netns.as_deref(), || match self.proto {
            Proto::Tcp => TcpStream::connect_timeout(&self.to, patience).map(End::Tcp),
            Proto::Udp => {
                let any = SocketAddr::new(unspecified(self.to.ip()), 0);
                let socket = UdpSocket::bind(self.src.unwrap_or(any))?;
                socket.connect(self.to)?;
                Ok(End::Udp(socket))
            }
        })
    }

    fn exchange(&self, end: &mut End, word: &str, patience: Duration) -> Result<()> {
        if self.only_connect {
            return Ok(());
        }
        let (question, answer) = match &self.dns {
            Some(name) => dns_question(name),
            None => {
                let text =
                    format!("{word}-{}-{}\n", std::process::id(), self.to.port()).into_bytes();
                (text.clone(), text)
            }
        };
        match end {
            End::Tcp(stream) => stream.write_all(&question)?,
            End::Udp(socket) => socket.send(&question).map(drop)?,
        }
        self.hear(end, &answer, patience)
    }

    fn hear(&self, end: &mut End, nonce: &[u8], patience: Duration) -> Result<()> {
        let until = Instant::now() + patience;
        let mut heard = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let ready = match end {
                End::Tcp(stream) => sys::wait(stream, false, until)?,
                End::Udp(socket) => sys::wait(socket, false, until)?,
            };
            if !ready {
                return Err(ErrorKind::TimedOut.into());
            }
            let size = match end {
                End::Tcp(stream) => stream.read(&mut buffer)?,
                End::Udp(socket) => socket.recv(&mut buffer)?,
            };
            if size == 0 {
                return Err(ErrorKind::ConnectionReset.into());
            }
            heard.extend_from_slice(&buffer[..size]);
            if contains(&heard, nonce) {
                return Ok(());
            }
        }
    }
}

fn no(e: &Error) -> bool {
    println!("no answer: {e}");
    false
}

fn unspecified(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => [0, 0, 0, 0].into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// A question for the A record of `name`, and what its answer must hold.
fn dns_question(name: &str) -> (Vec<u8>, Vec<u8>) {
    let mut bytes = (std::process::id() as u16).to_be_bytes().to_vec();
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    let start = bytes.len();
    for label in name.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    let answer = bytes[start..].to_vec();
    bytes.extend([0, 1, 0, 1]);
    (bytes, answer)
}

#[derive(Args)]
pub struct Listen {
    /// Network namespace to listen in
    #[arg(long, value_name = "NAME")]
    netns: Option<String>,
    /// Ports, IPv4 and IPv6: tcp:443 udp:123
    #[arg(required = true, value_name = "PROTO:PORT", value_parser = port)]
    ports: Vec<(bool, u16)>,
}

fn port(text: &str) -> std::result::Result<(bool, u16), String> {
    let wrong = || format!("`{text}` is not tcp:PORT or udp:PORT");
    let (proto, number) = text.split_once(':').ok_or_else(wrong)?;
    match (proto, number.parse()) {
        ("tcp", Ok(number)) => Ok((true, number)),
        ("udp", Ok(number)) => Ok((false, number)),
        _ => Err(wrong()),
    }
}

impl Listen {
    /// Echoes for ever; prints "ready" once every port is open.
    pub fn run(&self) -> Result<bool> {
        let mut ends = Vec::new();
        netns::within(self.netns.as_deref(), || {
            for (tcp, port) in &self.ports {
                let any = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), *port);
                let told = |e: Error| Error::new(e.kind(), format!("port {port}: {e}"));
                ends.push(if *tcp {
                    let listener = TcpListener::bind(any).map_err(told)?;
                    thread::Builder::new().spawn(move || echo_streams(&listener))?
                } else {
                    let socket = UdpSocket::bind(any).map_err(told)?;
                    thread::Builder::new().spawn(move || echo_datagrams(&socket))?
                });
            }
            Ok(())
        })?;
        println!("ready");
        for end in ends {
            end.join()
                .map_err(|_| Error::other("an echo thread died"))?;
        }
        Ok(true)
    }
}

fn echo_streams(listener: &TcpListener) {
    for stream in listener.incoming().flatten() {
        // A thread that cannot be had closes its connection, and the peer sees that.
        drop(thread::Builder::new().spawn(move || {
            let mut from = &stream;
            let mut to = &stream;
            std::io::copy(&mut from, &mut to)
        }));
    }
}

fn echo_datagrams(socket: &UdpSocket) {
    let mut buffer = [0; 65536];
    loop {
        match socket.recv_from(&mut buffer) {
            // What cannot be answered stays unanswered: the peer waits for it, and tells.
            Ok((size, from)) => drop(socket.send_to(&buffer[..size], from)),
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dns_question_is_well_formed() {
        let (question, answer) = dns_question("a.test");
        assert_eq!(answer, b"\x01a\x04test\0");
        assert_eq!(question.len(), 12 + 8 + 4);
    }

    #[test]
    fn ports_are_read() {
        assert_eq!(port("tcp:443"), Ok((true, 443)));
        assert!(port("443").is_err() && port("udp:70000").is_err());
    }
}
