// SPDX-License-Identifier: GPL-2.0

//! What a kernel answers: see docs/trust.md, "Fuzzing", for what has to hold.

use camzone_ctl::{
    json::Document,
    netlink::{item::items, reply, wire::Exchange},
    policy_text,
};

use camzone_host_tests::wire;
use camzone_policy::{
    attribute::Attributes,
    memory::Heap,
    uapi, //
};

use crate::{first, policy_file::shown, within};

/// The family's number and the request's, as they stand in the bytes.
const FAMILY: u16 = 30;
const REQUEST: u32 = 7;

/// What came from the kernel as the answer to a request. The first byte says what was asked, the
/// second where one datagram ends and the next begins.
pub fn answers(bytes: &[u8]) {
    let (how, bytes) = first(bytes);
    let (cut, bytes) = first(bytes);
    let (one, other) = bytes.split_at((usize::from(cut) * 16).min(bytes.len()));
    let mut exchange = Exchange::new(FAMILY, REQUEST, how & 1 != 0);
    let whole = within(one, |one| {
        let mut exchange = exchange.clone();
        exchange.take(one).map(|ack| (ack, exchange.replies))
    });
    if let (Ok((None, _)), Ok(None)) = (whole, exchange.take(one)) {
        let _ = exchange.take(other);
    }
    let taken: usize = exchange.replies.iter().map(Vec::len).sum();
    assert!(taken <= bytes.len());
    for message in &exchange.replies {
        within(message, reply::status);
        within(message, reply::counters);
        within(message, reply::family_id);
        within(message, |message| items(message).is_ok());
    }
    // What is understood can be shown, and so can what is a policy.
    let messages = || exchange.replies.iter().cloned().map(Ok);
    if policy_text::to_toml(messages(), &mut Vec::new()).is_err() {
        return;
    }
    let mut json = Vec::new();
    let mut document = Document::new(&mut json).expect("memory");
    policy_text::to_json(messages(), &mut document).expect("as the text");
    document.end().expect("memory");
    serde_json::from_slice::<serde_json::Value>(&json).expect("JSON");
    let parts: Vec<Vec<u8>> = exchange.replies.iter().map(|m| unstamped(m)).collect();
    if let Some(Ok(policy)) = parts
        .split_first()
        .map(|(begin, adds)| wire::read::<Heap>(begin, adds))
    {
        shown(&policy);
    }
}

/// The message without what only the kernel says.
fn unstamped(message: &[u8]) -> Vec<u8> {
    let mut part = Vec::new();
    for attribute in Attributes::new(message).map_while(Result::ok) {
        let kind = u32::from(attribute.kind);
        if kind != uapi::CAMZONE_A_GENERATION && kind != uapi::CAMZONE_A_DIGEST {
            part.extend(wire::attribute(kind, attribute.payload));
        }
    }
    part
}
