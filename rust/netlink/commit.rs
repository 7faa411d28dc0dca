// SPDX-License-Identifier: GPL-2.0

//! The last step of a transaction: from what was sent to a policy in force.

use super::{
    digest,
    request::{
        errno,
        Request, //
    },
    transaction::Transaction, //
};
use crate::memory::Kernel;
use crate::{
    bindings,
    netfilter::namespace::{
        CommitError,
        NewPolicy,
        Status, //
    }, //
};
use camzone_policy::{
    policy::Policy,
    tables::{
        CompileError,
        Compiled, //
    }, //
};
use kernel::{
    alloc::flags::GFP_KERNEL_ACCOUNT,
    prelude::*, //
};

/// Makes a policy of the transaction and puts it in force, or only finds out whether it could
/// be when `check` is set.
///
/// `expected` is the generation that is to be in force, and where the request says so; without
/// it, it is the one that was when the transaction began.
///
/// Everything that takes long is done before the namespace is locked.
#[inline(never)] // A policy is large, and so would be the caller's stack frame.
pub(super) fn commit(
    request: &Request<'_>,
    transaction: Transaction,
    expected: Option<(u32, usize)>,
    check: bool,
) -> Result<Status> {
    let Transaction {
        generation,
        saved,
        draft,
        ..
    } = transaction;
    let policy = draft
        .finish()
        .map_err(|fault| request.refuse_policy(fault))?;
    let (digest, rule_ids) =
        digest::of(&policy).map_err(|fault| request.refuse_policy(fault.into()))?;
    let compiled = boxed(policy).map_err(|fault| request.refuse_policy(fault.into()))?;
    let new = NewPolicy {
        compiled,
        digest,
        rule_ids,
        saved,
    };
    let (wanted, at) = match expected {
        Some((wanted, at)) => (wanted, Some(at)),
        None => (generation, None),
    };
    request
        .namespace()
        .commit(new, Some(wanted), check)
        .map_err(|error| match error {
            CommitError::Generation { expected, current } => request.refuse(
                errno(bindings::ESTALE),
                at,
                format_args!(
                    "generation is {current}, not {expected}: another commit came between"
                ),
            ),
            CommitError::Errno(errno) => errno,
        })
}

/// A policy with its tables, away from the stack.
#[inline(never)]
fn boxed(policy: Policy<Kernel>) -> Result<KBox<Compiled<Kernel>>, CompileError> {
    KBox::new(Compiled::new(policy)?, GFP_KERNEL_ACCOUNT).map_err(|_| CompileError::OutOfMemory)
}
