// SPDX-License-Identifier: GPL-2.0

//! A decision in one word, which a hook carries about in a register.

use super::{Cell, Decision, Guard, Reason, Verdict};
use crate::{
    memory::Memory,
    tables::{AnswerId, Compiled},
};

/// A verdict and what led to it: the reason's number in bits 0 to 7 (or [`NO_REASON`]), the verdict
/// in 8 and 9, what the upper half is in 16 and 17, and there the place of a cell or an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ruling(u64);

const NO_REASON: u64 = 0xff;
const DROP: u64 = 1 << 8;
const TELL: u64 = 1 << 9;
const CELL: u64 = 1 << 16;
const ANSWER: u64 = 1 << 17;

// A reason fits.
const _: () = assert!(Reason::COUNT < NO_REASON as usize);

impl Ruling {
    /// PRE_ROUTING has nothing against it.
    pub const GO_ON: Ruling = Ruling(NO_REASON);
    /// A deny that says so to the sender.
    pub(super) const REJECT: Ruling = Ruling(Self::drop(Reason::Denied).0 | TELL);

    #[inline(always)]
    pub(super) const fn accept(reason: Reason) -> Self {
        Ruling(reason.number() as u64)
    }

    #[inline(always)]
    pub(super) const fn drop(reason: Reason) -> Self {
        Ruling(reason.number() as u64 | DROP)
    }

    /// The same, of a flow in this cell.
    #[inline]
    pub(super) fn within<M: Memory>(self, compiled: &Compiled<M>, cell: Cell) -> Self {
        // There are fewer than 2^32: 65,535 zones would have as many.
        Ruling(self.0 | CELL | ((compiled.cell_index(cell) as u64) << 32))
    }

    /// The same, by this answer.
    #[inline(always)]
    pub(super) const fn by(self, answer: AnswerId) -> Self {
        Ruling(self.0 | ANSWER | ((answer as u64) << 32))
    }

    /// What becomes of the packet.
    #[inline(always)]
    pub const fn verdict(self) -> Verdict {
        if self.0 & DROP == 0 {
            Verdict::Accept
        } else if self.0 & TELL == 0 {
            Verdict::Drop
        } else {
            Verdict::Reject
        }
    }

    /// The answer, if it is an allow's that lets the packet pass.
    #[inline(always)]
    pub const fn allowed_by(self) -> Option<AnswerId> {
        if self.0 as u32 == Self::accept(Reason::Allowed).0 as u32 | ANSWER as u32 {
            Some((self.0 >> 32) as AnswerId)
        } else {
            None
        }
    }

    /// In full, under the guard that was asked.
    pub fn decision<M: Memory>(self, guard: &Guard<'_, M>) -> Decision {
        let place = (self.0 >> 32) as u32;
        let mut decision = Decision {
            verdict: self.verdict(),
            reason: Reason::of_number((self.0 & 0xff) as u32),
            cell: None,
            rule: None,
            answer: None,
        };
        if let Guard::Armed(compiled) = guard {
            if self.0 & CELL != 0 {
                decision.cell = Some(compiled.cell_at(place as usize));
            } else if self.0 & ANSWER != 0 {
                let answer = compiled.answer(place);
                decision.cell = answer.map(|answer| compiled.cell_at(answer.cell));
                decision.rule = answer.map(|answer| answer.rule);
                decision.answer = Some(place);
            }
        }
        decision
    }
}
