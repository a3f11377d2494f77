//! Batches that merge: calls that meet within a stated time share one run of the body for all elements that they lack.
//!
//! A call joins a merged run like any in-flight load. The call that leads it waits for others, takes their elements, and loads them with its
//! own; each of the others takes its elements from the outcome. A call that lacks more than the run that it joined looks and joins again
//! for the rest, so it holds nothing while it waits, and no circle can form. A run that panicked is not repeated: each call then loads its
//! own elements, so that an element on which the body panics harms no other call.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::mem::take;
use std::sync::LazyLock;
use std::time::Duration;

use super::merge::{Lacked, MergeTerms, MergedRuns, Merging, PanicNote};
use super::outcome::Values;
use super::start::{Id, Missing};
use super::{Batch, BatchMap};
use crate::flight::{Joined, Terms};
use crate::handle::CallMode;
use crate::key::args::Args;
use crate::key::{Hashed, OwnedKey, Prehashed};
use crate::shape::Shape;
use crate::site::Outdated;

static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl<K, S> Batch<K, S>
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
{
    /// Merges the batch with concurrent ones that have the same arguments beside the list.
    #[must_use]
    pub fn merge<G: Args>(mut self, group: &G, wait: Duration, max: usize) -> Self {
        let mut hasher = HASHER.build_hasher();
        group.feed(&mut hasher);
        let group = Hashed { hash: hasher.finish(), args: group.to_owned_args() }.erased();
        let terms = MergeTerms { group, wait, max: max.max(1) };
        self.merging = Some(Box::new(Merging { terms, member: None, is_alone: false }));
        self
    }

    /// Returns whether the elements that are missing are loaded together with those of other calls.
    pub(super) fn merges(&self) -> bool {
        self.mode == CallMode::Normal && self.merging.as_ref().is_some_and(|merging| !merging.is_alone)
    }

    /// Joins the merged run that has one of the missing elements, or one that takes them.
    pub(super) fn meet(&mut self, terms: Terms) -> Option<Joined> {
        let (start, merging) = (self.start.as_ref()?, self.merging.as_mut()?);
        let lacked: Vec<_> = self.missing.iter().map(lacked).collect();
        let runs = start.state.store.extension::<MergedRuns<K, Id<S>>>();
        loop {
            let member = runs.join(&lacked, &merging.terms, start.state.log());
            let joined = start.state.store.flights.join_if(member.run.flight(), &|_, _| true, terms);
            // The load has ended since it was found.
            if matches!(joined, Joined::Lead(_)) && member.run.has_ended() {
                continue;
            }
            merging.member = Some(member);
            return Some(joined);
        }
    }

    /// Takes the elements of all calls of the run that this batch leads, after it has waited for them.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost; another call of the run takes over.
    pub(super) async fn gather(&mut self) {
        let Some(merging) = &mut self.merging else { return };
        let Some(permit) = &self.permit else {
            // Answered, or alone: the run is that of other calls.
            merging.member = None;
            return;
        };
        let Some(member) = &merging.member else { return };
        let (run, wait) = (member.run.clone(), merging.terms.wait);
        if !self.missing.is_empty() {
            permit.expect_wait(wait);
            run.wait_for_more(wait).await;
        }
        self.take_elements();
    }

    fn take_elements(&mut self) {
        let (Some(start), Some(merging)) = (&mut self.start, &self.merging) else { return };
        let Some(member) = &merging.member else { return };
        start.begin();
        let lacks: HashSet<_, Prehashed> =
            self.missing.iter().chain(&self.settled).map(|missing| missing.key.clone()).collect();
        let others = member.close(start.began.start.epoch).into_iter();
        for Lacked { id, key, scopes, text } in others.filter(|other| !lacks.contains(&other.key)) {
            // A call that came later may lack what was a hit for this one: an invalidation came between.
            if self.seen.contains(&key) {
                self.found.remove(&id);
            }
            let mut missing = Missing::new(id, (key, scopes, text), Outdated::Nothing, None);
            missing.is_foreign = true;
            self.missing.push(missing);
        }
        self.recheck_missing();
    }

    /// Notes a panic of the body in the run that this batch leads.
    pub(super) fn panic_note(&self) -> PanicNote<K, Id<S>> {
        let member = self.merging.as_ref().and_then(|merging| merging.member.as_ref());
        PanicNote(member.map(|member| member.run.clone()))
    }

    /// Returns whether the run that was taken over has panicked; then this batch loads alone.
    pub(super) fn leaves_run(&mut self) -> bool {
        let Some(merging) = &mut self.merging else { return false };
        let has_panicked = merging.member.as_ref().is_some_and(|member| member.run.has_panicked());
        if has_panicked && let Some(member) = merging.member.take() {
            member.end();
            merging.is_alone = true;
        }
        has_panicked
    }

    /// Ends the merged run, whose elements are loaded.
    pub(super) fn end_run(&self) {
        if let Some(member) = self.merging.as_ref().and_then(|merging| merging.member.as_ref()) {
            member.end();
        }
    }

    /// Takes the elements that the joined run had. Returns whether it had all that are missing.
    pub(super) fn take_joined(&mut self, values: &Values<K, S>) -> bool {
        let Some(member) = self.merging.as_mut().and_then(|merging| merging.member.take()) else { return true };
        if member.run.has_all(self.missing.iter().map(|missing| &missing.key)) {
            return true;
        }
        for missing in take(&mut self.missing) {
            if !member.run.has(&missing.key) {
                self.missing.push(missing);
                continue;
            }
            self.uncounted.join(1);
            if let Some(start) = &self.start {
                start.record_joined(&missing.key);
            }
            if let Some(value) = values.get(&missing.key) {
                self.found.put(missing.id, value.clone());
            }
        }
        false
    }

    /// Removes the elements of other calls from an answer.
    pub(super) fn without_foreign(&self, mut answer: S::Item) -> S::Item {
        for missing in self.missing.iter().chain(&self.settled) {
            if missing.is_foreign && !self.seen.contains(&missing.key) {
                answer.remove(&missing.id);
            }
        }
        answer
    }
}

fn lacked<K, S>(missing: &Missing<K, S>) -> Lacked<K, Id<S>>
where
    K: OwnedKey,
    S: Shape<Item: BatchMap>,
{
    let Missing { id, key, scopes, text, .. } = missing;
    Lacked { id: id.clone(), key: key.clone(), scopes: scopes.clone(), text: text.clone() }
}
