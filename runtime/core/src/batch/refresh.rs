//! Elements with an old value: stale ones, and those that expire soon.
//!
//! Of all batches that find such an element, one claims its refresh, by a permit of an in-flight load that no caller waits for, and the
//! others serve the value. The claimed elements of a batch are loaded in one run, together with those that it lacks; if it lacks none and
//! the function says `refresh = background`, in a task. An element that is only about to expire never makes a caller wait: it is claimed
//! only where a body runs anyway.

use std::mem::{replace, take};

use super::start::{Missing, OldValue, Start};
use super::{Batch, BatchMap, Each, Value};
use crate::clock::nanos;
use crate::engine::BackgroundPermit;
use crate::flight::{Joined, LoadPermit, PATIENCE, Terms};
use crate::key::OwnedKey;
use crate::policy::Policy;
use crate::shape::{Outcome, Shape};
use crate::stats::AnswerSource;

impl<K, S> Batch<K, S>
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
{
    /// Claims the refresh of the elements that have an old value, and serves those that another batch refreshes or that need no refresh yet.
    pub(super) fn claim(&mut self) {
        if self.missing.iter().all(|missing| missing.old.is_none()) {
            return;
        }
        let Some(start) = &self.start else { return };
        for missing in self.missing.iter_mut().filter(|missing| missing.is_stale()) {
            missing.claim = start.claim(&self.policy, missing);
        }
        let loads = self.policy.background
            || self.missing.iter().any(|missing| missing.old.is_none() || missing.claim.is_some());
        for missing in self.missing.iter_mut().filter(|missing| loads && missing.old.is_some() && !missing.is_stale()) {
            missing.claim = start.claim(&self.policy, missing);
            if missing.claim.is_some() {
                start.state.store.counters().early_refreshes.count();
            }
        }
        self.serve_unclaimed();
    }

    /// Serves the elements whose old value this batch does not refresh.
    pub(super) fn serve_unclaimed(&mut self) {
        if self.missing.iter().all(|missing| missing.old.is_none() || missing.claim.is_some()) {
            return;
        }
        for mut missing in take(&mut self.missing) {
            let unclaimed = if missing.claim.is_none() { missing.old.take() } else { None };
            let Some(old) = unclaimed else {
                self.missing.push(missing);
                continue;
            };
            // Those of merged calls count when their callers have them.
            if !missing.is_foreign {
                self.serve(&old);
            }
            self.found.put(missing.id.clone(), old.value);
            missing.is_settled = true;
            self.settled.push(missing);
        }
    }

    /// The claims of this batch. As long as its body is polled, no other batch refreshes these elements.
    pub(super) fn claims(&self) -> Vec<&LoadPermit> {
        self.missing.iter().filter_map(|missing| missing.claim.as_ref()).collect()
    }

    /// Returns whether the body only has to replace old values, so that it may run in the background.
    pub(super) fn has_only_old(&self) -> bool {
        self.policy.background && !self.missing.is_empty() && self.missing.iter().all(|missing| missing.old.is_some())
    }

    /// Returns a permit for a load in the background, unless too many run.
    pub(super) fn background_slot(&self) -> Option<BackgroundPermit> {
        self.start.as_ref()?.state.store.background.try_acquire()
    }

    /// Ends the call with what was found and with the old values, which the body is about to replace.
    pub(super) fn serve_old(&mut self) -> S::Out {
        let found = replace(&mut self.found, S::Item::empty());
        // Waiters may still need the elements that were found after this batch began to lead.
        for settled in &self.settled {
            if let Some(value) = found.value(&settled.id) {
                self.found.put(settled.id.clone(), value.clone());
            }
        }
        let mut answer = self.without_foreign(found);
        for index in 0..self.missing.len() {
            // The elements of merged calls are not for this one, nor is what follows.
            let is_foreign = replace(&mut self.missing[index].is_foreign, true);
            if !is_foreign && let Some(old) = self.missing[index].old.take() {
                self.serve(&old);
                answer.put(self.missing[index].id.clone(), old.value);
            }
        }
        if let Some(start) = &mut self.start {
            start.end_record();
            start.begin_load();
        }
        S::close(Outcome::Present(answer))
    }

    /// Counts and records an old value as the answer of its element.
    fn serve(&mut self, old: &OldValue<Value<S>>) {
        if let Some(start) = &self.start {
            start.record_old(old);
            self.uncounted.hit();
        }
    }
}

impl<K, S> Start<K, S>
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
{
    /// Claims the refresh of an element, unless another batch has.
    fn claim(&self, policy: &Policy<Each<S>>, missing: &Missing<K, S>) -> Option<LoadPermit> {
        let patience = nanos(policy.load_timeout.map_or(PATIENCE, |(bound, _)| bound));
        let terms = Terms { wait: false, patience, note: 0 };
        match self.state.store.flights.join(missing.key.erased(), missing.scopes.hashes(), terms) {
            Joined::Lead(permit) => Some(permit),
            _ => None,
        }
    }

    /// Notes an old value that the shared tier has, and claims its refresh.
    pub(super) fn hold_old(&self, policy: &Policy<Each<S>>, missing: &mut Missing<K, S>, old: OldValue<Value<S>>) {
        if missing.old.is_none() {
            missing.claim = self.claim(policy, missing);
            missing.old = Some(old);
        }
    }

    /// Records an old value as the answer of its element, and counts it if it is stale.
    fn record_old(&self, old: &OldValue<Value<S>>) {
        if !old.is_fresh {
            self.state.store.counters().stale_served.count();
        }
        self.record(AnswerSource::Local, || old.times, !old.is_fresh);
    }

    /// Counts and records an old value that is served without a refresh.
    pub(super) fn serve(&self, old: &OldValue<Value<S>>) {
        self.record_old(old);
        self.state.store.counters().hit();
    }
}
