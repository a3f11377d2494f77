//! How the calls through a policy ended, counted so that threads do not slow each other down.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crossbeam_utils::CachePadded;

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

/// A call that was begun. Dropped before its end, it counts as what it was begun with.
#[derive(Debug)]
pub(super) struct Begun<'a> {
    outcomes: &'a Outcomes,
    outcome: usize,
}

impl<'a> Begun<'a> {
    pub(super) fn new(outcomes: &'a Outcomes, cancelled: usize) -> Self {
        Self { outcomes, outcome: cancelled }
    }

    pub(super) fn end(mut self, outcome: usize) {
        self.outcome = outcome;
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.outcomes.count(self.outcome);
    }
}
