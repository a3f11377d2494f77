//! The end of a batch whose body ran: store its values, give them to the waiters, and answer the caller.

use std::cell::OnceCell;
use std::mem::replace;

use super::outcome::ended;
use super::{Batch, BatchMap, Each};
use crate::engine::{CountIfAbandoned, ValueOrigin, count_load, end_span, ending_of, share_and_end};
use crate::flight::{LoadOutcome, end};
use crate::handle::CallMode;
use crate::key::OwnedKey;
use crate::policy::LoadBound;
use crate::shape::{Outcome, OutcomeOf, Shape};
use crate::trace::Traced;

impl<K, S> Batch<K, S>
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
{
    /// The longest duration of the body, and the constructor of its error. A batch that bypasses the cache has none.
    pub(super) fn load_bound(&self) -> LoadBound<Each<S>> {
        self.policy.load_timeout.filter(|_| self.mode != CallMode::Bypass)
    }

    /// Ends the load of a body that returned.
    pub(super) fn finish(mut self, out: S::Out, span: &Traced, guard: Option<CountIfAbandoned>) -> S::Out {
        let Some(start) = self.start.as_ref().filter(|_| self.mode != CallMode::Bypass) else { return out };
        let now = start.state.now();
        let ending = S::open(out);
        end_span(span, &ending);
        if let Some(guard) = guard {
            guard.end(ending_of(&ending));
        }
        let ok = matches!(ending, Outcome::Present(_));
        count_load(start.state.store.counters(), now.saturating_sub(start.began.time), ok);
        S::close(match ending {
            Outcome::Present(loaded) => {
                let all = self.store(loaded, now);
                Outcome::Present(self.without_foreign(all))
            }
            Outcome::Absent(absent) => {
                end(self.permit.take(), || ended::<K, S>(Outcome::Absent(absent), None));
                Outcome::Absent(absent)
            }
            Outcome::Failed(error) => self.fail(error, now),
        })
    }

    /// Ends a load whose body exceeded its `load_timeout` and was dropped.
    pub(super) fn time_out(mut self, error: S::Error, span: &Traced) -> S::Out {
        span.fail("timeout", "timeout");
        let now = self.start.as_ref().map_or(0, |start| {
            start.state.store.counters().load_timeouts.count();
            start.state.now()
        });
        S::close(self.end_failed(error, now, |_| LoadOutcome::TimedOut))
    }

    /// Stores what was loaded, and returns it together with what was found.
    fn store(&mut self, mut loaded: S::Item, now: u64) -> S::Item {
        let (permit, found) = (self.permit.take(), replace(&mut self.found, S::Item::empty()));
        let Some(start) = &self.start else { return loaded };
        start.set_lives(&self.policy, &mut self.missing, &loaded, now);
        for missing in &self.missing {
            start.insert(&self.policy, missing, loaded.value(&missing.id), now);
        }
        self.end_run();
        loaded.absorb(found);
        let values = OnceCell::new();
        let origin = self.origin(start);
        let outcome = || ended::<K, S>(Outcome::Present(self.values(&values, &loaded)), Some(origin.clone()));
        let began = start.began.unless_given_up(permit.as_ref());
        let share = || start.share(&self.policy, &self.missing, &loaded, &began);
        share_and_end(permit, &began, outcome, share);
        loaded
    }

    fn fail(&mut self, error: S::Error, now: u64) -> OutcomeOf<S> {
        let copy_error = self.policy.copy_error;
        let outcome = |error: &S::Error| match S::share_error(error, copy_error) {
            Some(copied) => ended::<K, S>(Outcome::Failed(copied), None),
            None => LoadOutcome::Alone,
        };
        self.end_failed(error, now, outcome)
    }

    /// Ends a load that failed: with stale fallbacks for all calls, if each element has one, and otherwise with an outcome by which each
    /// call looks for those of its own elements.
    fn end_failed(&mut self, error: S::Error, now: u64, outcome: impl Fn(&S::Error) -> LoadOutcome) -> OutcomeOf<S> {
        self.end_run();
        if let Some(origin) = self.stand_in(now) {
            let (permit, values) = (self.permit.take(), OnceCell::new());
            end(permit, || ended::<K, S>(Outcome::Present(self.values(&values, &self.found)), Some(origin.clone())));
            let found = replace(&mut self.found, S::Item::empty());
            return Outcome::Present(self.without_foreign(found));
        }
        end(self.permit.take(), || outcome(&error));
        if self.missing.iter().all(|missing| !missing.is_foreign) {
            return Outcome::Failed(error);
        }
        self.missing.retain(|missing| !missing.is_foreign);
        self.stand_in_or(error)
    }

    /// The stale fallbacks of the elements of this call, if each has one, and otherwise the error.
    pub(super) fn stand_in_or(&mut self, error: S::Error) -> OutcomeOf<S> {
        let now = self.start.as_ref().map_or(0, |start| start.state.now());
        if self.stand_in(now).is_none() {
            return Outcome::Failed(error);
        }
        let found = replace(&mut self.found, S::Item::empty());
        Outcome::Present(self.without_foreign(found))
    }

    /// Puts the stale fallback of each missing element into `found`, and delays their next loads, if every one of them has one. Returns
    /// their origin. A reload has no fallback, because its caller asked for new values.
    fn stand_in(&mut self, now: u64) -> Option<ValueOrigin> {
        let start = self.start.as_ref().filter(|_| self.reload.is_none())?;
        let fallbacks: Vec<_> =
            self.missing.iter().map(|missing| start.fallback(&self.policy, missing, now)).collect::<Option<_>>()?;
        let mut epoch = start.began.start.epoch;
        for (missing, fallback) in self.missing.iter_mut().zip(fallbacks) {
            start.use_fallback(missing, &fallback, now);
            epoch = epoch.min(fallback.epoch);
            missing.tags = fallback.tags;
            self.found.put(missing.id.clone(), fallback.value);
        }
        Some(ValueOrigin::of_fallback(epoch, self.tags()))
    }
}
