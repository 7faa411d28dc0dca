// SPDX-License-Identifier: GPL-2.0
//! What may be in force: every generation that the kernel said it made, and its digest. What
//! anybody ever sees must be one of these, so a refused message that changed anything is found
//! out, however many change policies at the same time.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long who made a generation may take to say so.
const PATIENCE: Duration = Duration::from_secs(20);

type Digest = Option<Vec<u8>>;

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

    /// An answer says that this is in force now.
    pub fn made(&self, generation: u32, digest: Digest) -> Result<(), String> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let known = made.entry(generation).or_insert_with(|| digest.clone());
        if *known != digest {
            return Err(differs(generation, known, &digest));
        }
        self.changed.notify_all();
        Ok(())
    }

    /// Somebody looked and saw this.
    pub fn seen(&self, generation: u32, digest: &Digest) -> Result<(), String> {
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
