//! The histogram: written by many threads without a lock, read on demand.
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
    shards: [OnceBox<CachePadded<HistogramShard>>; Shard::COUNT],
}

/// The records of one shard.
struct HistogramShard {
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
        let shard = Shard::current();
        let slot = &self.shards[shard.index()];
        let records = match slot.get() {
            Some(records) => records,
            None => allocate(slot),
        };
        shard.add(&records.buckets[buckets::index(nanos)], 1);
        shard.add(&records.sum, nanos);
        if nanos > records.max.load(Relaxed) {
            records.max.fetch_max(nanos, Relaxed);
        }
    }

    /// Returns the records so far. A record that is being written may be included in part: in the count and not yet in the sum.
    pub(crate) fn read(&self) -> Latency {
        let mut all = Latency::default();
        for shard in self.shards.iter().filter_map(OnceBox::get) {
            let counts = shard.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
            all += Latency::new(counts, shard.sum.load(Relaxed), shard.max.load(Relaxed));
        }
        all
    }
}

#[cold]
fn allocate(slot: &OnceBox<CachePadded<HistogramShard>>) -> &CachePadded<HistogramShard> {
    slot.get_or_init(|| {
        Box::new(CachePadded::new(HistogramShard {
            buckets: [const { AtomicU64::new(0) }; buckets::COUNT],
            sum: AtomicU64::new(0),
            max: AtomicU64::new(0),
        }))
    })
}

#[cfg(test)]
pub(crate) const SHARD_BYTES: usize = size_of::<CachePadded<HistogramShard>>();
