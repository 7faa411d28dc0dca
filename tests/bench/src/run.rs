// SPDX-License-Identifier: GPL-2.0
//! Other people's programs, and files of /proc and /sys.

use anyhow::{bail, Context, Result};
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

/// Runs the words of `line`.
pub fn run(line: &str) -> Result<String> {
    feed(line, "")
}

/// Runs the words of `line` with `input`; its output.
pub fn feed(line: &str, input: &str) -> Result<String> {
    let mut words = line.split_whitespace();
    let program = words.next().context("no program")?;
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{program} does not start"))?;
    let mut stdin = child.stdin.take().context("no input")?;
    let text = input.to_owned();
    // A program that ends early says why in its own words.
    let writer = std::thread::spawn(move || drop(stdin.write_all(text.as_bytes())));
    let output = child.wait_with_output()?;
    let _ = writer.join();
    if !output.status.success() {
        bail!(
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr)
                .lines()
                .take(20)
                .collect::<Vec<_>>()
                .join("\n")
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

pub fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.to_owned())
}

pub fn read_number(path: &str) -> Result<u64> {
    read(path)?.trim().parse().with_context(|| path.to_owned())
}

pub fn write(path: &str, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("{text:?} > {path}"))
}

/// Without a load the guest's clock jumps: a second costs nothing.
pub fn settle(seconds: u64) {
    std::thread::sleep(std::time::Duration::from_secs(seconds));
}
