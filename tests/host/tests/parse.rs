// SPDX-License-Identifier: GPL-2.0

//! Reading bytes that anybody may have sent: nothing beyond them is looked at, nothing panics.

use camzone_host_tests::{
    config,
    dice::{bytes, Bytes, Dice},
    policies::Said,
    wire,
};
use camzone_policy::{
    attribute::{Attribute, Attributes, Truncated, Writer},
    draft::Draft,
    error::{Error, Place},
    header::Header,
    memory::Heap,
};
use proptest::{collection::vec, prelude::*};

/// Calls `read` with the bytes at the end of their allocation, where the next one would fault a
/// sanitizer, and inside larger ones that go on differently: the answers have to be the same.
fn within<T: PartialEq + std::fmt::Debug>(bytes: &[u8], read: impl Fn(&[u8]) -> T) -> T {
    let alone = read(&bytes.to_vec().into_boxed_slice());
    for tail in [[0; 64], [0xff; 64], [0x3a; 64]] {
        let longer = [&tail[..3], bytes, &tail].concat();
        assert_eq!(
            read(&longer[3..3 + bytes.len()]),
            alone,
            "reads beyond {bytes:02x?}"
        );
    }
    alone
}

/// Every attribute, and every attribute that could be inside one.
fn walk(bytes: &[u8]) -> Vec<(usize, u16, Vec<u8>)> {
    fn visit(
        attributes: Attributes<'_>,
        end: usize,
        depth: usize,
        seen: &mut Vec<(usize, u16, Vec<u8>)>,
    ) {
        let mut last = None;
        for attribute in attributes {
            assert!(last != Some(true), "goes on after an error");
            match attribute {
                Err(Truncated(at)) => {
                    assert!(at <= end);
                    last = Some(true);
                }
                Ok(attribute) => {
                    let Attribute { kind, payload, at } = attribute;
                    assert!(at + 4 + payload.len() <= end && kind < 1 << 14);
                    let _ = (attribute.u32(), attribute.string());
                    seen.push((at, kind, payload.to_vec()));
                    if depth < 4 {
                        visit(attribute.nested(), at + 4 + payload.len(), depth + 1, seen);
                    }
                    last = Some(false);
                }
            }
        }
    }
    let mut seen = Vec::new();
    visit(Attributes::new(bytes), bytes.len(), 0, &mut seen);
    for (at, _, payload) in &seen {
        assert_eq!(&bytes[at + 4..at + 4 + payload.len()], payload, "at {at}");
    }
    seen
}

/// Begins, adds and finishes, and shows what came of it.
fn draft(begin: &[u8], add: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut draft = Draft::<Heap>::begin(begin)?;
    draft.add(add)?;
    draft.finish().map(|policy| wire::dump(&policy))
}

/// A message with some of its bytes changed, cut or repeated.
fn mutate(message: &mut Vec<u8>, dice: &mut Dice<'_>) {
    for _ in 0..dice.within(0..=3) {
        if message.is_empty() {
            return;
        }
        let at = usize::from(dice.word()) % message.len();
        match dice.within(0..=6) {
            0 => message[at] = dice.byte(),
            1 => message[at] ^= 1 << dice.within(0..=7),
            2 => message.truncate(at),
            // The low byte of a length.
            3 => message[at & !3] = dice.byte(),
            4 => {
                let end = (at + dice.within(1..=24)).min(message.len());
                let part = message[at & !3..end].to_vec();
                message.extend(part);
            }
            5 => drop(message.drain(at & !3..(at + 4).min(message.len()))),
            // The low byte of a type.
            _ => message[(at & !3 | 2).min(at)] = dice.pick(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 40]),
        }
    }
}

proptest! {
    #![proptest_config(config(3000))]

    #[test]
    fn any_bytes_as_attributes(bytes in vec(any::<u8>(), 0..200)) {
        within(&bytes, walk);
        let _ = within(&bytes, |bytes| draft(bytes, &[]).map(|_| ()));
        let _ = within(&bytes, |bytes| draft(&[], bytes).map(|_| ()));
    }

    /// Bytes that look like attributes: small lengths and types.
    #[test]
    fn nearly_attributes(words in vec((0..40u16, 0..20u16, any::<u32>()), 0..30)) {
        let mut bytes = Vec::new();
        for (len, kind, payload) in words {
            bytes.extend(len.to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(payload.to_ne_bytes());
        }
        within(&bytes, walk);
        let _ = within(&bytes, |bytes| draft(bytes, bytes).map(|_| ()));
    }

    #[test]
    fn any_bytes_as_a_header(
        mut bytes in vec(any::<u8>(), 0..180), version in any::<prop::sample::Index>(),
        packet_len in 0usize..70_000,
    ) {
        if let Some(first) = bytes.first_mut() {
            *first = [0x45, 0x46, 0x4f, 0x60, *first][version.index(5)];
        }
        within(&bytes, |bytes| Header::parse(bytes, packet_len));
        within(&bytes, |bytes| Header::parse(bytes, bytes.len()));
    }
}

proptest! {
    #![proptest_config(config(300))]

    /// Every place that an error names is an attribute of the message.
    #[test]
    fn mutated_policies(policy in bytes(400), mutations in vec(bytes(24), 12)) {
        let said = Said::any(&mut policy.dice());
        let (begin, add) = (said.begin(), said.adds().concat());
        prop_assert_eq!(draft(&begin, &add), said.policy().map(|p| wire::dump(&p)).map_err(|e| e.1));
        for mutation in mutations {
            let (mut begin, mut add) = (begin.clone(), add.clone());
            let mut dice = mutation.dice();
            match dice.chance(20) {
                true => mutate(&mut begin, &mut dice),
                false => mutate(&mut add, &mut dice),
            }
            within(&begin, walk);
            within(&add, walk);
            let is = within(&add, |add| draft(&begin, add));
            prop_assert_eq!(&is, &within(&begin, |begin| draft(begin, &add)));
            match is {
                Ok(items) => {
                    // Still a policy, so it has a canonical form.
                    let again: camzone_policy::policy::Policy<Heap> =
                        wire::read(&items[0], &items[1..]).unwrap();
                    prop_assert_eq!(wire::dump(&again), items);
                }
                Err(Error { place: Place::Message(at), .. }) => {
                    prop_assert!(at < begin.len().max(add.len()));
                }
                Err(_) => {}
            }
        }
    }

    /// A message that is cut off anywhere is refused, unless it is cut between two items.
    #[test]
    fn truncated_policies(policy in bytes(400)) {
        let said = Said::any(&mut policy.dice());
        let adds = said.adds();
        let begin = said.begin();
        let whole = adds.concat();
        let mut borders = vec![0];
        for add in &adds {
            borders.push(borders.last().unwrap() + add.len());
        }
        for cut in 0..whole.len() {
            let is = within(&whole[..cut], |add| draft(&begin, add));
            let between = borders.iter().any(|border| (*border..*border + 1).contains(&cut));
            prop_assert!(between || is.is_err(), "cut at {}", cut);
        }
    }
}

/// Bytes are choices too; this one keeps the import honest where nothing shrinks.
#[test]
fn no_bytes_are_the_simplest_policy() {
    let said = Said::any(&mut Bytes(Vec::new()).dice());
    assert_eq!(said.zones.len(), 2);
    assert!(said.policy().is_ok());
}

/// Byte by byte, as include/uapi/linux/netlink.h has it: lengths, types, flags, padding.
#[test]
fn attributes_are_written_as_netlink_has_them() {
    let mut bytes: Vec<u8> = Vec::new();
    let mut w = Writer(&mut bytes);
    assert_eq!(w.position(), 0);
    w.nest(7, |w| {
        w.u64(1, 0x0102_0304_0506_0708)?;
        w.uint(2, 9)?;
        w.uint(3, 1 << 32)?;
        w.string(4, b"abc")?;
        w.string(4, b"abcd")?;
        w.flag(5, false)?;
        w.flag(6, true)
    })
    .unwrap();
    assert_eq!(w.position(), 60);
    let mut want: Vec<u8> = Vec::new();
    let mut put = |len: u16, kind: u16, payload: &[u8]| {
        want.extend(len.to_ne_bytes());
        want.extend(kind.to_ne_bytes());
        want.extend(payload);
    };
    put(60, 0x8007, &[]);
    put(12, 1, &0x0102_0304_0506_0708_u64.to_ne_bytes());
    put(8, 2, &9_u32.to_ne_bytes());
    put(12, 3, &(1_u64 << 32).to_ne_bytes());
    put(8, 4, b"abc\0");
    put(9, 4, b"abcd\0\0\0\0");
    put(4, 6, &[]);
    assert_eq!(bytes, want);
}
