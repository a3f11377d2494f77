//! What one handle keeps for one instantiation of a call site.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use super::negatives::{Negatives, Verdict};
use crate::flight::{Flights, Permit};
use crate::key::args::Args;
use crate::key::{Hashed, OwnedKey, Scopes};
use crate::l1::{Entry, L1, Lifetime, LoadStart};
use crate::log::Log;
use crate::shape::{CacheValue, Outcome, Shape};
use crate::shared::{Seat, Tier};
use crate::stats::Counters;

/// What one handle keeps for one instantiation of a call site.
pub(crate) struct Cell<K: Eq, S: Shape> {
    pub(crate) front: Front<K, S::Item>,
    /// The function's path, as a key segment.
    pub(crate) path: String,
    /// Absences and errors, shared where values are. Asked after a miss only, so their keys are of any type.
    pub(super) negatives: Negatives,
    pub(crate) flights: Arc<Flights>,
    /// The shared tier, and what is this cell's in it.
    pub(crate) tier: Option<Arc<Tier>>,
    pub(crate) seat: Seat,
    /// How many refreshes run in the background.
    pub(crate) refreshing: Arc<AtomicUsize>,
    /// Whether it was said that a key is not equal to itself.
    pub(super) unequal: AtomicBool,
}

/// What a hit needs of a cell, few pointers away.
pub(crate) struct Front<K, V> {
    pub(crate) store: Arc<L1<K, V>>,
    pub(crate) counters: Arc<Counters>,
}

impl<K, V> Clone for Front<K, V> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), counters: self.counters.clone() }
    }
}

impl<K: OwnedKey, V: CacheValue> Front<K, V> {
    // Inlined by force: out of line, the arguments go through memory, which costs a tenth of a hit.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub(crate) fn hit<A: Args<Owned = K>>(&self, args: &A) -> Option<V> {
        let value = self.store.hit(args)?;
        self.counters.hit();
        Some(value)
    }
}

/// What all aboard a flight get.
pub(crate) type Landing<S> = Outcome<<S as Shape>::Item, <S as Shape>::Absent, <S as Shape>::Kept>;

/// A cached "there is none", or a cached error.
pub(crate) enum Negative<S: Shape> {
    Absent(S::Absent),
    Failed(Arc<S::Kept>),
}

impl<K: OwnedKey, S: Shape<Item: CacheValue> + 'static> Cell<K, S> {
    /// A cell holds no handle: the handle holds it.
    pub(crate) fn log(&self) -> &Log {
        &self.front.store.common().log
    }

    /// Makes time pass again in a forked child.
    pub(crate) fn notice_fork(&self) {
        self.front.store.common().clock.notice_fork();
    }

    /// The precise time.
    pub(crate) fn now(&self) -> u64 {
        self.front.store.common().clock.now()
    }

    /// Whether absences or errors are cached, of whatever key: of most functions none ever are.
    pub(crate) fn has_negatives(&self) -> bool {
        !self.negatives.is_empty()
    }

    /// The cached absence or error, if there is a fresh one.
    pub(crate) fn negative(&self, key: &Hashed<K>, now: u64) -> Option<Negative<S>> {
        if !self.has_negatives() {
            return None;
        }
        match self.negatives.look(&key.erased()).filter(|found| found.is_fresh(now))?.value {
            Verdict::Absent => S::absent().map(Negative::Absent),
            Verdict::Failed(kept) => kept.downcast().ok().map(Negative::Failed),
        }
    }

    /// The cached answer where the hit path passed: a value due for an early refresh, or a cached absence.
    pub(crate) fn peek<A: Args<Owned = K>>(&self, args: &A) -> Option<S::Out> {
        let (key, now) = (self.front.store.own(args), self.now());
        let value = self.front.store.look(&key).filter(|found| found.is_fresh(now));
        let ending = match value {
            Some(found) => Outcome::Present(found.value),
            None => match self.negative(&key, now)? {
                Negative::Absent(absent) => Outcome::Absent(absent),
                Negative::Failed(_) => return None,
            },
        };
        self.front.counters.hit();
        Some(S::close(ending))
    }

    /// Counts a load in whose place another is made, and says so once per call site.
    pub(crate) fn tell_stalled(&self, permit: &Permit, bound: Duration) {
        if permit.is_instead() && self.front.counters.loads_stalled.count_first() {
            tracing::warn!(
                function = self.path,
                ?bound,
                "a load was not polled for so long that another was begun: poll it, or set a longer `load_timeout`"
            );
        }
    }

    /// Whether the key is equal to itself. One that is not, as a NaN, is never found again: it is loaded by itself and not stored.
    #[allow(clippy::eq_op)]
    pub(crate) fn is_findable(&self, key: &Hashed<K>) -> bool {
        let equal = key.args == key.args;
        if !equal && !self.unequal.swap(true, Relaxed) {
            tracing::warn!(
                function = self.path,
                "an argument is not equal to itself: such calls load, and are not cached"
            );
        }
        equal
    }

    /// Stores a value, unless something invalidated its key since its load began, or a later load found a value or none.
    pub(crate) fn keep(&self, key: &Hashed<K>, scopes: &Scopes, value: S::Item, life: Lifetime, start: LoadStart) {
        if !self.is_findable(key) {
            return;
        }
        if !self.log().valid(start.epoch, scopes.hashes()) {
            self.front.counters.overtaken.count();
            return;
        }
        self.front.store.insert(key.clone(), Entry::new(value, start, life, scopes));
        // Behind the insert, as a later load that finds none removes behind its own: one of the two sees the other.
        if self.has_negatives() && self.negatives.has_newer(&key.erased(), start.number) {
            self.front.store.remove(key, start.number);
        }
    }

    /// Stores that there is no value.
    pub(crate) fn keep_negative(
        &self,
        key: &Hashed<K>,
        scopes: &Scopes,
        negative: Negative<S>,
        life: Lifetime,
        start: LoadStart,
    ) {
        if !self.is_findable(key) {
            return;
        }
        let verdict = match negative {
            Negative::Absent(_) => Verdict::Absent,
            Negative::Failed(kept) => Verdict::Failed(kept),
        };
        // Neither is ever served stale.
        let life = Lifetime { served_until: life.expires, ..life };
        self.negatives.insert(key.erased(), Entry::new(verdict, start, life, scopes));
    }
}
