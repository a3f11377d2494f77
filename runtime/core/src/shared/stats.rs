//! Counting what the shared tier does.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use redis::RedisError;

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    pub(crate) fn add_many(&self, count: usize) {
        self.0.fetch_add(count as u64, Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Counters of which none is part of another, because two are not read at one moment: a difference of them could fall. Sums are made
        /// by [`snapshot`](Self::snapshot).
        #[derive(Debug, Default)]
        pub(crate) struct TierCounts {
            /// Reads that found nothing.
            pub(crate) absent: Count,
            /// Commands that failed otherwise than by taking too long.
            other_errors: Count,
            $(pub(crate) $name: Count,)*
        }

        /// What the shared tier of one [`Fastness`](crate::Fastness) does; from [`Fastness::shared`](crate::Fastness::shared).
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct SharedStats {
            /// Whether there is a connection. It may be left alone at the moment because it does not answer.
            pub connected: bool,
            /// Whether every invalidation of this process is in the log, and the log's word is recent enough that everything
            /// in the in-process tier may be served.
            pub coherent: bool,
            /// True while the tier rests until a former master is gone; see [`Redis::takeover`](crate::Redis::takeover).
            pub settling: bool,
            /// True if the tier is not used because the promise cannot be kept with this set-up; see
            /// [`Redis::allow_unsafe_servers`](crate::Redis::allow_unsafe_servers).
            pub refused: bool,
            /// How long the last heartbeat took that was answered; zero before the first.
            pub latency: Duration,
            /// Invalidations that this process has not got into the log yet; it tries until it has.
            pub in_doubt: usize,
            /// Reads that found none, or one that may not be served.
            pub misses: u64,
            /// Commands that failed, timeouts included.
            pub errors: u64,
            $($(#[$doc])* pub $name: u64,)*
        }

        impl TierCounts {
            /// A command failed.
            pub(crate) fn failed(&self, error: &RedisError) {
                let count = if error.is_timeout() { &self.timeouts } else { &self.other_errors };
                count.add();
            }

            pub(crate) fn snapshot(&self) -> SharedStats {
                let mut stats = SharedStats {
                    connected: false,
                    coherent: false,
                    settling: false,
                    refused: false,
                    latency: Duration::ZERO,
                    in_doubt: 0,
                    misses: self.absent.get(),
                    errors: self.other_errors.get(),
                    $($name: self.$name.get(),)*
                };
                stats.misses += stats.stale + stats.unreadable;
                stats.errors += stats.timeouts;
                stats
            }
        }
    };
}

counts! {
    /// Reads that found a value.
    hits,
    /// Values found that had been invalidated; part of `misses`.
    stale,
    /// Values found that could not be read: damaged, foreign, of another version or type; part of `misses`.
    unreadable,
    /// Values stored.
    stores,
    /// Values not stored because their encoded form exceeds the bound.
    too_large,
    /// Values not stored because they could not be encoded, or would come back as others.
    unencodable,
    /// Values not stored because too many were on their way.
    store_overflows,
    /// Commands that took longer than allowed; part of `errors`.
    timeouts,
    /// Calls that went without the shared tier because there was no connection that answers.
    skipped,
    /// Invalidations that were in the log when the call that made them returned.
    announced,
    /// Invalidations that counted in this process only when the call that made them returned.
    local_only,
    /// Connections made.
    connects,
    /// Attempts to connect that failed.
    connect_errors,
    /// How often a connection was left alone because it did not answer, or because its master may have had a successor.
    suspensions,
    /// New masters that were waited for, because their predecessors could still have taken invalidations.
    takeovers,
    /// How often everything cached became stale because the log was new, was another server's, or had lost entries.
    resets,
    /// Entries of the log that could not be read; each made everything cached stale.
    unreadable_entries,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is exported is the difference, which falls where a part is counted after its sum.
    #[test]
    fn what_is_counted_is_in_its_sum_at_once() {
        let counts = TierCounts::default();
        counts.absent.add();
        counts.stale.add_many(2);
        counts.unreadable.add();
        counts.failed(&std::io::Error::from(std::io::ErrorKind::TimedOut).into());
        counts.failed(&std::io::Error::from(std::io::ErrorKind::BrokenPipe).into());
        let stats = counts.snapshot();
        assert_eq!((stats.misses, stats.stale, stats.unreadable), (4, 2, 1));
        assert_eq!((stats.errors, stats.timeouts), (2, 1));
    }
}
