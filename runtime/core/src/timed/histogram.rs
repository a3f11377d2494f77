//! The histogram: written by many threads without a lock, read whenever somebody asks.
//!
//! Each of the first threads adds to a shard of its own by plain loads and stores; later threads share some shards by
//! atomic additions ([`Shard`] tells which). A shard is made when its thread first records here, and stays: from then on
//! a record allocates nothing.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crossbeam_utils::CachePadded;
use once_cell::race::OnceBox;

use super::buckets;
use super::latency::Latency;
use crate::stats::Shard;

/// Times in nanoseconds, by buckets that are read with an error of at most 1.6 %; the sum and the maximum are exact.
///
/// 160 bytes, and 9.6 KiB for each shard that was written to: one per thread, 20 at most.
pub(crate) struct Histogram {
    shards: [OnceBox<CachePadded<Part>>; Shard::COUNT],
}

/// What was recorded in one shard.
struct Part {
    buckets: [AtomicU64; buckets::COUNT],
    sum: AtomicU64,
    max: AtomicU64,
}

impl Histogram {
    pub(crate) const fn new() -> Self {
        Self { shards: [const { OnceBox::new() }; Shard::COUNT] }
    }

    #[inline]
    pub(crate) fn record(&self, nanos: u64) {
        let shard = Shard::own();
        let part = &self.shards[shard.index()];
        let part = match part.get() {
            Some(part) => part,
            None => first(part),
        };
        shard.add(&part.buckets[buckets::index(nanos)], 1);
        shard.add(&part.sum, nanos);
        if nanos > part.max.load(Relaxed) {
            part.max.fetch_max(nanos, Relaxed);
        }
    }

    /// What was recorded so far. A record that is under way may be in it in part: in the count and not yet in the sum.
    pub(crate) fn read(&self) -> Latency {
        let mut all = Latency::default();
        for part in self.shards.iter().filter_map(OnceBox::get) {
            let counts = part.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
            all += Latency::new(counts, part.sum.load(Relaxed), part.max.load(Relaxed));
        }
        all
    }
}

#[cold]
fn first(part: &OnceBox<CachePadded<Part>>) -> &CachePadded<Part> {
    part.get_or_init(|| {
        Box::new(CachePadded::new(Part {
            buckets: [const { AtomicU64::new(0) }; buckets::COUNT],
            sum: AtomicU64::new(0),
            max: AtomicU64::new(0),
        }))
    })
}

#[cfg(test)]
pub(crate) const PART_BYTES: usize = size_of::<CachePadded<Part>>();
