//! Notices about the log to its operators: counted, and logged once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use redis::RedisError;

use super::stats::TierCounts;
use super::stream::StreamId;

pub(crate) struct Notices {
    counts: Arc<TierCounts>,
    /// The servers, as logs name them.
    redis: String,
    /// The log's key.
    stream: String,
    told_unreadable: AtomicBool,
    told_lost: AtomicBool,
    /// True if the refusals under way were told.
    told_refused: AtomicBool,
}

impl Notices {
    pub(crate) fn new(counts: Arc<TierCounts>, redis: String, stream: String) -> Self {
        let not_yet = || AtomicBool::new(false);
        let (told_unreadable, told_lost, told_refused) = (not_yet(), not_yet(), not_yet());
        Self { counts, redis, stream, told_unreadable, told_lost, told_refused }
    }

    #[cfg(test)]
    pub(super) fn counts(&self) -> super::stats::SharedStats {
        self.counts.snapshot()
    }

    /// The log began anew.
    pub(super) fn reset(&self) {
        self.counts.resets.add();
        tracing::debug!(redis = self.redis, "the log begins anew, and everything cached is stale");
    }

    /// An entry of the log counts as everything because it cannot be read. Told once for each process.
    pub(super) fn unreadable(&self, entry: StreamId) {
        self.counts.unreadable_entries.add();
        if !self.told_unreadable.swap(true, Relaxed) {
            tracing::warn!(
                redis = self.redis, log = self.stream, %entry,
                "an entry of the log cannot be read, so everything cached is stale: let only fastness write to it, with a prefix for each application"
            );
        }
    }

    /// The log no longer has what this process read last. Told once for each process.
    pub(super) fn lost(&self) {
        if !self.told_lost.swap(true, Relaxed) {
            tracing::warn!(
                redis = self.redis,
                log = self.stream,
                "the log has lost entries, so everything cached is stale: do not delete, trim or rename it, and set `maxmemory-policy` to `volatile-lfu`"
            );
        }
    }

    /// The server refuses to append. Told once until it appends again.
    pub(crate) fn refused(&self, why: &RedisError) {
        if !self.told_refused.swap(true, Relaxed) {
            tracing::warn!(
                redis = self.redis, log = self.stream, %why,
                "invalidations are refused by the shared tier and count in this process only: they are sent again until they are accepted"
            );
        }
    }

    /// The server appends.
    pub(crate) fn accepted(&self) {
        if self.told_refused.load(Relaxed) && self.told_refused.swap(false, Relaxed) {
            tracing::info!(
                redis = self.redis,
                log = self.stream,
                "invalidations are accepted by the shared tier again"
            );
        }
    }
}
