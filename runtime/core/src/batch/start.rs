//! The beginning of a batch, and the lookup of each of its elements.

use std::sync::Arc;

use super::{BatchMap, Each};
use crate::clock::nanos;
use crate::engine::{FetchStart, Fetched, LoadedEntry, SharedForm, SharedKey, TieredStart};
use crate::handle::Fastness;
use crate::key::args::Args;
use crate::key::{CallKey, Hashed, OwnedKey, Scopes};
use crate::l1::{self, Lifetime, LoadStart};
use crate::policy::{LoadTimes, Policy, SiteFigures};
use crate::shape::Shape;
use crate::site::{Dated, Instance, Negative, Outdated, Site, SiteState};
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
}

impl<K, S: Shape<Item: BatchMap>> Missing<K, S> {
    fn call_key(&self) -> CallKey<'_, K> {
        CallKey { args: &self.key, scopes: &self.scopes, text: &self.text }
    }
}

pub(super) enum Element<V> {
    Present(V),
    Absent,
    Missing,
}

impl<K, S> Start<K, S>
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
{
    pub(super) fn new<A: Args<Owned = K>>(site: &'static Site, on: Option<&Fastness>, instance: Instance) -> Self {
        let state = site.state::<A, Each<S>>(on, instance);
        state.notice_fork();
        let began = state.store.begin(true);
        let meets_reload = state.store.is_reloading();
        let recorder = AnswerRecorder::is_in_force().then(AnswerRecorder::current).flatten();
        Self { state, began, meets_reload, recorder }
    }

    /// Records the answer of one element, if the answers of the batch are recorded.
    pub(super) fn record(&self, source: AnswerSource, times: impl FnOnce() -> AnswerTimes) {
        if let Some(recorder) = &self.recorder {
            recorder.record(&self.state.path, source, times(), false);
        }
    }

    /// Records the element that another batch has loaded, as this process has stored it.
    pub(super) fn record_joined(&self, key: &Hashed<K>) {
        let now = self.state.now();
        let stored = || self.state.store.get(key).map_or(AnswerTimes::UNSTORED, |found| times(&found, now));
        self.record(AnswerSource::Joined, stored);
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

    /// The element that the shared tier's answer describes.
    pub(super) fn take(
        &self,
        policy: &Policy<Each<S>>,
        missing: &mut Missing<K, S>,
        fetched: Fetched<Value<S>>,
    ) -> Element<Value<S>> {
        let now = self.began.time;
        let ended = fetched.ended(now);
        let longest = match &fetched.value {
            Some(_) => now.saturating_add(nanos(policy.ttl.longest)),
            None => policy.absent_until(ended),
        };
        let expires = fetched.expires(longest);
        if now >= expires || fetched.is_refreshed {
            return Element::Missing;
        }
        let load = LoadTimes::measured(ended.saturating_sub(fetched.load_time), ended);
        let life = policy.lifetime_until(expires, load, now);
        let in_process = self.stores_locally(policy) && !fetched.meets_reload;
        let start = fetched.start;
        self.record(AnswerSource::Shared, || AnswerTimes::new(now, ended, life.expires));
        let Some(value) = fetched.value else {
            if in_process {
                self.insert_absence(missing, ended, life, start);
            }
            return Element::Absent;
        };
        if in_process {
            let scopes = missing.scopes.and_tags(&fetched.tags);
            let key = CallKey { scopes: &scopes, ..missing.call_key() };
            self.state.insert(key, value.clone(), life, start);
        }
        missing.tags = Some(fetched.tags);
        Element::Present(value)
    }

    /// The call site, for a panic of a function that asks values.
    pub(super) fn figures(&self) -> SiteFigures<'_> {
        SiteFigures { counters: self.state.store.counters(), function: &self.state.path }
    }

    /// Sets the tags and the lifetime of each element that was to be loaded, by its own value; `now` is the end of the load.
    pub(super) fn set_lives(&self, policy: &Policy<Each<S>>, all: &mut [Missing<K, S>], loaded: &S::Item, now: u64) {
        let site = self.figures();
        // The duration of a batch does not measure the load of one element, so no element is refreshed early.
        let load = LoadTimes::unmeasured(self.began.time, now);
        for missing in all {
            let value = loaded.value(&missing.id);
            missing.tags = value.map_or_else(|| Some(Vec::new()), |value| policy.tags_of(value, site));
            missing.life = missing.tags.as_ref().and_then(|_| policy.life_for(value, load, site));
            let life = missing.life;
            self.record(AnswerSource::Load, || {
                life.map_or(AnswerTimes::UNSTORED, |life| AnswerTimes::new(now, now, life.expires))
            });
        }
    }

    /// Stores the loaded elements in the shared tier, and removes the answers there that they contradict.
    pub(super) fn share(&self, policy: &Policy<Each<S>>, all: &[Missing<K, S>], loaded: &S::Item, began: &TieredStart) {
        let stored = all.iter().filter_map(|missing| {
            let (life, tags, key) = (missing.life?, missing.tags.as_ref()?, self.shared_key(policy, missing)?);
            let loaded = LoadedEntry { value: loaded.value(&missing.id), tags, life, beyond: policy.longest_stale() };
            self.state.is_findable(&missing.key).then_some((key, loaded))
        });
        self.state.store.share_many(stored, began);
        for missing in all {
            if missing.life.is_none()
                && missing.outdated.is_wrong_by(loaded.value(&missing.id).is_none())
                && let Some(key) = self.shared_key(policy, missing)
            {
                key.remove(began, None);
            }
        }
    }

    /// The element as this process has it.
    pub(super) fn find(&self, policy: &Policy<Each<S>>, key: &Hashed<K>) -> Element<Value<S>> {
        let now = self.began.time;
        if let Some(found) = self.state.store.get(key).filter(|found| found.is_fresh(now)) {
            self.record(AnswerSource::Local, || times(&found, now));
            return Element::Present(found.value);
        }
        let absent = self.state.negative(key, now).filter(|dated| now < policy.absent_until(dated.ended));
        if let Some(Dated { ended, .. }) = absent {
            self.record(AnswerSource::Local, || AnswerTimes::new(now, ended, policy.absent_until(ended)));
            return Element::Absent;
        }
        Element::Missing
    }

    /// Looks again in this process for an element that was missing.
    pub(super) fn find_again(&self, policy: &Policy<Each<S>>, missing: &Missing<K, S>) -> Element<Value<S>> {
        match self.find(policy, &missing.key) {
            Element::Present(value) => Element::Present(value),
            absent_or_missing => self.find_elsewhere(policy, missing).map_or(absent_or_missing, Element::Present),
        }
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
        self.record(AnswerSource::Local, || times(&found, self.began.time));
        Some(found.value)
    }

    /// Stores the loaded value of an element, or its absence, in this process; removes older answers if nothing is to be stored here.
    pub(super) fn insert(&self, policy: &Policy<Each<S>>, missing: &Missing<K, S>, value: Option<&Value<S>>, now: u64) {
        let life = missing.life.filter(|_| self.stores_locally(policy));
        match (life, value) {
            (Some(life), Some(value)) => {
                self.state.store.local.values.set_weigher(policy.weigh);
                let scopes = missing.scopes.and_tags(missing.tags.as_deref().unwrap_or_default());
                let key = CallKey { scopes: &scopes, ..missing.call_key() };
                self.state.insert(key, value.clone(), life, self.began.start);
            }
            (Some(life), None) => self.insert_absence(missing, now, life, self.began.start),
            (None, _) => self.state.remove_older(missing.call_key(), self.began.start, value.is_none()),
        }
    }

    fn insert_absence(&self, missing: &Missing<K, S>, ended: u64, life: Lifetime, start: LoadStart) {
        let absent = Dated { negative: Negative::Absent(()), began: ended, ended };
        self.state.insert_negative(missing.call_key(), absent, life, start);
    }

    fn stores_locally(&self, policy: &Policy<Each<S>>) -> bool {
        policy.in_process || self.state.store.tier.is_none()
    }
}

/// The figures of an entry that is fresh.
fn times<V>(found: &l1::FoundEntry<V>, now: u64) -> AnswerTimes {
    AnswerTimes { age: found.age(now), ..AnswerTimes::new(now, now, found.life.expires) }
}
