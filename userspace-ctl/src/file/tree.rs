// SPDX-License-Identifier: GPL-2.0

//! Walking a TOML tree: every value is what it should be, or the fault is noted and it goes on.

use toml::de::{DeTable, DeValue};

use super::model::{Spanned, Word};
use crate::{
    diagnostic::{Diagnostic, Span},
    suggest,
};

/// A value of the tree.
pub type Value<'a> = toml::Spanned<DeValue<'a>>;

/// A key that a table may have, with an example of it.
pub type Key = (&'static str, &'static str);

/// The one key that belongs above all tables.
pub const FORWARDING: Key = ("forwarding", "forwarding = true");

/// The faults found so far.
pub type Faults = Vec<Diagnostic>;

/// What a value is, with its article.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Notes that a value is of the wrong type.
pub fn wrong_type(key: Key, wanted: &str, value: &Value<'_>, faults: &mut Faults) {
    let is = kind(value.get_ref());
    let fault = Diagnostic::at(value.span(), format!("'{}' is to be {wanted}", key.0));
    faults.push(
        fault
            .label(format!("this is {is}"))
            .help(format!("write {}", key.1)),
    );
}

/// A table of the file.
pub struct Table<'a> {
    table: &'a DeTable<'a>,
}

impl<'a> Table<'a> {
    /// The table that is `value`; `what` is what a reader calls it. Keys that are not `known` are faults.
    pub fn new(
        what: String,
        value: &'a Value<'a>,
        known: &[Key],
        faults: &mut Faults,
    ) -> Option<Self> {
        let DeValue::Table(table) = value.get_ref() else {
            let fault = Diagnostic::at(value.span(), format!("{what} is to be a table"));
            faults.push(fault.label(format!("this is {}", kind(value.get_ref()))));
            return None;
        };
        Some(Self::of(&what, table, known, faults))
    }

    /// The same of a table that is known to be one.
    pub fn of(what: &str, table: &'a DeTable<'a>, known: &[Key], faults: &mut Faults) -> Self {
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if known.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let mut fault = Diagnostic::at(key.span(), format!("{what} has no key '{name}'"));
            let names = known.iter().map(|(name, _)| *name);
            if let Some(meant) = suggest::closest(name, names.clone()) {
                fault = fault.label(format!("did you mean '{meant}'?"));
            }
            // TOML gives every line below a [table] to it.
            fault = match name == FORWARDING.0 {
                true => fault.help(format!("write {} above the first [table]", FORWARDING.1)),
                false => fault.help(format!("its keys are {}", suggest::list(names))),
            };
            faults.push(fault);
        }
        Table { table }
    }

    /// The value of `key`.
    pub fn get(&self, key: Key) -> Option<&'a Value<'a>> {
        self.table.get(key.0)
    }

    /// The string at `key`.
    pub fn string(&self, key: Key, faults: &mut Faults) -> Option<Word> {
        let value = self.get(key)?;
        let word = as_string(value);
        if word.is_none() {
            wrong_type(key, "a string", value, faults);
        }
        word
    }

    /// The strings at `key`, which are one or a list of them.
    pub fn strings(&self, key: Key, faults: &mut Faults) -> Vec<Word> {
        let mut words: Vec<Word> = Vec::new();
        for value in self.list(key, faults) {
            let Some(word) = as_string(value) else {
                wrong_type(key, "a string or a list of strings", value, faults);
                continue;
            };
            let same = |other: &&Word| other.value == word.value;
            if let Some(first) = words.iter().find(same) {
                let message = format!("'{}' is listed twice", word.value);
                faults
                    .push(Diagnostic::at(word.span, message).and(first.span.clone(), "first here"));
                continue;
            }
            words.push(word);
        }
        words
    }

    /// The values at `key`, which is one or a list of them, but not an empty one.
    pub fn list(&self, key: Key, faults: &mut Faults) -> Vec<&'a Value<'a>> {
        match self.get(key) {
            None => Vec::new(),
            Some(value) => match value.get_ref() {
                DeValue::Array(list) if list.is_empty() => {
                    let fault = Diagnostic::at(value.span(), format!("'{}' is empty", key.0));
                    faults.push(fault.help(format!("write {}", key.1)));
                    Vec::new()
                }
                DeValue::Array(list) => list.iter().collect(),
                _ => vec![value],
            },
        }
    }

    /// Where `key` is true; `None` when it is false or not there.
    pub fn is_true(&self, key: Key, faults: &mut Faults) -> Option<Span> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Boolean(true) => Some(value.span()),
            DeValue::Boolean(false) => None,
            _ => {
                wrong_type(key, "true or false", value, faults);
                None
            }
        }
    }
}

/// The entries of a table in the order of the file.
pub fn entries<'a>(table: &'a DeTable<'a>) -> Vec<(Word, &'a Value<'a>)> {
    let word = |key: &toml::Spanned<_>| {
        Word::new(AsRef::<str>::as_ref(key.get_ref()).to_owned(), key.span())
    };
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| (word(key), value))
        .collect();
    entries.sort_by_key(|(key, _): &(Word, _)| key.span.start);
    entries
}

/// The string that a value is.
pub fn as_string(value: &Value<'_>) -> Option<Word> {
    let text = value.get_ref().as_str()?;
    Some(Spanned::new(text.to_owned(), value.span()))
}

/// The integer that a value is; `Err` when it has more than 64 bits.
pub fn as_integer(value: &Value<'_>) -> Option<Result<i64, ()>> {
    let integer = value.get_ref().as_integer()?;
    Some(i64::from_str_radix(integer.as_str(), integer.radix()).map_err(|_| ()))
}
