// SPDX-License-Identifier: GPL-2.0

//! Faults of the TOML itself, in words that help.

use toml::de::{DeTable, Error};

use super::source::Source;
use crate::diagnostic::{Diagnostic, Span};

const LINES: &str = "a line is 'key = value', '[table]', '[[allow]]' or '# comment'";

/// The first of the parser's faults.
pub fn fault(source: &Source, errors: &[Error]) -> Option<Diagnostic> {
    let place = |error: &Error| error.span().unwrap_or(0..0);
    let first = errors.iter().min_by_key(|error| {
        // An open string is an open list too; the string is what to look at.
        (
            place(error).start,
            !error.message().contains("string, expected"),
        )
    })?;
    let span = place(first);
    let said = first.message();
    if said == "duplicate key" {
        return Some(duplicate(source, span));
    }
    if let Some(fault) = open_list(source, span.start) {
        return Some(fault);
    }
    let message = said.split(", expected").next().unwrap_or(said);
    if matches!(
        message,
        "invalid float" | "invalid date" | "invalid time" | "invalid datetime" | "invalid integer"
    ) {
        return Some(unquoted(source, &span));
    }
    let mut fault = Diagnostic::at(visible(source, span.clone()), message);
    if let Some((_, expected)) = said.split_once(", expected ") {
        if expected != "nothing" && message != "string values must be quoted" {
            fault = fault.label(format!("expected {expected}"));
        }
    }
    let text = source.text.get(span.clone()).unwrap_or("");
    Some(match message {
        "string values must be quoted" if text.is_empty() => {
            fault.help("write a value behind the '='")
        }
        "string values must be quoted" => match text {
            "yes" | "on" | "True" | "TRUE" => fault.help("write true"),
            "no" | "off" | "False" | "FALSE" => fault.help("write false"),
            _ => fault.help(in_quotes(text)),
        },
        "invalid boolean" => {
            fault.help("true and false are written without quotes, a string with them")
        }
        "key with no value" => fault.help(LINES),
        "invalid unquoted key"
            if source
                .text
                .get(span.start..)
                .is_some_and(|t| t.starts_with(':')) =>
        {
            fault.help(LINES)
        }
        "unexpected key or value"
            if source
                .text
                .get(span.start..)
                .is_some_and(|t| t.starts_with(',')) =>
        {
            fault.help("several values are a list in brackets, such as [\"eth1\", \"eth2\"]")
        }
        "unexpected leading zero" => fault.help(format!("write {}", text_number(source, &span))),
        _ => fault,
    })
}

/// The help for a value that stands there bare, or in the quotes of a word processor.
fn in_quotes(text: &str) -> String {
    format!(
        "write \"{}\"",
        text.trim_matches(['“', '”', '„', '‘', '’', '«', '»'])
    )
}

/// A value that begins like a number, but is an address, a range or the like.
fn unquoted(source: &Source, span: &Span) -> Diagnostic {
    let is_end = |c: char| c.is_whitespace() || "=,[]{}#".contains(c);
    let (before, behind) = source.text.split_at_checked(span.start).unwrap_or(("", ""));
    let start = before.rfind(is_end).map_or(0, |at| at + 1);
    let end = span.start + behind.find(is_end).unwrap_or(behind.len());
    let text = source.text.get(start..end).unwrap_or("");
    Diagnostic::at(start..end, "string values must be quoted").help(in_quotes(text))
}

/// What follows a list that nobody closed is read as more of it: shows where that begins, if at
/// byte `at` there is one open and what stands there is no item.
fn open_list(source: &Source, at: usize) -> Option<Diagnostic> {
    let line = source.line(source.place(at).0);
    let text = source.text.get(line.clone())?.trim_start();
    let words = text.split('#').next().unwrap_or("");
    if !(words.starts_with('[') || words.contains('=')) {
        return None;
    }
    let (mut open, mut value, mut quote) = (Vec::new(), false, None);
    let mut chars = source.text.get(..line.start)?.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some('#' | '[') | None, '\n') => {
                quote = None;
                value = !open.is_empty();
            }
            (Some('"'), '\\') => {
                chars.next();
            }
            (Some(end), c) if c == end => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '#') => quote = Some(c),
            (None, '=') => value = true,
            (None, '[') if value => open.push(at),
            // A table's header: to the end of the line.
            (None, '[') => quote = Some('['),
            (None, ']') => {
                open.pop();
            }
            (None, _) => {}
        }
    }
    let first = *open.first()?;
    let fault = Diagnostic::at(first..first + 1, "this list is not closed");
    Some(
        fault
            .and(line.start..line.end, "this cannot be in it")
            .help("write ']' behind its last item"),
    )
}

/// The number at `span`, without the zeros before it.
fn text_number(source: &Source, span: &Span) -> String {
    let rest = source.text.get(span.start..).unwrap_or("");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    match digits.trim_start_matches('0') {
        "" => String::from("0"),
        number => number.to_owned(),
    }
}

/// An empty place behind the last character of a line is shown at that character's line.
fn visible(source: &Source, span: Span) -> Span {
    let (line, _) = source.place(span.start);
    let end = source.line(line).end;
    if span.start > 0 && span.start >= source.text.len() && span.start > end {
        return end..end;
    }
    span
}

/// A key that is given a second time: shows the first one too.
fn duplicate(source: &Source, span: Span) -> Diagnostic {
    let text = source.text.get(span.clone()).unwrap_or("").to_owned();
    let fault = Diagnostic::at(span.clone(), format!("'{text}' is given twice"));
    let line = source.line(source.place(span.start).0);
    let header = source.text.get(line.clone()).unwrap_or("").trim();
    let first = if header.starts_with('[') {
        let before = source.text.get(..line.start).unwrap_or("");
        let mut at = 0;
        before.split_inclusive('\n').find_map(|other| {
            let start = at;
            at += other.len();
            (other.trim() == header).then(|| start..start + other.trim_end().len())
        })
    } else {
        let (tree, _) = DeTable::parse_recoverable(&source.text);
        let mut places = Vec::new();
        keys(tree.get_ref(), &text, &mut places);
        // No other table lies between the two, or they would not be in the same one.
        places
            .into_iter()
            .filter(|place| place.end <= span.start)
            .max_by_key(|p| p.start)
    };
    let fault = match first {
        Some(first) => fault.and(first, "first here"),
        None => fault,
    };
    fault.help("keep one of the two")
}

/// Every place of a key called `name`.
fn keys(table: &DeTable<'_>, name: &str, places: &mut Vec<Span>) {
    for (key, value) in table.iter() {
        if key.get_ref().as_ref() == name {
            places.push(key.span());
        }
        if let Some(table) = value.get_ref().as_table() {
            keys(table, name, places);
        }
        let items = value
            .get_ref()
            .as_array()
            .into_iter()
            .flat_map(|list| list.iter());
        for table in items.filter_map(|item| item.get_ref().as_table()) {
            keys(table, name, places);
        }
    }
}
