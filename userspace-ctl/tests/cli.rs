// SPDX-License-Identifier: GPL-2.0

//! What the program says and how it exits on a machine without the module.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples")
        .join(name);
    path.to_str().unwrap().to_owned()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_camzonectl"));
    command
        .args(arguments)
        .env("SSH_CONNECTION", "")
        .env_remove("NO_COLOR");
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn with_input(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = command(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that read enough may close it.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// Where the module is loaded these tests would disarm a router.
fn loaded() -> bool {
    Path::new("/sys/module/camzone").exists()
}

#[test]
fn the_module_is_not_loaded() {
    if loaded() {
        return;
    }
    let article = example("article.toml");
    let commands: &[&[&str]] = &[
        &[],
        &["status"],
        &["show"],
        &["counters"],
        &["disarm"],
        &["apply", &article],
    ];
    for arguments in commands {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
        let said = "error: camzone is not loaded: modprobe camzone\n";
        assert_eq!(stderr(&output), said, "{arguments:?}");

        let output = run(&[*arguments, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        let said: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(said["version"], 1);
        assert_eq!(said["error"]["kind"], "not-loaded");
        assert_eq!(said["error"]["errno"], 2);
    }
}

#[test]
fn a_file_is_checked_without_the_module() {
    if loaded() {
        return;
    }
    for (name, said) in [
        ("article.toml", "3 zones, 2 cameras, 4 rules, forwarding\n"),
        (
            "article-v6.toml",
            "3 zones, 2 cameras, 4 rules, forwarding\n",
        ),
    ] {
        let output = run(&["apply", "--check", &example(name)]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(stderr(&output), "", "{name}");
        assert!(
            stdout(&output).contains("the kernel was not asked"),
            "{name}"
        );
        assert!(stdout(&output).ends_with(said), "{}", stdout(&output));

        let output = run(&["--json", "apply", "--check", &example(name)]);
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said["version"], 1);
        assert_eq!(said["applied"], false);
        assert_eq!(said["kernel_asked"], false);
        assert_eq!(said["zones"], 3);
    }
}

#[test]
fn a_file_comes_from_the_standard_input() {
    let article = std::fs::read(example("article.toml")).unwrap();
    let output = with_input(&["apply", "--check", "-"], &article);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let output = with_input(&["apply", "--check", "-"], b"[zones.a]\nx = 1\n");
    assert_eq!(output.status.code(), Some(5));
    assert!(
        stderr(&output).contains("--> <stdin>:2:1"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_file_that_cannot_be_read_is_a_bad_file() {
    let folder = env!("CARGO_MANIFEST_DIR");
    for (path, said) in [
        ("/no/such/file.toml", "there is no such file"),
        (folder, "this is a directory"),
    ] {
        let output = run(&["apply", "--check", path]);
        assert_eq!(output.status.code(), Some(5), "{path}");
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
        assert!(stderr(&output).contains(path), "{}", stderr(&output));
    }
    let large = vec![b'#'; (64 << 20) + 1];
    let output = with_input(&["apply", "--check", "-"], &large);
    assert_eq!(output.status.code(), Some(5));
    assert!(
        stderr(&output).contains("larger than 64 MiB"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_wrong_command_line_is_told_apart() {
    let wrong: &[&[&str]] = &[
        &["aply"],
        &["apply"],
        &["apply", "a", "b"],
        &["--color", "blue"],
        &["status", "x"],
    ];
    for arguments in wrong {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
    let output = run(&["--json", "aply"]);
    assert_eq!(output.status.code(), Some(2));
    let said: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(said["error"]["kind"], "usage");
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("Exit status: 0 ok"));
    assert_eq!(run(&["--version"]).status.code(), Some(0));
}

#[test]
fn colour_is_for_terminals_and_for_who_asks() {
    let check = example("article.toml");
    let arguments = ["apply", "--check", &check];
    if loaded() {
        return;
    }
    assert!(!stdout(&run(&arguments)).contains('\x1b'));
    let always = ["--color", "always", "apply", "--check", &check];
    assert!(stdout(&run(&always)).contains('\x1b'));
    // An explicit wish is stronger than the environment; JSON is never coloured.
    let output = command(&always).env("NO_COLOR", "1").output().unwrap();
    assert!(stdout(&output).contains('\x1b'));
    let json = ["--json", "--color", "always", "apply", "--check", &check];
    assert!(!stdout(&run(&json)).contains('\x1b'));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    if loaded() {
        return;
    }
    let file = example("article.toml");
    let mut child = command(&["apply", "--check", &file])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "");
}

#[test]
fn an_own_ssh_session_is_looked_after() {
    if loaded() {
        return;
    }
    let file = example("article.toml");
    let mut check = command(&["apply", "--check", &file]);
    let output = check
        .env("SSH_CONNECTION", "192.168.8.110 40000 192.168.8.1 22")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let said = "this policy stops your own ssh session from 192.168.8.110 to port 22 (no-rule)";
    assert!(stderr(&output).contains(said), "{}", stderr(&output));
    let output = check
        .env("SSH_CONNECTION", "192.168.5.10 40000 192.168.5.200 22")
        .output()
        .unwrap();
    assert_eq!(stderr(&output), "");
    // sudo and su take the variable away: a process further up has it.
    let tool = env!("CARGO_BIN_EXE_camzonectl");
    let inner = format!("unset SSH_CONNECTION; {tool} apply --check {file}; true");
    let output = Command::new("sh")
        .args(["-c", &inner])
        .env("SSH_CONNECTION", "192.168.8.110 40000 192.168.8.1 22")
        .output()
        .unwrap();
    assert!(stderr(&output).contains(said), "{}", stderr(&output));
    // Who does not only ask is stopped, until he says that it may be.
    let mut apply = command(&["apply", &file]);
    apply.env("SSH_CONNECTION", "192.168.8.110 40000 192.168.8.1 22");
    let output = apply.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stopped = format!("error: {said}: nothing was changed\n");
    assert!(stderr(&output).starts_with(&stopped), "{}", stderr(&output));
    let output = apply.arg("--cut-ssh").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
}

/// The texts that a policy is warned of.
fn warned_of(policy: &str) -> Vec<String> {
    let output = with_input(&["--json", "apply", "--check", "-"], policy.as_bytes());
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let warnings = said["warnings"].as_array().unwrap().iter();
    let text = |warning: &serde_json::Value| warning["text"].as_str().map(str::to_owned);
    warnings.filter_map(text).collect()
}

#[test]
fn what_may_not_be_meant_is_warned_of() {
    let policy = r#"
        [zones.camera]
        interfaces = ["eth1"]
        networks = ["192.168.8.0/24"]
        [cameras.door]
        zone = "camera"
        address = "192.168.8.110"
        [services.web]
        tcp = [80, "8000-8100"]
        [[allow]]
        from = "camera"
        to = "router"
        services = ["ntp", "web"]
    "#;
    let asking = ["\"camera\"", "\"ntp\""];
    for (what, instead, warned) in [
        (["", ""], ["", ""], vec![]),
        // A service that is sent to a group which no rule names.
        (["\"ntp\"", ""], ["\"mdns\"", ""], vec!["\"mdns\""]),
        (
            ["\"ntp\"", "[[allow]]"],
            ["\"mdns\"", "[[allow]]\nto_address = \"224.0.0.251\""],
            vec![],
        ),
        // A camera that asks for an address.
        (asking, ["\"door\"", "\"dhcp\""], vec!["\"door\""]),
        (asking, ["\"camera\"", "\"dhcp\""], vec![]),
        // What only IPv6 could match, where it is off.
        (
            ["\"ntp\"", "[[allow]]"],
            ["\"ntp\"", "[[allow]]\nto_address = \"fd00::1\""],
            vec!["\"fd00::1\""],
        ),
        (
            ["[\"ntp\", \"web\"]", "tcp = [80, \"8000-8100\"]"],
            ["[\"web\"]", "icmpv6 = \"echo-request\""],
            vec!["\"web\""],
        ),
        // What is no name of an interface, or hardly.
        (["eth1", ""], ["eth+", ""], vec!["\"eth+\""]),
        (["eth1", ""], ["eth1,eth2", ""], vec!["\"eth1,eth2\""]),
        (["eth1", ""], ["eth1@if2", ""], vec!["\"eth1@if2\""]),
        (["eth1", ""], ["eth1\u{a0}", ""], vec!["\"eth1\u{a0}\""]),
        // A part of a service that another one has in it.
        (["8000-8100", ""], ["79-81", ""], vec!["80"]),
        (["8000-8100", ""], ["81-82", ""], vec![]),
        (
            ["tcp =", ""],
            ["protocols = \"any\"\ntcp =", ""],
            vec!["80", "\"8000-8100\""],
        ),
    ] {
        let mut policy = policy.to_owned();
        for (what, instead) in what.iter().zip(instead) {
            // In the place of the rule, where there are two.
            if let Some(at) = policy.rfind(what).filter(|_| !what.is_empty()) {
                policy.replace_range(at..at + what.len(), instead);
            }
        }
        assert_eq!(warned_of(&policy), warned, "{policy}");
    }
}

#[test]
fn no_key_is_missing_in_json() {
    let output = with_input(&["--json", "apply", "--check", "-"], b"");
    assert_eq!(output.status.code(), Some(5));
    let said: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    let fault = said["error"]["faults"][0].as_object().unwrap();
    for key in ["line", "column", "end_line", "end_column", "text", "label"] {
        assert_eq!(fault.get(key), Some(&serde_json::Value::Null), "{key}");
    }
    let output = run(&["--json", "apply"]);
    assert_eq!(output.status.code(), Some(2));
    let said: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    let message = said["error"]["message"].as_str().unwrap();
    assert!(message.ends_with("<FILE>"), "{message}");
}

#[test]
fn a_full_disk_has_its_number() {
    let output = command(&["--json", "export", "--nft", &example("article.toml")])
        .stdout(std::fs::File::create("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(said["error"]["errno"], 28, "ENOSPC");
}

#[test]
fn what_is_said_of_a_long_word_is_short() {
    let word = "x".repeat(100_000);
    let policies = [
        format!("{word} = 1\n"),
        format!("[zones.{word}]\nnetworks = \"any\"\n"),
        format!("[services.x]\ntcp = \"{word}\"\n"),
        format!("{word} = 1\n{word} = 1\n"),
    ];
    for policy in policies {
        let output = with_input(&["apply", "--check", "-"], policy.as_bytes());
        assert_eq!(output.status.code(), Some(5));
        let longest = stderr(&output).lines().map(|line| line.len()).max();
        assert!(longest.unwrap() < 700, "{longest:?}");
    }
}

/// C1's CSI and marks that turn the reading direction round.
#[test]
fn no_name_steers_a_terminal() {
    let policy = "[zones.a]\ninterfaces = \"x\u{9b}31m\u{202e}/\"\nnetworks = \"any\"\n";
    for arguments in [
        &["apply", "--check", "-"][..],
        &["--json", "apply", "--check", "-"],
    ] {
        let output = with_input(arguments, policy.as_bytes());
        assert_eq!(output.status.code(), Some(5));
        let said = stderr(&output);
        assert!(!said.contains(['\u{9b}', '\u{202e}']), "{said:?}");
    }
}
