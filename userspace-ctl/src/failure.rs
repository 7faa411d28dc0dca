// SPDX-License-Identifier: GPL-2.0

//! Why a command failed, for a person, for a program, and as an exit code.

use serde_json::{json, Value};

use crate::{
    colour::Paint,
    diagnostic::{printable, Diagnostic, Severity},
    file::source::Source,
    netlink::{socket::Error, wire::Ack},
};

/// How many faults of a file are shown to a person.
const SHOWN: usize = 10;

/// A command failed.
#[derive(Debug)]
pub enum Failure {
    /// Anything that has no exit code of its own.
    Other {
        /// What.
        message: String,
        /// The system's or the kernel's number for it.
        errno: Option<i32>,
        /// What would be right.
        help: Vec<String>,
    },
    /// The command line is wrong.
    Usage(String),
    /// The module is not loaded.
    NotLoaded,
    /// The kernel does not let this user.
    Permission,
    /// The policy file is refused.
    File(Box<Source>, Vec<Diagnostic>),
}

impl Failure {
    /// A failure with nothing but words.
    pub fn other(message: impl Into<String>) -> Self {
        let (message, errno, help) = (message.into(), None, Vec::new());
        Failure::Other {
            message,
            errno,
            help,
        }
    }

    /// Says what would be right.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        if let Failure::Other { help, .. } = &mut self {
            help.push(text.into());
        }
        self
    }

    /// Tells the system's or the kernel's number for it.
    pub fn with_errno(mut self, number: Option<i32>) -> Self {
        if let Failure::Other { errno, .. } = &mut self {
            *errno = number;
        }
        self
    }

    /// The exit code, as the manual has it.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Failure::Other { .. } => 1,
            Failure::Usage(_) => 2,
            Failure::NotLoaded => 3,
            Failure::Permission => 4,
            Failure::File(..) => 5,
        }
    }

    const fn word(&self) -> &'static str {
        match self {
            Failure::Other { .. } => "failure",
            Failure::Usage(_) => "usage",
            Failure::NotLoaded => "not-loaded",
            Failure::Permission => "permission",
            Failure::File(..) => "file",
        }
    }

    fn message(&self) -> String {
        match self {
            Failure::Other { message, .. } | Failure::Usage(message) => message.clone(),
            Failure::NotLoaded => String::from("camzone is not loaded: modprobe camzone"),
            Failure::Permission => {
                String::from("you may not do this: it needs CAP_NET_ADMIN, such as root has")
            }
            Failure::File(_, faults) => {
                let first = faults
                    .iter()
                    .find(|fault| fault.severity == Severity::Error);
                first.map_or(String::from("the file is refused"), |fault| {
                    fault.message.clone()
                })
            }
        }
    }

    fn errno(&self) -> Option<i32> {
        match self {
            Failure::Other { errno, .. } => *errno,
            Failure::NotLoaded => Some(libc::ENOENT),
            Failure::Permission => Some(libc::EPERM),
            Failure::Usage(_) | Failure::File(..) => None,
        }
    }

    /// The failure as a person reads it.
    pub fn render(&self, paint: Paint) -> String {
        if let Failure::File(source, faults) = self {
            let shown = faults
                .iter()
                .take(SHOWN)
                .map(|fault| fault.render(source, paint));
            let mut out = shown.collect::<Vec<_>>().join("\n");
            if let Some(more @ 1..) = faults.len().checked_sub(SHOWN) {
                out += &format!("\nand {more} more; --json shows all\n");
            }
            return out;
        }
        let mut out = format!("{}: {}\n", paint.red("error"), printable(&self.message()));
        if let Failure::Other { help, .. } = self {
            for help in help {
                out += &format!(" {} help: {}\n", paint.blue("="), printable(help));
            }
        }
        out
    }

    /// The failure as a program reads it.
    pub fn to_json(&self) -> Value {
        let mut error = json!({
            "kind": self.word(),
            "exit_code": self.exit_code(),
            "message": self.message(),
            "errno": self.errno(),
        });
        if let Failure::Other { help, .. } = self {
            error["help"] = help.as_slice().into();
        }
        if let Failure::File(source, faults) = self {
            let faults: Vec<Value> = faults.iter().map(|fault| fault.to_json(source)).collect();
            error["file"] = source.name.as_str().into();
            for key in ["line", "column"] {
                let first = faults.iter().find(|fault| fault["severity"] == "error");
                error[key] = first.and_then(|fault| fault.get(key)).cloned().into();
            }
            error["faults"] = faults.into();
        }
        json!({ "version": 1, "error": error })
    }
}

/// What a refusal says, in one line.
pub fn said(ack: &Ack) -> String {
    let system = std::io::Error::from_raw_os_error(ack.errno);
    match (&ack.extack.message, ack.extack.missing) {
        (Some(message), _) => message.clone(),
        (None, Some(missing)) => format!("attribute {missing} is missing"),
        (None, None) => system.to_string(),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(ack) if ack.errno == libc::EPERM => Failure::Permission,
            // The family was there when its number was asked: the module was unloaded since.
            Error::Refused(ack) if ack.errno == libc::ENOENT => Failure::NotLoaded,
            Error::Refused(ack) => {
                let message = format!("the kernel refuses: {}", said(&ack));
                Failure::other(message).with_errno(Some(ack.errno))
            }
            Error::Io(what, error) => {
                let message = format!("the kernel cannot be asked: {what}: {error}");
                Failure::other(message).with_errno(error.raw_os_error())
            }
            Error::Broken(what) => Failure::other(format!("the kernel's answer: {what}")),
            Error::Changing => {
                Failure::other("the policy changed whenever it was read").help("try again")
            }
        }
    }
}
