// SPDX-License-Identifier: GPL-2.0

//! A policy on its way in: `policy-begin`, `policy-add`, `policy-commit` and `policy-abort`.

use super::{
    commit,
    message::Reply,
    request::{
        errno,
        Do,
        Request, //
    },
    status::{
        write_digest,
        write_state, //
    },
    transaction::{
        self,
        Transaction, //
    },
};
use crate::{
    bindings,
    netfilter::namespace::Saved, //
};
use camzone_policy::{
    attribute::{
        kind,
        Attribute, //
    },
    draft::Draft,
    uapi, //
};
use kernel::prelude::*;

/// What a request is told whose socket has no transaction.
fn none_open(request: &Request<'_>) -> Error {
    let why = format_args!("no transaction is open on this socket");
    request.refuse(errno(bindings::EBADFD), None, why)
}

/// `policy-begin`
pub(super) struct PolicyBegin;

impl PolicyBegin {
    /// The sysctls in a `saved`.
    fn saved<'a>(request: &Request<'a>, nest: &Attribute<'a>) -> Result<Saved> {
        let (mut ipv4, mut ipv6) = (None, None);
        request.each_once_in(nest, |attribute| {
            match u32::from(attribute.kind) {
                uapi::CAMZONE_A_SAVED_IPV4 => ipv4 = attribute.u32(),
                uapi::CAMZONE_A_SAVED_IPV6 => ipv6 = attribute.u32(),
                _ => {}
            }
            Ok(())
        })?;
        match (ipv4, ipv6) {
            (Some(ipv4), Some(ipv6)) => Ok(Saved { ipv4, ipv6 }),
            _ => {
                let why = format_args!("ipv4 or ipv6 is missing");
                Err(request.refuse(EINVAL, Some(nest.at), why))
            }
        }
    }

    fn too_many(request: &Request<'_>) -> Error {
        let most = transaction::MOST;
        request.refuse(
            EBUSY,
            None,
            format_args!("{most} transactions are open already"),
        )
    }
}

impl Do for PolicyBegin {
    const COMMAND: u8 = uapi::CAMZONE_CMD_POLICY_BEGIN as u8;

    fn run(request: &Request<'_>) -> Result {
        let mut saved = None;
        request.each_once(|attribute| {
            match u32::from(attribute.kind) {
                uapi::CAMZONE_A_DEFAULTS => request.each_once_in(attribute, |_| Ok(()))?,
                uapi::CAMZONE_A_SAVED => saved = Some(Self::saved(request, attribute)?),
                _ => {}
            }
            Ok(())
        })?;
        let draft =
            Draft::begin(request.payload()).map_err(|fault| request.refuse_policy(fault))?;

        let mut reply = Reply::new(request, Reply::SMALL)?;
        let generation = request.namespace().status().generation;
        reply.write(|w| w.u32(kind(uapi::CAMZONE_A_GENERATION), generation))?;

        let transaction = Transaction::new(request.portid(), generation, saved, draft);
        let transaction = KBox::new(transaction, GFP_KERNEL_ACCOUNT)?;
        let replaced = request.namespace().transactions.lock().put(transaction);
        match replaced {
            // What the socket had open is forgotten, after the lock was let go.
            Ok(forgotten) => drop(forgotten),
            Err(EBUSY) => return Err(Self::too_many(request)),
            Err(errno) => return Err(errno),
        }
        // Should its queue be full, the sender hears so from its socket; the transaction is open.
        let _ = reply.send(request);
        Ok(())
    }
}

/// `policy-add`
pub(super) struct PolicyAdd;

impl Do for PolicyAdd {
    const COMMAND: u8 = uapi::CAMZONE_CMD_POLICY_ADD as u8;

    fn run(request: &Request<'_>) -> Result {
        let mut open = request.namespace().transactions.lock();
        let transaction = open
            .get(request.portid())
            .ok_or_else(|| none_open(request))?;
        let Err(fault) = transaction.draft.add(request.payload()) else {
            return Ok(());
        };
        let forgotten = open.take(request.portid());
        drop(open);
        drop(forgotten);
        Err(request.refuse_policy(fault))
    }
}

/// `policy-commit`: the transaction ends, whatever becomes of it.
pub(super) struct PolicyCommit;

impl Do for PolicyCommit {
    const COMMAND: u8 = uapi::CAMZONE_CMD_POLICY_COMMIT as u8;

    fn run(request: &Request<'_>) -> Result {
        let transaction = request
            .namespace()
            .transactions
            .lock()
            .take(request.portid());
        let transaction = transaction.ok_or_else(|| none_open(request))?;

        let mut check = false;
        let mut expected = None;
        request.each_once(|attribute| {
            match u32::from(attribute.kind) {
                uapi::CAMZONE_A_CHECK => check = true,
                uapi::CAMZONE_A_GENERATION => {
                    expected = attribute.u32().map(|number| (number, attribute.at));
                }
                _ => {}
            }
            Ok(())
        })?;

        // The answer must not be what fails once the policy is in force.
        let mut reply = Reply::new(request, Reply::SMALL)?;
        let status = commit::commit(request, KBox::into_inner(transaction), expected, check)?;
        reply.write(|w| {
            write_state(w, &status)?;
            write_digest(w, &status)
        })?;
        // Should its queue be full, the sender hears so from its socket; it is committed.
        let _ = reply.send(request);
        Ok(())
    }
}

/// `policy-abort`
pub(super) struct PolicyAbort;

impl Do for PolicyAbort {
    const COMMAND: u8 = uapi::CAMZONE_CMD_POLICY_ABORT as u8;

    fn run(request: &Request<'_>) -> Result {
        let transaction = request
            .namespace()
            .transactions
            .lock()
            .take(request.portid());
        transaction.map(drop).ok_or_else(|| none_open(request))
    }
}
