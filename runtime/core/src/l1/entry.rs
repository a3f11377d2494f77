//! One cached value, with what it takes to judge it.

use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::atomic::{AtomicU8, AtomicU64};

use super::values;
use crate::key::Scopes;
use crate::key::scopes::Breadth;
use crate::log::{Epoch, Judgement, Log};

/// Hits are counted up to this; S3-FIFO needs no more, and a hot entry is then never written to.
const MAX_HITS: u8 = 3;

/// When a value is served, in nanoseconds of the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetime {
    /// How long its load took.
    pub(crate) load_time: u64,
    /// Until when it is fresh.
    pub(crate) expires: u64,
    /// From when on a hit may be asked to refresh it early; at most `expires`. Zero of a value that was refreshed before it came here.
    pub(crate) early_from: u64,
    /// Until when the in-process tier serves it without asking the shared one.
    pub(crate) local_until: u64,
    /// Until when it may be served at all, stale or in place of a failed load; at least `expires`.
    pub(crate) served_until: u64,
}

impl Lifetime {
    /// That of a value which is fresh until then, and never stale, and whose load took no time.
    #[cfg(test)]
    pub(crate) fn fresh_until(expires: u64) -> Self {
        Self { load_time: 0, expires, early_from: expires, local_until: u64::MAX, served_until: expires }
    }
}

/// Where a load began: what was invalidated later concerns its value, and of two loads the one with the larger number is newer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoadStart {
    /// The position in the log.
    pub(crate) epoch: Epoch,
    /// In the order in which the loads of one handle began.
    pub(crate) number: u64,
}

/// A value in the cache. What a hit reads comes first and is small, so that with its key it is on one cache line or two.
#[repr(C)]
pub(crate) struct Entry<V> {
    /// Always there, until the entry is dropped: then the value is left to whoever may run its `Drop`.
    value: Option<V>,
    /// Until when a hit may serve it without a further question; zero once it is known that it was refreshed.
    fresh_until: AtomicU64,
    /// The position of the log up to which it was found current. Begins at the load's epoch, never at the insert's.
    checked: AtomicU64,
    root: u16,
    breadth: Breadth,
    hits: AtomicU8,
    rest: Rest,
    /// What becomes of the value: here, where nothing is known of its type.
    leave: fn(V),
}

/// What a hit does not read.
struct Rest {
    /// Until when the origin is left alone after it failed; see stale-if-error.
    retry_at: AtomicU64,
    start: LoadStart,
    life: Lifetime,
    scopes: Box<[u64]>,
}

/// A copy of an entry that was found valid.
#[derive(Clone, Debug)]
pub(crate) struct Found<V> {
    pub(crate) value: V,
    pub(crate) life: Lifetime,
    /// Until when a hit may serve it without a further question; zero once it was refreshed.
    pub(crate) fresh_until: u64,
    pub(crate) retry_at: u64,
    pub(crate) start: LoadStart,
}

impl<V> Found<V> {
    pub(crate) fn is_fresh(&self, now: u64) -> bool {
        now < self.life.expires.min(self.life.local_until) && !self.is_refreshed()
    }

    /// Returns whether a refresh came after its load began, so that it is expired whatever the time.
    pub(crate) fn is_refreshed(&self) -> bool {
        self.fresh_until == 0
    }
}

impl<V> Entry<V> {
    /// The number of its load.
    pub(crate) fn number(&self) -> u64 {
        self.rest.start.number
    }

    /// The hash of its key's text: the key is the first of its scopes.
    pub(super) fn text_hash(&self) -> u64 {
        self.rest.scopes.first().copied().unwrap_or_default()
    }
}

impl<V> Drop for Entry<V> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            (self.leave)(value);
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
            rest: Rest { retry_at: AtomicU64::new(0), start, life, scopes: scopes.hashes().into() },
            leave: values::leave,
        }
    }

    /// The value, if it is fresh and valid.
    #[inline]
    pub(crate) fn hit(&self, now: u64, log: &Log) -> Option<&V> {
        if now >= self.fresh_until.load(Relaxed) || self.judge(log) != Judgement::Current {
            return None;
        }
        self.count();
        self.value.as_ref()
    }

    /// The value, if it is valid, fresh or not.
    pub(crate) fn look(&self, log: &Log) -> Option<Found<V>> {
        let value = self.value.as_ref().filter(|_| self.judge(log) != Judgement::Invalidated)?.clone();
        self.count();
        let (life, retry_at) = (self.rest.life, self.rest.retry_at.load(Relaxed));
        let (fresh_until, start) = (self.fresh_until.load(Relaxed), self.rest.start);
        Some(Found { value, life, fresh_until, retry_at, start })
    }

    pub(crate) fn leave_origin_alone_until(&self, time: u64) {
        self.rest.retry_at.store(time, Relaxed);
    }

    pub(crate) fn hits(&self) -> u8 {
        self.hits.load(Relaxed)
    }

    pub(crate) fn set_hits(&self, hits: u8) {
        self.hits.store(hits, Relaxed);
    }

    /// The head is read before the table: a record that raises the head meanwhile is then seen next time.
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
            // The position stays: a hit that has just read the former end of its freshness has to look here too.
            Judgement::Expired => self.fresh_until.store(0, Relaxed),
            Judgement::Current => {
                self.checked.fetch_max(head, Relaxed);
            }
        }
        judgement
    }

    /// Whether nobody can be served it any more, where readers serve entries for `grace` nanoseconds after their expiry. One that was
    /// refreshed may still stand in for a load that fails. Changes nothing, and counts no verdict: nobody asked for the entry.
    pub(crate) fn is_dead(&self, now: u64, grace: u64, log: &Log) -> bool {
        let is_current = || log.head(self.root, self.breadth) <= self.checked.load(Relaxed);
        let is_valid = || is_current() || log.still_valid(self.rest.start.epoch, &self.rest.scopes);
        now >= self.served_until(grace) || !is_valid()
    }

    /// Until when it may be served at all.
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
