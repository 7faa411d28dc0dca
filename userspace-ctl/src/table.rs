// SPDX-License-Identifier: GPL-2.0

//! Plain aligned columns, as awk likes them.

use std::io::{Result, Write};

use unicode_width::UnicodeWidthStr;

use crate::colour::Paint;

/// How many rows are looked at together, and of how many bytes.
const BLOCK: usize = 1024;
const BYTES: usize = 1 << 18;

/// Rows of cells, which can come one after the other without end: a column is as wide as it has been
/// until then.
#[derive(Clone, Debug)]
pub struct Table {
    paint: Paint,
    /// For each column, whether it is a number.
    numbers: Vec<bool>,
    widths: Vec<usize>,
    /// Until it is rendered.
    head: Option<Vec<String>>,
    /// What comes first, and the rest.
    rows: [Vec<Vec<String>>; 2],
    /// How much is in them.
    bytes: usize,
}

impl Table {
    /// A table with this head; a column whose name begins with `#` has numbers.
    pub fn new(head: &[&str], paint: Paint) -> Self {
        let name = |name: &&str| name.trim_start_matches('#').to_owned();
        Table {
            paint,
            numbers: head.iter().map(|name| name.starts_with('#')).collect(),
            widths: vec![0; head.len()],
            head: Some(head.iter().map(name).collect()),
            rows: [Vec::new(), Vec::new()],
            bytes: 0,
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.ranked(true, cells);
    }

    /// Adds a row, in front of those near it that are not `first`.
    pub fn ranked(&mut self, first: bool, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<String> = cells.into_iter().collect();
        self.bytes += cells.iter().map(String::len).sum::<usize>();
        self.rows[usize::from(!first)].push(cells);
    }

    /// Whether there are so many rows that they should be rendered.
    pub fn is_full(&self) -> bool {
        self.len() >= BLOCK || self.bytes >= BYTES
    }

    /// Whether there is nothing to be rendered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        self.rows.iter().map(Vec::len).sum()
    }

    /// Writes the rows since the last time as lines, and before the first of all the head.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn render(&mut self, out: &mut impl Write) -> Result<()> {
        let head = self.head.take();
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let all = || head.iter().chain(rows.iter().flatten());
        for row in all() {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        for (place, row) in all().enumerate() {
            let line = self.line(row);
            match &head {
                Some(_) if place == 0 => writeln!(out, "{}", self.paint.bold(&line))?,
                _ => writeln!(out, "{line}")?,
            }
        }
        Ok(())
    }

    fn line(&self, row: &[String]) -> String {
        let mut line = String::new();
        for ((cell, width), number) in row.iter().zip(&self.widths).zip(&self.numbers) {
            let pad = " ".repeat(width.saturating_sub(cell.width()));
            let (before, after) = if *number {
                (pad.as_str(), "")
            } else {
                ("", pad.as_str())
            };
            line += &format!("{before}{cell}{after}  ");
        }
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(table: &mut Table) -> String {
        let mut out = Vec::new();
        table.render(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn aligns_words_left_and_numbers_right() {
        let mut table = Table::new(&["name", "#count"], Paint::default());
        table.row([String::from("büro"), String::from("7")]);
        table.row([String::from("x"), String::from("123456")]);
        assert_eq!(
            render(&mut table),
            "name   count\nbüro       7\nx     123456\n"
        );
    }

    #[test]
    fn a_column_does_not_shrink() {
        let mut table = Table::new(&["name", "#count"], Paint::default());
        let one = |name: &str, table: &mut Table| table.row([name.to_owned(), String::from("7")]);
        one("longer", &mut table);
        assert_eq!(render(&mut table), "name    count\nlonger      7\n");
        one("x", &mut table);
        assert_eq!(render(&mut table), "x           7\n");
        one("the-longest", &mut table);
        assert_eq!(render(&mut table), "the-longest      7\n");
    }

    #[test]
    fn goes_on_as_it_began() {
        let mut table = Table::new(&["name"], Paint::default());
        let one = |first, name: &str, table: &mut Table| table.ranked(first, [name.to_owned()]);
        one(false, "later", &mut table);
        one(true, "first", &mut table);
        assert_eq!(render(&mut table), "name\nfirst\nlater\n");
        assert!(table.is_empty());
        one(true, "more", &mut table);
        assert_eq!(render(&mut table), "more\n");
        for _ in 0..BLOCK {
            assert!(!table.is_full());
            one(true, "row", &mut table);
        }
        assert!(table.is_full());
        render(&mut table);
        one(true, &"x".repeat(BYTES), &mut table);
        assert!(table.is_full());
    }
}
