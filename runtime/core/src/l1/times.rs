//! The times of an entry, and the start of its load.

use crate::log::Epoch;

/// The times that bound the use of a value, in nanoseconds of the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetime {
    /// The duration of its load.
    pub(crate) load_time: u64,
    /// The time until which it is fresh.
    pub(crate) expires: u64,
    /// The time from which a hit may refresh it early, at most `expires`. Zero if a refresh record overtook it before it was stored here.
    pub(crate) early_from: u64,
    /// The time until which the local tier serves it without asking the shared tier.
    pub(crate) local_until: u64,
    /// The time until which it may be served at all, as a stale value or a stale fallback; at least `expires`.
    pub(crate) served_until: u64,
    /// The age of the value when it is stored here: the time since its load ended, which another process may have made.
    pub(crate) age: u64,
    /// The time without a read after which it is no longer served, `u64::MAX` for none.
    pub(crate) idle: u64,
}

impl Lifetime {
    /// Makes the lifetime of a value that is fresh until `expires` and never served stale.
    #[cfg(test)]
    pub(crate) fn fresh_until(expires: u64) -> Self {
        Self {
            load_time: 0,
            expires,
            early_from: expires,
            local_until: u64::MAX,
            served_until: expires,
            age: 0,
            idle: u64::MAX,
        }
    }
}

/// The start of a load. Records with a later epoch concern its value, and of two loads the one with the larger number is newer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoadStart {
    /// The position in the log.
    pub(crate) epoch: Epoch,
    /// The number of the load among all loads of one handle, in the order of their starts.
    pub(crate) number: u64,
}
