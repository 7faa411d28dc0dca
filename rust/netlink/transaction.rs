// SPDX-License-Identifier: GPL-2.0

//! The transactions that are open in a namespace, one a socket.

use crate::{
    memory::Kernel,
    netfilter::namespace::Saved, //
};
use camzone_policy::draft::Draft;
use kernel::prelude::*;

/// How many transactions may be open in a namespace.
///
/// Each of them holds what a policy may hold at most; who may open one may do anything to the
/// namespace anyway.
pub(super) const MOST: usize = 16;

/// A policy on its way in.
pub(crate) struct Transaction {
    /// The socket it came by.
    portid: u32,
    /// The generation that was in force when it began.
    pub(super) generation: u32,
    /// The forwarding sysctls that are to be kept.
    pub(super) saved: Option<Saved>,
    /// What came so far.
    pub(super) draft: Draft<Kernel>,
}

impl Transaction {
    /// A transaction of the socket `portid`.
    pub(super) fn new(
        portid: u32,
        generation: u32,
        saved: Option<Saved>,
        draft: Draft<Kernel>,
    ) -> Self {
        Transaction {
            portid,
            generation,
            saved,
            draft,
        }
    }
}

/// The transactions of a namespace.
///
/// # Invariants
///
/// At most [`MOST`], and no two of one socket.
pub(crate) struct Transactions {
    open: KVec<Transaction>,
}

impl Transactions {
    /// None are open.
    pub(crate) fn new() -> Self {
        // INVARIANT: There are none.
        Transactions { open: KVec::new() }
    }

    /// Whether there is room for one more, other than the one of the socket `portid`.
    pub(super) fn has_room(&self, portid: u32) -> bool {
        self.open.iter().filter(|t| t.portid != portid).count() < MOST
    }

    /// The transaction of a socket.
    pub(super) fn get(&mut self, portid: u32) -> Option<&mut Transaction> {
        self.open.iter_mut().find(|t| t.portid == portid)
    }

    /// Takes the transaction of a socket out.
    pub(super) fn take(&mut self, portid: u32) -> Option<Transaction> {
        let place = self.open.iter().position(|t| t.portid == portid)?;
        self.open.remove(place).ok()
    }

    /// Puts a transaction in, and returns the one that the socket had.
    ///
    /// # Errors
    ///
    /// `EBUSY` when too many are open, `ENOMEM` when there is no memory; nothing is changed.
    pub(super) fn put(&mut self, transaction: Transaction) -> Result<Option<Transaction>> {
        if let Some(old) = self.get(transaction.portid) {
            return Ok(Some(core::mem::replace(old, transaction)));
        }
        if !self.has_room(transaction.portid) {
            return Err(EBUSY);
        }
        // INVARIANT: The socket had none, and there is room.
        self.open.push(transaction, GFP_KERNEL)?;
        Ok(None)
    }
}
