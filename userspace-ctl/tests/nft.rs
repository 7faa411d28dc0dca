// SPDX-License-Identifier: GPL-2.0

//! `camzonectl export --nft`: exactly these words, and the few things that they must never be.
//! That nft takes them is the scenario 70-nft-export's, that they mean the same is tests/vm/diff.sh's.
//!
//! `BLESS=1 cargo test --test nft` writes them anew; read the difference before committing it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const FILES: &[(&str, &str)] = &[
    ("../examples/article.toml", "article.nft"),
    ("../examples/article-v6.toml", "article-v6.nft"),
    ("tests/nft/everything.toml", "everything.nft"),
];

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn export(path: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_camzonectl"))
        .args(arguments)
        .args(["export", "--nft"])
        .arg(path)
        .output()
        .unwrap()
}

fn ruleset(path: &str) -> String {
    let output = export(&here(path), &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.as_str()), (Some(0), ""));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn says_these_words() {
    for (path, golden) in FILES {
        let said = ruleset(path);
        let golden = here("tests/nft").join(golden);
        if std::env::var_os("BLESS").is_some() {
            fs::write(&golden, &said).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap();
        assert_eq!(said, expected, "{}", golden.display());
    }
}

/// nft refuses a jump to nowhere, but takes a chain that nothing leads to.
#[test]
fn every_chain_is_reached() {
    for (path, _) in FILES {
        let said = ruleset(path);
        let words: Vec<&str> = said.split_whitespace().collect();
        let after = |word: &str| -> BTreeSet<String> {
            let pairs = words.windows(2).filter(|pair| pair[0] == word);
            pairs
                .map(|pair| pair[1].trim_end_matches(',').to_owned())
                .collect()
        };
        let bases = ["ingress", "input", "forward", "output", "postrouting"];
        let mut reached: BTreeSet<String> = bases.map(String::from).into();
        reached.extend(after("goto"));
        reached.extend(after("jump"));
        let mut chains = after("chain");
        // Where nothing is forwarded or denied with an answer, nobody goes there.
        chains.retain(|chain| {
            reached.contains(chain) || !["refuse", "refuse.input"].contains(&chain.as_str())
        });
        reached.retain(|chain| chain != "postrouting" || chains.contains(chain));
        assert_eq!(chains, reached, "{path}");
    }
}

#[test]
fn closed_by_default() {
    for (path, _) in FILES {
        let said = ruleset(path);
        let hooks: Vec<&str> = said
            .lines()
            .filter(|line| line.contains("type filter hook"))
            .collect();
        assert_eq!(hooks.len(), 4, "{path}");
        assert!(
            hooks.iter().all(|line| line.ends_with("policy drop;")),
            "{path}"
        );
        assert!(
            !said.contains("established accept"),
            "{path}: history is no permission"
        );
    }
}

#[test]
fn refuses_what_it_cannot_spell() {
    let path = std::env::temp_dir().join(format!("camzone-nft-{}.toml", std::process::id()));
    let zone = |name: &str| format!("[zones.a]\ninterfaces = '{name}'\nnetworks = \"any\"\n");
    fs::write(&path, zone("a\"b")).unwrap();
    let output = export(&path, &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("nftables cannot spell"), "{said}");
    fs::write(&path, zone("eth*")).unwrap();
    let said = String::from_utf8(export(&path, &[]).stdout).unwrap();
    assert!(said.contains("\"eth\\*\" : goto input.a"), "{said}");
    fs::write(&path, "[zones.a]\n").unwrap();
    assert_eq!(export(&path, &[]).status.code(), Some(5));
    fs::remove_file(&path).unwrap();
}

#[test]
fn is_json_for_who_asks() {
    let output = export(&here("../examples/article.toml"), &["--json"]);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["version"], 1);
    assert_eq!(said["nft"], ruleset("../examples/article.toml"));
    let other = Command::new(env!("CARGO_BIN_EXE_camzonectl"))
        .arg("export")
        .arg(here("../examples/article.toml"))
        .output()
        .unwrap();
    assert_eq!(other.status.code(), Some(2), "the form has to be said");
}
