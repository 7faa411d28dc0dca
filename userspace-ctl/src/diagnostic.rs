// SPDX-License-Identifier: GPL-2.0

//! What is wrong with a policy file, where, and what would be right.

use serde_json::{json, Value};
use unicode_width::UnicodeWidthStr;

use crate::{colour::Paint, file::source::Source};

/// A part of a file, in bytes.
pub type Span = std::ops::Range<usize>;

/// A remark on a part of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The part.
    pub span: Span,
    /// The remark; may be empty.
    pub text: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file is accepted, but may not mean what its owner thinks.
    Warning,
}

impl Severity {
    const fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// One fault of a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The fault, in a sentence without a capital or a full stop.
    pub message: String,
    /// The wrong text; `None` when the fault is the file's as a whole.
    pub primary: Option<Label>,
    /// Other parts of the file that it has to do with.
    pub related: Vec<Label>,
    /// What would be right.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// The fault of a part of the file.
    pub fn at(span: Span, message: impl Into<String>) -> Self {
        let text = String::new();
        Diagnostic {
            primary: Some(Label { span, text }),
            ..Self::whole(message)
        }
    }

    /// The fault of the file as a whole.
    pub fn whole(message: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Error,
            message: shortened(message.into()),
            primary: None,
            related: Vec::new(),
            help: Vec::new(),
        }
    }

    /// The same as a warning.
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Puts a remark beside the underlined text.
    pub fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(primary) = &mut self.primary {
            primary.text = shortened(text.into());
        }
        self
    }

    /// Underlines another part too.
    pub fn and(mut self, span: Span, text: impl Into<String>) -> Self {
        let text = shortened(text.into());
        self.related.push(Label { span, text });
        self
    }

    /// Says what would be right.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(shortened(help.into()));
        self
    }

    /// Where it is in the file, for sorting.
    pub fn position(&self) -> usize {
        self.primary.as_ref().map_or(0, |label| label.span.start)
    }

    /// The fault as a person reads it.
    pub fn render(&self, source: &Source, paint: Paint) -> String {
        let word = self.severity.word();
        let word = match self.severity {
            Severity::Error => paint.red(word),
            Severity::Warning => paint.yellow(word),
        };
        let mut out = format!("{word}: {}\n", paint.bold(&printable(&self.message)));
        let name = printable(&source.name);
        let mut labels: Vec<(bool, &Label)> = self.primary.iter().map(|l| (true, l)).collect();
        labels.extend(self.related.iter().map(|l| (false, l)));
        let mut margin = 1;
        if let Some((_, first)) = labels.first() {
            let (line, column) = source.place(first.span.start);
            labels.sort_by_key(|(_, label)| label.span.start);
            let last = labels
                .last()
                .map_or(line, |l| source.place(l.1.span.start).0);
            margin = last.to_string().len();
            let arrow = paint.blue("-->");
            out += &format!("{:margin$}{arrow} {name}:{line}:{column}\n", "");
            self.excerpt(&labels, source, paint, margin, &mut out);
        } else {
            out += &format!("{:margin$}{} {name}\n", "", paint.blue("-->"));
        }
        for help in &self.help {
            let sign = paint.blue("=");
            out += &format!("{:margin$} {sign} help: {}\n", "", printable(help));
        }
        out
    }

    fn excerpt(
        &self,
        labels: &[(bool, &Label)],
        source: &Source,
        paint: Paint,
        margin: usize,
        out: &mut String,
    ) {
        let bar = paint.blue("|");
        *out += &format!("{:margin$} {bar}\n", "");
        let mut shown = 0;
        for (primary, label) in labels {
            let (number, _) = source.place(label.span.start);
            let line = source.line(number);
            if shown != 0 && number > shown + 1 {
                *out += &format!("{}\n", paint.blue("..."));
            }
            let begin = label.span.start.saturating_sub(line.start);
            let end = label.span.end.min(line.end).saturating_sub(line.start);
            let text = source.text.get(line).unwrap_or("");
            let part = |from, to| text.get(from..to).unwrap_or("");
            let clip = Clip::around(text, begin);
            if shown != number {
                let number = paint.blue(&format!("{number:margin$}"));
                *out += &format!("{number} {bar} {}\n", clip.show(text));
            }
            shown = number;
            let indent = clip.width_before(text, begin);
            let room = Clip::WIDTH.saturating_sub(indent).max(1);
            let width = printable(part(begin, end)).width().clamp(1, room);
            let sign = if *primary { "^" } else { "-" };
            let mark = format!("{} {}", sign.repeat(width), printable(&label.text));
            let mark = mark.trim_end();
            let mark = match (primary, self.severity) {
                (false, _) => paint.blue(mark),
                (true, Severity::Error) => paint.red(mark),
                (true, Severity::Warning) => paint.yellow(mark),
            };
            *out += &format!("{:margin$} {bar} {:indent$}{mark}\n", "", "");
        }
    }

    /// The fault as a program reads it.
    pub fn to_json(&self, source: &Source) -> Value {
        let place = |label: &Label| {
            let (line, column) = source.place(label.span.start);
            let (end_line, end_column) = source.place(label.span.end);
            (line, column, end_line, end_column)
        };
        let mut fault = json!({
            "severity": self.severity.word(),
            "message": self.message,
            "file": source.name,
            "line": null,
            "column": null,
            "end_line": null,
            "end_column": null,
            "text": null,
            "label": null,
        });
        if let Some(label) = &self.primary {
            let (line, column, end_line, end_column) = place(label);
            fault["line"] = line.into();
            fault["column"] = column.into();
            fault["end_line"] = end_line.into();
            fault["end_column"] = end_column.into();
            fault["text"] = source.text.get(label.span.clone()).into();
            fault["label"] = label.text.as_str().into();
        }
        let related = self.related.iter().map(|label| {
            let (line, column, end_line, end_column) = place(label);
            json!({ "line": line, "column": column, "end_line": end_line,
                    "end_column": end_column, "label": label.text })
        });
        fault["related"] = related.collect();
        fault["help"] = self.help.as_slice().into();
        fault
    }
}

/// The part of a long line that is shown.
struct Clip {
    /// Bytes of the line before it.
    skip: usize,
}

impl Clip {
    /// Columns that are shown at most.
    const WIDTH: usize = 120;

    /// A clip that shows what is at byte `at`.
    fn around(text: &str, at: usize) -> Self {
        let mut skip = 0;
        if printable(text.get(..at).unwrap_or("")).width() > Self::WIDTH * 2 / 3 {
            skip = at.saturating_sub(Self::WIDTH / 3);
            while !text.is_char_boundary(skip) {
                skip += 1;
            }
        }
        Clip { skip }
    }

    fn show(&self, text: &str) -> String {
        let mut shown = String::from(if self.skip > 0 { "…" } else { "" });
        let mut width = shown.width();
        for c in printable(text.get(self.skip..).unwrap_or("")).chars() {
            width += c.to_string().width();
            if width > Self::WIDTH {
                shown.push('…');
                break;
            }
            shown.push(c);
        }
        shown.trim_end().to_owned()
    }

    fn width_before(&self, text: &str, at: usize) -> usize {
        let before = text.get(self.skip..at).unwrap_or("");
        usize::from(self.skip > 0) + printable(before).width()
    }
}

/// A sentence that names a word of the file, which may be of any length: the middle of a very long
/// one is left out.
fn shortened(text: String) -> String {
    const MOST: usize = 500;
    const LAST: usize = 100;
    let len = text.chars().count();
    if len <= MOST {
        return text;
    }
    let first: String = text.chars().take(MOST - LAST - 1).collect();
    let last: String = text.chars().skip(len - LAST).collect();
    format!("{first}…{last}")
}

/// Whether a terminal would obey the character, or show text as other text (what turns the reading
/// direction round).
pub fn is_steering(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The text without anything that a terminal would obey.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push_str("    "),
            c if is_steering(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
