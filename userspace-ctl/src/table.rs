// SPDX-License-Identifier: GPL-2.0

//! Plain aligned columns, as awk likes them.

use unicode_width::UnicodeWidthStr;

/// Rows of cells.
#[derive(Clone, Debug)]
pub struct Table {
    /// For each column, whether it is a number.
    numbers: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this head; a column whose name begins with `#` has numbers.
    pub fn new(head: &[&str]) -> Self {
        let name = |name: &&str| name.trim_start_matches('#').to_owned();
        Table {
            numbers: head.iter().map(|name| name.starts_with('#')).collect(),
            rows: vec![head.iter().map(name).collect()],
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Whether it has no row but the head.
    pub fn is_empty(&self) -> bool {
        self.rows.len() < 2
    }

    /// The rows as lines, each shown by `paint`, which is told whether it is the head.
    pub fn render(&self, paint: impl Fn(bool, &str) -> String) -> String {
        let width = |column: usize| {
            let widths = self
                .rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.width());
            widths.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.numbers.len()).map(width).collect();
        let mut out = String::new();
        for (place, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for ((cell, width), number) in row.iter().zip(&widths).zip(&self.numbers) {
                let pad = " ".repeat(width.saturating_sub(cell.width()));
                let (before, after) = if *number {
                    (pad.as_str(), "")
                } else {
                    ("", pad.as_str())
                };
                line += &format!("{before}{cell}{after}  ");
            }
            out += &paint(place == 0, line.trim_end());
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligns_words_left_and_numbers_right() {
        let mut table = Table::new(&["name", "#count"]);
        table.row([String::from("büro"), String::from("7")]);
        table.row([String::from("x"), String::from("123456")]);
        let text = table.render(|_, line| line.to_owned());
        assert_eq!(text, "name   count\nbüro       7\nx     123456\n");
    }
}
