// SPDX-License-Identifier: GPL-2.0

use camzone_ctl::{
    json::Document,
    netlink::{item::items, reply, wire::Exchange},
    policy_text,
};

use crate::{first, within};

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
    // A policy that is understood can be shown, in whatever order its items come.
    let messages = || exchange.replies.iter().cloned().map(Ok);
    if policy_text::to_toml(messages(), &mut Vec::new()).is_ok() {
        let mut json = Vec::new();
        let mut document = Document::new(&mut json).expect("memory");
        let whole = policy_text::to_json(messages(), &mut document).is_ok();
        document.end().expect("memory");
        if whole {
            serde_json::from_slice::<serde_json::Value>(&json).expect("JSON");
        }
    }
}
