// SPDX-License-Identifier: GPL-2.0

use camzone_ctl::{
    netlink::{reply, wire::Exchange},
    validate::from_messages,
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
    let (mut settings, mut items, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for message in &exchange.replies {
        within(message, reply::status);
        within(message, reply::counters);
        within(message, reply::family_id);
        ids.extend(within(message, reply::rule_ids));
        let (setting, item) = within(message, reply::policy_parts);
        assert!(setting.len() + item.len() <= message.len() + 3);
        settings.extend(setting);
        items.push(item);
    }
    // A policy that is understood can be shown.
    if let Ok(policy) = from_messages(&settings, items.iter().map(Vec::as_slice)) {
        assert!(ids.len() >= policy.rules.len());
        shown(&policy);
    }
}
