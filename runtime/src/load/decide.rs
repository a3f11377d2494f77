//! What a call that was not a hit has to do: be served, wait, or load.

use std::time::Duration;

use tokio::sync::oneshot::error::RecvError;

use super::{Old, Pending, Plan, Step, shared_outcome};
use crate::clock::nanos;
use crate::error::LoadTimeout;
use crate::flight::{Joined, LoadOutcome, Permit, end};
use crate::key::OwnedKey;
use crate::l1::Found;
use crate::policy::refresh_early;
use crate::shape::{CacheValue, Ending, Outcome, Shape};
use crate::site::{Dated, Negative, SharedOutcome};
use crate::stats::Answered;

impl<K, S> Pending<K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    /// What there is to serve without a load of this caller's own, or who has to load.
    pub(super) fn begin(&self) -> Step<S> {
        let found = self.find();
        if found.is_none() && !self.cell.has_negatives() {
            return self.join();
        }
        let now = self.cell.now();
        match found {
            Some(found) if found.is_fresh(now) => self.fresh(now, found),
            found => match (self.cached_negative(now), found) {
                (Some(negative), _) => self.served(negative),
                (None, Some(found)) => self.expired(now, found),
                (None, None) => self.join(),
            },
        }
    }

    /// The value that this process has, fresh or not: this call site's own, or what a direct call has stored under its key; of a direct
    /// call, what a function has.
    fn find(&self) -> Option<Found<S::Item>> {
        let own = self.cell.front.store.look(&self.key);
        if own.is_some() || !self.is_kept_in_process() {
            return own;
        }
        self.cell.find_elsewhere(self.call_key(), |found, now| self.policy.lifetime_of(found, now))
    }

    fn fresh(&self, now: u64, found: Found<S::Item>) -> Step<S> {
        let due = now >= found.fresh_until.max(found.retry_at);
        if due && refresh_early(now, &found.life) {
            self.refresh(found, true)
        } else {
            self.served(Outcome::Present(found.value))
        }
    }

    fn expired(&self, now: u64, found: Found<S::Item>) -> Step<S> {
        if now < found.life.expires && !found.is_refreshed() {
            // Only this process has to ask again.
            return self.join();
        }
        let within = |bound: Duration| !bound.is_zero() && now < found.life.expires.saturating_add(nanos(bound));
        if now < found.retry_at && within(self.policy.longest_stale()) {
            Step::Go(Plan::Done(self.serve_old(Old { value: found.value, fresh: false })))
        } else if within(self.policy.stale) {
            self.refresh(found, false)
        } else {
            self.join()
        }
    }

    /// Loads, or waits for whoever does.
    fn join(&self) -> Step<S> {
        if !self.policy.single_flight || !self.cell.is_findable(&self.key) {
            return Step::Go(Plan::Load(None));
        }
        match self.cell.flights.join(self.key.erased(), self.scopes.hashes(), self.terms(true)) {
            Joined::Lead(permit) => Step::Go(self.lead(permit)),
            Joined::Wait(waiter) => {
                self.call.waits(true);
                Step::Wait(waiter)
            }
            Joined::Within | Joined::Taken(_) => Step::Go(Plan::Load(None)),
        }
    }

    /// Leads, unless a load that has just ended made it needless.
    fn lead(&self, permit: Permit) -> Plan<S> {
        self.cell.tell_stalled(&permit, self.load_bound());
        match self.find() {
            Some(found) if found.is_fresh(self.cell.now()) => {
                end(Some(permit), || shared_outcome::<S>(Outcome::Present(found.value.clone())));
                self.call.answered(Answered::Here);
                Plan::Done(Outcome::Present(found.value))
            }
            _ => Plan::Load(Some(permit)),
        }
    }

    /// One caller refreshes; whoever finds that somebody does so already is served at once.
    fn refresh(&self, found: Found<S::Item>, fresh: bool) -> Step<S> {
        match self.cell.flights.join(self.key.erased(), self.scopes.hashes(), self.terms(false)) {
            Joined::Lead(permit) => {
                self.cell.tell_stalled(&permit, self.load_bound());
                if fresh {
                    self.cell.front.counters.early_refreshes.count();
                }
                Step::Go(Plan::Refresh(permit, Old { value: found.value, fresh }))
            }
            _ => Step::Go(Plan::Done(self.serve_old(Old { value: found.value, fresh }))),
        }
    }

    /// The next step of a waiter that was told this outcome.
    pub(super) fn resume(&self, outcome: Result<LoadOutcome, RecvError>) -> Step<S> {
        self.call.waits(false);
        Step::Go(match outcome {
            Ok(LoadOutcome::Shared(outcome)) => {
                let Ok(outcome) = outcome.downcast::<SharedOutcome<S>>() else {
                    unreachable!("flights are one cell's")
                };
                self.call.answered(Answered::Joined);
                Plan::Done(self.ending(*outcome))
            }
            Ok(LoadOutcome::Alone) => Plan::Load(None),
            Ok(LoadOutcome::TimedOut) => match self.policy.load_timeout {
                Some((bound, error)) => {
                    self.call.answered(Answered::Joined);
                    Plan::Done(Outcome::Failed(error(LoadTimeout::new(bound))))
                }
                None => Plan::Load(None),
            },
            Ok(LoadOutcome::Lead(permit)) => self.lead(permit),
            // The load was given up.
            Err(_) => return self.join(),
        })
    }

    fn ending(&self, outcome: SharedOutcome<S>) -> Ending<S> {
        match outcome {
            Outcome::Present(value) => Outcome::Present(value),
            Outcome::Absent(absent) => Outcome::Absent(absent),
            Outcome::Failed(kept) => Outcome::Failed(S::give(&kept, self.policy.copy_error)),
        }
    }

    /// The cached absence or error, if this call site serves it for as long as that: whoever stored it may have said otherwise.
    fn cached_negative(&self, now: u64) -> Option<Ending<S>> {
        let Dated { negative, ended } = self.cell.negative(&self.key, now)?;
        match negative {
            Negative::Absent(absent) => (now < self.policy.absent_until(ended)).then_some(Outcome::Absent(absent)),
            Negative::Failed(kept) => {
                let (which, ttl) = self.policy.cache_err?;
                let error = S::give(&kept, self.policy.copy_error);
                let fresh = now < ended.saturating_add(nanos(ttl)) && which(&error);
                fresh.then_some(Outcome::Failed(error))
            }
        }
    }

    /// The answer that this process has, if it is fresh: a value, an absence or an error. Nothing is loaded.
    pub(crate) fn look(&self) -> Option<S::Out> {
        let now = self.cell.now();
        let ending = match self.find().filter(|found| found.is_fresh(now)) {
            Some(found) => Outcome::Present(found.value),
            None => self.cached_negative(now)?,
        };
        self.call.answered(Answered::Here);
        Some(S::close(ending))
    }

    fn served(&self, ending: Ending<S>) -> Step<S> {
        self.call.answered(Answered::Here);
        Step::Go(Plan::Done(ending))
    }

    /// Ends the call with a value that is, or ought to be, refreshed by somebody else.
    pub(super) fn serve_old(&self, old: Old<S::Item>) -> Ending<S> {
        self.call.answered(if old.fresh { Answered::Here } else { Answered::Stale });
        Outcome::Present(old.value)
    }
}
