// SPDX-License-Identifier: GPL-2.0

//! Colour: on a terminal only, unless asked for.

use std::io::IsTerminal;

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum When {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Paints text, or leaves it as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// What `when` means for a stream.
    pub fn new(when: When, stream: &impl IsTerminal) -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let on = match when {
            When::Always => true,
            When::Never => false,
            // https://no-color.org: any value that is not empty.
            When::Auto => !set("NO_COLOR") && !dumb && stream.is_terminal(),
        };
        Paint { on }
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.on && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// For errors, and for what is dropped.
    pub fn red(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    /// For warnings.
    pub fn yellow(self, text: &str) -> String {
        self.wrap("1;33", text)
    }

    /// For what is as it should be.
    pub fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// For lines and numbers around other text.
    pub fn blue(self, text: &str) -> String {
        self.wrap("1;34", text)
    }

    /// For what is to be read first.
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }
}
