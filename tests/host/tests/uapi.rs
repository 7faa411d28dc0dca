// SPDX-License-Identifier: GPL-2.0

//! C and Rust have the same names for the same numbers, and the specification the same words.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use camzone_policy::decide::Reason;

const RUST: &str = include_str!("../../../rust/policy/src/uapi.rs");
const C: &str = include_str!("../../../include/uapi/linux/camzone.h");
const SPEC: &str = include_str!("../../../netlink/specs/camzone.yaml");

/// Names and numbers as the Rust file says them.
fn rust() -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for line in RUST
        .lines()
        .filter_map(|line| line.strip_prefix("pub const "))
    {
        let (name, rest) = line.split_once(": ").unwrap();
        let value = rest.split_once(" = ").unwrap().1.trim_end_matches(';');
        if let Ok(number) = value.parse() {
            assert_eq!(all.insert(name.to_string(), number), None);
        } else {
            assert_eq!((name, value), ("CAMZONE_FAMILY_NAME", "b\"camzone\\0\""));
        }
    }
    all
}

/// Every name of the header that stands for a number: all of its words that begin like one,
/// outside comments, less the guard and the family's name.
fn names_of_header() -> Vec<String> {
    let mut code = String::new();
    let mut rest = C;
    while let Some((before, comment)) = rest.split_once("/*") {
        code += before;
        rest = comment.split_once("*/").unwrap().1;
    }
    code += rest;
    let mut names: Vec<String> = code
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("CAMZONE_") || word.starts_with("__CAMZONE_"))
        .filter(|word| *word != "CAMZONE_FAMILY_NAME")
        .map(str::to_string)
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Builds a C program at a place of its own, and gives what it prints.
fn run_c(name: &str, program: &str, flags: &[&str]) -> String {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let source = dir.join("main.c");
    fs::write(&source, program).unwrap();
    // What build scripts are told by cargo.
    let host = env!("HOST_TARGET");
    let compiler = cc::Build::new()
        .cargo_metadata(false)
        .target(host)
        .host(host)
        .opt_level(0)
        .out_dir(&dir)
        .get_compiler();
    let mut command: Command = compiler.to_command();
    command.args(["-Wall", "-Wextra", "-Werror", "-Wundef", "-o"]);
    command.arg(dir.join("main")).arg(&source);
    command.arg("-I").arg(top.join("include/uapi")).args(flags);
    assert!(command.status().unwrap().success(), "{command:?}");
    let output = Command::new(dir.join("main")).output().unwrap();
    assert!(output.status.success());
    fs::remove_dir_all(&dir).unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn c_and_rust_have_the_same_numbers() {
    let rust = rust();
    let names = names_of_header();
    assert_eq!(rust.keys().cloned().collect::<Vec<_>>(), names);
    assert!(names.len() > 100);
    let mut program = String::from(
        "#include <stdio.h>\n#include <linux/camzone.h>\nint main(void)\n{\n\
         \tprintf(\"CAMZONE_FAMILY_NAME=%s\\n\", CAMZONE_FAMILY_NAME);\n",
    );
    for name in &names {
        program += &format!("\tprintf(\"{name}=%llu\\n\", (unsigned long long)({name}));\n");
    }
    program += "\treturn 0;\n}\n";
    for standard in ["-std=c99", "-std=gnu11"] {
        let printed = run_c("numbers", &program, &[standard, "-pedantic"]);
        let mut lines = printed.lines();
        assert_eq!(lines.next(), Some("CAMZONE_FAMILY_NAME=camzone"));
        let c: BTreeMap<String, u64> = lines
            .map(|line| line.split_once('=').unwrap())
            .map(|(name, number)| (name.to_string(), number.parse().unwrap()))
            .collect();
        assert_eq!(c, rust);
    }
    assert_eq!(camzone_policy::uapi::CAMZONE_FAMILY_NAME, b"camzone\0");
}

/// The entries of an enumeration of the specification, in order.
fn entries(of: &str) -> Vec<String> {
    let (_, definition) = SPEC.split_once(&format!("name: {of}\n")).unwrap();
    let (_, entries) = definition.split_once("entries:").unwrap();
    if let Some(list) = entries.trim_start_matches(' ').strip_prefix('[') {
        let (list, _) = list.split_once(']').unwrap();
        return list.split(", ").map(str::to_string).collect();
    }
    // Up to the next definition, which is indented by two.
    let (entries, _) = entries
        .split_once("\n  -\n")
        .unwrap_or(entries.split_once("\n\n").unwrap());
    let (entries, _) = entries.split_once("\n\n").unwrap_or((entries, ""));
    let names = entries
        .lines()
        .filter_map(|line| line.trim().strip_prefix("name: "));
    names
        .map(|name| name.trim_matches('"').to_string())
        .collect()
}

#[test]
fn words_are_the_specifications() {
    let words: Vec<&str> = Reason::ALL.iter().map(|reason| reason.word()).collect();
    assert_eq!(words, entries("reason"));
    let numbers: Vec<u32> = Reason::ALL.iter().map(|reason| reason.number()).collect();
    assert_eq!(numbers, (0..Reason::COUNT as u32).collect::<Vec<_>>());
    // Every enumeration's numbers are its entries' places.
    let rust = rust();
    let mut seen = 0;
    for (name, prefix) in [
        ("state", "STATE"),
        ("verdict", "VERDICT"),
        ("ipv6-mode", "IPV6_MODE"),
        ("action", "ACTION"),
        ("end-kind", "END_KIND"),
        ("reason", "REASON"),
    ] {
        for (number, entry) in entries(name).iter().enumerate() {
            let entry = entry.to_uppercase().replace('-', "_");
            assert_eq!(
                rust.get(&format!("CAMZONE_{prefix}_{entry}")),
                Some(&(number as u64))
            );
            seen += 1;
        }
    }
    assert_eq!(seen, 3 + 3 + 3 + 2 + 3 + Reason::COUNT);
}

/// As much of the kernel's headers as the shim's own needs; its layouts are asserted against
/// Rust's where Rust has them, in the kernel build.
const KERNEL: &str = "\
#include <stdbool.h>
#include <stdint.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
#define __percpu
struct nf_hook_state;
";

#[test]
fn the_shim_gives_as_much_as_is_read() {
    let header = include_str!("../../../include/camzone_shim.h");
    let own = header.lines().filter(|line| !line.starts_with("#include"));
    let mut program = format!("#include <stdio.h>\n{KERNEL}");
    own.for_each(|line| program += &format!("{line}\n"));
    program += "int main(void) { printf(\"%d\", CAMZONE_WINDOW); return 0; }\n";
    let window = camzone_policy::header::WINDOW.to_string();
    assert_eq!(run_c("shim", &program, &["-std=gnu11"]), window);
}
