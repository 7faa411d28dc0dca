// SPDX-License-Identifier: GPL-2.0

//! Which rule answers for which service, between two places: disjoint spans of services, each
//! with the one answer that counts there.

use super::{
    hash::{Table, Value},
    AnswerId, CompileError,
};
use crate::memory::{count_before, runs, sort, List, Memory, OutOfMemory};

/// A service as a number: the protocol, then the port or type. 0 stands for what only services
/// of every protocol match.
pub(super) type ServiceKey = u32;

#[inline]
pub(super) fn service_key(protocol: u8, port: u16) -> ServiceKey {
    (u32::from(protocol) << 16) | u32::from(port)
}

/// No rule matches.
pub(super) const NO_ANSWER: AnswerId = AnswerId::MAX;

/// What is asked of a pair of places.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A flow between hosts, or to the router's own address.
    Usual,
    /// A flow to another address of the router, or to a group: an allow has to name it.
    Unusual,
    /// A flow to a broadcast address: a service has to say so.
    Broadcast,
}

/// One rule's service between two places.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) pair: u64,
    pub(super) answer: AnswerId,
    pub(super) first: ServiceKey,
    pub(super) last: ServiceKey,
}

/// From one service on, to the next span's.
#[derive(Clone, Copy)]
struct Span {
    first: ServiceKey,
    answer: AnswerId,
}

/// Some spans that follow each other.
#[derive(Clone, Copy)]
struct Run {
    start: u32,
    len: u32,
}

impl Value for Run {
    const NONE: Self = Run { start: 0, len: 0 };

    #[inline(always)]
    fn is_none(self) -> bool {
        self.len == 0
    }
}

/// The spans of all pairs of places.
pub(super) struct Spans<M: Memory> {
    // Of usual flows between whole zones, and the router: nearly every packet's.
    wholes: M::List<Run>,
    whole: usize,
    others: Table<u64, Run, M>,
    spans: M::List<Span>,
}

/// The key of a pair of places. There are fewer than 2^31 places.
#[inline]
pub(super) fn pair(kind: Kind, from: u32, to: u32) -> u64 {
    ((kind as u64) << 62) | (u64::from(from) << 31) | u64::from(to)
}

impl<M: Memory> Spans<M> {
    /// How many places are looked at for a pair, at most.
    pub(super) fn most_steps(&self) -> usize {
        self.others.most_steps()
    }

    /// Of entries in any order. Where several answers meet, the one with the lowest number counts.
    /// The first `whole` places are zones and the router.
    pub(super) fn new(entries: &mut [Entry], whole: usize) -> Result<Self, CompileError> {
        sort(entries, |a, b| {
            (a.pair, a.answer, a.first) < (b.pair, b.answer, b.first)
        });
        let sorted: &[Entry] = entries;
        let pairs = || runs(sorted, |a, b| a.pair == b.pair);
        let count = pairs().fold(0, |count: usize, _| count.saturating_add(1));
        let mut spans: Spans<M> = Spans {
            wholes: List::new(),
            whole,
            others: Table::new(count)?,
            spans: List::new(),
        };
        for _ in 0..whole.checked_mul(whole).ok_or(OutOfMemory)? {
            spans.wholes.push(Run::NONE)?;
        }
        let mut painter: Painter<M> = Painter::new();
        for entries in pairs() {
            let start = spans.spans.len();
            painter.paint(entries, &mut spans.spans)?;
            let len = spans.spans.len().wrapping_sub(start);
            let run = Run {
                start: u32::try_from(start).map_err(|_| OutOfMemory)?,
                len: u32::try_from(len).map_err(|_| OutOfMemory)?,
            };
            if let Some(entry) = entries.first() {
                spans.enter(entry.pair, run)?;
            }
        }
        Ok(spans)
    }

    fn enter(&mut self, pair: u64, run: Run) -> Result<(), CompileError> {
        let (kind, from, to) = (pair >> 62, pair << 2 >> 33, pair & ((1 << 31) - 1));
        let place = |place: u64| usize::try_from(place).ok().filter(|p| *p < self.whole);
        match (kind, place(from), place(to)) {
            (0, Some(from), Some(to)) => {
                let place = self.place(from, to);
                if let Some(whole) = self.wholes.get_mut(place) {
                    *whole = run;
                }
                Ok(())
            }
            _ => self.others.enter(pair, run),
        }
    }

    #[inline(always)]
    fn place(&self, from: usize, to: usize) -> usize {
        from.wrapping_mul(self.whole).wrapping_add(to)
    }

    /// The answer for a service, of a usual flow between two zones, or one and the router.
    #[inline(always)]
    pub(super) fn find_whole(&self, from: u32, to: u32, service: ServiceKey) -> AnswerId {
        match self.wholes.get(self.place(from as usize, to as usize)) {
            Some(run) => self.find_in(*run, service),
            None => NO_ANSWER,
        }
    }

    /// The answer between any other two places.
    #[inline(always)]
    pub(super) fn find(&self, pair: u64, service: ServiceKey) -> AnswerId {
        self.find_in(self.others.get(pair), service)
    }

    /// The answer of one pair for a service. As many steps as the number of spans has bits.
    #[inline(always)]
    fn find_in(&self, run: Run, service: ServiceKey) -> AnswerId {
        if run.is_none() {
            return NO_ANSWER;
        }
        // The first span begins at 0.
        let (mut low, mut len) = (run.start, run.len);
        while len > 1 {
            let half = len / 2;
            let middle = low.wrapping_add(half);
            match self.spans.get(middle as usize) {
                Some(span) if span.first <= service => low = middle,
                _ => {}
            }
            len = len.wrapping_sub(half);
        }
        self.spans
            .get(low as usize)
            .map_or(NO_ANSWER, |span| span.answer)
    }
}

/// Makes spans of entries that overlap.
struct Painter<M: Memory> {
    // Where something begins or ends, in order.
    points: M::List<ServiceKey>,
    // What counts between a point and the next.
    colours: M::List<AnswerId>,
    // The next segment behind this one, or itself, that may not be painted yet.
    next: M::List<usize>,
}

impl<M: Memory> Painter<M> {
    fn new() -> Self {
        Painter {
            points: List::new(),
            colours: List::new(),
            next: List::new(),
        }
    }

    /// Appends the spans of one pair, whose entries come in the order of their answers.
    fn paint(&mut self, entries: &[Entry], spans: &mut M::List<Span>) -> Result<(), OutOfMemory> {
        self.find_points(entries)?;
        for entry in entries {
            let end = self.place(entry.last.saturating_add(1));
            let mut segment = self.unpainted(self.place(entry.first));
            while segment < end {
                let behind = segment.saturating_add(1);
                if let Some(colour) = self.colours.get_mut(segment) {
                    *colour = entry.answer;
                }
                if let Some(next) = self.next.get_mut(segment) {
                    *next = behind;
                }
                segment = self.unpainted(behind);
            }
        }
        let mut last = None;
        for (first, answer) in self.points.iter().zip(self.colours.iter()) {
            if last != Some(*answer) {
                last = Some(*answer);
                let (first, answer) = (*first, *answer);
                spans.push(Span { first, answer })?;
            }
        }
        Ok(())
    }

    fn find_points(&mut self, entries: &[Entry]) -> Result<(), OutOfMemory> {
        self.points.clear();
        self.colours.clear();
        self.next.clear();
        let mut all: M::List<ServiceKey> = List::new();
        all.push(0)?;
        for entry in entries {
            all.push(entry.first)?;
            all.push(entry.last.saturating_add(1))?;
        }
        sort(&mut all, |a, b| a < b);
        for point in runs(&all, |a, b| a == b).filter_map(<[_]>::first) {
            self.next.push(self.points.len())?;
            self.points.push(*point)?;
            self.colours.push(NO_ANSWER)?;
        }
        // Behind the last segment.
        self.next.push(self.points.len())
    }

    /// The place of a point.
    fn place(&self, point: ServiceKey) -> usize {
        count_before(&self.points, |other| *other < point)
    }

    /// The first segment from there on that is not painted.
    fn unpainted(&mut self, from: usize) -> usize {
        let mut end = from;
        while let Some(next) = self.next.get(end).copied().filter(|next| *next != end) {
            end = next;
        }
        // The next who comes this way is there at once.
        let mut at = from;
        while let Some(next) = self.next.get_mut(at).filter(|next| **next != end) {
            at = core::mem::replace(next, end);
        }
        end
    }
}
