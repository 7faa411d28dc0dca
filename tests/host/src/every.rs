// SPDX-License-Identifier: GPL-2.0

//! Choices made in every way, one after the other: what [`crate::dice`] does at random. A later
//! choice may hang on an earlier one.

/// The choices of one thing out of all that can be made.
#[derive(Default)]
pub struct Every {
    // Which of how many was chosen, from the first choice on.
    trail: Vec<(usize, usize)>,
    at: usize,
}

impl Every {
    /// Hands everything that `make` can make to `take`; `None` is nothing.
    pub fn each<T>(mut make: impl FnMut(&mut Every) -> Option<T>, mut take: impl FnMut(T)) {
        let mut every = Every::default();
        loop {
            every.at = 0;
            if let Some(made) = make(&mut every) {
                take(made);
            }
            every.trail.truncate(every.at);
            // The last choice that has another way takes it, and those behind it begin anew.
            while every.trail.last().is_some_and(|(is, of)| is + 1 == *of) {
                every.trail.pop();
            }
            match every.trail.last_mut() {
                Some((is, _)) => *is += 1,
                None => return,
            }
        }
    }

    /// Everything that `make` can make.
    pub fn all<T>(make: impl FnMut(&mut Every) -> Option<T>) -> Vec<T> {
        let mut all = Vec::new();
        Every::each(make, |made| all.push(made));
        all
    }

    /// One of these.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        if self.at == self.trail.len() {
            self.trail.push((0, of.len()));
        }
        let (is, count) = self.trail[self.at];
        assert_eq!(
            count,
            of.len(),
            "a choice hangs on more than the ones before it"
        );
        self.at += 1;
        of[is].clone()
    }

    /// Yes, and no.
    pub fn maybe(&mut self) -> bool {
        self.pick(&[false, true])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_once() {
        let all = Every::all(|every| {
            let first = every.pick(&[1, 2, 3]);
            let second = if first == 2 { every.pick(&[7, 8]) } else { 0 };
            (first != 3).then_some((first, second))
        });
        assert_eq!(all, [(1, 0), (2, 7), (2, 8)]);
        assert_eq!(Every::all(|_| Some(5)), [5]);
    }
}
