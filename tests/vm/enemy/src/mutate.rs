// SPDX-License-Identifier: GPL-2.0
//! What is done to a valid message: to its attributes as a tree, and to its bytes.

use crate::tree::{self, Body, Node, NESTED};
use fastrand::Rng;

/// More than any request is let through with.
const LONGEST: usize = 200 << 10;

/// Numbers at the edge of something.
const EDGES: [u32; 14] = [
    0,
    1,
    2,
    32,
    33,
    128,
    129,
    255,
    256,
    65_535,
    65_536,
    0x7fff_ffff,
    0x8000_0000,
    u32::MAX,
];

/// Bends the attributes in `payload`, of which `donors` are others.
pub fn attributes(rng: &mut Rng, payload: &[u8], donors: &[Vec<u8>]) -> Vec<u8> {
    let mut nodes = tree::parse(payload);
    for _ in 0..rng.choice([1, 1, 1, 2, 5]).unwrap_or(1) {
        bend(rng, &mut nodes, donors);
    }
    let mut out = Vec::new();
    tree::write(&nodes, &mut out);
    out.truncate(LONGEST);
    out
}

/// One change, somewhere in the tree.
fn bend(rng: &mut Rng, nodes: &mut Vec<Node>, donors: &[Vec<u8>]) {
    let count = tree::lists(nodes);
    let spare = donor(rng, donors);
    let index = rng.usize(..count);
    let list = tree::list(nodes, index);
    if list.is_empty() {
        list.extend(spare);
        return;
    }
    let at = rng.usize(..list.len());
    match rng.u8(..16) {
        0 => drop(list.remove(at)),
        1 => list.insert(at, list[at].clone()),
        2 => {
            let other = rng.usize(..list.len());
            list.swap(at, other);
        }
        3 => {
            list[at].kind = list[at]
                .kind
                .wrapping_add(rng.choice([1, u16::MAX, 0x4000]).unwrap_or(1))
        }
        4 => list[at].kind = rng.u16(..),
        5 => list[at].kind ^= rng.choice([NESTED, 1 << 14]).unwrap_or(NESTED),
        6 => list[at].claims = Some(rng.choice([0, 1, 3, 4, 5, 8, 400, u16::MAX]).unwrap_or(0)),
        7 => {
            // Its own length, off by little.
            let mut one = Vec::new();
            tree::write(std::slice::from_ref(&list[at]), &mut one);
            list[at].claims = Some(
                (one.len() as u16)
                    .wrapping_add(rng.u16(..9))
                    .wrapping_sub(4),
            );
        }
        8 => {
            // In itself, again and again.
            for _ in 0..rng.choice([1, 2, 30]).unwrap_or(1) {
                let inner = list[at].clone();
                list[at].body = Body::Nest(vec![inner]);
                list[at].kind |= NESTED;
            }
        }
        9 => {
            // Too many of the same.
            let copies = 1 << rng.u8(..10);
            let node = list[at].clone();
            list.splice(at..at, std::iter::repeat_n(node, copies));
        }
        10 => list.extend(spare),
        11 => {
            if let Some(other) = spare {
                list[at] = other;
            }
        }
        12 => rng.shuffle(list),
        _ => leaf(rng, &mut list[at]),
    }
}

/// Any attribute of any other message.
fn donor(rng: &mut Rng, donors: &[Vec<u8>]) -> Option<Node> {
    let mut nodes = tree::parse(donors.get(rng.usize(..donors.len().max(1)))?);
    let index = rng.usize(..tree::lists(&nodes));
    let list = tree::list(&mut nodes, index);
    (!list.is_empty()).then(|| list.swap_remove(rng.usize(..list.len())))
}

/// Changes the bytes of an attribute.
fn leaf(rng: &mut Rng, node: &mut Node) {
    let bytes = match &mut node.body {
        Body::Bytes(bytes) => bytes,
        Body::Nest(nodes) => {
            let mut bytes = Vec::new();
            tree::write(nodes, &mut bytes);
            node.body = Body::Bytes(bytes);
            return;
        }
    };
    match rng.u8(..6) {
        0 => *bytes = rng.choice(EDGES).unwrap_or(0).to_ne_bytes().to_vec(),
        1 => bytes.truncate(rng.usize(..=bytes.len())),
        2 => bytes.extend((0..rng.usize(1..20)).map(|_| rng.u8(..))),
        3 => bytes.resize(
            rng.choice([0, 1, 15, 16, 17, 31, 32, 33, 4096, 65_531])
                .unwrap_or(0),
            b'a',
        ),
        4 => bytes.iter_mut().for_each(|byte| *byte = rng.u8(..)),
        _ => raw(rng, bytes),
    }
}

/// Changes bytes, whatever they mean.
pub fn raw(rng: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.choice([1, 1, 2, 5]).unwrap_or(1) {
        let at = rng.usize(..=bytes.len());
        match rng.u8(..5) {
            0 if at < bytes.len() => bytes[at] = rng.u8(..),
            1 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(..8),
            2 => drop(bytes.drain(at..(at + rng.usize(1..9)).min(bytes.len()))),
            3 => {
                let copy = bytes[at..(at + rng.usize(1..40)).min(bytes.len())].to_vec();
                bytes.splice(at..at, copy);
            }
            _ => bytes.truncate(at),
        }
    }
}
