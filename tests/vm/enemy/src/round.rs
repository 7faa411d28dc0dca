// SPDX-License-Identifier: GPL-2.0
//! One round of an attack: so many messages by some sockets, and a look after each refusal. All
//! that is sent follows from the seed and the round's number.

use crate::answer::Answer;
use crate::corpus::Policy;
use crate::ledger::{Known, Ledger};
use crate::message::{Message, REQUEST};
use crate::script::{Script, Step};
use crate::socket::Peer;
use crate::sys;
use camzone_ctl::netlink::{
    family::Family,
    reply::{self, State, Status},
};
use camzone_policy::attribute::{Attributes, HEADER};
use camzone_policy::draft::Draft;
use camzone_policy::memory::Heap;
use camzone_policy::{dump, policy, uapi};
use fastrand::Rng;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::io::{Error, Result};

/// How many messages a round has.
pub const ROUND: u64 = 500;

/// What a message may be refused with, besides the two that mean a fault of ours or of nobody.
const REFUSALS: [i32; 8] = [
    libc::EINVAL,
    libc::ERANGE,
    libc::EBADFD,
    libc::E2BIG,
    libc::ESTALE,
    libc::EBUSY,
    libc::EOPNOTSUPP,
    libc::EMSGSIZE,
];

/// Who attacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Root, in the namespace under attack.
    Root,
    /// A socket that nobody opened or nobody uses: permission is asked of both.
    Nobody,
    /// Root in a namespace of his own, which ends armed and with half a transaction.
    Elsewhere,
}

/// What was found, and how to find it again.
pub struct Fault {
    seed: u64,
    round: u64,
    role: Role,
    sent: u64,
    what: String,
    message: Vec<u8>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault {
            seed,
            round,
            role,
            sent,
            what,
            message,
        } = self;
        write!(
            f,
            "{what}\n  as {role:?}, after {sent} messages of the round; "
        )?;
        write!(
            f,
            "enemy netlink --seed {seed} --round {round}\n  the last was "
        )?;
        let shown = message.iter().take(2000);
        shown
            .into_iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What was counted.
#[derive(Default)]
pub struct Tally {
    pub sent: u64,
    pub refused: u64,
    pub silent: u64,
    pub elsewhere: usize,
    pub looks: u64,
    pub whole: u64,
    by_errno: BTreeMap<i32, u64>,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.sent += other.sent;
        self.refused += other.refused;
        self.silent += other.silent;
        self.elsewhere += other.elsewhere;
        self.looks += other.looks;
        self.whole += other.whole;
        for (errno, count) in &other.by_errno {
            *self.by_errno.entry(*errno).or_default() += count;
        }
    }

    /// How often each error came.
    pub fn errors(&self) -> String {
        let mut text = String::from("acknowledged with");
        for (errno, count) in &self.by_errno {
            let _ = match errno {
                0 => write!(text, " success: {count}"),
                errno => write!(text, ", {}: {count}", Error::from_raw_os_error(*errno)),
            };
        }
        text
    }
}

/// An attack on the namespace that this process is in.
pub struct Attack {
    seed: u64,
    family: u16,
    policies: Vec<Policy>,
    donors: Vec<Vec<u8>>,
    ledger: Ledger,
}

impl Attack {
    pub fn new(seed: u64, family: u16, policies: Vec<Policy>) -> Result<Self> {
        let donors = policies.iter().flat_map(|policy| &policy.adds);
        Ok(Attack {
            seed,
            family,
            donors: donors.filter(|add| add.len() < 8192).cloned().collect(),
            policies,
            ledger: ledger(&mut Peer::open(family)?)?,
        })
    }

    /// How many policies were put in force in this namespace.
    pub fn steps(&self) -> Result<usize> {
        self.ledger.steps().map_err(Error::other)
    }

    /// Puts no policy in force.
    pub fn disarm(&self) -> Result<()> {
        let mut peer = Peer::open(self.family)?;
        let mut known = self.ledger.known();
        for answer in peer.ask(Message::new(uapi::CAMZONE_CMD_DISARM, Vec::new()))? {
            if let Answer::Reply { attributes, .. } = answer {
                let generation = reply::status(&attributes).generation;
                let made = self.ledger.made(&mut known, generation, None);
                made.map_err(Error::other)?;
            }
        }
        match status(&mut peer)?.state {
            State::Sealed => Ok(()),
            state => Err(Error::other(format!("{} after a disarm", state.word()))),
        }
    }

    /// Makes one round, in a thread of its own.
    pub fn round(&self, round: u64, tally: &mut Tally) -> std::result::Result<(), Fault> {
        let role = match round % 4 {
            0 | 1 => Role::Root,
            2 => Role::Nobody,
            _ => Role::Elsewhere,
        };
        let mut message = Vec::new();
        let result = match role {
            Role::Elsewhere => self.elsewhere(round, tally, &mut message),
            _ => self.send(round, role, &self.ledger, tally, &mut message),
        };
        result.map_err(|e| Fault {
            seed: self.seed,
            round,
            role,
            sent: tally.sent,
            what: e.to_string(),
            message,
        })
    }

    fn elsewhere(&self, round: u64, tally: &mut Tally, message: &mut Vec<u8>) -> Result<()> {
        sys::leave_network()?;
        let ledger = ledger(&mut Peer::open(self.family)?)?;
        self.send(round, Role::Elsewhere, &ledger, tally, message)?;
        tally.elsewhere += ledger.steps().map_err(Error::other)?;
        Ok(())
    }

    fn send(
        &self,
        round: u64,
        role: Role,
        ledger: &Ledger,
        tally: &mut Tally,
        bytes: &mut Vec<u8>,
    ) -> Result<()> {
        let mut rng = Rng::with_seed(self.seed ^ round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // Now and then more sockets than there may be transactions.
        let count = if rng.u8(..8) == 0 { 24 } else { 4 };
        let flood = count > 16;
        let mut sockets = Vec::new();
        for number in 0..count {
            sockets.push(Attacker::open(self.family, role, number)?);
        }
        let mut observer = Peer::open(self.family)?.with_room()?;
        let end = tally.sent + ROUND;
        while tally.sent < end {
            let number = rng.usize(..count);
            let attacker = &mut sockets[number];
            let step = attacker
                .script
                .next(&mut rng, &self.policies, &self.donors, flood);
            match step {
                Step::Send(messages) => {
                    let refused = attacker.send(role, &messages, bytes, ledger, tally)?;
                    if refused {
                        look(&mut observer, ledger, tally)?;
                    }
                }
                Step::Reopen => *attacker = Attacker::open(self.family, role, number)?,
            }
        }
        look(&mut observer, ledger, tally)?;
        read_whole(ledger, tally)
    }
}

/// A socket, what it is about to send, and whether it may have a transaction.
struct Attacker {
    peer: Peer,
    script: Script,
    may_have_open: bool,
    used_by_nobody: bool,
}

impl Attacker {
    fn open(family: u16, role: Role, number: usize) -> Result<Self> {
        let by_nobody = role == Role::Nobody && number % 3 != 1;
        let peer = match by_nobody {
            true => sys::as_nobody(|| Peer::open(family))?,
            false => Peer::open(family)?.with_room()?,
        };
        Ok(Attacker {
            peer,
            script: Script::default(),
            may_have_open: false,
            used_by_nobody: role == Role::Nobody && number % 3 != 2,
        })
    }

    /// Sends a datagram and judges what comes back. Returns whether anything was refused.
    fn send(
        &mut self,
        role: Role,
        messages: &[Message],
        bytes: &mut Vec<u8>,
        ledger: &Ledger,
        tally: &mut Tally,
    ) -> Result<bool> {
        tally.sent += messages.len() as u64;
        let mut known = ledger.known();
        let sent = match self.used_by_nobody {
            true => sys::as_nobody(|| self.peer.send(messages, bytes)),
            false => self.peer.send(messages, bytes),
        };
        let first = match sent {
            Ok(first) => first,
            Err(e) if e.raw_os_error() == Some(libc::EMSGSIZE) => {
                tally.refused += 1;
                return Ok(true);
            }
            Err(e) => return Err(e),
        };
        let answers = self.peer.answers()?;
        if answers.is_empty() {
            tally.silent += messages.len() as u64;
        }
        let mut refused = answers.is_empty();
        for answer in answers {
            match answer {
                Answer::Reply { command, .. } if role == Role::Nobody => {
                    let what = format!("command {command} was answered without permission");
                    return Err(Error::other(what));
                }
                Answer::Reply {
                    command,
                    attributes,
                } => self.reply(command, &attributes, ledger, &mut known)?,
                Answer::End { seq, errno } => {
                    *tally.by_errno.entry(errno).or_default() += 1;
                    let message = messages.get(seq.wrapping_sub(first) as usize);
                    self.end(role, errno, message)?;
                    if errno != 0 {
                        tally.refused += 1;
                        refused = true;
                    }
                }
            }
        }
        Ok(refused)
    }

    /// What the family says is in force, or what it did.
    fn reply(
        &mut self,
        command: u8,
        attributes: &[u8],
        ledger: &Ledger,
        known: &mut Known,
    ) -> Result<()> {
        let status = reply::status(attributes);
        match u32::from(command) {
            uapi::CAMZONE_CMD_POLICY_BEGIN => {
                self.may_have_open = true;
                Ok(())
            }
            uapi::CAMZONE_CMD_POLICY_COMMIT => {
                if !std::mem::take(&mut self.may_have_open) {
                    return Err(Error::other("a commit was accepted without a transaction"));
                }
                ledger.made(known, status.generation, status.digest)
            }
            uapi::CAMZONE_CMD_DISARM => ledger.made(known, status.generation, None),
            uapi::CAMZONE_CMD_STATUS_GET => ledger.seen(known, status.generation, &status.digest),
            _ => match status.digest {
                // The first message of a dump has it.
                Some(_) => ledger.seen(known, status.generation, &status.digest),
                None => Ok(()),
            },
        }
        .map_err(Error::other)
    }

    /// An acknowledgement, of one of our messages or of what a length that lies made of one: that
    /// may be for another family, or for none.
    fn end(&mut self, role: Role, errno: i32, message: Option<&Message>) -> Result<()> {
        let Some(message) = message else {
            return Ok(());
        };
        let command = u32::from(message.command);
        match errno {
            // (What is no request is acknowledged, and not looked at.)
            0 if command == uapi::CAMZONE_CMD_POLICY_ABORT && message.flags & REQUEST != 0 => {
                self.may_have_open = false;
            }
            // Nothing is left of a transaction after this.
            libc::EBADFD => self.may_have_open = false,
            _ => {}
        }
        let expected = match (role, errno) {
            (Role::Nobody, 0) => message.flags & REQUEST == 0,
            (Role::Nobody, errno) => [libc::EPERM, libc::EOPNOTSUPP, libc::EINVAL].contains(&errno),
            (_, errno) => errno == 0 || REFUSALS.contains(&errno),
        };
        if expected {
            return Ok(());
        }
        let error = Error::from_raw_os_error(errno);
        let what = format!("command {command} was answered: {error}");
        Err(Error::other(what))
    }
}

/// Begins with what is in force now.
fn ledger(peer: &mut Peer) -> Result<Ledger> {
    let status = status(peer)?;
    let idle = status.state == State::Idle;
    Ok(Ledger::new(status.generation, status.digest, idle))
}

fn status(peer: &mut Peer) -> Result<Status> {
    let answers = peer.ask(Message::new(uapi::CAMZONE_CMD_STATUS_GET, Vec::new()))?;
    let mut replies = answers.iter().filter_map(|answer| match answer {
        Answer::Reply { attributes, .. } => Some(reply::status(attributes)),
        Answer::End { .. } => None,
    });
    replies
        .next()
        .ok_or_else(|| Error::other("status is not answered"))
}

/// Sees what is in force, by a socket that has nothing to do with the attack.
fn look(observer: &mut Peer, ledger: &Ledger, tally: &mut Tally) -> Result<()> {
    let mut known = ledger.known();
    let status = status(observer)?;
    tally.looks += 1;
    if (status.state == State::Armed) != status.digest.is_some() {
        return Err(Error::other(
            "a digest is there without a policy, or the other way round",
        ));
    }
    if status.state == State::Idle && !ledger.may_be_idle(status.generation) {
        return Err(Error::other("nothing is guarded any more"));
    }
    let seen = ledger.seen(&mut known, status.generation, &status.digest);
    seen.map_err(Error::other)
}

/// Reads the whole policy: its digest, computed here, is the one that its generation has.
fn read_whole(ledger: &Ledger, tally: &mut Tally) -> Result<()> {
    let gone = || Error::other("the family is gone");
    let broken = |e| Error::other(format!("the policy in force cannot be read: {e:?}"));
    let family = Family::find().map_err(broken)?.ok_or_else(gone)?;
    let mut known = ledger.known();
    let mut messages = Vec::new();
    for message in family.policy().map_err(broken)? {
        match message {
            Ok(message) => messages.push(message),
            // Others were faster.
            Err(camzone_ctl::netlink::socket::Error::Changing) => return Ok(()),
            Err(e) => return Err(broken(e)),
        }
    }
    let Some((settings, items)) = messages.split_first() else {
        return Ok(());
    };
    let policy = rebuilt(settings, items)?;
    let mut hash = Sha256::new();
    let mut index = 0;
    while let Some(item) = dump::item(&policy, index) {
        let mut bytes = Vec::new();
        let written = dump::write(&policy, item, None, &mut bytes);
        written.map_err(|e| Error::other(format!("{e:?}")))?;
        hash.update(&bytes);
        index += 1;
    }
    tally.whole += 1;
    let digest = Some(hash.finalize().to_vec());
    let generation = reply::status(settings).generation;
    let seen = ledger.seen(&mut known, generation, &digest);
    seen.map_err(|e| Error::other(format!("read whole: {e}")))
}

/// The policy that a dump's messages would make if they were sent back.
fn rebuilt(settings: &[u8], items: &[Vec<u8>]) -> Result<policy::Policy<Heap>> {
    let none = |e| Error::other(format!("the policy in force is none: {e:?}"));
    // Without what only the kernel says.
    let part = |message: &[u8]| {
        let mut part = Vec::new();
        for attribute in Attributes::new(message).map_while(std::result::Result::ok) {
            let kind = u32::from(attribute.kind);
            if kind != uapi::CAMZONE_A_GENERATION && kind != uapi::CAMZONE_A_DIGEST {
                let end = attribute.at + HEADER + attribute.payload.len();
                part.extend_from_slice(message.get(attribute.at..end).unwrap_or(&[]));
                part.resize(part.len().next_multiple_of(4), 0);
            }
        }
        part
    };
    let mut draft = Draft::<Heap>::begin(&part(settings)).map_err(none)?;
    for item in items {
        draft.add(&part(item)).map_err(none)?;
    }
    draft.finish().map_err(none)
}
