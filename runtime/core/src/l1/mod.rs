//! The in-process tier: decoded, typed values, one bounded store per key template and type.
//!
//! May use: `clock`, `key`, `log`, `sync`.
//!
//! A read finds the entry by hashing the arguments where they are and comparing them with the stored ones: no lock, no
//! allocation, no key text. Beside the lock-free index stands a queue in shards, each under a mutex that only inserts of new keys
//! and the sweep take; it decides who goes when the store is full.
//!
//! | part | what it is |
//! |---|---|
//! | `index` | the entries by their keys, read without a lock |
//! | `entry` | one value, and what it takes to judge it |
//! | `room`, `s3fifo` | how many entries there may be, and which has to go |
//! | `budget` | the bound on all stores of a handle together |
//! | `sweep` | the thread that removes what is dead |
//! | `texts`, `by_text` | the entries by the texts of their keys, where direct calls ask for them |
//! | `common`, `any_store` | what the stores of a handle share; a store of any types |
//! | `retired`, `values` | what was removed, until it is freed; values, until their `Drop` may run |
//!
//! Invariants: an entry is judged by the log each time it is about to be served, so inserting one that was invalidated
//! meanwhile is harmless; a key whose value is replaced keeps its place in the queue; no value replaces one whose load began later.

use std::hash::{BuildHasher, Hasher};

use scc::Guard;

use crate::key::Hashed;
use crate::key::args::Args;
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::thread_is_ending;

mod any_store;
mod budget;
mod by_text;
mod common;
mod entry;
mod index;
mod retired;
mod room;
mod s3fifo;
mod sweep;
mod texts;
mod values;

pub(crate) use any_store::AnyStore;
pub(crate) use budget::Budget;
pub(crate) use common::Common;
pub(crate) use entry::{Entry, Found, Lifetime, LoadStart};
use index::{Index, Inserted, Retired};
pub(crate) use retired::free_earlier;
use retired::{RetiredCount, RetiredList};
use room::Room;
use s3fifo::{Residency, Residents};
#[cfg(all(test, fastness_loom))]
pub(crate) use sweep::Run;
pub(crate) use sweep::{call, watch};

/// Stores of no more entries say how many live now; larger ones, how many there were when the sweep last came by.
const COUNTED: usize = 4_096;

pub(crate) struct L1<K, V> {
    index: Index<K, V>,
    room: Room,
    retired: RetiredList<K, V>,
}

impl<K: Clone + Eq + 'static, V: Clone + 'static> L1<K, V> {
    pub(crate) fn new(capacity: usize, common: Common) -> Self {
        Self { index: Index::new(), room: Room::new(capacity, common), retired: RetiredList::new() }
    }

    /// Owns the arguments.
    pub(crate) fn own<A: Args<Owned = K>>(&self, args: &A) -> Hashed<K> {
        Hashed { hash: self.hash(args), args: args.own() }
    }

    #[inline]
    fn hash<A: Args<Owned = K>>(&self, args: &A) -> u64 {
        let mut hasher = self.room.common.hasher.build_hasher();
        args.feed(&mut hasher);
        hasher.finish()
    }

    /// The value for these arguments, if it is fresh and valid.
    // By force; see `engine::Local::hit`.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub(crate) fn hit<A: Args<Owned = K>>(&self, args: &A) -> Option<V> {
        if thread_is_ending() {
            return None;
        }
        let probe = ArgsProbe { hash: self.hash(args), args };
        let guard = Guard::new();
        let node = self.index.peek(probe.hash, &probe, &guard)?;
        node.entry.hit(self.room.common.clock.coarse(), &self.room.common.log).cloned()
    }

    /// What `with` makes of the value for these arguments, and of the time, if the value is fresh and valid. No lock is held.
    #[cfg(feature = "http")]
    #[inline]
    pub(crate) fn hit_with<A: Args<Owned = K>, R>(&self, args: &A, with: impl FnOnce(&V, u64) -> R) -> Option<R> {
        if thread_is_ending() {
            return None;
        }
        let probe = ArgsProbe { hash: self.hash(args), args };
        let (guard, now) = (Guard::new(), self.room.common.clock.coarse());
        let node = self.index.peek(probe.hash, &probe, &guard)?;
        node.entry.hit(now, &self.room.common.log).map(|value| with(value, now))
    }

    /// Most stores of absences and errors are, and those of values that are in the shared tier only.
    pub(crate) fn is_empty(&self) -> bool {
        self.room.len() == 0
    }

    /// The value of this key, if it is valid, fresh or not.
    pub(crate) fn look(&self, key: &Hashed<K>) -> Option<Found<V>> {
        if self.is_empty() || thread_is_ending() {
            return None;
        }
        self.peek(&KeyQuery::from_key(key), |entry| entry.look(&self.room.common.log)).flatten()
    }

    /// Marks an entry, valid or not.
    pub(crate) fn mark(&self, key: &Hashed<K>, mark: impl FnOnce(&Entry<V>)) {
        if !thread_is_ending() {
            self.peek(&KeyQuery::from_key(key), mark);
        }
    }

    fn peek<R>(&self, query: &KeyQuery<'_, K>, with: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        let guard = Guard::new();
        self.index.peek(query.hash, query, &guard).map(|node| with(&node.entry))
    }

    /// A load begins now.
    pub(crate) fn start(&self) -> LoadStart {
        // In this order, so that of two loads the one with the larger number has not the smaller epoch as a rule.
        let number = self.room.common.loads.fetch_add(1, Relaxed);
        LoadStart { epoch: self.room.common.log.position(), number }
    }

    /// Stores a value, unless there is one whose load began later.
    pub(crate) fn insert(&self, key: Hashed<K>, entry: Entry<V>) {
        if thread_is_ending() || !self.room.is_open() {
            drop(entry);
            return values::drop_left();
        }
        let (hash, until) = (key.hash, entry.served_until(self.room.grace()));
        let removed = match self.index.insert(key, entry) {
            Inserted::New(grown) => {
                self.room.admit(hash, until, self);
                grown
            }
            Inserted::Replaced(old) => {
                self.room.expect(until);
                Some(old)
            }
            Inserted::Refused(refused) => {
                drop(refused);
                values::drop_left();
                None
            }
        };
        self.retire(removed);
        self.see_to_retired();
        sweep::begin();
    }

    /// Removes a value, unless its load began later than the one with this number.
    pub(crate) fn remove(&self, key: &Hashed<K>, number: u64) {
        if self.is_usable() && self.remove_if(&KeyQuery::from_key(key), &mut |entry| entry.number() <= number) {
            self.room.forget();
            self.see_to_retired();
        }
    }

    fn remove_if(&self, query: &KeyQuery<'_, K>, goes: &mut dyn FnMut(&Entry<V>) -> bool) -> bool {
        let removed = self.index.remove(query.hash, query, goes);
        let any = removed.is_some();
        self.retire(removed);
        any
    }

    fn retire(&self, removed: Option<Retired<K, V>>) {
        if let Some(removed) = removed {
            self.retired.push(removed);
        }
    }

    /// Returns whether this thread may take its locks.
    fn is_usable(&self) -> bool {
        !thread_is_ending() && !self.room.is_left_locked()
    }

    /// Sees to it that what was removed is freed. With no lock held.
    fn see_to_retired(&self) {
        match self.retired.waiting() {
            RetiredCount::Few => {}
            RetiredCount::Many => sweep::call(),
            RetiredCount::TooMany => {
                self.retired.free();
            }
        }
    }

    /// Whether there is a value whose load began later than the one with this number.
    pub(crate) fn has_newer(&self, key: &Hashed<K>, number: u64) -> bool {
        let newer = |entry: &Entry<V>| entry.number() > number;
        !self.is_empty() && !thread_is_ending() && self.peek(&KeyQuery::from_key(key), newer).unwrap_or_default()
    }

    /// Tells of a reader that serves entries for so long after their expiry, in nanoseconds.
    pub(crate) fn extend_grace(&self, nanos: u64) {
        self.room.extend_grace(nanos);
    }

    /// Returns whether nobody can be served this entry any more.
    fn is_dead(&self, entry: &Entry<V>) -> bool {
        let common = &self.room.common;
        entry.is_dead(common.clock.coarse(), self.room.grace(), &common.log)
    }

    pub(crate) fn common(&self) -> &Common {
        &self.room.common
    }
}

impl<K, V> Drop for L1<K, V> {
    fn drop(&mut self) {
        if self.room.is_left_locked() {
            return;
        }
        let retired = &self.retired;
        self.index.take(|removed| retired.push(removed));
        self.retired.let_go();
    }
}

impl<K, V> std::fmt::Debug for L1<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("L1")
            .field("len", &self.room.len())
            .field("capacity", &self.room.capacity)
            .finish_non_exhaustive()
    }
}

impl<K, V> AnyStore for L1<K, V>
where
    K: Clone + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn len(&self) -> usize {
        self.room.len()
    }

    fn living(&self) -> usize {
        let len = self.room.len();
        if len > COUNTED || thread_is_ending() || !self.room.may_have_dead() {
            return len;
        }
        self.index.count(|entry| !self.is_dead(entry))
    }

    fn evictions(&self) -> u64 {
        self.room.evictions()
    }

    fn shrink_to(&self, entries: usize) {
        if self.is_usable() {
            self.room.shrink_to(entries, self);
        }
    }

    fn settle(&self) {
        if self.is_usable() {
            self.see_to_retired();
        }
    }

    fn set_sweeper(&self, process: u32) {
        self.room.set_sweeper(process);
    }

    fn sweep(&self) -> bool {
        if !self.is_usable() {
            return true;
        }
        if self.room.may_have_dead() {
            self.room.sweep(self);
        }
        if self.retired.is_empty() {
            return true;
        }
        self.index.shrink(|table| self.retired.push(table));
        self.retired.free()
    }

    fn free(&self) -> bool {
        !self.is_usable() || self.retired.is_empty() || self.retired.free()
    }

    fn is_swept(&self) -> bool {
        !self.is_usable() || self.room.len() == 0 && self.retired.is_empty()
    }
}

impl<K: Clone + Eq + 'static, V: Clone + 'static> Residents for L1<K, V> {
    fn residency(&self, hash: u64) -> Residency {
        let judged = |entry: &Entry<V>| {
            if self.is_dead(entry) {
                return Residency::Dead;
            }
            self.room.expect(entry.served_until(self.room.grace()));
            Residency::Living(entry.hits())
        };
        self.peek(&KeyQuery::by_hash(hash), judged).unwrap_or(Residency::Absent)
    }

    fn set_hits(&self, hash: u64, hits: u8) {
        self.peek(&KeyQuery::by_hash(hash), |entry| entry.set_hits(hits));
    }

    fn evict(&self, hash: u64) {
        if self.remove_if(&KeyQuery::by_hash(hash), &mut |_| true) {
            self.room.evicted();
        }
    }

    fn remove_dead(&self, hash: u64) -> bool {
        let mut lives = false;
        let mut goes = |entry: &Entry<V>| {
            lives = !self.is_dead(entry);
            !lives
        };
        if self.remove_if(&KeyQuery::by_hash(hash), &mut goes) {
            self.room.forget();
        }
        !lives
    }
}

/// A key that is looked up by borrowed arguments.
struct ArgsProbe<'a, A> {
    hash: u64,
    args: &'a A,
}

impl<A: Args> scc::Equivalent<Hashed<A::Owned>> for ArgsProbe<'_, A> {
    #[inline]
    fn equivalent(&self, key: &Hashed<A::Owned>) -> bool {
        self.hash == key.hash && self.args.same(&key.args)
    }
}

/// A key as all but the hit path look for it; one type, so that the index is compiled once for it.
struct KeyQuery<'a, K> {
    hash: u64,
    /// `None` as the queue knows a key. Two keys of one hash would take each other's place in it, and nothing else.
    args: Option<&'a K>,
}

impl<'a, K> KeyQuery<'a, K> {
    fn from_key(key: &'a Hashed<K>) -> Self {
        Self { hash: key.hash, args: Some(&key.args) }
    }

    fn by_hash(hash: u64) -> Self {
        Self { hash, args: None }
    }
}

impl<K: Eq> scc::Equivalent<Hashed<K>> for KeyQuery<'_, K> {
    fn equivalent(&self, key: &Hashed<K>) -> bool {
        self.hash == key.hash && self.args.is_none_or(|args| *args == key.args)
    }
}

#[cfg(test)]
mod tests;
