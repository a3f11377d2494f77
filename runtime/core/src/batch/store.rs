//! The elements of a batch in both tiers: those that the shared tier has, those that the body returned, and stale fallbacks.

use super::start::{Element, ExpiredValue, Missing, OldValue, Start, Value, times};
use super::{BatchMap, Each};
use crate::clock::nanos;
use crate::engine::{Fetched, LoadedEntry, TieredStart};
use crate::key::{CallKey, OwnedKey};
use crate::l1::{Lifetime, LoadStart};
use crate::log::{Epoch, Judgement};
use crate::policy::{LoadTimes, Policy, refresh_early};
use crate::shape::Shape;
use crate::site::{Dated, Negative};
use crate::stats::{AnswerSource, AnswerTimes};

/// A value that stands in for one that could not be loaded.
pub(super) struct FallbackValue<V> {
    pub(super) value: V,
    pub(super) epoch: Epoch,
    /// The scopes that only the value knows; `None` if they are not known.
    pub(super) tags: Option<Vec<u64>>,
    is_stale: bool,
    times: AnswerTimes,
}

impl<K, S> Start<K, S>
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
{
    /// The element that the shared tier's answer describes.
    pub(super) fn take(
        &self,
        policy: &Policy<Each<S>>,
        missing: &mut Missing<K, S>,
        fetched: Fetched<Value<S>>,
    ) -> Element<Value<S>> {
        let now = self.began.time;
        let (ended, age) = (fetched.ended(now), fetched.age(now));
        let longest = match &fetched.value {
            Some(_) => now.saturating_add(nanos(policy.ttl.longest)),
            None => policy.absent_until(ended),
        };
        let expires = fetched.expires(longest);
        let is_fresh = now < expires && !fetched.is_refreshed;
        let may_be_stale = fetched.value.is_some() && !policy.longest_stale().is_zero();
        if !is_fresh && !may_be_stale {
            return Element::Missing;
        }
        let load = LoadTimes::measured(ended.saturating_sub(fetched.load_time), ended);
        let mut life = Lifetime { age, ..policy.lifetime_until(expires, load, now) };
        if fetched.is_refreshed {
            life.early_from = 0;
        }
        let in_process = self.stores_locally(policy) && !fetched.meets_reload;
        let start = fetched.start;
        let Some(value) = fetched.value else {
            if in_process {
                self.insert_absence(missing, ended, life, start);
            }
            let times = AnswerTimes::aged(now, age, life.expires);
            self.record_for(missing, AnswerSource::Shared, || times, false);
            return Element::Absent(times);
        };
        if in_process {
            let scopes = missing.scopes.and_tags(&fetched.tags);
            let key = CallKey { scopes: &scopes, ..missing.call_key() };
            self.state.insert(key, value.clone(), life, start);
        }
        if is_fresh {
            // An element that was drawn for an early refresh is loaded only if this entry is drawn, too: another process may have loaded it.
            if missing.old.is_some() && now >= life.early_from && refresh_early(now, &life) {
                return Element::Missing;
            }
            missing.tags = Some(fetched.tags);
            self.record_for(missing, AnswerSource::Shared, || AnswerTimes::aged(now, age, life.expires), false);
            return Element::Present(value);
        }
        self.expired(policy, missing, ExpiredValue { value, expires, epoch: start.epoch, tags: fetched.tags }, age)
    }

    /// The element whose value in the shared tier is expired.
    fn expired(
        &self,
        policy: &Policy<Each<S>>,
        missing: &mut Missing<K, S>,
        found: ExpiredValue<Value<S>>,
        age: u64,
    ) -> Element<Value<S>> {
        let now = self.began.time;
        let is_stale = !policy.stale.is_zero() && now < found.expires.saturating_add(nanos(policy.stale));
        let times = AnswerTimes::aged(now, age, found.expires);
        let old = is_stale.then(|| OldValue { value: found.value.clone(), is_fresh: false, times });
        missing.tags = Some(found.tags.clone());
        if !self.stores_locally(policy) {
            missing.standby = Some(found);
        }
        old.map_or(Element::Missing, Element::Old)
    }

    /// Sets the tags and the lifetime of each element that was to be loaded, by its own value; `now` is the end of the load.
    pub(super) fn set_lives(&self, policy: &Policy<Each<S>>, all: &mut [Missing<K, S>], loaded: &S::Item, now: u64) {
        let site = self.figures();
        // A refresh of the element takes as long as a run of the body.
        let load = LoadTimes::measured(self.began.time, now);
        for missing in all {
            let value = loaded.value(&missing.id);
            missing.tags = value.map_or_else(|| Some(Vec::new()), |value| policy.tags_of(value, site));
            missing.life = missing.tags.as_ref().and_then(|_| policy.life_for(value, load, site));
            let life = missing.life;
            let times = || life.map_or(AnswerTimes::UNSTORED, |life| AnswerTimes::new(now, now, life.expires));
            self.record_for(missing, AnswerSource::Load, times, false);
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

    /// Stores the loaded value of an element, or its absence, in this process; removes older answers if nothing is to be stored here.
    pub(super) fn insert(&self, policy: &Policy<Each<S>>, missing: &Missing<K, S>, value: Option<&Value<S>>, now: u64) {
        let life = missing.life.filter(|_| self.stores_locally(policy));
        match (life, value) {
            (Some(life), Some(value)) => {
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

    /// The stale fallback of an element whose load failed.
    pub(super) fn fallback(
        &self,
        policy: &Policy<Each<S>>,
        missing: &Missing<K, S>,
        now: u64,
    ) -> Option<FallbackValue<Value<S>>> {
        let bound = nanos(policy.longest_stale());
        let Some(found) = self.state.store.get(&missing.key) else { return self.standby(missing, bound, now) };
        // A value that a refresh record expired is a fallback only if the function serves stale values.
        if (found.is_refreshed() && bound == 0) || now >= found.life.expires.saturating_add(bound) {
            return None;
        }
        let tags = self.state.store.local.values.tagged_scopes(&missing.key, found.start.number);
        let is_stale = now >= found.life.expires || found.is_refreshed();
        Some(FallbackValue { epoch: found.start.epoch, tags, is_stale, times: times(&found, now), value: found.value })
    }

    fn standby(&self, missing: &Missing<K, S>, bound: u64, now: u64) -> Option<FallbackValue<Value<S>>> {
        let standby = missing.standby.as_ref()?;
        let may_serve = match self.state.log().judge(standby.epoch, missing.scopes.and_tags(&standby.tags).hashes()) {
            Judgement::Invalidated => false,
            Judgement::Expired => bound > 0,
            Judgement::Current => true,
        };
        if !may_serve || now >= standby.expires.saturating_add(bound) {
            return None;
        }
        let times = AnswerTimes::new(now, now, standby.expires);
        let (value, tags) = (standby.value.clone(), Some(standby.tags.clone()));
        Some(FallbackValue { value, epoch: standby.epoch, tags, is_stale: true, times })
    }

    /// Serves a stale fallback, and delays the next load of the element, so that a failing origin gets a rest.
    pub(super) fn use_fallback(&self, missing: &Missing<K, S>, fallback: &FallbackValue<Value<S>>, now: u64) {
        self.state.store.delay_next_load(&missing.key, now);
        if fallback.is_stale && !missing.is_foreign {
            self.state.store.counters().stale_served.count();
        }
        self.record_for(missing, AnswerSource::Load, || fallback.times, fallback.is_stale);
    }
}
