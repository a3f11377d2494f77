//! The data by which an entry is judged and found. It takes 56 bytes, because there is one for each entry; the fields that a hit reads come
//! first, so that they share a cache line with the key and a small value.

use std::sync::Arc;
use std::time::Duration;

use super::common::{EntryCommon, EntryEnds};
use super::rounded::{round_down, rounded};
use super::times::{Lifetime, LoadStart};
use crate::key::Scopes;
use crate::key::scopes::{Breadth, LogPart};
use crate::log::{EntryScopes, Epoch, Judgement, Log};
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};

/// The count of hits stops here: S3-FIFO needs no more, and a hot entry is then no longer written to.
const MAX_HITS: u8 = 3;

/// The largest time: an entry that is fresh until then has no expiry. It leaves the sign of the clock's numbers to `REFRESHED`.
const FOREVER: u64 = u64::MAX >> 1;

/// Marks the time of an entry that a refresh record overtook, which thereby lies before all times of the clock.
const REFRESHED: u64 = 1 << 63;

/// Bits of a rounded number of nanoseconds in 16 bits, and of a load's duration in 8 bits.
const AHEAD: u32 = 10;
const LOAD: u32 = 3;
/// Bits of a rounded number of bytes in 16 bits.
const WEIGHT: u32 = 10;

/// The data of an entry that does not depend on the type of its value.
#[repr(C)]
pub(super) struct EntryMeta {
    /// The time until which a hit may serve it, with `REFRESHED` once a refresh record was found. An entry that expires when it is idle is
    /// served beyond it by a hit that notes the read.
    fresh_until: AtomicU64,
    /// The epoch of its load, above 16 bits with the time from `fresh_until` to its expiry.
    began: u64,
    /// The number of positions after its epoch up to which the entry was found current. Begins at the load's epoch, never at the insert's.
    checked: AtomicU32,
    /// The hash of its key, as the index and the queue know it.
    hash: u32,
    /// The part of the log that may concern it.
    part: LogPart,
    hits: AtomicU8,
    /// The duration of its load, in units of 1 024 ns.
    load: u8,
    /// The time at which its load ended, as `loaded_at` counts it; until it is stored, its age in seconds.
    loaded: u32,
    /// The number of its load, above 16 bits with its weight.
    number: u64,
    /// The hash of its key's text, which is the first of its scopes.
    text: u64,
    common: Arc<EntryCommon>,
}

// The atomics of loom are larger.
#[cfg(not(fastness_loom))]
const _: () = assert!(size_of::<EntryMeta>() <= 56);

impl EntryMeta {
    pub(super) fn new(start: LoadStart, life: &Lifetime, scopes: &Scopes) -> Self {
        let (text, others) = scopes.hashes().split_first().map_or((0, [].as_slice()), |(text, others)| (*text, others));
        let expires = life.expires.min(FOREVER);
        // Zero says that a refresh record overtook it, and leaves the expiry as it is.
        let early_from = if life.early_from == 0 { expires } else { life.early_from.min(expires) };
        let ahead = round_down(expires - early_from, AHEAD);
        let (mut fresh_until, mut ends) = (expires - rounded(ahead, AHEAD), None);
        if life.local_until < expires || life.idle < u64::MAX {
            fresh_until = early_from.min(life.local_until);
            let local_until = life.local_until.min(FOREVER);
            ends = Some(EntryEnds {
                expires,
                local_until,
                fresh_until,
                idle: life.idle,
                unread_at: AtomicU64::new(u64::MAX),
            });
        }
        let refreshed = if life.early_from == 0 || fresh_until == 0 { REFRESHED } else { 0 };
        let grace = life.served_until.saturating_sub(life.expires);
        // Its six bits above the mantissa make nine.
        let load = u8::try_from(round_down(life.load_time.div_ceil(1_024), LOAD)).unwrap_or(u8::MAX);
        Self {
            fresh_until: AtomicU64::new(fresh_until | refreshed),
            began: start.epoch << 16 | ahead,
            checked: AtomicU32::new(0),
            hash: 0,
            part: scopes.log_part(),
            hits: AtomicU8::new(0),
            load,
            loaded: seconds(life.age),
            number: start.number << 16,
            text,
            common: EntryCommon::shared(others, grace, ends),
        }
    }

    /// Returns whether it is not past the time until which a hit may serve it, and valid.
    #[inline]
    pub(super) fn is_hit(&self, now: u64, log: &Log) -> bool {
        let is_past = now.cast_signed() >= self.fresh_until.load(Relaxed).cast_signed();
        if (is_past && !self.note_read(now)) || self.judge(log) != Judgement::Current {
            return false;
        }
        self.count();
        true
    }

    /// Notes a read, fresh or stale, of an entry that expires when it is idle. Returns whether it is an entry that a hit may serve.
    #[cold]
    pub(super) fn note_read(&self, now: u64) -> bool {
        let noted = self.fresh_until.load(Relaxed);
        let Some(ends) = &self.common.ends else { return false };
        if !ends.note_read(now) || noted & REFRESHED > 0 || now >= ends.fresh_until {
            return false;
        }
        if now >= noted {
            // A refresh record may have been found meanwhile.
            let _ = self.fresh_until.compare_exchange(noted, ends.after_read(now), Relaxed, Relaxed);
        }
        true
    }

    /// Returns the time at which it is dead if it is not read before.
    fn unread_at(&self) -> u64 {
        self.common.ends.as_ref().map_or(u64::MAX, |ends| ends.unread_at())
    }

    /// Returns whether it was not read for so long that it is no longer served.
    pub(super) fn is_unread(&self, now: u64) -> bool {
        now >= self.unread_at()
    }

    /// Judges the entry. Reads the head before the table, so that a record which raises the head meanwhile is seen by the next check.
    #[inline]
    pub(super) fn judge(&self, log: &Log) -> Judgement {
        let head = log.head(self.part);
        if head <= self.checked() { Judgement::Current } else { self.check(head, log) }
    }

    #[cold]
    fn check(&self, head: Epoch, log: &Log) -> Judgement {
        // At `checked` it was current.
        let EntryCommon { scopes: others, filter, .. } = &*self.common;
        let scopes = EntryScopes { key: self.text, others, filter: filter.as_ref() };
        let judgement = if log.spares(self.checked(), head, scopes) {
            Judgement::Current
        } else {
            log.judge(self.epoch(), self.scopes())
        };
        match judgement {
            Judgement::Invalidated => {}
            // `checked` stays, so that a hit that has read the former `fresh_until` checks the log too.
            Judgement::Expired => {
                self.fresh_until.fetch_or(REFRESHED, Relaxed);
            }
            Judgement::Current => {
                // An entry that lives for four thousand million records is judged at each hit from then on.
                if let Ok(later) = u32::try_from(head.saturating_sub(self.epoch())) {
                    self.checked.fetch_max(later, Relaxed);
                }
            }
        }
        judgement
    }

    /// Returns whether no reader can get the entry any more, given that readers serve entries for up to `grace` nanoseconds after their
    /// expiry. A refreshed entry is alive, because it may still be a stale fallback. Changes nothing and counts no verdict, because no
    /// caller asked for the entry.
    pub(super) fn is_dead(&self, now: u64, grace: u64, log: &Log) -> bool {
        let is_current = || log.head(self.part) <= self.checked();
        let is_valid = || is_current() || log.still_valid(self.epoch(), self.scopes());
        now >= self.served_until(grace) || !is_valid()
    }

    /// Returns the time until which it may be served at all.
    pub(super) fn served_until(&self, grace: u64) -> u64 {
        self.unread_at().min(self.expires().saturating_add(self.common.grace.max(grace)))
    }

    /// Returns the times that bound its use.
    pub(super) fn life(&self) -> Lifetime {
        let (expires, early_from) = (self.expires(), self.fresh_until());
        let local_until = self.common.ends.as_ref().map_or(u64::MAX, |ends| unbounded(ends.local_until));
        let idle = self.common.ends.as_ref().map_or(u64::MAX, |ends| ends.idle);
        let load_time = rounded(self.load.into(), LOAD).saturating_mul(1_024);
        let served_until = expires.saturating_add(self.common.grace);
        Lifetime { load_time, expires, early_from, local_until, served_until, age: 0, idle }
    }

    /// Returns the time until which a hit may serve it if it is read often enough; zero once a refresh record was found.
    pub(super) fn fresh_until(&self) -> u64 {
        let time = self.fresh_until.load(Relaxed);
        let exact = self.common.ends.as_ref().map_or(time, |ends| ends.fresh_until);
        if time & REFRESHED > 0 { 0 } else { unbounded(exact) }
    }

    /// Returns the time at which it expires, or `u64::MAX` if it does not.
    pub(super) fn expires(&self) -> u64 {
        let ahead = || rounded(self.began & 0xFFFF, AHEAD);
        let expires = match &self.common.ends {
            Some(ends) => ends.expires,
            None => (self.fresh_until.load(Relaxed) & !REFRESHED).saturating_add(ahead()),
        };
        unbounded(expires)
    }

    /// Returns the epoch and the number of its load.
    pub(super) fn start(&self) -> LoadStart {
        LoadStart { epoch: self.epoch(), number: self.number() }
    }

    pub(super) fn number(&self) -> u64 {
        self.number >> 16
    }

    /// Returns the bytes that it counts for, less a thousandth.
    pub(super) fn weight(&self) -> usize {
        usize::try_from(rounded(self.number & 0xFFFF, WEIGHT)).unwrap_or(usize::MAX)
    }

    /// Sets the bytes that it counts for.
    pub(super) fn set_weight(&mut self, bytes: usize) {
        self.number = self.number >> 16 << 16 | round_down(bytes as u64, WEIGHT);
    }

    /// Returns its scopes if there are tags among them.
    pub(super) fn tagged_scopes(&self) -> Vec<u64> {
        if self.part.breadth() == Breadth::Root { Vec::new() } else { self.scopes().copied().collect() }
    }

    /// Returns the hash of its key's text, which is the first of its scopes.
    pub(super) fn text_hash(&self) -> u64 {
        self.text
    }

    /// Returns the hash of its key, as the index knows it.
    #[inline]
    pub(super) fn hash(&self) -> u32 {
        self.hash
    }

    /// Notes the hash of its key.
    pub(super) fn set_hash(&mut self, hash: u32) {
        self.hash = hash;
    }

    /// Notes the time at which it is stored.
    pub(super) fn store_at(&mut self, now: u64) {
        self.loaded = loaded_at(now, self.loaded);
        if let Some(ends) = &self.common.ends {
            ends.store_at(now);
            let refreshed = self.fresh_until.load(Relaxed) & REFRESHED;
            self.fresh_until.store(ends.after_read(now) | refreshed, Relaxed);
        }
    }

    /// Returns the time at which its load ended, as [`age`] takes it.
    pub(super) fn loaded(&self) -> u32 {
        self.loaded
    }

    /// Returns the time since its load ended, in whole seconds.
    pub(super) fn age(&self, now: u64) -> Duration {
        age(self.loaded, now)
    }

    /// Returns the time for which it is fresh, zero if it is stale; `None` if it has no expiry.
    pub(super) fn ttl_left(&self, now: u64, log: &Log) -> Option<Duration> {
        let expires = self.expires();
        if self.judge(log) != Judgement::Current {
            return Some(Duration::ZERO);
        }
        (expires < u64::MAX).then(|| Duration::from_nanos(expires.saturating_sub(now)))
    }

    pub(super) fn hits(&self) -> u8 {
        self.hits.load(Relaxed)
    }

    pub(super) fn set_hits(&self, hits: u8) {
        self.hits.store(hits, Relaxed);
    }

    #[inline]
    pub(super) fn count(&self) {
        let hits = self.hits.load(Relaxed);
        if hits < MAX_HITS {
            self.hits.store(hits + 1, Relaxed);
        }
    }

    fn scopes(&self) -> impl Iterator<Item = &u64> + Clone {
        std::iter::once(&self.text).chain(&self.common.scopes)
    }

    #[inline]
    fn epoch(&self) -> Epoch {
        self.began >> 16
    }

    #[inline]
    fn checked(&self) -> Epoch {
        self.epoch() + u64::from(self.checked.load(Relaxed))
    }
}

/// Returns the time without end for an entry that has no expiry.
fn unbounded(time: u64) -> u64 {
    if time >= FOREVER { u64::MAX } else { time }
}

/// The number of the clock's start among times of loads, because another process may have loaded a value before the clock of this one
/// began.
const START: u32 = 1 << 31;

/// Returns the time at which a load ended that is some seconds old.
fn loaded_at(now: u64, age: u32) -> u32 {
    START.saturating_add(seconds(now)).saturating_sub(age)
}

/// Returns the time since a load ended, in whole seconds.
pub(super) fn age(loaded: u32, now: u64) -> Duration {
    Duration::from_secs(loaded_at(now, 0).saturating_sub(loaded).into())
}

/// Converts a time of the clock to whole seconds, which 32 bits hold for 136 years.
fn seconds(nanos: u64) -> u32 {
    u32::try_from(nanos / 1_000_000_000).unwrap_or(u32::MAX)
}
