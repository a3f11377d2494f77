//! Reads of several keys by one direct call: they share the state of the call site and one round trip to the shared tier. They load nothing.

use std::borrow::Cow;
use std::sync::Arc;

use crate::clock::nanos;
use crate::engine::{FetchStart, Fetched, SharedForm};
use crate::handle::CallMode;
use crate::key::args::Args;
use crate::key::template::bounded_text;
use crate::key::{CallKey, Hashed, OwnedKey, Scopes};
use crate::l1::Lifetime;
use crate::policy::{LoadTimes, Policy};
use crate::shape::{CacheValue, Shape};
use crate::site::SiteState;
use crate::stats::{AnswerRecorder, AnswerSource, AnswerTimes, CountedCall, Uncounted};
use crate::sync::watch_thread;

/// Reads of several keys, from their lookups in this process to their values.
pub(crate) struct ManyReads<'a, K: Eq, S: Shape<Item: 'static>> {
    state: Arc<SiteState<K, S>>,
    policy: Policy<S>,
    mode: CallMode,
    /// The time of the lookups, in nanoseconds of the clock.
    now: u64,
    /// The start of the fetch, before the first lookup.
    start: FetchStart,
    /// Set if the answers are recorded.
    recorder: Option<Arc<AnswerRecorder>>,
    uncounted: Uncounted,
    /// The values in the order of the keys, with `None` where this process has none.
    found: Vec<Option<S::Item>>,
    missing: Vec<MissingKey<'a, K>>,
}

/// A key whose value is not in this process.
struct MissingKey<'a, K> {
    /// The index of the key among all keys.
    place: usize,
    key: Hashed<K>,
    scopes: Scopes,
    text: Cow<'a, str>,
}

impl<K> MissingKey<'_, K> {
    fn call_key(&self) -> CallKey<'_, K> {
        CallKey { args: &self.key, scopes: &self.scopes, text: &self.text }
    }
}

impl<'a, K, S> ManyReads<'a, K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    /// Begins the reads of so many keys. The policy is that of each of them.
    pub(crate) fn begin(state: Arc<SiteState<K, S>>, mut policy: Policy<S>, keys: usize) -> Self {
        state.notice_fork();
        watch_thread();
        state.set(&mut policy);
        let (mode, now, start) = (state.mode(), state.now(), state.store.begin_fetch());
        let recorder = AnswerRecorder::is_in_force().then(AnswerRecorder::current).flatten();
        let (uncounted, found, missing) = (Uncounted::default(), Vec::with_capacity(keys), Vec::new());
        Self { state, policy, mode, now, start, recorder, uncounted, found, missing }
    }

    /// Looks up the next key, with its text, in this process.
    pub(crate) fn lookup<A: Args<Owned = K>>(&mut self, args: &A, text: &'a str) {
        let value = match self.mode {
            CallMode::Bypass => {
                CountedCall::bypass(self.state.store.counters(), &self.state.path);
                None
            }
            // The record of an answer needs its entry.
            CallMode::Normal if self.recorder.is_none() => {
                self.state.store.local.hit(args).or_else(|| self.find(args, text))
            }
            CallMode::Normal | CallMode::Reload => self.find(args, text),
        };
        self.found.push(value);
    }

    /// The entry of this call site, or that of a function of the same key; otherwise the key is missing.
    fn find<A: Args<Owned = K>>(&mut self, args: &A, text: &'a str) -> Option<S::Item> {
        let (place, key) = (self.found.len(), self.state.store.local.values.owned_key(args));
        let missing = MissingKey { place, key, scopes: Scopes::new(text, &[]), text: bounded_text(text) };
        let found = self.state.store.get(&missing.key);
        let found = found.or_else(|| self.state.find_elsewhere(missing.call_key(), |_, _| None));
        let Some(found) = found.filter(|found| found.is_fresh(self.now)) else {
            self.uncounted.push(self.state.store.counters());
            if self.missing.is_empty() {
                self.missing.reserve(self.found.capacity() - place);
            }
            self.missing.push(missing);
            return None;
        };
        self.state.store.counters().hit();
        let times =
            AnswerTimes { age: found.age(self.now), ..AnswerTimes::new(self.now, self.now, found.life.expires) };
        self.record(AnswerSource::Local, times);
        Some(found.value)
    }

    fn record(&self, source: AnswerSource, times: AnswerTimes) {
        if let Some(recorder) = &self.recorder {
            recorder.record(&self.state.path, source, times, false);
        }
    }

    /// Asks the shared tier for what is missing, and returns all values.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(crate) async fn fetch(mut self) -> Vec<Option<S::Item>> {
        if self.missing.is_empty() {
            return self.found;
        }
        let Policy { wire, codec, erase, .. } = self.policy;
        let (form, missing) = (SharedForm { wire, codec, erase }, std::mem::take(&mut self.missing));
        let store = &self.state.store;
        let keys: Vec<_> =
            missing.iter().map(|missing| store.shared_key(&form, &missing.text, missing.scopes.hashes())).collect();
        // Reads alone state no tags.
        let fetched = store.fetch_many(&keys, self.start, &|_| Some(Vec::new())).await;
        let (now, mut answered) = (self.state.now(), 0);
        for (missing, fetched) in missing.iter().zip(fetched) {
            let value = fetched.and_then(|fetched| self.take(missing, fetched, now));
            answered += u64::from(value.is_some());
            self.found[missing.place] = value;
        }
        self.uncounted.shared(answered);
        self.found
    }

    /// The value of an entry of the shared tier, if it is fresh; it is stored in this process. An absence is no value of a direct call.
    fn take(&self, missing: &MissingKey<'_, K>, fetched: Fetched<S::Item>, now: u64) -> Option<S::Item> {
        let (ended, age) = (fetched.ended(now), fetched.age(now));
        let expires = fetched.expires(now.saturating_add(nanos(self.policy.ttl.longest)));
        let value = fetched.value.filter(|_| !fetched.is_refreshed && now < expires)?;
        if !fetched.meets_reload {
            let load = LoadTimes::measured(ended.saturating_sub(fetched.load_time), ended);
            let life = Lifetime { age, ..self.policy.lifetime_until(expires, load, now) };
            let scopes = missing.scopes.and_tags(&fetched.tags);
            let key = CallKey { scopes: &scopes, ..missing.call_key() };
            self.state.insert(key, value.clone(), life, fetched.start);
        }
        self.record(AnswerSource::Shared, AnswerTimes::aged(now, age, expires));
        Some(value)
    }
}
