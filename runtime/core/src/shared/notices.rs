//! Log lines about the shared log, each counted and logged once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use redis::RedisError;

use super::stats::TierCounts;
use super::stream::StreamId;

/// Counts and logs events of the shared log.
pub(crate) struct Notices {
    counts: Arc<TierCounts>,
    /// The servers, as log lines name them.
    redis: String,
    /// The log's key.
    stream: String,
    logged_unreadable: AtomicBool,
    logged_lost: AtomicBool,
    /// True if the current refusals were logged.
    logged_refused: AtomicBool,
}

impl Notices {
    pub(crate) fn new(counts: Arc<TierCounts>, redis: String, stream: String) -> Self {
        let not_yet = || AtomicBool::new(false);
        let (logged_unreadable, logged_lost, logged_refused) = (not_yet(), not_yet(), not_yet());
        Self { counts, redis, stream, logged_unreadable, logged_lost, logged_refused }
    }

    #[cfg(test)]
    pub(super) fn counts(&self) -> super::stats::SharedStats {
        self.counts.snapshot()
    }

    /// Notes that the log started over.
    pub(super) fn reset(&self) {
        self.counts.resets.add();
        tracing::debug!(redis = self.redis, "the log starts over, and everything cached is stale");
    }

    /// Notes an entry that counts as everything, because it cannot be read. Logged once per process.
    pub(super) fn unreadable(&self, entry: StreamId) {
        self.counts.unreadable_entries.add();
        if !self.logged_unreadable.swap(true, Relaxed) {
            tracing::warn!(
                redis = self.redis, log = self.stream, %entry,
                "an entry of the log cannot be read, so everything cached is stale: let only fastness write to it, with a prefix for each application"
            );
        }
    }

    /// Notes that the log has lost the entry that this process read last. Logged once per process.
    pub(super) fn lost(&self) {
        if !self.logged_lost.swap(true, Relaxed) {
            tracing::warn!(
                redis = self.redis,
                log = self.stream,
                "the log has lost entries, so everything cached is stale: do not delete, trim or rename it, and set `maxmemory-policy` to `volatile-lfu`"
            );
        }
    }

    /// Notes that the server refused an append. Logged once until it accepts one.
    pub(crate) fn refused(&self, why: &RedisError) {
        if !self.logged_refused.swap(true, Relaxed) {
            tracing::warn!(
                redis = self.redis, log = self.stream, %why,
                "invalidations are refused by the shared tier and count in this process only: they are sent again until they are accepted"
            );
        }
    }

    /// Notes that the server accepted an append.
    pub(crate) fn accepted(&self) {
        if self.logged_refused.load(Relaxed) && self.logged_refused.swap(false, Relaxed) {
            tracing::info!(
                redis = self.redis,
                log = self.stream,
                "invalidations are accepted by the shared tier again"
            );
        }
    }
}
