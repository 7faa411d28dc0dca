// SPDX-License-Identifier: GPL-2.0

//! The messages of a transaction: see docs/trust.md, "Fuzzing", for what has to hold.

use camzone_host_tests::wire;
use camzone_policy::{
    attribute::{Attributes, Truncated},
    draft::Draft,
    error::{Error, Place},
    memory::Heap,
    tables::Compiled,
};

use crate::{first, within};

/// A transaction as the kernel gets it: a `policy-begin`, and two `policy-add`s. The first two
/// bytes say where they are cut apart.
pub fn attributes(bytes: &[u8]) {
    let (a, bytes) = first(bytes);
    let (b, bytes) = first(bytes);
    let (begin, adds) = bytes.split_at((usize::from(a) * 4).min(bytes.len()));
    // The second half of all messages is one item, more often than not.
    let (one, other) = adds.split_at((usize::from(b) * 16).min(adds.len()));
    within(bytes, |bytes| walk(Attributes::new(bytes), bytes.len(), 0));
    let read = |one: &[u8]| read(begin, one, other);
    let is = within(one, read);
    match is {
        Ok(items) => {
            // It is a policy, so it has a canonical form, which is said in one way.
            let (settings, items) = items.split_first().unwrap();
            let again = wire::read::<Heap>(settings, items).unwrap();
            assert_eq!(wire::dump(&again)[1..], *items);
            Compiled::new(again).unwrap();
        }
        Err(Error {
            place: Place::Message(at),
            ..
        }) => {
            assert!(at < begin.len().max(one.len()).max(other.len()));
        }
        Err(_) => {}
    }
}

fn read(begin: &[u8], one: &[u8], other: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut draft = Draft::<Heap>::begin(begin)?;
    draft.add(one)?;
    draft.add(other)?;
    draft.finish().map(|policy| wire::dump(&policy))
}

/// Every attribute lies within its message or nest, and nothing comes behind one that does not.
fn walk(attributes: Attributes<'_>, end: usize, depth: usize) -> usize {
    let (mut count, mut over) = (0, false);
    for attribute in attributes {
        assert!(!over, "goes on after an error");
        match attribute {
            Err(Truncated(at)) => {
                assert!(at <= end);
                over = true;
            }
            Ok(attribute) => {
                let behind = attribute.at + 4 + attribute.payload.len();
                assert!(behind <= end);
                count += 1;
                if depth < 4 {
                    count += walk(attribute.nested(), behind, depth + 1);
                }
            }
        }
    }
    count
}
