// SPDX-License-Identifier: GPL-2.0

//! File → attributes → policy → file says the same, and so does the kernel's way of dumping it.

use camzone_ctl::{
    encode::encode,
    file::{self, source::Source},
    json::Document,
    policy_text::{to_json, to_toml},
    validate::{validate, HeapPolicy},
};
use camzone_policy::{attribute::Writer, dump, memory::Heap, policy::Policy};
use proptest::prelude::*;
use serde_json::Value;

/// The policy that a text says.
fn policy(name: &str, text: &str) -> HeapPolicy {
    let source = Source::new(name, text);
    let shown =
        |fault: &camzone_ctl::diagnostic::Diagnostic| fault.render(&source, Default::default());
    let file =
        file::parse(&source).unwrap_or_else(|faults| panic!("{}\n{text}", shown(&faults[0])));
    let encoded = encode(&file).unwrap();
    validate(&file, &encoded).unwrap_or_else(|fault| panic!("{}\n{text}", shown(&fault)))
}

/// The items that the kernel dumps, of which the digest is made.
fn canonical(policy: &Policy<Heap>) -> Vec<Vec<u8>> {
    let items = (0..).map_while(|index| dump::item(policy, index));
    let write = |item| {
        let mut bytes = Vec::new();
        dump::write(policy, item, Some(7), &mut bytes).unwrap();
        bytes
    };
    items.map(write).collect()
}

/// What `camzonectl show` prints of a policy, as a file and as JSON.
fn shown(policy: &Policy<Heap>) -> (String, Value) {
    let messages = || canonical(policy).into_iter().map(Ok);
    let (mut text, mut json) = (Vec::new(), Vec::new());
    to_toml(messages(), &mut text).unwrap();
    let mut document = Document::new(&mut json).unwrap();
    to_json(messages(), &mut document).unwrap();
    document.end().unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    (String::from_utf8(text).unwrap(), json)
}

/// Goes once round; the text that is shown comes back.
fn round(name: &str, text: &str) -> String {
    let first = policy(name, text);
    let (toml, json) = shown(&first);
    let again = policy("shown", &toml);
    assert_eq!(
        canonical(&first),
        canonical(&again),
        "{name}: shown as\n{toml}"
    );
    assert_eq!(json, shown(&again).1);
    let len = |key| json[key].as_array().map_or(0, Vec::len);
    assert_eq!(len("rules"), first.rules.len());
    let count = |key| json[key].as_object().map_or(0, serde_json::Map::len);
    assert_eq!(count("zones"), first.zones.len());
    assert_eq!(count("cameras"), first.cameras.len());
    toml
}

#[test]
fn what_is_not_understood_is_not_shown() {
    let policy = policy("everything", include_str!("everything.toml"));
    let show = |messages: Vec<Vec<u8>>| to_toml(messages.into_iter().map(Ok), &mut Vec::new());
    assert!(show(canonical(&policy)).is_ok());
    // A newer module's attribute within an item makes it another item.
    for place in 0..canonical(&policy).len() {
        let mut messages = canonical(&policy);
        let message = &mut messages[place];
        let mut strange = Vec::new();
        Writer(&mut strange).u32(99, 0).unwrap();
        let len = u16::from_ne_bytes([message[0], message[1]]);
        let at = usize::from(len).next_multiple_of(4);
        message.splice(at..at, strange.iter().copied());
        message[..2].copy_from_slice(&(at as u16 + 8).to_ne_bytes());
        assert!(show(messages).is_err(), "{place}");
    }
}

#[test]
fn the_examples_come_back() {
    for name in ["article.toml", "article-v6.toml"] {
        let path = format!("{}/../examples/{name}", env!("CARGO_MANIFEST_DIR"));
        let shown = round(name, &std::fs::read_to_string(path).unwrap());
        assert!(shown.contains("forwarding = true"), "{shown}");
        assert!(shown.contains("services = [\"ssh\"]"), "{shown}");
        assert!(
            shown.contains(
                "[services.tcp-50000-50100]
tcp = \"50000-50100\""
            ),
            "{shown}"
        );
    }
}

#[test]
fn everything_a_file_can_say_comes_back() {
    let shown = round("everything", include_str!("everything.toml"));
    for line in [
        "masquerade = true",
        "reject = true",
        "mac = \"52:54:00:12:34:56\"",
        "networks = \"any\"",
        "ipv6 = \"minimal\"",
        "to_address = [\"224.0.0.251\", \"ff02::fb\"]",
        "services = [\"any\"]",
        "protocols = [\"sctp\", 200]",
        "broadcast = true",
        "input = \"accept\"",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
}

#[test]
fn every_built_in_service_is_found_again_by_its_name() {
    let names: Vec<String> = file::services::builtin().into_keys().collect();
    assert!(names.len() > 35);
    for name in names {
        let text = format!(
            "[zones.a]\ninterfaces = \"eth0\"\nnetworks = \"any\"\n\
             [[allow]]\nfrom = \"a\"\nto = \"router\"\nservices = \"{name}\"\n"
        );
        let shown = round(&name, &text);
        // Two names can stand for the same ports.
        let same = [("sftp", "ssh")];
        let expected = same
            .iter()
            .find(|(n, _)| *n == name)
            .map_or(name.as_str(), |(_, other)| other);
        assert!(
            shown.contains(&format!("services = [\"{expected}\"]")),
            "{name}: {shown}"
        );
    }
}

#[test]
fn the_built_in_services_have_no_fault() {
    let text = file::services::BUILTIN;
    let names = text
        .lines()
        .filter(|line| line.starts_with("[services."))
        .count();
    let builtin = file::services::builtin();
    assert_eq!(
        builtin.len(),
        names,
        "a name is there twice, or the file is not TOML"
    );
    assert!(builtin.values().all(|service| !service.parts.is_empty()));
}

#[test]
fn a_large_policy_goes_in_several_messages() {
    let mut text = String::from("[zones.a]\ninterfaces = \"eth0\"\nnetworks = \"10.0.0.0/8\"\n");
    for n in 0..5000 {
        text += &format!(
            "[cameras.c{n}]\nzone = \"a\"\naddress = \"10.1.{}.{}\"\n",
            n / 250,
            n % 250 + 1
        );
    }
    let source = Source::new("large", text.as_str());
    let file = file::parse(&source).unwrap();
    let encoded = encode(&file).unwrap();
    assert!(encoded.adds.len() > 5);
    assert!(encoded.adds.iter().all(|message| message.len() < 32_000));
    assert_eq!(validate(&file, &encoded).unwrap().cameras.len(), 5000);
    // The place of a fault in a later message is found.
    let text = text.replace("10.1.19.200", "11.1.19.200");
    let source = Source::new("large", text.as_str());
    let file = file::parse(&source).unwrap();
    let fault = validate(&file, &encode(&file).unwrap()).err().unwrap();
    let at = fault.primary.unwrap().span;
    assert_eq!(&text[at], "\"11.1.19.200\"");
}

fn part() -> impl Strategy<Value = String> {
    let range = (0u16.., 0u16..).prop_map(|(a, b)| (a.min(b), a.max(b)));
    prop_oneof![
        (range.clone(), prop_oneof![Just("tcp"), Just("udp")])
            .prop_map(|((a, b), name)| format!("{name} = \"{a}-{b}\"")),
        (0u8.., prop_oneof![Just("icmp"), Just("icmpv6")])
            .prop_map(|(n, name)| format!("{name} = {n}")),
        (1u8..).prop_map(|n| format!("protocols = {n}")),
    ]
}

proptest! {
    #[test]
    fn any_service_comes_back(
        parts in proptest::collection::vec((part(), any::<bool>()), 1..6),
        names in proptest::sample::subsequence(
            file::services::builtin().into_keys().filter(|n| n != "sftp").collect::<Vec<_>>(), 0..6),
    ) {
        let mut text = String::from("[zones.a]\ninterfaces = \"eth0\"\nnetworks = \"any\"\n");
        let mut used: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        for (place, (part, broadcast)) in parts.iter().enumerate() {
            text += &format!("[services.own-{place}]\n{part}\nbroadcast = {broadcast}\n");
            used.push(format!("\"own-{place}\""));
        }
        text += &format!("[[allow]]\nfrom = \"a\"\nto = \"router\"\nservices = [{}]\n", used.join(", "));
        round("service", &text);
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC*") {
        if let Ok(file) = file::parse(&Source::new("any", text.as_str())) {
            let _ = encode(&file).map(|encoded| validate(&file, &encoded).map(|policy| policy.zones.len()));
        }
    }

    // The example with a part of it replaced: most of it is still a policy file.
    #[test]
    fn any_damage_is_reported_without_a_panic(
        from: prop::sample::Index, len in 0usize..30, with in "[\\[\\]\"=a-z0-9./:\\n ,]{0,12}",
    ) {
        let text = include_str!("everything.toml");
        let start = (0..=from.index(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let end = (start + len..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        let damaged = format!("{}{with}{}", &text[..start], &text[end..]);
        let source = Source::new("damaged", damaged);
        let faults = match file::parse(&source) {
            Err(faults) => faults,
            Ok(file) => match encode(&file).and_then(|encoded| validate(&file, &encoded).map(|_| ())) {
                Ok(()) => file.warnings,
                Err(fault) => vec![fault],
            },
        };
        for fault in faults {
            let _ = fault.render(&source, Default::default());
            let _ = fault.to_json(&source);
        }
    }
}
