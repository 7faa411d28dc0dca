// SPDX-License-Identifier: GPL-2.0

//! A policy that changes while it is shown: begun anew unseen, or said to be incomplete.

use camzone_ctl::{
    encode::encode,
    failure::Failure,
    file::{self, source::Source},
    netlink::socket::Error,
    policy_text::to_toml,
    spool,
    validate::validate,
};
use camzone_policy::dump;

/// The dump of a policy with so many cameras.
fn messages(cameras: usize) -> Vec<Vec<u8>> {
    let mut text = String::from("[zones.a]\ninterfaces = \"eth0\"\nnetworks = \"10.0.0.0/8\"\n");
    for n in 0..cameras {
        let (high, low) = (n / 250, n % 250 + 1);
        text += &format!("[cameras.c{n}]\nzone = \"a\"\naddress = \"10.1.{high}.{low}\"\n");
    }
    let source = Source::new("test", text);
    let file = file::parse(&source).unwrap();
    let policy = validate(&file, &encode(&file).unwrap()).unwrap();
    let items = (0..).map_while(|place| dump::item(&policy, place));
    let write = |item| {
        let mut bytes = Vec::new();
        dump::write(&policy, item, None, &mut bytes).unwrap();
        bytes
    };
    items.map(write).collect()
}

/// What is printed of these messages when the policy changes behind `at` of them, `times` times.
fn shown(messages: &[Vec<u8>], at: usize, mut times: usize) -> (String, Result<(), Failure>) {
    let mut out = Vec::new();
    let result = spool::run(&mut out, |spool| {
        let changes = times > 0;
        times = times.saturating_sub(1);
        let until = if changes { at } else { messages.len() };
        let come = messages[..until].iter().cloned().map(Ok);
        to_toml(come.chain(changes.then_some(Err(Error::Changing))), spool)
    });
    (String::from_utf8(out).unwrap(), result)
}

#[test]
fn nobody_sees_that_a_small_policy_changed() {
    let messages = messages(100);
    let (whole, result) = shown(&messages, 0, 0);
    assert!(result.is_ok() && whole.contains("[cameras.c99]"));
    for at in 0..=messages.len() {
        let (again, result) = shown(&messages, at, 7);
        assert!(result.is_ok() && again == whole, "{at}");
        let (none, result) = shown(&messages, at, 8);
        assert_eq!(result.unwrap_err().exit_code(), 1);
        assert!(none.is_empty(), "{at}");
    }
}

#[test]
fn what_was_printed_of_a_large_policy_is_said_to_be_incomplete() {
    let messages = messages(30_000);
    let (whole, _) = shown(&messages, 0, 0);
    assert!(whole.len() > 1 << 20);
    let (again, result) = shown(&messages, 10_000, 7);
    assert!(result.is_ok() && again == whole, "nothing was printed yet");
    let (part, result) = shown(&messages, messages.len(), 1);
    assert!(part.len() < whole.len() && whole.starts_with(&part));
    let failure = result.unwrap_err();
    assert_eq!(failure.exit_code(), 1);
    let said = failure.to_json()["error"]["message"].to_string();
    assert!(
        said.contains("changed") && said.contains("is not all"),
        "{said}"
    );
}
