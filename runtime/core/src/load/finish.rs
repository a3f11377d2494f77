//! The beginning of a load, and its end: store the result, give it to the waiters, and answer the caller.

use std::sync::Arc;

use super::{Pending, shared_negative, shared_value};
use crate::clock::nanos;
use crate::engine::{TieredStart, ValueOrigin, count_load, share_and_end};
use crate::flight::{LoadOutcome, LoadPermit, end};
use crate::key::OwnedKey;
use crate::l1::{Lifetime, LoadStart};
use crate::log::{Epoch, Judgement};
use crate::policy::LoadTimes;
use crate::shape::{CacheValue, Outcome, OutcomeOf, Shape};
use crate::shared::SharedEpoch;
use crate::site::{Dated, Negative};
use crate::stats::AnswerTimes;

impl<K, S> Pending<K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    /// The beginning of a load that starts now. It is later than that of its in-flight load, which may have asked the shared tier first.
    pub(super) fn began(&self) -> TieredStart {
        self.state.store.begin(self.policy.wire.is_some())
    }

    /// The beginning of a value that was put: newer than every load that has begun, at these positions of the logs.
    pub(crate) fn put_at(&self, time: u64, epoch: Epoch, shared: Option<SharedEpoch>) -> TieredStart {
        TieredStart { time, start: LoadStart { epoch, ..self.state.store.local.values.start() }, shared }
    }

    /// Hands the value that the load replaces to its body, if the body asks for it. Called after the load has its epoch: an invalidation
    /// before that is seen here, and one after that keeps the result of the load from being served.
    pub(super) fn hand_over(&self) {
        if self.previous.is_open()
            && let Some(value) = self.replaced()
        {
            self.previous.put(value);
        }
    }

    /// Returns the value of this process, or else that of the shared tier, if it is not invalidated, for up to `keep_expired` after its
    /// ttl. A reload takes nothing from the cache.
    fn replaced(&self) -> Option<S::Item> {
        if self.reload.is_some() {
            return None;
        }
        let is_usable =
            |expires: u64| self.state.now() < expires.saturating_add(nanos(self.policy.usable_after_expiry()));
        if let Some(found) = self.state.store.get(&self.key) {
            return is_usable(found.life.expires).then_some(found.value);
        }
        let standby = self.standby.get().filter(|standby| is_usable(standby.expires))?;
        let judgement = self.state.log().judge(standby.epoch, self.scopes.and_tags(&standby.tags).hashes());
        if judgement == Judgement::Invalidated { None } else { standby.value.downcast_ref().cloned() }
    }

    /// Stores the result of a load, gives it to the waiters, and returns the answer of this caller.
    pub(super) fn finish(&self, began: TieredStart, ending: OutcomeOf<S>, permit: Option<LoadPermit>) -> OutcomeOf<S> {
        let began = began.unless_given_up(permit.as_ref());
        let now = self.state.now();
        let ok = !matches!(ending, Outcome::Failed(_));
        count_load(self.state.store.counters(), now.saturating_sub(began.time), ok);
        match ending {
            Outcome::Present(value) => {
                let origin = ValueOrigin::of_load(began.start.epoch, self.tags_of(&value));
                let outcome = || shared_value::<S>(&value, origin.clone());
                let stored = self.insert(&value, origin.tags(), &began, now);
                self.note_loaded(stored.as_ref().map(|(_, life)| life), now);
                match stored {
                    Some((tags, life)) => {
                        let share = || self.share(Some(&value), tags, life, &began);
                        share_and_end(permit, &began, outcome, share);
                    }
                    None => end(permit, outcome),
                }
                Outcome::Present(value)
            }
            Outcome::Absent(absent) => {
                let life = self.life_for(None, LoadTimes::measured(began.time, now));
                self.note_loaded(life.as_ref(), now);
                match life {
                    Some(life) => {
                        self.share(None, &[], life, &began);
                        self.insert_absence_locally(absent, now, life, began.start);
                        self.remove_if_elsewhere(&began, true);
                    }
                    None => self.remove_older(&began, true),
                }
                end(permit, || shared_negative::<S>(Outcome::Absent(absent)));
                Outcome::Absent(absent)
            }
            Outcome::Failed(error) => self.fail(error, began, now, permit),
        }
    }

    /// Notes the figures of a result that was loaded now, if the answer is recorded.
    fn note_loaded(&self, life: Option<&Lifetime>, now: u64) {
        self.call.has_loaded();
        self.call.set_times(life.map_or(AnswerTimes::UNSTORED, |life| AnswerTimes::new(now, now, life.expires)));
    }

    fn fail(&self, error: S::Error, began: TieredStart, now: u64, permit: Option<LoadPermit>) -> OutcomeOf<S> {
        self.call.has_loaded();
        if let Some((value, origin)) = self.stands_in(now) {
            end(permit, || shared_value::<S>(&value, origin.clone()));
            return Outcome::Present(value);
        }
        self.call.set_times(AnswerTimes::UNSTORED);
        let copy = || S::share_error(&error, self.policy.copy_error);
        let times = LoadTimes::measured(began.time, now);
        // The error of a reload goes to the reloads alone: other callers have their entry, and the shared tier theirs.
        if self.reload.is_none()
            && let Some(life) = self.policy.life_for_error(&error, times, self.figures())
            && let Some(copied) = copy()
        {
            let copied = Dated { negative: Negative::Failed(Arc::new(copied)), began: began.time, ended: now };
            self.state.insert_negative(self.call_key(), copied, life, began.start);
        }
        end(permit, || copy().map_or(LoadOutcome::Alone, |copied| shared_negative::<S>(Outcome::Failed(copied))));
        Outcome::Failed(error)
    }

    /// Ends a load whose body exceeded its `load_timeout` and was dropped.
    pub(super) fn time_out(&self, error: S::Error, permit: Option<LoadPermit>) -> OutcomeOf<S> {
        self.state.store.counters().load_timeouts.count();
        self.call.has_loaded();
        if let Some((value, origin)) = self.stands_in(self.state.now()) {
            end(permit, || shared_value::<S>(&value, origin.clone()));
            return Outcome::Present(value);
        }
        self.call.set_times(AnswerTimes::UNSTORED);
        end(permit, || LoadOutcome::TimedOut);
        Outcome::Failed(error)
    }

    /// Returns the stale fallback of a load that failed, and delays the next load of the key, so that a failing origin gets a rest. The
    /// bound of the old value itself is not renewed. A reload has no fallback, because its caller asked for a new value.
    fn stands_in(&self, now: u64) -> Option<(S::Item, ValueOrigin)> {
        if self.reload.is_some() {
            return None;
        }
        let Some(found) = self.state.store.get(&self.key) else { return self.standby(now) };
        let bound = nanos(self.policy.longest_stale());
        // A value that a refresh record expired is a fallback only if the function serves stale values.
        if (found.is_refreshed() && bound == 0) || now >= found.life.expires.saturating_add(bound) {
            return None;
        }
        self.state.store.delay_next_load(&self.key, now);
        self.note_found(Some(&found), now);
        if now >= found.life.expires || found.is_refreshed() {
            self.call.gets_stale();
        }
        let origin = ValueOrigin::of_fallback(found.start.epoch, self.tagged_scopes(&found));
        Some((found.value, origin))
    }

    fn standby(&self, now: u64) -> Option<(S::Item, ValueOrigin)> {
        let (standby, bound) = (self.standby.get()?, nanos(self.policy.longest_stale()));
        let may_serve = match self.state.log().judge(standby.epoch, self.scopes.and_tags(&standby.tags).hashes()) {
            Judgement::Invalidated => false,
            Judgement::Expired => bound > 0,
            Judgement::Current => true,
        };
        if !may_serve || now >= standby.expires.saturating_add(bound) {
            return None;
        }
        let age = standby.age.saturating_add(now.saturating_sub(standby.fetched));
        self.call.set_times(AnswerTimes::aged(now, age, standby.expires));
        self.call.gets_stale();
        let origin = ValueOrigin::of_fallback(standby.epoch, Some(standby.tags.clone()));
        Some((standby.value.downcast_ref().cloned()?, origin))
    }

    /// Stores a value in this process, and returns its tags and its lifetime; `None` if its tags are not known, or the policy stores no such
    /// value.
    fn insert<'t>(
        &self,
        value: &S::Item,
        tags: Option<&'t [u64]>,
        began: &TieredStart,
        now: u64,
    ) -> Option<(&'t [u64], Lifetime)> {
        let stored =
            tags.and_then(|tags| Some((tags, self.life_for(Some(value), LoadTimes::measured(began.time, now))?)));
        let Some((tags, life)) = stored else {
            self.remove_older(began, false);
            return None;
        };
        self.insert_locally(value, tags, life, began.start);
        self.remove_if_elsewhere(began, false);
        Some((tags, life))
    }
}
