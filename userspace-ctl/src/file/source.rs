// SPDX-License-Identifier: GPL-2.0

//! The text of a policy file, and where its lines are.

use std::{
    fs::File,
    io::{ErrorKind, Read},
};

use crate::diagnostic::{Diagnostic, Span};

/// The largest policy file that is read: room for the most cameras that the kernel takes.
pub const MAX_BYTES: usize = 64 << 20;

/// A policy file that was read.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// What to call it.
    pub name: String,
    /// What is in it.
    pub text: String,
    // Where its lines begin.
    lines: Vec<usize>,
}

impl Source {
    /// A file of this name and text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Source {
            name: name.into(),
            lines: std::iter::once(0).chain(ends).collect(),
            text,
        }
    }

    /// Reads the file at `path`, or the standard input for `-`.
    ///
    /// # Errors
    ///
    /// Says why it cannot be read, together with as much of it as there is to show.
    pub fn read(path: &str) -> Result<Self, (Self, Diagnostic)> {
        let name = if path == "-" { "<stdin>" } else { path };
        let fault = |fault| (Source::new(name, ""), fault);
        let bytes = if path == "-" {
            limited(std::io::stdin().lock())
        } else {
            File::open(path).and_then(limited)
        };
        let bytes = bytes.map_err(|error| fault(unreadable(path, &error)))?;
        if bytes.len() > MAX_BYTES {
            let message = format!("the file is larger than {} MiB", MAX_BYTES >> 20);
            return Err(fault(Diagnostic::whole(message)));
        }
        let text = String::from_utf8(bytes).map_err(|error| not_utf8(name, error.as_bytes()))?;
        Ok(Source::new(name, text))
    }

    /// The line and the column of a byte, both from 1; columns are characters.
    pub fn place(&self, at: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..at).unwrap_or("");
        (line, before.chars().count() + 1)
    }

    /// A line, counted from 1, without what ends it.
    pub fn line(&self, number: usize) -> Span {
        let start = self.lines.get(number.wrapping_sub(1)).copied();
        let start = start.unwrap_or(self.text.len());
        let rest = self.text.get(start..).unwrap_or("");
        let line = rest.split('\n').next().unwrap_or("");
        start..start + line.strip_suffix('\r').unwrap_or(line).len()
    }
}

/// Reads up to one byte more than is allowed.
fn limited(from: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(path: &str, error: &std::io::Error) -> Diagnostic {
    match error.kind() {
        ErrorKind::NotFound => {
            Diagnostic::whole("there is no such file").help("'-' reads the standard input")
        }
        ErrorKind::IsADirectory if path == "-" => {
            Diagnostic::whole("the standard input is a directory")
                .help("redirect a file to it, or name one")
        }
        ErrorKind::IsADirectory => {
            let path = path.trim_end_matches('/');
            Diagnostic::whole("this is a directory").help(format!(
                "name the policy file in it, such as {path}/policy.toml"
            ))
        }
        ErrorKind::PermissionDenied => Diagnostic::whole("the file may not be read by you"),
        _ => Diagnostic::whole(format!("the file cannot be read: {error}")),
    }
}

fn not_utf8(name: &str, bytes: &[u8]) -> (Source, Diagnostic) {
    let good = bytes.utf8_chunks().next().map_or(0, |c| c.valid().len());
    let wrong = bytes.get(good).copied().unwrap_or(0);
    let source = Source::new(name, String::from_utf8_lossy(bytes));
    let fault = Diagnostic::at(good..good + 3, "the file is not UTF-8 text")
        .label(format!("the byte 0x{wrong:02x}"))
        .help("save it in the encoding UTF-8");
    (source, fault)
}
