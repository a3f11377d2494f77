//! Counters of the shared tier.

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
        /// The counters, none of which includes another: two are never read at the same moment, so the difference of a total and its part
        /// could fall. [`snapshot`](Self::snapshot) makes the totals.
        #[derive(Debug, Default)]
        pub(crate) struct TierCounts {
            /// Reads that found no value.
            pub(crate) absent: Count,
            /// Commands that failed, other than by a timeout.
            other_errors: Count,
            $(pub(crate) $name: Count,)*
        }

        /// State and counters of the shared tier of one [`Fastness`](crate::Fastness); from [`Fastness::shared`](crate::Fastness::shared).
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct SharedStats {
            /// True if there is a connection, even if it is suspended because the server does not answer.
            pub connected: bool,
            /// True if every invalidation of this process is in the log, and the last heartbeat is recent enough that every local entry may
            /// be served.
            pub coherent: bool,
            /// True while the tier is not used, until a former master is gone; see [`Redis::takeover`](crate::Redis::takeover).
            pub settling: bool,
            /// True if the tier is not used because coherence cannot be guaranteed with this set-up; see
            /// [`Redis::allow_unsafe_servers`](crate::Redis::allow_unsafe_servers).
            pub refused: bool,
            /// Round-trip time of the last heartbeat that was answered; zero before the first.
            pub latency: Duration,
            /// Invalidations of this process that are not in the log yet. They are sent again until they are.
            pub in_doubt: usize,
            /// Reads that found no value, or one that may not be served.
            pub misses: u64,
            /// Commands that failed, timeouts included.
            pub errors: u64,
            $($(#[$doc])* pub $name: u64,)*
        }

        impl TierCounts {
            /// Counts a command that failed.
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
                stats.misses += stats.stale + stats.unreadable + stats.unknown_secret + stats.forged;
                stats.errors += stats.timeouts;
                stats
            }
        }
    };
}

counts! {
    /// Reads that found a value.
    hits,
    /// Reads that found an invalidated value; part of `misses`.
    stale,
    /// Reads that found a value which could not be read: damaged, foreign, of another version or type; part of `misses`.
    unreadable,
    /// Reads that found a value encrypted with a secret key that the keyring lacks ([`Redis::encrypt`](crate::Redis::encrypt)); part of
    /// `misses`.
    unknown_secret,
    /// Reads that found a value which its secret key did not encrypt for this key: changed, moved, or not encrypted; part of `misses`.
    forged,
    /// Values and absences stored. Neither removals nor leases count.
    stores,
    /// Values not stored because their encoded form exceeds the bound.
    too_large,
    /// Values not stored because they could not be encoded, or would decode to other values.
    unencodable,
    /// Values not stored because too many stores were in flight.
    store_overflows,
    /// Commands that ran into their timeout; part of `errors`.
    timeouts,
    /// Calls that did not use the shared tier because no connection answered.
    skipped,
    /// Invalidations that were in the log when the call that made them returned.
    announced,
    /// Invalidations that counted only in this process when the call that made them returned.
    local_only,
    /// Connections made.
    connects,
    /// Attempts to connect that failed.
    connect_errors,
    /// Times that a connection was suspended because the server did not answer, or its master may have had a successor.
    suspensions,
    /// Waits for a new master, whose predecessor could still have taken invalidations.
    takeovers,
    /// Times that everything cached became invalid because the log was new, was another server's, or had lost entries.
    resets,
    /// Entries of the log that could not be read. Each made everything cached invalid.
    unreadable_entries,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise an exported difference could fall, when a part is counted after its total.
    #[test]
    fn a_total_includes_its_parts_at_once() {
        let counts = TierCounts::default();
        counts.absent.add();
        counts.stale.add_many(2);
        counts.unreadable.add();
        counts.unknown_secret.add();
        counts.forged.add_many(2);
        counts.failed(&std::io::Error::from(std::io::ErrorKind::TimedOut).into());
        counts.failed(&std::io::Error::from(std::io::ErrorKind::BrokenPipe).into());
        let stats = counts.snapshot();
        assert_eq!((stats.misses, stats.stale, stats.unreadable), (7, 2, 1));
        assert_eq!((stats.errors, stats.timeouts), (2, 1));
    }
}
