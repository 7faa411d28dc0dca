// SPDX-License-Identifier: GPL-2.0

//! A JSON document that is written as its parts become known, in the form of serde_json's `{:#}`.

use std::io::{Result, Write};

use serde_json::{json, Value};

use crate::diagnostic::is_steering;

/// JSON in which no character would steer a terminal: serde_json escapes those of ASCII, and others
/// are only in strings.
pub fn escaped(json: String) -> String {
    if json.bytes().all(|byte| byte < 0x7f) {
        return json;
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' => out.push(c),
            c if is_steering(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// A document on its way.
pub struct Document<'a, W> {
    out: &'a mut W,
    /// How each open object or list ends, and whether something is in it.
    open: Vec<(&'static str, bool)>,
}

impl<'a, W: Write> Document<'a, W> {
    /// An object.
    ///
    /// # Errors
    ///
    /// Those of `out`, as in all that follows.
    pub fn new(out: &'a mut W) -> Result<Self> {
        out.write_all(b"{")?;
        let open = vec![("}", false)];
        Ok(Document { out, open })
    }

    /// The beginning of a line in the innermost object or list.
    fn line(&mut self, key: Option<&str>) -> Result<()> {
        let depth = self.open.len();
        if let Some((_, some)) = self.open.last_mut() {
            let comma = if *some { "," } else { "" };
            *some = true;
            write!(self.out, "{comma}\n{:1$}", "", depth * 2)?;
        }
        match key {
            Some(key) => write!(self.out, "{}: ", escaped(json!(key).to_string())),
            None => Ok(()),
        }
    }

    /// A value in the innermost object.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn member(&mut self, key: &str, value: &Value) -> Result<()> {
        self.line(Some(key))?;
        self.value(value)
    }

    /// A value in the innermost list.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn element(&mut self, value: &Value) -> Result<()> {
        self.line(None)?;
        self.value(value)
    }

    fn value(&mut self, value: &Value) -> Result<()> {
        // No string has an end of line in it that is not escaped.
        let lines = format!("\n{:1$}", "", self.open.len() * 2);
        let text = escaped(format!("{value:#}")).replace('\n', &lines);
        self.out.write_all(text.as_bytes())
    }

    /// Begins an object in the innermost object.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn object(&mut self, key: &str) -> Result<()> {
        self.line(Some(key))?;
        self.open.push(("}", false));
        self.out.write_all(b"{")
    }

    /// Begins a list in the innermost object.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn list(&mut self, key: &str) -> Result<()> {
        self.line(Some(key))?;
        self.open.push(("]", false));
        self.out.write_all(b"[")
    }

    /// Ends the innermost object or list.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn end(&mut self) -> Result<()> {
        let Some((end, some)) = self.open.pop() else {
            return Ok(());
        };
        if some {
            write!(self.out, "\n{:1$}", "", self.open.len() * 2)?;
        }
        self.out.write_all(end.as_bytes())?;
        if self.open.is_empty() {
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_like_a_value_that_is_written_whole() {
        let mut out = Vec::new();
        let item = json!({ "name": "a\nb", "list": [1, 2], "none": [] });
        let mut document = Document::new(&mut out).unwrap();
        document.list("a").unwrap();
        document.element(&item).unwrap();
        document.element(&json!(7)).unwrap();
        document.end().unwrap();
        document.object("b").unwrap();
        document.member("c \"d\"", &item).unwrap();
        document.object("e").unwrap();
        document.end().unwrap();
        document.end().unwrap();
        document.list("f").unwrap();
        document.end().unwrap();
        document.member("g", &Value::Null).unwrap();
        document.end().unwrap();
        let whole =
            json!({ "a": [item, 7], "b": { "c \"d\"": item, "e": {} }, "f": [], "g": null });
        assert_eq!(String::from_utf8(out).unwrap(), format!("{whole:#}\n"));
    }

    #[test]
    fn escapes_what_serde_does_not() {
        let text = "a\u{7f}\u{9b}\u{202e}ü\n";
        let json = escaped(json!(text).to_string());
        assert_eq!(json, r#""a\u007f\u009b\u202eü\n""#);
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), json!(text));
    }
}
