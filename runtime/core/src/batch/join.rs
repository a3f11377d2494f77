//! Joining of equal batches: of all batches that lack the same elements at one time, one runs and the others get its values.
//!
//! Batches are equal as sets: neither order nor duplicates matter. A batch waits only for an equal one, so no batch is delayed by a load
//! that it would not have made itself.

use std::any::Any;
use std::cell::OnceCell;
use std::collections::HashSet;
use std::convert::Infallible;
use std::mem::{replace, swap, take};
use std::sync::Arc;

use super::outcome::{EndedBatch, Values, ended};
use super::start::{Element, Missing, Start};
use super::{Batch, BatchMap, Waited};
use crate::clock::nanos;
use crate::engine::{Lookup, Reload, Request, RequestPlan, ValueOrigin, join, join_blocking};
use crate::error::LoadTimeout;
use crate::flight::{GRACE, Joined, LoadOutcome, LoadPermit, PATIENCE, Terms, end};
use crate::handle::CallMode;
use crate::key::{AnyKey, Hashed, OwnedKey, Prehashed};
use crate::log::Log;
use crate::shape::{Outcome, Shape};
use crate::trace::Subject;

/// The keys that a batch lacks, as the key of its load.
#[derive(Clone, PartialEq, Eq)]
struct Lacking<K: Eq>(Arc<HashSet<Hashed<K>, Prehashed>>);

impl<K, S> Request for Batch<K, S>
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
{
    type Answer = ();
    type Stale = Infallible;

    fn subject(&self) -> Subject<'_> {
        self.subject()
    }

    /// Finds nothing: every element was looked up one by one.
    fn lookup(&mut self) -> Lookup<(), Infallible> {
        Lookup::Miss
    }

    fn join(&mut self, wait: bool) -> Option<Joined> {
        let joins = self.policy.single_flight && !self.missing.is_empty() && self.mode != CallMode::Bypass;
        let start = self.start.as_ref().filter(|_| joins)?;
        if !self.missing.iter().all(|missing| start.state.is_findable(&missing.key)) {
            return None;
        }
        let patience = self.policy.load_timeout.map_or(PATIENCE, |(bound, _)| bound.saturating_add(GRACE));
        let terms = Terms { wait, patience: nanos(patience), note: 0 };
        if self.merges() {
            return self.meet(terms);
        }
        // Mostly all elements are missing, so their keys need not be cloned.
        let keys = if self.seen.len() == self.missing.len() {
            take(&mut self.seen)
        } else {
            self.missing.iter().map(|missing| missing.key.clone()).collect()
        };
        let all = &self.missing;
        let is_current = |log: &Log, epoch| all.iter().all(|missing| log.is_current(epoch, missing.scopes.hashes()));
        let flights = start.state.store.joinable(self.mode == CallMode::Reload);
        Some(flights.join_if(lacking(keys), &is_current, terms))
    }

    fn leads(&mut self, permit: &LoadPermit, _: Option<&Infallible>) {
        if let Some(start) = &self.start {
            start.state.report_stalled(permit, self.policy.load_timeout.map_or(PATIENCE, |(bound, _)| bound));
        }
    }

    /// Looks again for elements that arrived meanwhile, and returns the permit for the load of the missing ones.
    fn recheck(&mut self, permit: LoadPermit) -> Option<LoadPermit> {
        if self.leaves_run() {
            permit.end(|| LoadOutcome::Alone);
            return None;
        }
        if let Some(start) = &mut self.start {
            start.begin();
        }
        if self.mode != CallMode::Reload {
            self.recheck_missing();
        }
        Some(permit)
    }

    fn serve_stale(&mut self, stale: Infallible) {
        match stale {}
    }

    fn waits(&mut self, waits: bool) {
        self.uncounted.waits(waits);
    }

    fn needs_later_load(&mut self) -> bool {
        self.reload.as_ref().is_some_and(Reload::is_first)
    }

    fn accept(&mut self, outcome: Box<dyn Any + Send>) -> Option<()> {
        let Ok(ended) = outcome.downcast() else { unreachable!("all are of one state") };
        let EndedBatch::<K, S> { outcome, origin } = *ended;
        let start = self.start.as_ref()?;
        // A waiter has not led, so this is where it began.
        if origin.is_some_and(|origin| !origin.may_be_taken(start.state.log(), start.began.start.epoch)) {
            return None;
        }
        if let Outcome::Present(values) = &outcome
            && !self.take_joined(values)
        {
            return None;
        }
        self.outcome = Some(Waited::Ended(outcome));
        Some(())
    }

    fn timed_out(&mut self) -> Option<()> {
        self.policy.load_timeout?;
        self.outcome = Some(Waited::TimedOut);
        Some(())
    }
}

impl<K, S> Batch<K, S>
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
{
    /// Joins an equal batch, and waits for it. If none was joined, this batch has to load the elements that are still missing.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost; if this batch has waiters, one of them takes over.
    pub(super) async fn wait(&mut self) {
        let plan = join(self).await;
        self.follow(plan);
    }

    /// Joins an equal batch, and blocks the thread until it has ended.
    pub(super) fn wait_blocking(&mut self) {
        let plan = join_blocking(self);
        self.follow(plan);
    }

    fn follow(&mut self, plan: RequestPlan<(), Infallible>) {
        match plan {
            RequestPlan::Done(()) => {}
            RequestPlan::Load(Some(permit)) => self.permit = Some(permit),
            RequestPlan::Load(None) => {
                if let Some(start) = &mut self.start {
                    start.begin();
                }
            }
            RequestPlan::Refresh(_, stale) => match stale {},
        }
    }

    /// Looks again in this process for the missing elements, except those that this batch refreshes.
    pub(super) fn recheck_missing(&mut self) {
        let Some(start) = &self.start else { return };
        for missing in self.missing.iter_mut().filter(|missing| missing.claim.is_none()) {
            let looked = start.find_again(&self.policy, missing);
            missing.is_settled = !matches!(looked, Element::Missing);
            if missing.is_settled && !missing.is_foreign {
                self.uncounted.hit();
            }
            if let Element::Present(value) = looked {
                missing.tags = None;
                self.found.put(missing.id.clone(), value);
            }
        }
        self.put_aside();
    }

    /// Moves the elements that were found from `missing` to `settled`.
    pub(super) fn put_aside(&mut self) {
        if self.settled.is_empty() && self.missing.iter().all(|missing| missing.is_settled) {
            swap(&mut self.missing, &mut self.settled);
        } else {
            self.settled.extend(self.missing.extract_if(.., |missing| missing.is_settled));
        }
    }

    /// The answer from the values of the batch that was joined, if there was one.
    pub(super) fn accept(&mut self) -> Option<S::Out> {
        let outcome = self.outcome.take()?;
        self.uncounted.joined();
        if let Some(start) = &self.start {
            self.missing.iter().for_each(|missing| start.record_joined(&missing.key));
        }
        Some(S::close(match outcome {
            Waited::Ended(Outcome::Present(values)) => {
                let mut found = replace(&mut self.found, S::Item::empty());
                for missing in take(&mut self.missing) {
                    if let Some(value) = values.get(&missing.key) {
                        found.put(missing.id, value.clone());
                    }
                }
                Outcome::Present(found)
            }
            Waited::Ended(Outcome::Absent(absent)) => Outcome::Absent(absent),
            Waited::Ended(Outcome::Failed(shared)) => {
                let error = S::clone_error(&shared, self.policy.copy_error);
                self.stand_in_or(error)
            }
            Waited::TimedOut => {
                let (bound, error) = self.policy.load_timeout?;
                self.stand_in_or(error(LoadTimeout::new(bound)))
            }
        }))
    }

    /// Ends the load that this batch leads, because nothing is missing any more.
    pub(super) fn end_found(&mut self) {
        self.end_run();
        let (permit, values) = (self.permit.take(), OnceCell::new());
        let origin = self.start.as_ref().map(|start| self.origin(start));
        end(permit, || ended::<K, S>(Outcome::Present(self.values(&values, &self.found)), origin.clone()));
    }

    /// The load of the values of all elements for which waiters may wait.
    pub(super) fn origin(&self, start: &Start<K, S>) -> ValueOrigin {
        ValueOrigin::of_load(start.began.start.epoch, self.tags())
    }

    /// The scopes that only the values of these elements know; `None` if some are not known.
    pub(super) fn tags(&self) -> Option<Vec<u64>> {
        let waited_for = self.missing.iter().chain(&self.settled);
        let tags = waited_for.map(|missing| missing.tags.as_deref()).collect::<Option<Vec<_>>>();
        tags.map(|tags| tags.concat())
    }

    /// The values of all elements for which waiters may wait, gathered once.
    pub(super) fn values(&self, made: &OnceCell<Values<K, S>>, all: &S::Item) -> Values<K, S> {
        let waited_for = || self.missing.iter().chain(&self.settled);
        let value = |missing: &Missing<K, S>| Some((missing.key.clone(), all.value(&missing.id)?.clone()));
        made.get_or_init(|| Arc::new(waited_for().filter_map(value).collect())).clone()
    }
}

fn lacking<K: OwnedKey>(keys: HashSet<Hashed<K>, Prehashed>) -> Hashed<AnyKey> {
    // A sum, so that the order does not matter.
    let hash = keys.iter().fold(0, |sum: u64, key| sum.wrapping_add(key.hash));
    Hashed { hash, args: Lacking(Arc::new(keys)) }.erased()
}
