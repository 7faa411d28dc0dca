// SPDX-License-Identifier: GPL-2.0

//! Data to the standard output, diagnostics to the standard error; text or JSON.

use std::io::{self, StdoutLock, Write};

use serde_json::Value;

use crate::{
    colour::{Paint, When},
    diagnostic::{printable, Diagnostic},
    failure::Failure,
    file::source::Source,
    json::escaped,
    spool::{self, Spool, Stop},
};

/// Something that is in order, but that its owner should know.
#[derive(Clone, Debug)]
pub enum Warning {
    /// About the policy file.
    File(Diagnostic),
    /// About anything else.
    Plain(String),
}

/// Where a command's words go.
pub struct Output {
    json: bool,
    /// For the standard output.
    pub paint: Paint,
    /// For the standard error.
    pub paint_error: Paint,
}

impl Output {
    /// An output as the command line wants it.
    pub fn new(json: bool, when: When) -> Self {
        let paint = Paint::new(when, &io::stdout());
        let paint_error = Paint::new(when, &io::stderr());
        match json {
            true => Output {
                json,
                paint: Paint::default(),
                paint_error: Paint::default(),
            },
            false => Output {
                json,
                paint,
                paint_error,
            },
        }
    }

    /// Writes the result of a command: `text` for a person, `json` for a program.
    ///
    /// # Errors
    ///
    /// As [`spool::run`].
    pub fn data(
        &self,
        json: impl FnOnce() -> Value,
        text: impl FnOnce(Paint) -> String,
    ) -> Result<(), Failure> {
        let text = match self.json {
            true => escaped(format!("{:#}\n", json())),
            false => text(self.paint),
        };
        spool::run(io::stdout().lock(), |out| {
            Ok(out.write_all(text.as_bytes())?)
        })
    }

    /// Writes the result of a command while it is made: `make` is told whether for a program, and
    /// is called again when what it reads changes under it.
    ///
    /// # Errors
    ///
    /// As [`spool::run`].
    pub fn stream(
        &self,
        mut make: impl FnMut(bool, &mut Spool<StdoutLock<'static>>) -> Result<(), Stop>,
    ) -> Result<(), Failure> {
        spool::run(io::stdout().lock(), |out| make(self.json, out))
    }

    /// Says a warning. A program finds it in the result.
    pub fn warn(&self, warning: &Warning, source: &Source) {
        if self.json {
            return;
        }
        let paint = self.paint_error;
        let text = match warning {
            Warning::File(fault) => fault.render(source, paint),
            Warning::Plain(text) => format!("{}: {}\n", paint.yellow("warning"), printable(text)),
        };
        // There is nowhere left to say that this failed.
        let _ = io::stderr().write_all(text.as_bytes());
    }

    /// Says why the command failed.
    pub fn fail(&self, failure: &Failure) {
        let text = match self.json {
            true => escaped(format!("{:#}\n", failure.to_json())),
            false => failure.render(self.paint_error),
        };
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

impl Warning {
    /// The warning as a program reads it.
    pub fn to_json(&self, source: &Source) -> Value {
        match self {
            Warning::File(fault) => fault.to_json(source),
            Warning::Plain(text) => serde_json::json!({ "severity": "warning", "message": text }),
        }
    }
}
