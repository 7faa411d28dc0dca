// SPDX-License-Identifier: GPL-2.0

//! Where fuzzing begins: what is committed, what is easily made, and what other tests have.

use std::{fs, path::Path};

use camzone_host_tests::{dice::Dice, policies::Said, wire};

/// A case of `corpus/NAME.hex` is a line of hexadecimal; `#` begins a remark.
pub fn committed(target: &str) -> Vec<Vec<u8>> {
    let path = format!("{}/corpus/{target}.hex", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(from_hex).collect()
}

fn from_hex(line: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&line[at..at + 2], 16).unwrap();
    (0..line.len()).step_by(2).map(byte).collect()
}

/// A line of such a file.
pub fn to_hex(bytes: &[u8]) -> String {
    let digit = |four: u8| char::from(b"0123456789abcdef"[usize::from(four)]);
    let byte = |byte: &u8| [digit(byte >> 4), digit(byte & 15)];
    bytes.iter().flat_map(byte).collect()
}

/// What a target begins with besides.
pub fn made(target: &str) -> Vec<Vec<u8>> {
    match target {
        "attributes" => policies().map(transaction).collect(),
        "answers" => policies().map(|said| dumped(&said)).collect(),
        "policy-file" => files(),
        _ => Vec::new(),
    }
}

/// Policies of many kinds, the same in every run.
fn policies() -> impl Iterator<Item = Said> {
    (0..24u32).map(|seed| {
        let mut state = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        })
        .take(if seed == 0 { 0 } else { 24 * seed as usize })
        .collect();
        Said::any(&mut Dice::new(&bytes))
    })
}

fn transaction(said: Said) -> Vec<u8> {
    let begin = said.begin();
    let adds = said.adds().concat();
    let head = [u8::try_from(begin.len() / 4).unwrap(), 0xff];
    [&head[..], &begin, &adds].concat()
}

/// A dump of the policy, as the kernel answers with it, and its end.
fn dumped(said: &Said) -> Vec<u8> {
    let mut bytes = vec![1, 0xff];
    let mut message = |kind: u16, payload: &[u8]| {
        bytes.extend(u32::try_from(16 + payload.len()).unwrap().to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(2u16.to_ne_bytes());
        bytes.extend(7u32.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(payload);
    };
    let policy = said.policy().unwrap();
    for item in wire::dump(&policy) {
        message(30, &[&[1, 1, 0, 0], &item[..]].concat());
    }
    message(3, &[0; 4]);
    bytes
}

/// The policy files that other tests have, the bad ones too.
fn files() -> Vec<Vec<u8>> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for folder in ["examples", "userspace-ctl/tests", "userspace-ctl/tests/bad"] {
        let entries = fs::read_dir(top.join(folder)).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ext| ext == "toml"));
        paths.sort();
        found.extend(paths.iter().map(|path| fs::read(path).unwrap()));
    }
    assert!(found.len() > 10, "{} policy files", found.len());
    found
}
