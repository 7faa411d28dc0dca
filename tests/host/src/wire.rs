// SPDX-License-Identifier: GPL-2.0

//! Netlink attributes written by hand, not by the crate under test, and the way of a policy from
//! them and back to them.

use camzone_policy::{
    draft::Draft,
    dump,
    error::Error,
    memory::{Heap, Memory},
    policy::Policy,
};

/// One attribute with its padding.
pub fn attribute(kind: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(u16::try_from(payload.len() + 4).unwrap().to_ne_bytes());
    bytes.extend(u16::try_from(kind).unwrap().to_ne_bytes());
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// An attribute that is there or not.
pub fn flag(kind: u32, set: bool) -> Vec<u8> {
    if set {
        attribute(kind, &[])
    } else {
        Vec::new()
    }
}

/// A number.
pub fn number(kind: u32, value: u32) -> Vec<u8> {
    attribute(kind, &value.to_ne_bytes())
}

/// A string with its NUL.
pub fn string(kind: u32, value: &str) -> Vec<u8> {
    attribute(kind, &[value.as_bytes(), &[0]].concat())
}

/// An attribute that holds these.
pub fn nest(kind: u32, inside: &[Vec<u8>]) -> Vec<u8> {
    attribute(kind | (1 << 15), &inside.concat())
}

/// A policy from a `policy-begin` and its `policy-add`s, as the kernel gets them.
pub fn read<M: Memory>(begin: &[u8], adds: &[Vec<u8>]) -> Result<Policy<M>, (usize, Error)> {
    let mut draft = Draft::<M>::begin(begin).map_err(|e| (usize::MAX, e))?;
    for (place, add) in adds.iter().enumerate() {
        draft.add(add).map_err(|e| (place, e))?;
    }
    draft.finish().map_err(|e| (adds.len(), e))
}

/// A policy in canonical form, one item each; the first are its settings.
pub fn dump(policy: &Policy<Heap>) -> Vec<Vec<u8>> {
    let mut items = Vec::new();
    while let Some(item) = dump::item(policy, items.len()) {
        let mut bytes = Vec::new();
        dump::write(policy, item, None, &mut bytes).unwrap();
        items.push(bytes);
    }
    items
}
