//! The beginning of a batch, and the lookup of each of its elements.

use std::sync::Arc;

use super::{BatchMap, Each};
use crate::clock::nanos;
use crate::engine::{FetchStart, SharedForm, SharedKey, TieredStart};
use crate::flight::LoadPermit;
use crate::handle::Fastness;
use crate::key::args::Args;
use crate::key::{CallKey, Hashed, OwnedKey, Scopes};
use crate::l1::{self, Lifetime};
use crate::log::Epoch;
use crate::policy::{EntryUse, Policy, SiteFigures};
use crate::shape::Shape;
use crate::site::{Dated, Instance, Outdated, Site, SiteState};
use crate::stats::{AnswerRecorder, AnswerSource, AnswerTimes};

pub(super) type Id<S> = <<S as Shape>::Item as BatchMap>::Id;
pub(super) type Value<S> = <<S as Shape>::Item as BatchMap>::Value;

/// The beginning of a batch, and the state that has its elements.
pub(super) struct Start<K: Eq, S: Shape<Item: BatchMap>> {
    pub(super) state: Arc<SiteState<K, Each<S>>>,
    pub(super) began: TieredStart,
    /// True if a reload was under way when the batch began.
    meets_reload: bool,
    /// Set if the answers of the batch are recorded.
    recorder: Option<Arc<AnswerRecorder>>,
}

/// An element that the body may have to load.
pub(super) struct Missing<K, S: Shape<Item: BatchMap>> {
    pub(super) id: Id<S>,
    pub(super) key: Hashed<K>,
    pub(super) scopes: Scopes,
    /// The key's text, shortened by `bounded`.
    pub(super) text: String,
    /// The value that the shared tier held before this load.
    pub(super) outdated: Outdated,
    /// The lifetime of the loaded value or absence; `None` if it is not to be stored.
    pub(super) life: Option<Lifetime>,
    /// The scopes that only the value knows; `None` if they are not known.
    pub(super) tags: Option<Vec<u64>>,
    /// True once the element was found, and is no longer missing.
    pub(super) is_settled: bool,
    /// True if another call lacks it, which merges with this one.
    pub(super) is_foreign: bool,
    /// The value that this process or the shared tier has, which may be served while the body replaces it.
    pub(super) old: Option<OldValue<Value<S>>>,
    /// The right to refresh the element, where it has an old value.
    pub(super) claim: Option<LoadPermit>,
    /// The shared tier's expired value, if this process stores none: the stale fallback of a load that fails.
    pub(super) standby: Option<ExpiredValue<Value<S>>>,
}

/// A value that may be served while it is refreshed.
pub(super) struct OldValue<V> {
    pub(super) value: V,
    /// True if it is about to expire, and false if it is stale.
    pub(super) is_fresh: bool,
    pub(super) times: AnswerTimes,
}

/// An expired value of the shared tier.
pub(super) struct ExpiredValue<V> {
    pub(super) value: V,
    pub(super) expires: u64,
    pub(super) epoch: Epoch,
    /// The scopes that only the value knows.
    pub(super) tags: Vec<u64>,
}

impl<K, S: Shape<Item: BatchMap>> Missing<K, S> {
    pub(super) fn new(
        id: Id<S>,
        (key, scopes, text): (Hashed<K>, Scopes, String),
        outdated: Outdated,
        old: Option<OldValue<Value<S>>>,
    ) -> Self {
        let tags = Some(Vec::new());
        let (life, is_settled, is_foreign, claim, standby) = (None, false, false, None, None);
        Self { id, key, scopes, text, outdated, life, tags, is_settled, is_foreign, old, claim, standby }
    }

    /// Returns whether it has a stale value.
    pub(super) fn is_stale(&self) -> bool {
        self.old.as_ref().is_some_and(|old| !old.is_fresh)
    }

    pub(super) fn call_key(&self) -> CallKey<'_, K> {
        CallKey { args: &self.key, scopes: &self.scopes, text: &self.text }
    }
}

pub(super) enum Element<V> {
    Present(V),
    /// An absence, with its figures.
    Absent(AnswerTimes),
    /// A value that is served while it is refreshed.
    Old(OldValue<V>),
    /// A stale value that is served without a refresh, because its origin has just failed.
    Stale(OldValue<V>),
    Missing,
}

impl<K, S> Start<K, S>
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
{
    pub(super) fn new<A: Args<Owned = K>>(
        site: &'static Site,
        on: Option<&Fastness>,
        instance: Instance,
        policy: &Policy<Each<S>>,
    ) -> Self {
        let state = site.state::<A, Each<S>>(on, instance);
        state.notice_fork();
        // Elements are stored without a load, too: those of the shared tier and of direct calls.
        state.store.local.values.set_weigher(policy.weigh);
        let began = state.store.begin(true);
        let meets_reload = state.store.is_reloading();
        let recorder = AnswerRecorder::is_in_force().then(AnswerRecorder::current).flatten();
        Self { state, began, meets_reload, recorder }
    }

    /// Records the answer of one element, if the answers of the batch are recorded.
    pub(super) fn record(&self, source: AnswerSource, times: impl FnOnce() -> AnswerTimes, is_stale: bool) {
        if let Some(recorder) = &self.recorder {
            recorder.record(&self.state.path, source, times(), is_stale);
        }
    }

    /// Records the answer of an element of this call.
    pub(super) fn record_for(
        &self,
        missing: &Missing<K, S>,
        source: AnswerSource,
        times: impl FnOnce() -> AnswerTimes,
        is_stale: bool,
    ) {
        if !missing.is_foreign {
            self.record(source, times, is_stale);
        }
    }

    /// Ends the record of answers, because the call has its answer.
    pub(super) fn end_record(&mut self) {
        self.recorder = None;
    }

    /// Lets the store hold expired entries for as long as the policy may serve them.
    pub(super) fn extend_grace(&self, policy: &Policy<Each<S>>) {
        self.state.store.local.values.extend_grace(nanos(policy.longest_stale()));
    }

    /// Records the element that another batch has loaded, as this process has stored it.
    pub(super) fn record_joined(&self, key: &Hashed<K>) {
        let now = self.state.now();
        let stored = || self.state.store.get(key).map_or(AnswerTimes::UNSTORED, |found| times(&found, now));
        self.record(AnswerSource::Joined, stored, false);
    }

    /// Sets the beginning of the fetch and of the load to now.
    pub(super) fn begin(&mut self) {
        self.began = self.state.store.begin(true);
        self.meets_reload = self.state.store.is_reloading();
    }

    /// Sets the beginning of the load to now. Its position in the log stays that of the fetch, because waiters get what was fetched, too.
    pub(super) fn begin_load(&mut self) {
        let epoch = self.began.start.epoch;
        self.begin();
        self.began.start.epoch = epoch;
    }

    /// The start of the fetch from the shared tier, before the lookups of the elements.
    pub(super) fn fetch_start(&self) -> FetchStart {
        FetchStart { number: self.began.start.number, meets_reload: self.meets_reload }
    }

    /// The key of an element in the shared tier, if there is one and the values can go there.
    pub(super) fn shared_key<'a>(
        &'a self,
        policy: &Policy<Each<S>>,
        missing: &'a Missing<K, S>,
    ) -> Option<SharedKey<'a, Value<S>>> {
        let form = SharedForm { wire: policy.wire, codec: policy.codec, erase: policy.erase };
        self.state.store.shared_key(&form, &missing.text, missing.scopes.hashes())
    }

    /// The call site, for a panic of a function that asks values.
    pub(super) fn figures(&self) -> SiteFigures<'_> {
        SiteFigures { counters: self.state.store.counters(), function: &self.state.path }
    }

    /// The element as this process has it. Records a value; an absence is recorded by the caller, because a direct call may have a value.
    pub(super) fn find(&self, policy: &Policy<Each<S>>, key: &Hashed<K>) -> Element<Value<S>> {
        let now = self.began.time;
        let found = self.state.store.get(key);
        let used = found.as_ref().map_or(EntryUse::Load, |found| policy.use_of(found, now));
        let is_fresh = matches!(used, EntryUse::Serve | EntryUse::RefreshEarly);
        if !is_fresh && let Some(times) = self.absent(policy, key) {
            return Element::Absent(times);
        }
        let Some(found) = found else { return Element::Missing };
        let times = times(&found, now);
        let old = |value| OldValue { value, is_fresh, times };
        match used {
            EntryUse::Serve => {
                self.record(AnswerSource::Local, || times, false);
                Element::Present(found.value)
            }
            EntryUse::RefreshEarly | EntryUse::Refresh => Element::Old(old(found.value)),
            EntryUse::ServeStale => Element::Stale(old(found.value)),
            EntryUse::Load => Element::Missing,
        }
    }

    /// The figures of an absence that this process knows.
    fn absent(&self, policy: &Policy<Each<S>>, key: &Hashed<K>) -> Option<AnswerTimes> {
        let now = self.began.time;
        let Dated { ended, .. } = self.state.negative(key, now)?;
        let until = policy.absent_until(ended);
        (now < until).then(|| AnswerTimes::new(now, ended, until))
    }

    /// Looks again in this process for an element that was missing.
    pub(super) fn find_again(&self, policy: &Policy<Each<S>>, missing: &Missing<K, S>) -> Element<Value<S>> {
        let now = self.began.time;
        if let Some(found) = self.state.store.get(&missing.key).filter(|found| found.is_fresh(now)) {
            self.record_for(missing, AnswerSource::Local, || times(&found, now), false);
            return Element::Present(found.value);
        }
        let absent = self.absent(policy, &missing.key);
        if let Some(value) = self.find_elsewhere(policy, missing) {
            return Element::Present(value);
        }
        let Some(times) = absent else { return Element::Missing };
        self.record_for(missing, AnswerSource::Local, || times, false);
        Element::Absent(times)
    }

    /// The value that a direct call has stored in this process under the key of an element that is missing.
    pub(super) fn find_elsewhere(&self, policy: &Policy<Each<S>>, missing: &Missing<K, S>) -> Option<Value<S>> {
        if !self.stores_locally(policy) {
            return None;
        }
        let terms = |found: &l1::FoundEntry<Value<S>>, now| {
            Some((policy.lifetime_of(found, now)?, policy.tags_of(&found.value, self.figures())?))
        };
        let found = self.state.find_elsewhere(missing.call_key(), terms);
        let found = found.filter(|found| found.is_fresh(self.began.time))?;
        self.record_for(missing, AnswerSource::Local, || times(&found, self.began.time), false);
        Some(found.value)
    }

    /// Returns whether this process stores the elements.
    pub(super) fn stores_locally(&self, policy: &Policy<Each<S>>) -> bool {
        policy.in_process || self.state.store.tier.is_none()
    }
}

/// The figures of an entry.
pub(super) fn times<V>(found: &l1::FoundEntry<V>, now: u64) -> AnswerTimes {
    AnswerTimes { age: found.age(now), ..AnswerTimes::new(now, now, found.life.expires) }
}
