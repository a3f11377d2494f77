//! The decisions of a call that was not a hit: the answer of its lookup, and the in-flight load that it joins.

use std::any::Any;

use super::{CallLookup, Old, Pending, SharedOutcome, shared_value};
use crate::engine::{Lookup, Reload, Request, ValueOrigin};
use crate::error::LoadTimeout;
use crate::flight::{Joined, LoadPermit};
use crate::key::OwnedKey;
use crate::l1::FoundEntry;
use crate::policy::{EntryUse, LoadTimes};
use crate::shape::{CacheValue, Outcome, OutcomeOf, Shape};
use crate::site::{Dated, Negative};
use crate::stats::{AnswerTimes, Answered};
use crate::trace::Subject;

impl<K, S> Request for &Pending<K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    type Answer = OutcomeOf<S>;
    type Stale = Old<S::Item>;

    fn subject(&self) -> Subject<'_> {
        Subject::function(&self.state.path)
    }

    fn lookup(&mut self) -> CallLookup<S> {
        if self.reload.is_some() {
            return Lookup::Miss;
        }
        let found = self.find();
        if found.is_none() && !self.state.has_negatives() {
            return Lookup::Miss;
        }
        let now = self.state.now();
        self.note_found(found.as_ref(), now);
        match found {
            Some(found) if found.is_fresh(now) => self.stored(now, found),
            found => match (self.cached_negative(now), found) {
                (Some(negative), _) => self.served(negative),
                (None, Some(found)) => self.stored(now, found),
                (None, None) => Lookup::Miss,
            },
        }
    }

    fn join(&mut self, wait: bool) -> Option<Joined> {
        if wait && !(self.policy.single_flight && self.state.is_findable(&self.key)) {
            return None;
        }
        let flights = self.state.store.joinable(self.reload.is_some());
        Some(flights.join(self.key.erased(), self.scopes.hashes(), self.terms(wait)))
    }

    fn leads(&mut self, permit: &LoadPermit, stale: Option<&Old<S::Item>>) {
        self.state.report_stalled(permit, self.load_bound());
        if stale.is_some_and(|old| old.fresh) {
            self.state.store.counters().early_refreshes.count();
        }
    }

    fn recheck(&mut self, permit: LoadPermit) -> Option<LoadPermit> {
        if self.reload.is_some() {
            return Some(permit);
        }
        self.begin_fetch();
        match self.find().filter(|found| found.is_fresh(self.state.now())) {
            Some(found) => {
                let origin = || ValueOrigin::of_load(found.start.epoch, self.tagged_scopes(&found));
                permit.end(|| shared_value::<S>(&found.value, origin()));
                None
            }
            None => Some(permit),
        }
    }

    fn serve_stale(&mut self, old: Old<S::Item>) -> OutcomeOf<S> {
        self.serve_old(old)
    }

    fn waits(&mut self, waits: bool) {
        self.call.waits(waits);
    }

    fn needs_later_load(&mut self) -> bool {
        self.reload.as_ref().is_some_and(Reload::is_first)
    }

    fn accept(&mut self, outcome: Box<dyn Any + Send>) -> Option<OutcomeOf<S>> {
        let Ok(outcome) = outcome.downcast::<SharedOutcome<S>>() else { unreachable!("flights are one state's") };
        let SharedOutcome { outcome, origin } = *outcome;
        if origin.is_some_and(|origin| !origin.may_be_taken(self.state.log(), self.began_at)) {
            return None;
        }
        if self.call.is_recorded() {
            self.note_found(self.find().as_ref(), self.state.now());
        }
        self.call.answered(Answered::Joined);
        Some(match outcome {
            Outcome::Present(value) => Outcome::Present(value),
            Outcome::Absent(absent) => Outcome::Absent(absent),
            Outcome::Failed(shared) => Outcome::Failed(S::clone_error(&shared, self.policy.copy_error)),
        })
    }

    fn timed_out(&mut self) -> Option<OutcomeOf<S>> {
        let (bound, error) = self.policy.load_timeout?;
        self.call.answered(Answered::Joined);
        Some(Outcome::Failed(error(LoadTimeout::new(bound))))
    }
}

impl<K, S> Pending<K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    /// The value that this process has, fresh or not: this call site's own entry, or the one that a direct call has stored under its key.
    /// For a direct call it may be the entry of a function.
    fn find(&self) -> Option<FoundEntry<S::Item>> {
        let found = self.state.store.get(&self.key);
        if found.is_some() || !self.stores_locally() {
            return found;
        }
        self.state.find_elsewhere(self.call_key(), |found, now| {
            Some((self.policy.lifetime_of(found, now)?, self.tags_of(&found.value)?))
        })
    }

    /// The scopes of an entry that was found, if there are tags among them; `None` if they are not known.
    pub(super) fn tagged_scopes(&self, found: &FoundEntry<S::Item>) -> Option<Vec<u64>> {
        self.state.store.local.values.tagged_scopes(&self.key, found.start.number)
    }

    /// Notes the figures of an entry that may be the answer, if the answer is recorded.
    pub(super) fn note_found(&self, found: Option<&FoundEntry<S::Item>>, now: u64) {
        if let Some(found) = found.filter(|_| self.call.is_recorded()) {
            let expires = if found.is_refreshed() { 0 } else { found.life.expires };
            self.call.set_times(AnswerTimes { age: found.age(now), ..AnswerTimes::new(now, now, expires) });
        }
    }

    fn stored(&self, now: u64, found: FoundEntry<S::Item>) -> CallLookup<S> {
        let used = self.policy.use_of(&found, now);
        let old = Old { value: found.value, fresh: used == EntryUse::RefreshEarly, shared: false };
        match used {
            EntryUse::Serve => self.served(Outcome::Present(old.value)),
            EntryUse::RefreshEarly | EntryUse::Refresh => Lookup::Stale(old),
            EntryUse::ServeStale => Lookup::Answer(self.serve_old(old)),
            EntryUse::Load => Lookup::Miss,
        }
    }

    /// The cached absence or error, if it is fresh by the lifetimes of this call site; the site that stored it may have others.
    fn cached_negative(&self, now: u64) -> Option<OutcomeOf<S>> {
        let Dated { negative, began, ended } = self.state.negative(&self.key, now)?;
        match negative {
            Negative::Absent(absent) => {
                let until = self.policy.absent_until(ended);
                self.call.set_times(AnswerTimes::new(now, ended, until));
                (now < until).then_some(Outcome::Absent(absent))
            }
            Negative::Failed(shared) => {
                // The time that is left follows from the error, for this caller alone.
                self.call.set_times(AnswerTimes::new(now, ended, now));
                let error = S::clone_error(&shared, self.policy.copy_error);
                let is_fresh = self.policy.serves_error(&error, LoadTimes::measured(began, ended), now, self.figures());
                is_fresh.then_some(Outcome::Failed(error))
            }
        }
    }

    /// The answer that this process has, if it is fresh: a value, an absence or an error. It loads nothing.
    pub(crate) fn local_answer(&self) -> Option<S::Out> {
        let now = self.state.now();
        let ending = match self.find().filter(|found| found.is_fresh(now)) {
            Some(found) => {
                self.note_found(Some(&found), now);
                Outcome::Present(found.value)
            }
            None => self.cached_negative(now)?,
        };
        self.call.answered(Answered::Locally);
        Some(S::close(ending))
    }

    fn served(&self, ending: OutcomeOf<S>) -> CallLookup<S> {
        self.call.answered(Answered::Locally);
        Lookup::Answer(ending)
    }

    /// Ends the call with a value that a refresh is about to replace.
    pub(super) fn serve_old(&self, old: Old<S::Item>) -> OutcomeOf<S> {
        if old.shared && !old.fresh {
            self.call.gets_stale();
        }
        self.call.answered(match (old.shared, old.fresh) {
            (true, _) => Answered::Shared,
            (false, true) => Answered::Locally,
            (false, false) => Answered::Stale,
        });
        Outcome::Present(old.value)
    }
}
