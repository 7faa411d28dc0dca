// SPDX-License-Identifier: GPL-2.0
//! What holds just now, as others say: a file for each fact, with a number and a word in it.
//!
//! Who changes something empties the file first, changes it, and then says what holds, under a new
//! number. So a fact that reads the same before and after did not change in between.

use std::fs::File;
use std::io::{Error, Result};
use std::os::unix::fs::FileExt;
use std::path::Path;

struct Fact {
    name: String,
    file: File,
    text: String,
    /// How often it was seen to change.
    changes: u32,
}

/// All facts that flows ask for.
pub struct Facts {
    all: Vec<Fact>,
}

impl Facts {
    /// Opens the files of these names.
    pub fn open<'a>(dir: &Path, names: impl Iterator<Item = &'a str>) -> Result<Self> {
        let mut all: Vec<Fact> = Vec::new();
        for name in names {
            if all.iter().any(|fact| fact.name == name) {
                continue;
            }
            let path = dir.join(name);
            let file = File::open(&path)
                .map_err(|e| Error::new(e.kind(), format!("{}: {e}", path.display())))?;
            all.push(Fact {
                name: name.into(),
                file,
                text: String::new(),
                changes: 0,
            });
        }
        Ok(Facts { all })
    }

    /// Looks at all of them again.
    pub fn refresh(&mut self) -> Result<()> {
        let mut buffer = [0; 64];
        for fact in &mut self.all {
            let size = fact.file.read_at(&mut buffer, 0)?;
            if buffer[..size] != *fact.text.as_bytes() {
                fact.text = String::from_utf8_lossy(&buffer[..size]).into_owned();
                fact.changes += 1;
            }
        }
        Ok(())
    }

    /// The word of a fact, if it holds still; and a number that is another after each change.
    pub fn get(&self, name: &str) -> (Option<&str>, u32) {
        let Some(fact) = self.all.iter().find(|fact| fact.name == name) else {
            return (None, 0);
        };
        let whole = fact.text.strip_suffix('\n');
        let word = whole.and_then(|text| Some(text.split_once(' ')?.1));
        (word, fact.changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_counts_only_when_it_is_whole() {
        let dir = std::env::temp_dir().join(format!("probe-facts-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("guard");
        std::fs::write(&path, "1 open\n").unwrap();
        let mut facts = Facts::open(&dir, ["guard", "guard"].into_iter()).unwrap();
        let mut seen = |text: &str| {
            std::fs::write(&path, text).unwrap();
            facts.refresh().unwrap();
            let (word, changes) = facts.get("guard");
            (word.map(String::from), changes)
        };
        assert_eq!(seen("1 open\n"), (Some("open".into()), 1));
        assert_eq!(seen("1 open\n"), (Some("open".into()), 1));
        assert_eq!(seen(""), (None, 2));
        assert_eq!(seen("2 ope"), (None, 3));
        assert_eq!(seen("2 open\n"), (Some("open".into()), 4));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
