//! Counters of the outcomes of calls through a policy, in one shard per thread.

use std::mem;
use std::pin::Pin;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use crossbeam_utils::CachePadded;
use pin_project_lite::pin_project;

use super::guarded::{Early, Ends};
use crate::stats::Shard;

/// The maximum number of outcomes: as many as a shard holds within its cache line.
const MAX_OUTCOMES: usize = 8;

/// A counter for each outcome of a call.
#[derive(Debug)]
pub(super) struct Outcomes {
    names: &'static [&'static str],
    shards: Box<[CachePadded<[AtomicU64; MAX_OUTCOMES]>]>,
}

impl Outcomes {
    /// Creates counters with these names, which are those of the snapshot. A counter is addressed by the index of its name.
    pub(super) fn new(names: &'static [&'static str]) -> Self {
        debug_assert!(names.len() <= MAX_OUTCOMES);
        Self { names, shards: (0..Shard::COUNT).map(|_| CachePadded::default()).collect() }
    }

    #[inline]
    pub(super) fn count(&self, which: usize) {
        let shard = Shard::current();
        let number = &self.shards[shard.index()][which];
        shard.add(number, 1);
    }

    pub(super) fn get(&self, which: usize) -> u64 {
        self.shards.iter().map(|shard| shard[which].load(Relaxed)).sum()
    }

    pub(super) fn all(&self) -> Vec<(&'static str, u64)> {
        self.names.iter().enumerate().map(|(which, name)| (*name, self.get(which))).collect()
    }
}

/// A call that has begun. Its drop counts it: with its outcome, or without one as cancelled or panicked.
#[derive(Debug)]
pub(super) struct Begun<'a> {
    outcomes: &'a Outcomes,
    outcome: usize,
    panicked: usize,
}

impl<'a> Begun<'a> {
    pub(super) fn new(outcomes: &'a Outcomes, cancelled: usize, panicked: usize) -> Self {
        Self { outcomes, outcome: cancelled, panicked }
    }

    pub(super) fn end(&mut self, outcome: usize) {
        self.outcome = outcome;
    }

    /// Runs a part of the call. If it panics, the call counts as panicked.
    pub(super) fn run<T>(&mut self, part: impl FnOnce() -> T) -> T {
        let unwinding = Unwinding(self);
        let ended = part();
        mem::forget(unwinding);
        ended
    }

    /// Awaits a part of the call. If it panics, the call counts as panicked.
    pub(super) fn watch<F: Future>(&mut self, part: F) -> Watched<'_, 'a, F> {
        Watched { part, begun: self }
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.outcomes.count(self.outcome);
    }
}

pin_project! {
    /// A part of a call that is awaited.
    pub(super) struct Watched<'a, 'b, F> {
        #[pin]
        part: F,
        begun: &'a mut Begun<'b>,
    }
}

impl<F: Future> Future for Watched<'_, '_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.begun.run(|| this.part.poll(cx))
    }
}

/// A guard that is dropped only if a part of a call panics.
struct Unwinding<'a, 'b>(&'a mut Begun<'b>);

impl Drop for Unwinding<'_, '_> {
    fn drop(&mut self) {
        self.0.outcome = self.0.panicked;
    }
}

impl Ends for Begun<'_> {
    fn end_early(mut self, how: Early) {
        if how == Early::Panicked {
            self.outcome = self.panicked;
        }
    }
}
