// SPDX-License-Identifier: GPL-2.0

//! Every file in `tests/bad` is refused, with exactly the words in the file beside it.
//!
//! `BLESS=1 cargo test --test bad` writes them anew; read the difference before committing it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad")
}

/// The names of the files with this ending, without it.
fn files(ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter_map(|name| name.strip_suffix(ending).map(str::to_owned))
        .collect()
}

fn check(name: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_camzonectl"))
        .current_dir(folder())
        .env("SSH_CONNECTION", "")
        .args(arguments)
        .args(["apply", "--check", &format!("{name}.toml")])
        .output()
        .unwrap()
}

#[test]
fn are_refused_in_these_words() {
    let names = files(".toml");
    assert!(names.len() > 130, "where are they? {names:?}");
    let mut wrong = Vec::new();
    for name in &names {
        let output = check(name, &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(5), "{name}: {said}");
        assert_eq!(
            output.stdout, b"",
            "{name}: diagnostics belong to the standard error"
        );
        let path = folder().join(format!("{name}.stderr"));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &said).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if said != expected {
            wrong.push(format!("--- {name}: expected\n{expected}--- got\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(names, files(".stderr"), "a file for each, and no more");
}

/// Each says where, underlines it, and says what would be right or what else it clashes with.
#[test]
fn say_where_and_what_would_be_right() {
    // These are faults of the file as a whole, and have no place.
    let whole = ["empty", "only-comment", "no-zone"];
    for name in files(".toml") {
        let output = check(&name, &["--json"]);
        let said: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        let error = &said["error"];
        assert_eq!(said["version"], 1, "{name}");
        assert_eq!(error["kind"], "file", "{name}");
        assert_eq!(error["exit_code"], 5, "{name}");
        assert_eq!(error["file"], format!("{name}.toml"), "{name}");
        let faults = error["faults"].as_array().unwrap();
        assert!(!faults.is_empty(), "{name}");
        for fault in faults {
            let some = |key: &str| fault[key].as_array().is_some_and(|list| !list.is_empty());
            let label = fault["label"]
                .as_str()
                .is_some_and(|label| !label.is_empty());
            assert!(
                some("help") || some("related") || label,
                "{name}: no way out: {fault}"
            );
            if !whole.contains(&name.as_str()) {
                assert!(
                    fault["line"].as_u64() >= Some(1),
                    "{name}: no line: {fault}"
                );
                assert!(
                    fault["column"].as_u64() >= Some(1),
                    "{name}: no column: {fault}"
                );
            }
        }
    }
}

/// Nothing of a file reaches the terminal as a command to it.
#[test]
fn cannot_steer_the_terminal() {
    for name in files(".toml") {
        let said = check(&name, &["--color", "never"]).stderr;
        let control = said.iter().find(|byte| **byte < b' ' && **byte != b'\n');
        assert_eq!(control, None, "{name}");
    }
    let coloured = check("rule-contradiction", &["--color", "always"]).stderr;
    assert!(coloured.contains(&0x1b));
}
