// SPDX-License-Identifier: GPL-2.0

//! A policy file: see docs/trust.md, "Fuzzing", for what has to hold.

use camzone_ctl::{
    diagnostic::Diagnostic,
    encode::encode,
    file::{self, source::Source},
    json::Document,
    nft, policy_text,
    validate::{validate, HeapPolicy},
};
use camzone_host_tests::wire;
use camzone_policy::{memory::Heap, policy::Interface};

/// A policy file: faults have a place in it, and what has none says the same when it is shown.
pub fn policy_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Some(policy) = read(text) {
        shown(&policy);
    }
}

/// The policy shown as a file is the same policy.
pub(crate) fn shown(policy: &HeapPolicy) {
    // The kernel lets an interface have any name, and no file can say one that is not UTF-8.
    let utf8 = |interface: &Interface| std::str::from_utf8(interface.name.as_bytes()).is_ok();
    if !policy.interfaces.iter().all(utf8) {
        return;
    }
    let messages = || wire::dump(policy).into_iter().map(Ok);
    let mut text = Vec::new();
    policy_text::to_toml(messages(), &mut text).expect("shown");
    let text = String::from_utf8(text).expect("text");
    let again = read(&text).unwrap_or_else(|| panic!("refused:\n{text}"));
    assert_eq!(wire::dump(policy), wire::dump(&again), "{text}");
    let mut json = Vec::new();
    let mut document = Document::new(&mut json).expect("memory");
    policy_text::to_json(messages(), &mut document).expect("shown");
    document.end().expect("memory");
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert!(json.is_object());
    // What nftables cannot say, it says that it cannot.
    let _ = nft::ruleset(policy);
}

fn read(text: &str) -> Option<HeapPolicy> {
    let source = Source::new("policy.toml", text);
    let check = |fault: &Diagnostic| {
        for label in fault.primary.iter().chain(&fault.related) {
            assert!(
                text.get(label.span.clone()).is_some(),
                "{:?} of\n{text}",
                label.span
            );
        }
        let shown = fault.render(&source, Default::default());
        assert!(
            !fault.message.is_empty() && shown.contains("policy.toml"),
            "{shown}"
        );
        // Nothing of the file steers the terminal.
        assert!(
            !shown.contains(|c: char| c.is_control() && c != '\n'),
            "{shown:?}"
        );
        assert!(fault.to_json(&source).is_object());
    };
    let file = match file::parse(&source) {
        Ok(file) => file,
        Err(faults) => {
            assert!(!faults.is_empty());
            faults.iter().for_each(check);
            return None;
        }
    };
    let encoded = encode(&file).map_err(|fault| check(&fault)).ok()?;
    let policy = validate(&file, &encoded)
        .map_err(|fault| check(&fault))
        .ok()?;
    // The kernel makes the same of the same messages.
    let kernels = wire::read::<Heap>(&encoded.begin, &encoded.adds).unwrap();
    assert_eq!(wire::dump(&policy), wire::dump(&kernels));
    Some(policy)
}
