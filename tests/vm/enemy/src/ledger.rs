// SPDX-License-Identifier: GPL-2.0
//! What may be in force: every generation that the kernel said it made, and its digest. What
//! anybody ever sees must be one of these, so a refused message that changed anything is found
//! out, however many change policies at the same time. Generations only grow (in a namespace, for
//! as long as the module is loaded), so what was replaced must not come back either.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long who made a generation may take to say so.
const PATIENCE: Duration = Duration::from_secs(20);

type Digest = Option<Vec<u8>>;

/// The newest generation that somebody knew of before he asked, or was told of since: what is in force
/// is no older.
#[derive(Clone, Copy, Default)]
pub struct Known(u32);

impl Known {
    fn learn(&mut self, generation: u32) -> Result<(), String> {
        let Known(known) = *self;
        if generation < known {
            return Err(format!(
                "generation {generation} is in force again, after {known}"
            ));
        }
        *self = Known(generation);
        Ok(())
    }
}

/// The generations of a namespace.
pub struct Ledger {
    /// Where nothing is guarded: that of a namespace where nobody put a policy in force yet.
    idle: Option<u32>,
    made: Mutex<BTreeMap<u32, Digest>>,
    changed: Condvar,
}

impl Ledger {
    /// Begins with what is in force, or with a namespace that is idle.
    pub fn new(generation: u32, digest: Digest, idle: bool) -> Self {
        Ledger {
            idle: idle.then_some(generation),
            made: Mutex::new(BTreeMap::from([(generation, digest)])),
            changed: Condvar::new(),
        }
    }

    /// What who asks now knows: a generation that anybody was told of is in force, or was.
    pub fn known(&self) -> Known {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let last = made.last_key_value();
        last.map_or_else(Known::default, |(generation, _)| Known(*generation))
    }

    /// An answer says that this is in force now.
    pub fn made(&self, known: &mut Known, generation: u32, digest: Digest) -> Result<(), String> {
        known.learn(generation)?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let known = made.entry(generation).or_insert_with(|| digest.clone());
        if *known != digest {
            return Err(differs(generation, known, &digest));
        }
        self.changed.notify_all();
        Ok(())
    }

    /// Somebody looked and saw this.
    pub fn seen(&self, known: &mut Known, generation: u32, digest: &Digest) -> Result<(), String> {
        known.learn(generation)?;
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_timeout_while(made, PATIENCE, |made| !made.contains_key(&generation));
        let (made, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match made.get(&generation) {
            None => Err(format!(
                "generation {generation} is in force, and nobody made it"
            )),
            Some(known) if known != digest => Err(differs(generation, known, digest)),
            Some(_) => Ok(()),
        }
    }

    /// Whether nothing may be guarded at this generation.
    pub fn may_be_idle(&self, generation: u32) -> bool {
        self.idle == Some(generation)
    }

    /// How many were made. None may be missing: each change is one step.
    pub fn steps(&self) -> Result<usize, String> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = made.first_key_value().zip(made.last_key_value());
        let (first, last) = ends.map_or((0, 0), |((first, _), (last, _))| (*first, *last));
        let steps = last.wrapping_sub(first) as usize;
        if steps + 1 == made.len() {
            Ok(steps)
        } else {
            Err(format!(
                "from generation {first} to {last} somebody made {} and told of {}",
                steps + 1,
                made.len()
            ))
        }
    }
}

fn differs(generation: u32, known: &Digest, other: &Digest) -> String {
    format!("generation {generation} has the digest {known:02x?}, and then {other:02x?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(byte: u8) -> Digest {
        Some(vec![byte; 32])
    }

    /// Generation 1 is sealed, 2 and 3 are policies.
    fn ledger() -> Ledger {
        let ledger = Ledger::new(1, None, false);
        let mut known = ledger.known();
        ledger.made(&mut known, 2, digest(2)).unwrap();
        ledger.made(&mut known, 3, digest(3)).unwrap();
        ledger
    }

    #[test]
    fn what_was_replaced_does_not_come_back() {
        let ledger = ledger();
        // Not even to who never looked before.
        let seen = ledger.seen(&mut ledger.known(), 2, &digest(2));
        assert_eq!(seen, Err("generation 2 is in force again, after 3".into()));
        assert_eq!(ledger.seen(&mut ledger.known(), 3, &digest(3)), Ok(()));
    }

    #[test]
    fn an_answer_is_no_older_than_the_one_before() {
        let ledger = ledger();
        // Asked before anybody was told of the policies.
        let mut known = Known(1);
        assert_eq!(ledger.seen(&mut known, 2, &digest(2)), Ok(()));
        assert!(ledger.seen(&mut known, 1, &None).is_err());
        assert!(ledger.made(&mut known, 1, None).is_err());
        // Sealed already: that changes nothing.
        let sealed = Ledger::new(1, None, false);
        assert_eq!(sealed.made(&mut sealed.known(), 1, None), Ok(()));
    }

    #[test]
    fn a_generation_has_one_digest() {
        let ledger = ledger();
        assert!(ledger.seen(&mut ledger.known(), 3, &digest(2)).is_err());
        assert!(ledger.made(&mut ledger.known(), 3, digest(2)).is_err());
    }

    #[test]
    fn no_step_is_missing() {
        let ledger = ledger();
        assert_eq!(ledger.steps(), Ok(2));
        ledger.made(&mut ledger.known(), 5, None).unwrap();
        assert!(ledger.steps().is_err());
    }
}
