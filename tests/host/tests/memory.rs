// SPDX-License-Identifier: GPL-2.0

//! Memory that runs out is an answer, never a panic and never half a policy; and the crate's own
//! sort, search, networks and log limit do what they say.

use camzone_host_tests::{
    cases, config,
    dice::bytes,
    memory::{Failing, FailingList},
    policies::Said,
    reference::{in_network, ip},
    wire,
};
use camzone_policy::{
    address::{Address, Prefix, PrefixError},
    dump,
    error::{Error, Kind, Place},
    limit,
    memory::{search, sort, List},
    policy::Policy,
    tables::Compiled,
};
use proptest::{collection::vec, prelude::*};

/// The whole way of a policy: from messages to tables and back to a dump.
fn load(begin: &[u8], adds: &[Vec<u8>]) -> Result<Vec<u8>, Kind> {
    let policy: Policy<Failing> = wire::read(begin, adds).map_err(|(_, error)| {
        if error.kind == Kind::OutOfMemory {
            assert_eq!(error.place, Place::Policy);
        }
        error.kind
    })?;
    let compiled = Compiled::new(policy).map_err(|error| Error::from(error).kind)?;
    let mut bytes: FailingList<u8> = List::new();
    let mut place = 0;
    while let Some(item) = dump::item(&compiled.policy, place) {
        dump::write(&compiled.policy, item, None, &mut bytes)
            .map_err(|error| camzone_policy::error::Error::from(error).kind)?;
        place += 1;
    }
    Ok(bytes.to_vec())
}

proptest! {
    #![proptest_config(config(24))]

    /// The n-th append fails, for every n.
    #[test]
    fn memory_runs_out(policy in bytes(400)) {
        let said = Said::any(&mut policy.dice());
        let (begin, adds) = (said.begin(), said.adds());
        let should = wire::dump(&said.policy().unwrap()).concat();
        Failing::after(usize::MAX, false);
        let whole = load(&begin, &adds);
        let needed = usize::MAX - Failing::left();
        prop_assert_eq!(whole.as_ref(), Ok(&should));
        // An answer that is passed over on the way would show where memory is there again.
        for (n, recovers) in (0..needed).flat_map(|n| [(n, false), (n, true)]) {
            Failing::after(n, recovers);
            let is = load(&begin, &adds);
            prop_assert_eq!(is, Err(Kind::OutOfMemory), "at {} of {}", n, needed);
        }
        Failing::after(needed, false);
        prop_assert_eq!(load(&begin, &adds), whole);
    }
}

proptest! {
    #![proptest_config(config(2000))]

    /// Networks against addresses and each other, bit by bit.
    #[test]
    fn networks_have_what_they_say(
        a in any::<u16>(), b in any::<u16>(), len in 110u8..=128, other in 110u8..=128,
        four in any::<bool>(),
    ) {
        let make = |bits: u16, len: u8| {
            let (address, len) = match four {
                true => (Address::v4([10, 0, (bits >> 8) as u8, bits as u8]), len - 96),
                false => (Address::v6((u128::from(bits) | (0xfd << 120)).to_be_bytes()), len),
            };
            let prefix = match Prefix::new(address, len.into()) {
                Err(PrefixError::HostBits(clean)) => clean,
                other => other.unwrap(),
            };
            (address, len, prefix)
        };
        // Near to each other, so that borders are met.
        let ((_, len, net), (there, other, net_of_other)) = (make(a, len), make(a ^ (b >> 8), other));
        for address in [there, net.first(), net.last(), net_of_other.first(), net_of_other.last()] {
            let inside = in_network(ip(address), ip(net.first()), len);
            prop_assert_eq!(net.contains(address), inside);
            prop_assert_eq!(net.compare(address).is_eq(), inside);
        }
        let shared = in_network(ip(net.first()), ip(net_of_other.first()), len.min(other));
        prop_assert_eq!(net.overlaps(&net_of_other), shared);
    }

    #[test]
    fn sorts_like_std(mut items in vec(any::<u8>(), 0..300)) {
        let mut sorted = items.clone();
        sorted.sort();
        sort(&mut items, |a, b| a < b);
        prop_assert_eq!(&items, &sorted);
        sort(&mut items, |a, b| b < a);
        sorted.reverse();
        prop_assert_eq!(items, sorted);
    }

    #[test]
    fn searches_like_std(mut items in vec(any::<u16>(), 0..80), other in any::<u16>()) {
        items.sort();
        items.dedup();
        for wanted in items.iter().copied().chain([other, 0, u16::MAX]) {
            let found = search(&items, |item| item.cmp(&wanted));
            prop_assert_eq!(found, items.binary_search(&wanted).ok());
        }
    }

    /// A bucket that holds `burst` lines and earns one in `interval_ms`, in the plainest words,
    /// and what that means for any stretch of time. Now and then somebody else says no.
    #[test]
    fn logs_no_more_than_it_may(
        start in any::<u32>(), which in 0..3usize,
        gaps in vec(prop_oneof![
            Just(0u32), 0..10u32, 0..4000u32, Just(1999), Just(2000), Just(2001), 0..100_000u32,
        ], 1..300),
        refused in vec(any::<u8>(), 300),
    ) {
        let any = limit::Rate { burst: 255, interval_ms: 1 };
        let rate = [limit::EACH, limit::ALL, any][which];
        let interval = u64::from(rate.interval_ms);
        let full = u64::from(rate.burst) * interval;
        let (mut word, mut now, mut level, mut held) = (limit::FULL, 0u64, full, 0);
        let mut granted: Vec<u64> = Vec::new();
        for (gap, refused) in gaps.into_iter().zip(refused) {
            now += u64::from(gap);
            level = full.min(level + u64::from(gap));
            let (next, logged) = limit::step(word, start.wrapping_add(now as u32), rate);
            word = next;
            if let (Some(suppressed), true) = (logged, refused < 60) {
                prop_assert_eq!(suppressed, held);
                prop_assert!(level >= interval);
                level -= interval;
                word = limit::held_back(word, suppressed);
                held += 1;
                continue;
            }
            if level >= interval {
                level -= interval;
                prop_assert_eq!(logged, Some(held));
                held = 0;
                granted.push(now);
            } else {
                prop_assert_eq!(logged, None);
                held += 1;
            }
        }
        for (i, from) in granted.iter().enumerate() {
            for (j, to) in granted.iter().enumerate().skip(i) {
                let lines = (j - i + 1) as u64;
                prop_assert!(lines <= u64::from(rate.burst) + (to - from) / interval);
            }
        }
    }
}

/// The count of what was suppressed stops at its highest number instead of starting anew.
#[test]
fn suppressed_are_counted_to_the_end() {
    let mut word = limit::FULL;
    for _ in 0..limit::EACH.burst {
        word = limit::step(word, 7, limit::EACH).0;
    }
    for _ in 0..(1 << 24) + 3 {
        let (next, logged) = limit::step(word, 7, limit::EACH);
        assert_eq!(logged, None);
        word = next;
    }
    assert_eq!(
        limit::step(word, 7 + limit::EACH.interval_ms, limit::EACH).1,
        Some((1 << 24) - 1)
    );
    assert!(cases(1) >= 1);
}

#[test]
fn a_clock_that_was_read_earlier_earns_nothing() {
    let mut word = limit::FULL;
    for _ in 0..limit::EACH.burst {
        word = limit::step(word, 5_000, limit::EACH).0;
    }
    // On another CPU, which read its clock before and comes later.
    let (word, logged) = limit::step(word, 4_999, limit::EACH);
    assert_eq!(logged, None);
    assert_eq!(
        limit::step(word, 5_000 + limit::EACH.interval_ms, limit::EACH).1,
        Some(1)
    );
    // From half of the way round (a word of 32 bits, milliseconds) a clock is one that was read before.
    let spent = limit::step(word, 5_000, limit::EACH).0;
    let half = u32::MAX / 2;
    assert_eq!(limit::step(spent, 5_000 + half, limit::EACH).1, Some(2));
    assert_eq!(limit::step(spent, 5_001 + half, limit::EACH).1, None);
}
