// SPDX-License-Identifier: GPL-2.0

//! Output that is made while it is read from the kernel, in memory that does not grow with it.
//!
//! What is dumped may change meanwhile. Then it is begun anew, which nobody notices as long as
//! nothing was printed; so a first part of it is held back.

use std::io::{self, ErrorKind, Write};

use crate::{failure::Failure, netlink::socket::Error};

/// How many bytes are held back: some ten thousand cameras or rules.
const HELD: usize = 1 << 20;
/// How often it is begun.
const TRIES: usize = 8;

/// Why output ended early.
#[derive(Debug)]
pub enum Stop {
    /// The kernel's answer did.
    Kernel(Error),
    /// It cannot be written.
    Output(io::Error),
    /// There is nothing to say.
    Failure(Failure),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Kernel(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Output(error)
    }
}

/// A writer that holds back what it is given.
pub struct Spool<W> {
    held: Vec<u8>,
    out: W,
    /// Something of it was written.
    begun: bool,
}

impl<W: Write> Spool<W> {
    fn let_go(&mut self) -> io::Result<()> {
        self.begun = true;
        self.out.write_all(&self.held)?;
        self.held.clear();
        Ok(())
    }
}

impl<W: Write> Write for Spool<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.held.len() + bytes.len() > HELD {
            self.let_go()?;
        }
        self.held.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.let_go()?;
        self.out.flush()
    }
}

/// Writes to `out` what `make` makes, which is called again when what it reads changes under it.
///
/// # Errors
///
/// Why it could not be made, or not be written. A reader that went away has what it wanted.
pub fn run<W: Write>(
    out: W,
    mut make: impl FnMut(&mut Spool<W>) -> Result<(), Stop>,
) -> Result<(), Failure> {
    let mut spool = Spool {
        held: Vec::new(),
        out,
        begun: false,
    };
    for _ in 0..TRIES {
        let made = make(&mut spool).and_then(|()| Ok(spool.flush()?));
        return match made {
            Err(Stop::Kernel(Error::Changing)) if !spool.begun => {
                spool.held.clear();
                continue;
            }
            Err(Stop::Kernel(Error::Changing)) => {
                let message = "the policy changed while it was read: what was printed is not all";
                Err(Failure::other(message).help("try again"))
            }
            Err(Stop::Kernel(error)) if spool.begun => {
                Err(Failure::from(error).help("what was printed is not all"))
            }
            Err(Stop::Kernel(error)) => Err(error.into()),
            Err(Stop::Failure(failure)) => Err(failure),
            Err(Stop::Output(error)) if error.kind() != ErrorKind::BrokenPipe => {
                let message = format!("the result cannot be written: {error}");
                Err(Failure::other(message).with_errno(error.raw_os_error()))
            }
            Ok(()) | Err(Stop::Output(_)) => Ok(()),
        };
    }
    Err(Error::Changing.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is printed, and whether that failed, when the first `changes` times fail after `len` bytes.
    fn changing(changes: usize, len: usize) -> (usize, bool) {
        let (mut out, mut times) = (Vec::new(), 0);
        let result = run(&mut out, |spool| {
            spool.write_all(&vec![b'x'; len])?;
            times += 1;
            match times <= changes {
                true => Err(Error::Changing.into()),
                false => Ok(()),
            }
        });
        (out.len(), result.is_err())
    }

    #[test]
    fn what_changes_is_begun_anew_while_nothing_was_printed() {
        assert_eq!(changing(0, 3 * HELD), (3 * HELD, false));
        assert_eq!(changing(TRIES - 1, 100), (100, false));
        assert_eq!(changing(TRIES, 100), (0, true));
        assert_eq!(changing(TRIES - 1, HELD), (HELD, false));
        let (printed, failed) = changing(1, HELD + 1);
        assert!(failed && printed <= HELD + 1);
    }

    #[test]
    fn a_reader_that_goes_away_is_no_failure() {
        struct Gone(ErrorKind);
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let print = |kind| run(Gone(kind), |spool| Ok(spool.write_all(b"x")?));
        assert!(print(ErrorKind::BrokenPipe).is_ok());
        assert!(print(ErrorKind::StorageFull).is_err());
    }
}
