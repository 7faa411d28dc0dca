// SPDX-License-Identifier: GPL-2.0

//! What fuzzing begins with and has found, and a million bytes of noise besides. `tools/fuzz` looks
//! for more, with an eye on what is reached.

use std::{env, fs, path::PathBuf};

use camzone_fuzz::{seeds, TARGETS};

/// Every case as it is, and cut off and changed in some places.
#[test]
fn corpus() {
    for (name, target) in TARGETS {
        let mut cases = seeds::committed(name);
        assert!(!cases.is_empty(), "{name} has no corpus");
        cases.extend(seeds::made(name));
        let mut count = 0;
        for case in &cases {
            target(case);
            let step = (case.len() / 8).max(1);
            for at in (0..case.len()).step_by(step) {
                target(&case[..at]);
                for value in [0xff, case[at] ^ 1] {
                    let mut changed = case.clone();
                    changed[at] = value;
                    target(&changed);
                }
                count += 3;
            }
        }
        println!("{name}: {} seeds, {count} cases", cases.len());
    }
}

/// Bytes of no meaning, the same in every run.
#[test]
fn noise() {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for (_, target) in TARGETS {
        target(&[]);
        for _ in 0..3000 {
            let len = next() % 160;
            // Small numbers are lengths and types more often.
            let small = next() % 2 == 0;
            let bytes: Vec<u8> = (0..len)
                .map(|_| (next() >> 24) as u8)
                .map(|byte| if small { byte % 48 } else { byte })
                .collect();
            target(&bytes);
        }
    }
}

/// For `tools/fuzz`: what libFuzzer begins with, as files.
#[test]
#[ignore = "no test: writes files"]
fn written() {
    let folder = PathBuf::from(env::var("CAMZONE_FUZZ_CORPUS").unwrap());
    for (name, _) in TARGETS {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        let cases = seeds::committed(name).into_iter().chain(seeds::made(name));
        for (place, case) in cases.enumerate() {
            fs::write(folder.join(format!("seed-{place}")), case).unwrap();
        }
    }
}

/// For `tools/fuzz --keep`: the smallest of what it kept, as the committed corpus.
#[test]
#[ignore = "no test: writes files"]
fn kept() {
    const MOST: usize = 12_000;
    const REACHED: &str = "# Reached\n";
    let target = env::var("CAMZONE_FUZZ_TARGET").unwrap();
    let entries = fs::read_dir(env::var("CAMZONE_FUZZ_SMALL").unwrap()).unwrap();
    let mut cases: Vec<_> = entries
        .map(|e| fs::read(e.unwrap().path()).unwrap())
        .collect();
    cases.retain(|case| !seeds::made(&target).contains(case) && !case.is_empty());
    cases.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    let path = format!("{}/corpus/{target}.hex", env!("CARGO_MANIFEST_DIR"));
    let old = fs::read_to_string(&path).unwrap();
    // What is above that line stays: what broke it once, whatever else reaches as much by now.
    let above = old.find(REACHED).unwrap() + REACHED.len();
    let mut text = old[..above].to_owned();
    for case in cases {
        let line = seeds::to_hex(&case);
        if text.len() + line.len() < MOST && !text.lines().any(|other| other == line) {
            text += &format!("{line}\n");
        }
    }
    fs::write(path, text).unwrap();
}
