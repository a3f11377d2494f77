//! How the calls through a policy ended, counted so that threads do not slow each other down.

use std::mem;
use std::pin::Pin;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use crossbeam_utils::CachePadded;
use pin_project_lite::pin_project;

use super::guarded::{Early, Ends};
use crate::stats::Shard;

/// As many different endings as a shard holds without touching another's cache line.
const MOST: usize = 8;

/// A count for each way in which a call can end.
#[derive(Debug)]
pub(super) struct Outcomes {
    names: &'static [&'static str],
    shards: Box<[CachePadded<[AtomicU64; MOST]>]>,
}

impl Outcomes {
    /// The names are those of the snapshot; whoever counts says which by its place among them.
    pub(super) fn new(names: &'static [&'static str]) -> Self {
        debug_assert!(names.len() <= MOST);
        Self { names, shards: (0..Shard::COUNT).map(|_| CachePadded::default()).collect() }
    }

    #[inline]
    pub(super) fn count(&self, which: usize) {
        let shard = Shard::own();
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

/// A call that was begun. It counts when it is dropped: as what it ended with, or else as cancelled or panicked.
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

    /// Runs a part of the call. If it panics, so did the call.
    pub(super) fn run<T>(&mut self, part: impl FnOnce() -> T) -> T {
        let unwinding = Unwinding(self);
        let ended = part();
        mem::forget(unwinding);
        ended
    }

    /// Waits for a part of the call. If it panics, so did the call.
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
    /// A part of a call that is waited for.
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

/// Is dropped only where a part of a call panics.
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
