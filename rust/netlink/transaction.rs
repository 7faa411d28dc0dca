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

/// The transactions of a namespace, each in a place of its own.
///
/// # Invariants
///
/// No two of them are of one socket.
pub(crate) struct Transactions {
    open: [Option<KBox<Transaction>>; MOST],
}

impl Transactions {
    /// None are open.
    pub(crate) fn new() -> Self {
        // INVARIANT: There are none.
        Transactions {
            open: [const { None }; MOST],
        }
    }

    /// The place of the transaction of a socket.
    fn place(&mut self, portid: u32) -> Option<&mut Option<KBox<Transaction>>> {
        let of_socket = |t: &KBox<Transaction>| t.portid == portid;
        self.open
            .iter_mut()
            .find(|place| place.as_ref().is_some_and(of_socket))
    }

    /// The transaction of a socket.
    pub(super) fn get(&mut self, portid: u32) -> Option<&mut Transaction> {
        Some(self.place(portid)?.as_mut()?)
    }

    /// Takes the transaction of a socket out.
    pub(super) fn take(&mut self, portid: u32) -> Option<KBox<Transaction>> {
        self.place(portid)?.take()
    }

    /// Puts a transaction in, and returns the one that the socket had.
    ///
    /// # Errors
    ///
    /// `EBUSY` when all places are taken; nothing is changed.
    pub(super) fn put(
        &mut self,
        transaction: KBox<Transaction>,
    ) -> Result<Option<KBox<Transaction>>> {
        if let Some(old) = self.place(transaction.portid) {
            return Ok(old.replace(transaction));
        }
        // INVARIANT: The socket has none.
        match self.open.iter_mut().find(|place| place.is_none()) {
            Some(place) => {
                *place = Some(transaction);
                Ok(None)
            }
            None => Err(EBUSY),
        }
    }
}
