//! `#[cacheable(batch(ids))]`: many keys in one call, of which the body loads only the missing ones.
//!
//! May use: `clock`, `engine`, `error`, `events`, `flight`, `handle`, `key`, `l1`, `log`, `policy`, `shape`, `shared`, `site`, `stats`, `sync`, `trace`.
//!
//! Every element is looked up and stored under the key that the template of the function for one element makes of it, in the same store.
//! The epoch of all stored values is taken before the body runs. A batch waits for one that lacks the same elements ([`join`]), and for no
//! other load: elements that another load has under way are loaded once more, so one slow key holds up no batch.
//!
//! With `merge`, batches that meet load what they lack in one run ([`gather`]).
//!
//! An element with an old value is loaded by the batch that claims its refresh ([`refresh`]), and served as it is by all others.

use std::collections::HashSet;
use std::mem::replace;

use crate::engine::Reload;
use crate::flight::LoadPermit;
use crate::handle::{CallMode, Fastness};
use crate::key::args::Args;
use crate::key::template::bounded;
use crate::key::{Hashed, OwnedKey, Prehashed, Scopes};
use crate::policy::Policy;
use crate::shape::{Outcome, Shape};
use crate::shared::SharedApi as _;
use crate::site::{Instance, Outdated, Site};
use crate::stats::{AnswerSource, AnswerTimes, Uncounted};
use crate::sync::block_on;
use crate::trace::Subject;

mod drive;
mod each;
mod finish;
mod gather;
mod ids;
mod join;
mod merge;
mod outcome;
mod refresh;
mod start;
mod store;

pub use drive::{load_batch, load_batch_spawned, load_batch_sync};
pub use each::Each;
pub use ids::{BatchIds, BatchMap};
use merge::Merging;
use outcome::BatchOutcome;
use start::{Element, Id, Missing, Start, Value};

/// The number of elements for which the first one reserves room.
const ROOM: usize = 64;

/// The end of a batch that another one waited for.
enum Waited<K: Eq, S: Shape<Item: BatchMap>> {
    Ended(BatchOutcome<K, S>),
    /// The end of one that took longer than the `load_timeout`.
    TimedOut,
}

/// A call of a batch function, from its first element to its answer.
pub struct Batch<K: OwnedKey, S: Shape<Item: BatchMap>> {
    site: &'static Site,
    instance: Instance,
    on: Option<Fastness>,
    policy: Policy<Each<S>>,
    /// The beginning and the state, from the first element on: the types of its arguments say whether a namespace leads the keys.
    start: Option<Start<K, S>>,
    seen: HashSet<Hashed<K>, Prehashed>,
    found: S::Item,
    missing: Vec<Missing<K, S>>,
    /// Elements that were found after this batch began to lead; waiters may still need them.
    settled: Vec<Missing<K, S>>,
    permit: Option<LoadPermit>,
    /// The outcome of the batch that this one waited for.
    outcome: Option<Waited<K, S>>,
    uncounted: Uncounted,
    /// Set with `start`; before, the mode that the function's `condition` asks for.
    mode: CallMode,
    /// The part of the batch that is a reload.
    reload: Option<Reload>,
    /// Set if it merges with other batches.
    merging: Option<Box<Merging<K, Id<S>>>>,
}

impl<K, S> Batch<K, S>
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
{
    /// A batch of no elements yet.
    pub(crate) fn new(site: &'static Site, on: Option<&Fastness>, instance: Instance, policy: Policy<Each<S>>) -> Self {
        Self {
            site,
            instance,
            on: on.cloned(),
            policy,
            start: None,
            seen: HashSet::default(),
            found: S::Item::empty(),
            missing: Vec::new(),
            settled: Vec::new(),
            permit: None,
            outcome: None,
            uncounted: Uncounted::default(),
            mode: CallMode::Normal,
            reload: None,
            merging: None,
        }
    }

    /// Bypasses the cache unless the condition holds.
    #[must_use]
    pub fn when(mut self, condition: bool) -> Self {
        if !condition {
            self.mode = CallMode::Bypass;
        }
        self
    }

    /// Looks up one element. A duplicate is ignored.
    pub fn add<A: Args<Owned = K>>(&mut self, id: &Id<S>, args: &A, tags: &[String]) {
        let start = match &self.start {
            Some(start) => start,
            None => {
                let start = Start::new::<A>(self.site, self.on.as_ref(), self.instance, &self.policy);
                start.state.set(&mut self.policy);
                if self.mode == CallMode::Normal {
                    self.mode = start.state.mode();
                }
                start.extend_grace(&self.policy);
                self.reload = (self.mode == CallMode::Reload).then(|| start.state.store.begin_reload());
                self.start.insert(start)
            }
        };
        let key = start.state.store.local.values.owned_key(args);
        if self.seen.is_empty() {
            self.seen.reserve(ROOM);
        }
        if !self.seen.insert(key.clone()) {
            return;
        }
        let looked = match self.mode {
            CallMode::Normal => start.find(&self.policy, &key),
            CallMode::Reload | CallMode::Bypass => Element::Missing,
        };
        let (absent, old) = match looked {
            Element::Present(value) => {
                start.state.store.counters().hit();
                return self.found.put(id.clone(), value);
            }
            Element::Stale(old) => {
                start.serve(&old);
                return self.found.put(id.clone(), old.value);
            }
            Element::Absent(times) if !start.state.may_be_elsewhere() => {
                start.record(AnswerSource::Local, || times, false);
                return start.state.store.counters().hit();
            }
            // A direct call may have stored a value that is newer than the absence.
            Element::Absent(times) => (Some(times), None),
            Element::Old(old) => (None, Some(old)),
            Element::Missing => (None, None),
        };
        let text = self.site.meta().template.render(&start.state.path, args);
        let scopes = Scopes::new(&text, tags);
        // A reload does not read the shared tier, so it may hold a value.
        let outdated = if self.mode == CallMode::Reload { Outdated::Value } else { Outdated::Nothing };
        if self.missing.is_empty() {
            self.missing.reserve(ROOM);
        }
        self.missing.push(Missing::new(id.clone(), (key, scopes, bounded(text)), outdated, old));
        self.search_elsewhere(absent);
    }

    /// Searches for the last missing element among those of direct calls, and counts it as found or as left to be loaded. `absent` is what
    /// this process knows of its absence.
    fn search_elsewhere(&mut self, absent: Option<AnswerTimes>) {
        let (Some(start), Some(missing)) = (&self.start, self.missing.last()) else { return };
        let counters = start.state.store.counters();
        if self.mode == CallMode::Bypass {
            start.record(AnswerSource::Bypass, || AnswerTimes::UNSTORED, false);
            return counters.bypass();
        }
        let searches = self.mode == CallMode::Normal && missing.old.is_none();
        let found = if searches { start.find_elsewhere(&self.policy, missing) } else { None };
        if found.is_none() {
            let Some(times) = absent else { return self.uncounted.push(counters) };
            start.record(AnswerSource::Local, || times, false);
        }
        counters.hit();
        if let (Some(missing), Some(value)) = (self.missing.pop(), found) {
            self.found.put(missing.id, value);
        }
    }

    /// Waits for an equal batch, if one is under way; otherwise asks the shared tier for the missing elements, in one round trip.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost; if others wait for this batch, one of them takes over.
    pub async fn fetch(&mut self) {
        self.claim();
        if !self.has_only_old() {
            self.wait().await;
            self.gather().await;
        }
        self.ask().await;
    }

    /// Merges a refresh that runs in the background with other calls, unless it leads a merged run already.
    pub(super) async fn fetch_again(&mut self) {
        if self.merges() && self.permit.is_none() {
            self.wait().await;
            self.gather().await;
            self.ask().await;
        }
    }

    /// Waits for an equal batch, and asks the shared tier, on a thread that blocks.
    pub fn block(&mut self) {
        self.claim();
        self.wait_blocking();
        let state = self.start.as_ref().filter(|_| self.policy.wire.is_some()).map(|start| start.state.clone());
        let Some(state) = state else { return };
        if let Some(_entered) = state.store.tier.as_ref().and_then(|tier| tier.enter()) {
            block_on(self.ask());
        }
    }

    /// Asks the shared tier for the missing elements, in one round trip.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    async fn ask(&mut self) {
        let to_ask = !self.missing.is_empty() && self.outcome.is_none() && self.mode == CallMode::Normal;
        let Some(start) = self.start.as_mut().filter(|_| to_ask) else { return };
        let keys: Vec<_> = self.missing.iter().map(|missing| start.shared_key(&self.policy, missing)).collect();
        let Some(first) = keys.iter().flatten().next() else { return };
        if let Some(permit) = &self.permit {
            permit.expect_wait(first.longest_answer());
        }
        let tags_of = |value: &_| self.policy.tags_of(value, start.figures());
        let fetched = start.state.store.fetch_many(&keys, start.fetch_start(), &tags_of).await;
        start.begin_load();
        self.found.reserve(self.missing.len());
        let mut answered = 0;
        for (missing, fetched) in self.missing.iter_mut().zip(fetched) {
            missing.outdated = Outdated::from_fetched(fetched.as_ref().map(|fetched| &fetched.value));
            let Some(fetched) = fetched else { continue };
            match start.take(&self.policy, missing, fetched) {
                Element::Present(value) => self.found.put(missing.id.clone(), value),
                Element::Absent(_) => {}
                Element::Old(old) | Element::Stale(old) => {
                    start.hold_old(&self.policy, missing, old);
                    continue;
                }
                Element::Missing => continue,
            }
            missing.is_settled = true;
            answered += u64::from(!missing.is_foreign);
        }
        self.put_aside();
        self.uncounted.shared(answered);
        self.serve_unclaimed();
    }

    /// The answer, if no body has to run for it.
    pub fn complete(&mut self) -> Option<S::Out> {
        if self.outcome.is_some() {
            return self.accept();
        }
        if !self.missing.is_empty() {
            return None;
        }
        self.end_found();
        let found = replace(&mut self.found, S::Item::empty());
        Some(S::close(Outcome::Present(self.without_foreign(found))))
    }

    /// The ids that the body has to load, in the order in which the caller gave them.
    pub fn missing(&self) -> Vec<Id<S>> {
        self.missing.iter().map(|missing| missing.id.clone()).collect()
    }

    fn subject(&self) -> Subject<'_> {
        Subject::batch(self.start.as_ref().map_or("", |start| &start.state.path), self.missing.len())
    }
}

impl<K: OwnedKey, S: Shape<Item: BatchMap>> std::fmt::Debug for Batch<K, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("missing", &self.missing.len()).finish_non_exhaustive()
    }
}
