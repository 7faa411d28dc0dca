// SPDX-License-Identifier: GPL-2.0
//! Netlink attributes as a tree that can be bent before it is written: lengths may lie, and
//! anything may stand anywhere.

/// Set in the type of an attribute that holds attributes (`NLA_F_NESTED`).
pub const NESTED: u16 = 1 << 15;
const HEADER: usize = 4;

/// What an attribute holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Bytes(Vec<u8>),
    Nest(Vec<Node>),
}

/// An attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The type with its flag bits.
    pub kind: u16,
    /// The length that it claims, where that is not the true one.
    pub claims: Option<u16>,
    pub body: Body,
}

/// The attributes in `bytes`, which are well formed.
pub fn parse(mut bytes: &[u8]) -> Vec<Node> {
    let mut nodes = Vec::new();
    while let Some((header, _)) = bytes.split_first_chunk::<HEADER>() {
        let [a, b, c, d] = *header;
        let len = usize::from(u16::from_ne_bytes([a, b])).clamp(HEADER, bytes.len());
        let kind = u16::from_ne_bytes([c, d]);
        let payload = &bytes[HEADER..len];
        let body = match kind & NESTED {
            0 => Body::Bytes(payload.to_vec()),
            _ => Body::Nest(parse(payload)),
        };
        nodes.push(Node {
            kind,
            claims: None,
            body,
        });
        bytes = &bytes[len.next_multiple_of(4).min(bytes.len())..];
    }
    nodes
}

/// Writes them one behind the other.
pub fn write(nodes: &[Node], out: &mut Vec<u8>) {
    for node in nodes {
        let start = out.len();
        out.extend([0; HEADER]);
        match &node.body {
            Body::Bytes(bytes) => out.extend(bytes),
            Body::Nest(nodes) => write(nodes, out),
        }
        // Too long to say: it says what is left in 16 bits, which is one more lie.
        let len = node.claims.unwrap_or((out.len() - start) as u16);
        out[start..start + 2].copy_from_slice(&len.to_ne_bytes());
        out[start + 2..start + 4].copy_from_slice(&node.kind.to_ne_bytes());
        out.resize(out.len().next_multiple_of(4), 0);
    }
}

/// How many lists of attributes there are: the root's and each nest's.
pub fn lists(nodes: &[Node]) -> usize {
    let below = nodes.iter().map(|node| match &node.body {
        Body::Nest(nodes) => lists(nodes),
        Body::Bytes(_) => 0,
    });
    1 + below.sum::<usize>()
}

/// The list with this number, the root's being 0.
pub fn list(nodes: &mut Vec<Node>, mut index: usize) -> &mut Vec<Node> {
    if index == 0 {
        return nodes;
    }
    index -= 1;
    let mut place = None;
    for (at, node) in nodes.iter().enumerate() {
        let Body::Nest(below) = &node.body else {
            continue;
        };
        let count = lists(below);
        if index < count {
            place = Some(at);
            break;
        }
        index -= count;
    }
    match place.map(|at| &mut nodes[at].body) {
        Some(Body::Nest(below)) => list(below, index),
        _ => unreachable!("the number is below what lists() said"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus;

    #[test]
    fn what_is_read_is_written() {
        for message in corpus::policies().iter().flat_map(|policy| &policy.adds) {
            let nodes = parse(message);
            let mut bytes = Vec::new();
            write(&nodes, &mut bytes);
            assert_eq!(&bytes, message);
        }
    }

    #[test]
    fn every_list_has_a_number() {
        let add = &corpus::policies()[0].adds[0];
        let mut nodes = parse(add);
        let count = lists(&nodes);
        assert!(count > 10);
        for index in 0..count {
            list(&mut nodes, index).push(Node {
                kind: 77,
                claims: None,
                body: Body::Bytes(Vec::new()),
            });
        }
        let mut bytes = Vec::new();
        write(&nodes, &mut bytes);
        // Each list once, and none twice.
        assert_eq!(bytes.len(), add.len() + 4 * count);
    }
}
