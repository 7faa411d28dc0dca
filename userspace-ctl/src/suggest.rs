// SPDX-License-Identifier: GPL-2.0

//! "Did you mean …?"

/// How many single-character changes, and swaps of neighbours, turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (above[j] + usize::from(x != y)).min(above[j + 1] + 1);
            best = best.min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

/// The one of `known` that `word` was probably meant to be.
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The cost grows with the product of the lengths, and no name is longer.
    if word.chars().count() > 64 {
        return None;
    }
    let folded = word.to_lowercase().replace('_', "-");
    let candidates = known.into_iter().map(|name| {
        let near = distance(&folded, &name.to_lowercase().replace('_', "-"));
        let longer = name.starts_with(&folded) || folded.starts_with(name);
        let near = near.saturating_sub(usize::from(longer && folded.len() > 2));
        (near, name.chars().next() != folded.chars().next(), name)
    });
    let (near, _, name) = candidates.min()?;
    (near <= (folded.chars().count().max(name.len()) / 3).max(1)).then_some(name)
}

/// Enough for every service that is known without being defined.
const SHOWN: usize = 60;

/// Names with commas between them, the first [`SHOWN`] of them.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let shown = names
        .iter()
        .take(SHOWN)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let known = ["camera", "external", "private", "router"];
        assert_eq!(closest("camrea", known), Some("camera"));
        assert_eq!(closest("Camera", known), Some("camera"));
        assert_eq!(closest("cameras", known), Some("camera"));
        assert_eq!(closest("extrenal", known), Some("external"));
        assert_eq!(closest("office", known), None);
        assert_eq!(closest("rtps", ["ftps", "rtsp"]), Some("rtsp"));
        assert_eq!(closest("", known), None);
        assert_eq!(closest("x", []), None);
    }
}
