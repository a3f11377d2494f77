//! One cached value, and the data by which it is judged.

use std::time::Duration;

use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::atomic::{AtomicU8, AtomicU64};

use super::deferred_drops;
use crate::key::Scopes;
use crate::key::scopes::Breadth;
use crate::log::{Epoch, Judgement, Log};

/// The count of hits stops here: S3-FIFO needs no more, and a hot entry is then no longer written to.
const MAX_HITS: u8 = 3;

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
}

impl Lifetime {
    /// Makes the lifetime of a value that is fresh until `expires` and never served stale.
    #[cfg(test)]
    pub(crate) fn fresh_until(expires: u64) -> Self {
        Self { load_time: 0, expires, early_from: expires, local_until: u64::MAX, served_until: expires }
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

/// A value in the local tier. The fields that a hit reads come first and are small, so that they share one or two cache lines with the key.
#[repr(C)]
pub(crate) struct Entry<V> {
    /// `Some` until the entry is dropped, which defers the `Drop` of the value.
    value: Option<V>,
    /// The time until which a hit may serve it; zero once a refresh record was found.
    fresh_until: AtomicU64,
    /// The position of the log up to which the entry was found current. Begins at the load's epoch, never at the insert's.
    checked: AtomicU64,
    root: u16,
    breadth: Breadth,
    hits: AtomicU8,
    /// The time at which it was stored, in seconds of the clock. It takes room that alignment leaves free.
    stored: u32,
    rest: Rest,
    /// Defers the drop of the value. A function pointer, because the `Drop` of an entry does not know that `V` is `'static`.
    defer_drop: fn(V),
}

/// The fields that a hit does not read.
struct Rest {
    /// The time before which the origin is not called again after a failure; see stale-if-error.
    retry_at: AtomicU64,
    start: LoadStart,
    life: Lifetime,
    scopes: Box<[u64]>,
}

/// A copy of an entry that was found valid.
#[derive(Clone, Debug)]
pub(crate) struct FoundEntry<V> {
    pub(crate) value: V,
    pub(crate) life: Lifetime,
    /// The time until which a hit may serve it; zero once a refresh record was found.
    pub(crate) fresh_until: u64,
    pub(crate) retry_at: u64,
    pub(crate) start: LoadStart,
    /// The time at which it was stored, in seconds of the clock.
    pub(crate) stored: u32,
}

impl<V> FoundEntry<V> {
    pub(crate) fn is_fresh(&self, now: u64) -> bool {
        now < self.life.expires.min(self.life.local_until) && !self.is_refreshed()
    }

    /// Returns the time since it was stored, in whole seconds.
    pub(crate) fn age(&self, now: u64) -> Duration {
        age(self.stored, now)
    }

    /// Returns whether a refresh record came after its load began, so that it is expired whatever its ttl.
    pub(crate) fn is_refreshed(&self) -> bool {
        self.fresh_until == 0
    }
}

impl<V> Entry<V> {
    /// Returns the number of its load.
    pub(crate) fn number(&self) -> u64 {
        self.rest.start.number
    }

    /// Returns the hash of its key's text, which is the first of its scopes.
    pub(super) fn text_hash(&self) -> u64 {
        self.rest.scopes.first().copied().unwrap_or_default()
    }
}

impl<V> Drop for Entry<V> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            (self.defer_drop)(value);
        }
    }
}

impl<V: Clone> Entry<V> {
    pub(crate) fn new(value: V, start: LoadStart, life: Lifetime, scopes: &Scopes) -> Self
    where
        V: 'static,
    {
        Self {
            value: Some(value),
            fresh_until: AtomicU64::new(life.early_from.min(life.expires).min(life.local_until)),
            checked: AtomicU64::new(start.epoch),
            root: scopes.root(),
            breadth: scopes.breadth(),
            hits: AtomicU8::new(0),
            stored: 0,
            rest: Rest { retry_at: AtomicU64::new(0), start, life, scopes: scopes.hashes().into() },
            defer_drop: deferred_drops::defer_drop,
        }
    }

    /// Returns the value if it is fresh and valid.
    #[inline]
    pub(crate) fn hit(&self, now: u64, log: &Log) -> Option<&V> {
        if now >= self.fresh_until.load(Relaxed) || self.judge(log) != Judgement::Current {
            return None;
        }
        self.count();
        self.value.as_ref()
    }

    /// Returns a copy of the entry if it is valid, fresh or not.
    pub(crate) fn get(&self, log: &Log) -> Option<FoundEntry<V>> {
        let value = self.value.as_ref().filter(|_| self.judge(log) != Judgement::Invalidated)?.clone();
        self.count();
        let (life, retry_at) = (self.rest.life, self.rest.retry_at.load(Relaxed));
        let (fresh_until, start) = (self.fresh_until.load(Relaxed), self.rest.start);
        Some(FoundEntry { value, life, fresh_until, retry_at, start, stored: self.stored })
    }

    /// Notes the time at which it is stored.
    pub(super) fn store_at(&mut self, now: u64) {
        self.stored = seconds(now);
    }

    /// Returns the time since it was stored, in whole seconds.
    pub(super) fn age(&self, now: u64) -> Duration {
        age(self.stored, now)
    }

    pub(super) fn stored(&self) -> u32 {
        self.stored
    }

    /// Returns the time for which it is fresh, zero if it is stale; `None` if it has no expiry.
    pub(super) fn ttl_left(&self, now: u64, log: &Log) -> Option<Duration> {
        let life = &self.rest.life;
        if self.judge(log) != Judgement::Current {
            return Some(Duration::ZERO);
        }
        (life.expires < u64::MAX).then(|| Duration::from_nanos(life.expires.saturating_sub(now)))
    }

    pub(crate) fn delay_next_load_until(&self, time: u64) {
        self.rest.retry_at.store(time, Relaxed);
    }

    pub(crate) fn hits(&self) -> u8 {
        self.hits.load(Relaxed)
    }

    pub(crate) fn set_hits(&self, hits: u8) {
        self.hits.store(hits, Relaxed);
    }

    /// Judges the entry. Reads the head before the table, so that a record which raises the head meanwhile is seen by the next check.
    #[inline]
    fn judge(&self, log: &Log) -> Judgement {
        let head = log.head(self.root, self.breadth);
        if head <= self.checked.load(Relaxed) { Judgement::Current } else { self.check(head, log) }
    }

    #[cold]
    fn check(&self, head: Epoch, log: &Log) -> Judgement {
        let judgement = log.judge(self.rest.start.epoch, &self.rest.scopes);
        match judgement {
            Judgement::Invalidated => {}
            // `checked` stays, so that a hit that has read the former `fresh_until` checks the log too.
            Judgement::Expired => self.fresh_until.store(0, Relaxed),
            Judgement::Current => {
                self.checked.fetch_max(head, Relaxed);
            }
        }
        judgement
    }

    /// Returns whether no reader can get the entry any more, given that readers serve entries for up to `grace` nanoseconds after their
    /// expiry. A refreshed entry is alive, because it may still be a stale fallback. Changes nothing and counts no verdict, because no
    /// caller asked for the entry.
    pub(crate) fn is_dead(&self, now: u64, grace: u64, log: &Log) -> bool {
        let is_current = || log.head(self.root, self.breadth) <= self.checked.load(Relaxed);
        let is_valid = || is_current() || log.still_valid(self.rest.start.epoch, &self.rest.scopes);
        now >= self.served_until(grace) || !is_valid()
    }

    /// Returns the time until which it may be served at all.
    pub(crate) fn served_until(&self, grace: u64) -> u64 {
        self.rest.life.served_until.max(self.rest.life.expires.saturating_add(grace))
    }

    #[inline]
    fn count(&self) {
        let hits = self.hits.load(Relaxed);
        if hits < MAX_HITS {
            self.hits.store(hits + 1, Relaxed);
        }
    }
}

fn age(stored: u32, now: u64) -> Duration {
    Duration::from_secs(seconds(now).saturating_sub(stored).into())
}

/// Converts a time of the clock to whole seconds, which 32 bits hold for 136 years.
fn seconds(nanos: u64) -> u32 {
    u32::try_from(nanos / 1_000_000_000).unwrap_or(u32::MAX)
}
