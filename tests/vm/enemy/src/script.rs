// SPDX-License-Identifier: GPL-2.0
//! What a socket is about to send: a transaction that is bent somewhere, or an odd message.

use crate::corpus::Policy;
use crate::message::{Message, ACK, DUMP, REQUEST};
use crate::mutate;
use camzone_policy::{attribute::Writer, uapi};
use fastrand::Rng;
use std::collections::VecDeque;

/// What comes next.
pub enum Step {
    /// One datagram.
    Send(Vec<Message>),
    /// The socket closes, with whatever it has open, and another takes its place.
    Reopen,
}

/// The steps that a socket has before it.
#[derive(Default)]
pub struct Script(VecDeque<Step>);

impl Script {
    /// The next step; a new script begins where one has ended.
    pub fn next(
        &mut self,
        rng: &mut Rng,
        policies: &[Policy],
        donors: &[Vec<u8>],
        flood: bool,
    ) -> Step {
        if self.0.is_empty() {
            let chance = if flood { 0 } else { rng.u8(..20) };
            match chance {
                0..=12 => self.transaction(rng, policies, donors, flood),
                13 | 14 => {
                    let message = odd_header(rng, policies);
                    self.0.push_back(Step::Send(vec![message]));
                }
                15 => {
                    let bytes = (0..rng.usize(..300)).map(|_| rng.u8(..)).collect();
                    let message = Message::new(rng.u32(..10), bytes);
                    self.0.push_back(Step::Send(vec![message]));
                }
                16 => {
                    let dump = [uapi::CAMZONE_CMD_POLICY_GET, uapi::CAMZONE_CMD_COUNTERS_GET];
                    let message = Message::dump(rng.choice(dump).unwrap_or(0));
                    self.0.push_back(Step::Send(vec![message]));
                }
                17 => {
                    let plain = [uapi::CAMZONE_CMD_STATUS_GET, uapi::CAMZONE_CMD_POLICY_ABORT];
                    let command = match rng.u8(..6) {
                        0 => uapi::CAMZONE_CMD_DISARM,
                        _ => rng.choice(plain).unwrap_or(0),
                    };
                    let message = Message::new(command, Vec::new());
                    self.0.push_back(Step::Send(vec![message]));
                }
                18 => self.0.push_back(Step::Reopen),
                _ => {
                    // All at once, in one datagram.
                    let messages = bent(rng, policies, donors);
                    self.0.push_back(Step::Send(messages));
                }
            }
        }
        self.0.pop_front().unwrap_or(Step::Reopen)
    }

    /// A transaction message by message, perhaps only its first half, perhaps in another order.
    fn transaction(&mut self, rng: &mut Rng, policies: &[Policy], donors: &[Vec<u8>], flood: bool) {
        let mut messages = bent(rng, policies, donors);
        match rng.u8(..16) {
            0 => rng.shuffle(&mut messages),
            1 => {
                let at = rng.usize(..messages.len());
                messages.insert(at, messages[at].clone());
            }
            2 => drop(messages.remove(rng.usize(..messages.len()))),
            3 => messages.push(Message::new(uapi::CAMZONE_CMD_POLICY_COMMIT, Vec::new())),
            _ => {}
        }
        if flood || rng.u8(..8) == 0 {
            messages.truncate(rng.usize(1..=messages.len()));
        }
        let steps = messages
            .into_iter()
            .map(|message| Step::Send(vec![message]));
        self.0.extend(steps);
        if rng.u8(..if flood { 3 } else { 16 }) == 0 {
            self.0.push_back(Step::Reopen);
        }
    }
}

/// The messages of a transaction, of which most times one is not as it should be.
fn bent(rng: &mut Rng, policies: &[Policy], donors: &[Vec<u8>]) -> Vec<Message> {
    // The last two are large.
    let most = if rng.u8(..16) == 0 {
        policies.len()
    } else {
        policies.len() - 2
    };
    let policy = &policies[rng.usize(..most)];
    let mut messages = vec![Message::new(
        uapi::CAMZONE_CMD_POLICY_BEGIN,
        policy.begin.clone(),
    )];
    let adds = policy.adds.iter();
    messages.extend(adds.map(|add| Message::new(uapi::CAMZONE_CMD_POLICY_ADD, add.clone())));
    messages.push(commit(rng));
    for _ in 0..rng.choice([0, 1, 1, 1, 1, 1, 2, 2]).unwrap_or(1) {
        let message = match rng.u8(..8) {
            0 => rng.usize(..messages.len()),
            // The inner ones carry the policy.
            _ => rng.usize(1..messages.len() - 1),
        };
        let payload = &mut messages[message].payload;
        match rng.u8(..5) {
            0 => mutate::raw(rng, payload),
            _ => *payload = mutate::attributes(rng, payload, donors),
        }
    }
    messages
}

/// A commit that is as good as any, or one that expects something.
fn commit(rng: &mut Rng) -> Message {
    let mut payload = Vec::new();
    let mut writer = Writer(&mut payload);
    let written = match rng.u8(..8) {
        0 => writer.u32(uapi::CAMZONE_A_GENERATION as u16, rng.u32(..100)),
        1 => writer.flag(uapi::CAMZONE_A_CHECK as u16, true),
        _ => Ok(()),
    };
    debug_assert!(written.is_ok());
    Message::new(uapi::CAMZONE_CMD_POLICY_COMMIT, payload)
}

/// A message whose header is not as it should be.
fn odd_header(rng: &mut Rng, policies: &[Policy]) -> Message {
    let policy = &policies[rng.usize(..policies.len() - 2)];
    let payload = match rng.u8(..4) {
        0 => policy.begin.clone(),
        1 => Vec::new(),
        _ => policy.adds[0].clone(),
    };
    let mut message = Message::new(rng.u32(..10), payload);
    let len = 20 + message.payload.len();
    match rng.u8(..8) {
        0 => message.flags = rng.u16(..),
        1 => {
            message.flags = rng
                .choice([REQUEST, ACK, REQUEST | DUMP, REQUEST | ACK | 0x100])
                .unwrap_or(0)
        }
        2 => message.version = rng.u8(..),
        3 => message.reserved = rng.u16(..),
        4 => message.command = rng.u8(..),
        5 => message.claims = Some(rng.choice([0, 1, 15, 16, 17, 19, 20, 21]).unwrap_or(0)),
        6 => message.claims = Some(rng.u32(..(2 * len) as u32)),
        _ => message.sent = Some(rng.usize(1..len)),
    }
    message
}
