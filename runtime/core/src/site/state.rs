//! The state of one instantiation of a call site under one handle.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU8, fence};
use std::time::Duration;

use super::by_text::{Elsewhere, Membership};
use super::negatives::{ErasedNegative, Negatives, What};
use crate::engine::TieredStore;
use crate::events::{EventKey, LoadEvent};
use crate::flight::LoadPermit;
use crate::handle::{CallMode, SiteSwitches};
use crate::key::{CallKey, Hashed, OwnedKey};
use crate::l1::{FoundEntry, Lifetime, LoadStart};
use crate::log::{Judgement, Log};
#[cfg(not(feature = "settings"))]
use crate::policy::Policy;
use crate::shape::{CacheValue, Shape};

/// The state of one instantiation of a call site under one handle.
pub(crate) struct SiteState<K: Eq, S: Shape<Item: 'static>> {
    pub(crate) store: TieredStore<K, S::Item>,
    /// The function's path, as a key segment.
    pub(crate) path: String,
    /// The function's path without types, as events name it.
    pub(crate) name: Arc<str>,
    /// Cached absences and errors, shared by the call sites that share values. They are read only after a miss, so their keys are
    /// type-erased.
    pub(super) negatives: Negatives,
    /// The stores that direct calls of the same keys search.
    pub(super) by_text: Membership,
    /// The switches that turn the function off.
    pub(super) switches: SiteSwitches,
    /// The options that settings may change here. Functions whose settings are shared may have others.
    #[cfg(feature = "settings")]
    pub(super) settable: &'static [&'static str],
    /// True once a key that is not equal to itself was reported.
    pub(super) unequal: AtomicBool,
}

/// The answer of the shared tier that a load replaces. It is removed there if the load stores nothing instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Outdated {
    #[default]
    Nothing = 0,
    Absence = 1,
    /// A value, or the shared tier was not read.
    Value = 2,
}

impl Outdated {
    pub(crate) fn from_fetched<V>(fetched: Option<&Option<V>>) -> Self {
        match fetched {
            None => Self::Nothing,
            Some(None) => Self::Absence,
            Some(Some(_)) => Self::Value,
        }
    }

    /// Returns whether a load that stores nothing contradicts this answer. Only a value contradicts an absence.
    pub(crate) fn is_wrong_by(self, absence: bool) -> bool {
        self == Self::Value || (self == Self::Absence && !absence)
    }
}

/// An [`Outdated`] that a load sets once the shared tier has answered; `Nothing` until then.
#[derive(Debug, Default)]
pub(crate) struct NotedOutdated(AtomicU8);

impl NotedOutdated {
    pub(crate) fn set(&self, outdated: Outdated) {
        self.0.store(outdated as u8, Relaxed);
    }

    pub(crate) fn get(&self) -> Outdated {
        match self.0.load(Relaxed) {
            0 => Outdated::Nothing,
            1 => Outdated::Absence,
            _ => Outdated::Value,
        }
    }
}

/// A cached absence or a cached error.
pub(crate) enum Negative<S: Shape> {
    Absent(S::Absent),
    Failed(Arc<S::SharedError>),
}

/// An absence or an error, with the beginning and the end of its load, in nanoseconds of the clock. An absence of the shared tier begins
/// at its end.
pub(crate) struct Dated<S: Shape> {
    pub(crate) negative: Negative<S>,
    pub(crate) began: u64,
    pub(crate) ended: u64,
}

impl<K: OwnedKey, S: Shape<Item: CacheValue> + 'static> SiteState<K, S> {
    /// The log of the handle. It comes through the store, because the handle owns its states and a reference back would be a cycle.
    pub(crate) fn log(&self) -> &Log {
        self.store.log()
    }

    /// Prepares the event of a load that begins now, if a subscription wants it.
    pub(crate) fn load_event(&self, key: impl FnOnce() -> (Option<EventKey>, usize)) -> Option<LoadEvent> {
        self.log().events()?.load(&self.name, key)
    }

    /// Returns the mode of a call that begins here and now.
    pub(crate) fn mode(&self) -> CallMode {
        if self.switches.is_off() { CallMode::Bypass } else { CallMode::current() }
    }

    /// Leaves the options of a call as they are, because there are no settings.
    #[cfg(not(feature = "settings"))]
    #[allow(clippy::unused_self)]
    pub(crate) fn set(&self, _: &mut Policy<S>) {}

    /// Makes time pass again in a child of a fork.
    pub(crate) fn notice_fork(&self) {
        self.store.clock().notice_fork();
    }

    /// The precise time, in nanoseconds of the clock.
    pub(crate) fn now(&self) -> u64 {
        self.store.now()
    }

    /// Returns whether any absence or error is cached, which is rare.
    pub(crate) fn has_negatives(&self) -> bool {
        !self.negatives.is_empty()
    }

    /// The cached absence or error, if it is fresh by the lifetime of the call site that stored it.
    pub(crate) fn negative(&self, key: &Hashed<K>, now: u64) -> Option<Dated<S>> {
        if !self.has_negatives() {
            return None;
        }
        let found = self.negatives.get(&key.erased()).filter(|found| found.is_fresh(now))?;
        let ErasedNegative { what, began, ended } = found.value;
        let negative = match what {
            What::Absent => S::absent().map(Negative::Absent),
            What::Failed(shared) => shared.downcast().ok().map(Negative::Failed),
        };
        negative.map(|negative| Dated { negative, began, ended })
    }

    /// Returns whether another call site's store may have an entry: true once there was a direct call for values of this type.
    pub(crate) fn may_be_elsewhere(&self) -> bool {
        self.by_text.is_used()
    }

    /// The entry of this key in another call site's store, for a call that found none in its own: a function finds entries of direct calls,
    /// and a direct call those of functions. A function copies the entry into its own store, with the lifetime and the further tags that
    /// `terms` returns.
    pub(crate) fn find_elsewhere(
        &self,
        key: CallKey<'_, K>,
        terms: impl FnOnce(&FoundEntry<S::Item>, u64) -> Option<(Lifetime, Vec<u64>)>,
    ) -> Option<FoundEntry<S::Item>> {
        if !self.by_text.is_used() || !self.is_findable(key.args) {
            return None;
        }
        let (elsewhere, now) = (self.by_text.newest::<S::Item>(key.text())?, self.now());
        if self.by_text.is_direct() {
            // A direct call reads the entry where it is, so it never refreshes it early.
            return elsewhere.found.is_fresh(now).then_some(FoundEntry { fresh_until: u64::MAX, ..elsewhere.found });
        }
        let (life, mut tags) = terms(&elsewhere.found, now)?;
        tags.extend(&elsewhere.tagged_scopes);
        self.take(CallKey { scopes: &key.scopes.and_tags(&tags), ..key }, &elsewhere, life)
    }

    fn take(&self, key: CallKey<'_, K>, elsewhere: &Elsewhere<S::Item>, life: Lifetime) -> Option<FoundEntry<S::Item>> {
        let (found, start) = (&elsewhere.found, elsewhere.found.start);
        let is_superseded = self.has_negatives() && self.negatives.has_newer(&key.args.erased(), start.number);
        let judgement = self.log().judge(start.epoch, key.scopes.hashes());
        if is_superseded || judgement == Judgement::Invalidated {
            return None;
        }
        self.insert(key, found.value.clone(), life, start);
        let stored = self.store.get(key.args);
        if stored.is_some() {
            // Direct calls find this copy by its text from now on.
            self.store.local.values.make_texts();
            // Without a shared tier, the original stays if it expires later than this copy.
            let ends = life.expires.min(found.life.local_until);
            if self.store.tier.is_some() || life.local_until >= ends {
                elsewhere.remove_if_direct(key.text());
            }
            return stored;
        }
        let fresh_until = if judgement == Judgement::Expired { 0 } else { found.fresh_until };
        Some(FoundEntry { value: found.value.clone(), life, fresh_until, retry_at: 0, start, loaded: found.loaded })
    }

    /// Counts a stalled load that another load replaces, and warns once per call site.
    pub(crate) fn report_stalled(&self, permit: &LoadPermit, bound: Duration) {
        if self.store.count_stalled(permit) {
            tracing::warn!(
                function = self.path,
                ?bound,
                "a load was not polled for so long that another one was started: poll it, or set a longer `load_timeout`"
            );
        }
    }

    /// Returns whether the key is equal to itself. A key that is not, such as a NaN, cannot be found again: each such call loads by itself
    /// and stores nothing.
    #[allow(clippy::eq_op)]
    pub(crate) fn is_findable(&self, key: &Hashed<K>) -> bool {
        let equal = key.args == key.args;
        if !equal && !self.unequal.swap(true, Relaxed) {
            tracing::warn!(
                function = self.path,
                "an argument is not equal to itself, so its calls are not cached: pass a value without NaN, or leave it out of the key"
            );
        }
        equal
    }

    /// Stores a value, unless its key was invalidated since its load began, or a load that began later has ended. Results of earlier loads
    /// are removed, absences and errors included.
    pub(crate) fn insert(&self, key: CallKey<'_, K>, value: S::Item, life: Lifetime, start: LoadStart) {
        let CallKey { args, scopes, .. } = key;
        if !self.is_findable(args) || !self.store.admit(args, scopes, value, life, start) {
            return;
        }
        see_others();
        if self.by_text.is_used() && self.by_text.supersede(key.text(), start.number) {
            self.store.local.values.remove(args, start.number);
        }
        if self.has_negatives() {
            let erased = args.erased();
            if self.negatives.has_newer(&erased, start.number) {
                self.store.local.values.remove(args, start.number);
            } else if self.now() < life.expires {
                // An expired value of the shared tier is only a stale fallback, so the negative entry stays.
                self.negatives.remove(&erased, start.number);
            }
        }
    }

    /// Removes the results of loads that began no later than this one, which stores nothing. If this load found an absence, an older
    /// absence stays.
    pub(crate) fn remove_older(&self, key: CallKey<'_, K>, start: LoadStart, absence: bool) {
        self.store.local.values.remove(key.args, start.number);
        if self.by_text.is_used() {
            self.by_text.remove(key.text(), start.number);
        }
        if self.has_negatives() {
            let erased = key.args.erased();
            let right = || self.negatives.get(&erased).is_some_and(|found| matches!(found.value.what, What::Absent));
            if !(absence && right()) {
                self.negatives.remove(&erased, start.number);
            }
        }
    }

    /// Stores an absence or an error, unless a load that began later has ended. An absence replaces an older value; an error does not,
    /// because that value may be the stale fallback of the next error.
    pub(crate) fn insert_negative(
        &self,
        key: CallKey<'_, K>,
        Dated { negative, began, ended }: Dated<S>,
        life: Lifetime,
        start: LoadStart,
    ) {
        let CallKey { args, scopes, .. } = key;
        if !self.is_findable(args) || !self.log().valid(start.epoch, scopes.hashes()) {
            return;
        }
        let (what, is_absence) = match negative {
            Negative::Absent(_) => (What::Absent, true),
            Negative::Failed(shared) => (What::Failed(shared), false),
        };
        // Neither an absence nor an error is ever served stale, or expires when it is idle.
        let life = Lifetime { served_until: life.expires, idle: u64::MAX, ..life };
        let (negative, erased) = (ErasedNegative { what, began, ended }, args.erased());
        self.negatives.insert(erased.clone(), negative, (start, life), scopes);
        see_others();
        let is_used = self.by_text.is_used();
        if self.store.local.values.has_newer(args, start.number)
            || (is_used && self.by_text.has_newer(key.text(), start.number))
        {
            self.negatives.remove(&erased, start.number);
        }
        if is_absence {
            self.store.local.values.remove(args, start.number);
            if is_used {
                self.by_text.remove(key.text(), start.number);
            }
        }
    }
}

/// Orders the change of one store before the read of the other. So if a value and an absence are stored at the same time, at least one of
/// the two inserts sees the other.
fn see_others() {
    fence(SeqCst);
}
