//! The local tier: typed values in this process, in one bounded store per key template and type.
//!
//! A read hashes the borrowed arguments and compares them with the stored ones: no lock, no allocation, no key text. The index is
//! lock-free. Beside it, a queue in shards decides which entry is evicted when the store is full; each shard is under a mutex, which
//! only inserts of new keys, the sweep and a shrink take.
//!
//! | part | purpose |
//! |---|---|
//! | `index` | the entries by their keys, read without a lock |
//! | `changes`, `store_name`, `evicting` | the events of entries, with the names in them; evictions for one cause |
//! | `entry`, `meta` | one value, and the data by which it is judged |
//! | `times`, `common`, `rounded` | its times; the data that entries share; numbers in few bits |
//! | `weight` | the bytes that an entry counts for |
//! | `retries` | keys whose origin has failed |
//! | `room`, `s3fifo` | the number of entries, and room for them; the eviction policy |
//! | `bounds` | the bounds of one store, as declared and as set |
//! | `budget` | the bound on all stores of a handle together |
//! | `sweep` | the thread that removes dead entries |
//! | `texts`, `by_text` | the entries by the texts of their keys, for direct calls |
//! | `context`, `any_store` | the parts that the stores of a handle share; type-erased stores |
//! | `list` | the keys of a store, for an inspector |
//! | `reload_count` | the number of reloads under way |
//! | `retired`, `deferred_drops` | removed entries until they are freed; values until their `Drop` may run |
//!
//! Invariants: an entry is judged by the log each time it is about to be served, so inserting one that was invalidated meanwhile is
//! harmless; a key whose value is replaced keeps its position in the queue; no value replaces one whose load began later.
//!
//! May use: `clock`, `events`, `key`, `log`, `sync`.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher};

use scc::Guard;

use crate::events::Eviction;
use crate::key::Hashed;
use crate::key::args::Args;
use crate::sync::atomic::Ordering::AcqRel;
use crate::sync::thread_is_ending;

mod any_store;
mod bounds;
mod budget;
mod by_text;
mod changes;
mod common;
mod context;
mod deferred_drops;
mod entry;
mod evicting;
mod index;
mod list;
mod meta;
mod reload_count;
mod retired;
mod retries;
mod room;
mod rounded;
mod s3fifo;
mod store_name;
mod sweep;
mod texts;
mod times;
mod weight;

pub(crate) use any_store::AnyStore;
#[cfg(feature = "settings")]
pub(crate) use bounds::StoreBounds;
pub(crate) use bounds::most_entries;
pub(crate) use budget::EntryBudget;
#[cfg(feature = "monitor")]
pub(crate) use budget::GuardBounds;
pub(crate) use context::StoreContext;
pub(crate) use entry::{Entry, FoundEntry};
use evicting::{EvictableEntries, Evicting};
use index::{EntryIndex, Inserted, Node, Retired, short_hash};
pub(crate) use list::{EntryRank, KeyList, ListedEntry};
use reload_count::ReloadCount;
pub(crate) use reload_count::ReloadUnderWay;
pub(crate) use retired::free_earlier;
use retired::{RetiredCount, RetiredList};
use retries::Retries;
use room::Room;
use s3fifo::Residency;
use store_name::{NamedOnce, RemovalCause};
#[cfg(all(test, fastness_loom))]
pub(crate) use sweep::SweepThread;
pub(crate) use sweep::{call, watch};
pub(crate) use times::{Lifetime, LoadStart};
use weight::Weigher;

/// Maximum size of a store whose living entries are counted on request. Larger stores report the number after the last sweep.
const COUNTED: usize = 4_096;

/// The local entries of one key template and type.
pub(crate) struct L1<K, V: 'static> {
    index: EntryIndex<K, V>,
    room: Room,
    retired: RetiredList<K, V>,
    retries: Retries,
    reloads: ReloadCount,
    weigher: Weigher<V>,
    /// The function whose entries these are, for events.
    name: NamedOnce<K>,
}

impl<K: Clone + Eq + 'static, V: Clone + 'static> L1<K, V> {
    pub(crate) fn new(capacity: usize, context: StoreContext) -> Self {
        Self {
            index: EntryIndex::new(),
            room: Room::new(capacity, context),
            retired: RetiredList::new(),
            retries: Retries::default(),
            reloads: ReloadCount::default(),
            weigher: Weigher::default(),
            name: NamedOnce::new(),
        }
    }

    /// Makes the owned, hashed key of these arguments.
    pub(crate) fn owned_key<A: Args<Owned = K>>(&self, args: &A) -> Hashed<K> {
        Hashed { hash: self.hash(args), args: args.to_owned_args() }
    }

    #[inline]
    fn hash<A: Args<Owned = K>>(&self, args: &A) -> u64 {
        let mut hasher = self.room.context.hasher.build_hasher();
        args.feed(&mut hasher);
        hasher.finish()
    }

    /// Returns the value for these arguments if it is fresh and valid.
    // Inlined always, for the reason at `engine::LocalStore::hit`.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub(crate) fn hit<A: Args<Owned = K>>(&self, args: &A) -> Option<V> {
        if thread_is_ending() {
            return None;
        }
        let (hash, guard) = (short_hash(self.hash(args)), Guard::new());
        let node = self.index.find(hash, |node| args.same(&node.args), &guard)?;
        let value = node.entry.hit(self.room.context.clock.coarse(), &self.room.context.log)?.clone();
        // Here, so that a hit does not share the end of the guard with a miss, and then ask which of both it was.
        drop(guard);
        Some(value)
    }

    /// Passes the value for these arguments and the time to `with`, if the value is fresh and valid. No lock is held.
    #[cfg(feature = "http")]
    #[inline]
    pub(crate) fn hit_with<A: Args<Owned = K>, R>(&self, args: &A, with: impl FnOnce(&V, u64) -> R) -> Option<R> {
        if thread_is_ending() {
            return None;
        }
        let (hash, guard) = (short_hash(self.hash(args)), Guard::new());
        let now = self.room.context.clock.coarse();
        let node = self.index.find(hash, |node| args.same(&node.args), &guard)?;
        node.entry.hit(now, &self.room.context.log).map(|value| with(value, now))
    }

    /// Returns whether there is no entry. True for most stores of negative entries, and for values that only the shared tier stores.
    pub(crate) fn is_empty(&self) -> bool {
        self.room.len() == 0
    }

    /// Returns the entry of this key if it is valid, fresh or not.
    pub(crate) fn get(&self, key: &Hashed<K>) -> Option<FoundEntry<V>> {
        if self.is_empty() || thread_is_ending() {
            return None;
        }
        let (now, log) = (self.room.context.clock.coarse(), &self.room.context.log);
        let found = self.with_entry(key, |entry| entry.get_at(now, log)).flatten()?;
        Some(FoundEntry { retry_at: self.retries.until(short_hash(key.hash)), ..found })
    }

    /// Delays the next load of this key until a time, if it has an entry.
    pub(crate) fn delay_next_load(&self, key: &Hashed<K>, now: u64, until: u64) {
        if !thread_is_ending() && self.with_entry(key, |_| ()).is_some() {
            self.retries.delay(short_hash(key.hash), now, until);
        }
    }

    /// Returns the scopes of the entry of this key if it has tags among them; none if it has no tags. `None` if it is no longer the entry of
    /// the load with this number.
    pub(crate) fn tagged_scopes(&self, key: &Hashed<K>, number: u64) -> Option<Vec<u64>> {
        if self.is_empty() || thread_is_ending() {
            return None;
        }
        let scopes = |entry: &Entry<V>| (entry.number() == number).then(|| entry.meta().tagged_scopes());
        self.with_entry(key, scopes).flatten()
    }

    fn with_entry<R>(&self, key: &Hashed<K>, with: impl FnOnce(&Entry<V>) -> R) -> Option<R> {
        self.find(short_hash(key.hash), &|node| node.args == key.args, |node| with(&node.entry))
    }

    /// Looks a node with this hash up on all paths except a hit. `is` is `dyn`, so that this is compiled once for all of them.
    fn find<R>(&self, hash: u32, is: &dyn Fn(&Node<K, V>) -> bool, with: impl FnOnce(&Node<K, V>) -> R) -> Option<R> {
        let guard = Guard::new();
        self.index.find(hash, |node| node.hash() == hash && is(node), &guard).map(with)
    }

    /// Notes a reload, before its load begins.
    pub(crate) fn begin_reload(&self) -> ReloadUnderWay {
        self.reloads.begin()
    }

    /// Returns whether a reload is under way, which may have begun before the last load that was numbered.
    pub(crate) fn is_reloading(&self) -> bool {
        !self.reloads.is_zero()
    }

    /// Returns the start of a load that begins now.
    pub(crate) fn start(&self) -> LoadStart {
        // The number comes first, so that a load with a larger number seldom has a smaller epoch.
        // `AcqRel`, so that it sees the reloads that were under way when a load with a smaller number began.
        let number = self.room.context.loads.fetch_add(1, AcqRel);
        LoadStart { epoch: self.room.context.log.position(), number }
    }

    /// Stores an entry, unless there is one whose load began later.
    pub(crate) fn insert(&self, key: Hashed<K>, mut entry: Entry<V>) {
        if thread_is_ending() || !self.room.is_open() {
            drop(entry);
            return deferred_drops::drop_deferred();
        }
        let Some(weight) = self.weigh(&entry) else {
            let number = entry.number();
            drop(entry);
            self.remove(&key, number);
            return deferred_drops::drop_deferred();
        };
        let meta = entry.meta_mut();
        meta.store_at(self.room.context.clock.coarse());
        meta.set_weight(weight);
        let (hash, until, weight) = (short_hash(key.hash), meta.served_until(self.room.grace()), meta.weight());
        let removed = match self.index.insert(key, entry, &|old, new| self.announce_stored(old, new)) {
            Inserted::New(grown) => {
                self.room.admit(hash, weight, until, self);
                grown
            }
            Inserted::Replaced(old) => {
                self.room.note_expiry(until);
                self.room.replace(hash, old.weight(), weight, self);
                Some(old)
            }
            Inserted::Refused(refused) => {
                drop(refused);
                deferred_drops::drop_deferred();
                None
            }
        };
        self.retries.forget(hash);
        self.retire(removed);
        self.free_retired();
        sweep::begin();
    }

    /// Removes the entry of a key, unless its load began later than the load with this number.
    pub(crate) fn remove(&self, key: &Hashed<K>, number: u64) {
        let goes = |node: &Node<K, V>| node.args == key.args && node.entry.number() <= number;
        if self.is_usable()
            && let Some(weight) = self.remove_if(short_hash(key.hash), &goes, RemovalCause::Superseded)
        {
            self.room.forget(weight);
            self.free_retired();
        }
    }

    /// Returns the bytes that an entry counts for; `None` if it is not to be stored: its weigher panics, or it weighs more than the bound.
    fn weigh(&self, entry: &Entry<V>) -> Option<usize> {
        // Two words that the index adds to each heap block.
        let node = size_of::<Node<K, V>>() + 16;
        let weight = self.weigher.weigh(entry.value()?, node)?;
        if weight > self.room.max_bytes() {
            self.weigher.too_large();
            return None;
        }
        Some(weight)
    }

    /// Sets the function by which values are weighed, unless there is one.
    pub(crate) fn set_weigher(&self, weigh: Option<fn(&V) -> usize>) {
        if let Some(weigh) = weigh {
            self.weigher.set(weigh);
        }
    }

    /// Bounds the bytes of all entries together. Of several bounds, the smallest counts.
    pub(crate) fn bound_bytes(&self, bytes: Option<usize>) {
        if let Some(bytes) = bytes {
            self.room.bounds.declare_bytes(bytes);
        }
    }

    /// Removes a node, and returns its weight.
    fn remove_if(&self, hash: u32, goes: &dyn Fn(&Node<K, V>) -> bool, cause: RemovalCause) -> Option<usize> {
        let removed = self.index.remove(hash, goes, &|node| self.announce_removed(node, cause));
        let weight = removed.as_ref().map(Retired::weight);
        self.retire(removed);
        weight
    }

    fn retire(&self, removed: Option<Retired<K, V>>) {
        if let Some(removed) = removed {
            self.retired.push(removed);
        }
    }

    /// Returns whether this thread may take the locks of this store.
    fn is_usable(&self) -> bool {
        !thread_is_ending() && !self.room.is_left_locked()
    }

    /// Frees the removed entries if they are many, or calls the sweep. No lock may be held.
    fn free_retired(&self) {
        match self.retired.waiting(self.room.max_bytes()) {
            RetiredCount::Few => {}
            RetiredCount::Many => sweep::call(),
            RetiredCount::TooMany => {
                self.retired.free();
            }
        }
    }

    /// Returns whether there is an entry whose load began later than the load with this number.
    pub(crate) fn has_newer(&self, key: &Hashed<K>, number: u64) -> bool {
        let newer = |entry: &Entry<V>| entry.number() > number;
        !self.is_empty() && !thread_is_ending() && self.with_entry(key, newer).unwrap_or_default()
    }

    /// Notes that a reader serves entries for up to this many nanoseconds after their expiry.
    pub(crate) fn extend_grace(&self, nanos: u64) {
        self.room.extend_grace(nanos);
    }

    pub(crate) fn context(&self) -> &StoreContext {
        &self.room.context
    }
}

impl<K, V: 'static> L1<K, V> {
    /// Returns whether no reader can get this entry any more.
    fn is_dead(&self, entry: &Entry<V>) -> bool {
        let context = &self.room.context;
        entry.meta().is_dead(context.clock.coarse(), self.room.grace(), &context.log)
    }
}

impl<K, V: 'static> Drop for L1<K, V> {
    fn drop(&mut self) {
        if self.room.is_left_locked() {
            return;
        }
        let retired = &self.retired;
        self.index.drain(|removed| retired.push(removed));
        self.retired.free_at_once();
    }
}

impl<K, V: 'static> std::fmt::Debug for L1<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("L1")
            .field("len", &self.room.len())
            .field("capacity", &self.room.bounds.capacity())
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

    fn bytes(&self) -> usize {
        self.room.bytes()
    }

    fn evict_one(&self, cause: Eviction) -> bool {
        self.is_usable() && self.room.evict_one(&Evicting::new(self, cause))
    }

    fn shrink_to_bytes(&self, bytes: usize, cause: Eviction) {
        if self.is_usable() {
            self.room.shrink_to_bytes(bytes, &Evicting::new(self, cause));
        }
    }

    fn evictions(&self) -> u64 {
        self.room.evictions()
    }

    fn shrink_to(&self, entries: usize, cause: Eviction) {
        if self.is_usable() {
            self.room.shrink_to(entries, &Evicting::new(self, cause));
        }
    }

    #[cfg(feature = "settings")]
    fn set_bounds(&self, function: usize, bounds: StoreBounds) {
        self.room.bounds.set(function, bounds);
    }

    #[cfg(feature = "settings")]
    fn evict_excess(&self) {
        if self.is_usable() {
            self.room.shrink_to(self.room.bounds.capacity(), &Evicting::new(self, Eviction::Capacity));
            self.room.shrink_to_bytes(self.room.bounds.max_bytes(), &Evicting::new(self, Eviction::Bytes));
            self.free_retired();
        }
    }

    fn settle(&self) {
        if self.is_usable() {
            self.free_retired();
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

impl<K: Clone + Eq + 'static, V: Clone + 'static> EvictableEntries for L1<K, V> {
    fn residency(&self, hash: u32) -> Residency {
        let (now, grace, log) = (self.room.context.clock.coarse(), self.room.grace(), &self.room.context.log);
        let living = Cell::new(None);
        // Where several keys have these bits, a dead entry comes first.
        let is_dead = |node: &Node<K, V>| {
            let meta = node.entry.meta();
            let is_dead = meta.is_dead(now, grace, log);
            if !is_dead {
                self.room.note_expiry(meta.served_until(grace));
                living.set(Some(Residency::Living(meta.hits())));
            }
            is_dead
        };
        self.find(hash, &is_dead, |_| Residency::Dead).or(living.get()).unwrap_or(Residency::Absent)
    }

    fn set_hits(&self, hash: u32, hits: u8) {
        self.find(hash, &|_| true, |node| node.entry.meta().set_hits(hits));
    }

    fn evict(&self, hash: u32, cause: Eviction) {
        if let Some(weight) = self.remove_if(hash, &|_| true, RemovalCause::Evicted(cause)) {
            self.room.evicted(weight);
        }
    }

    fn remove_dead(&self, hash: u32) -> bool {
        let lives = Cell::new(false);
        let goes = |node: &Node<K, V>| {
            let is_dead = self.is_dead(&node.entry);
            lives.set(!is_dead);
            is_dead
        };
        if let Some(weight) = self.remove_if(hash, &goes, RemovalCause::Dead) {
            self.room.forget(weight);
        }
        !lives.get()
    }
}

#[cfg(test)]
mod tests;
