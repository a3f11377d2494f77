//! `#[cacheable(batch(ids))]`: many keys in one call, of which the body loads only the missing ones.
//!
//! May use: `clock`, `engine`, `flight`, `handle`, `key`, `l1`, `log`, `policy`, `shape`, `shared`, `site`, `stats`, `sync`, `trace`.
//!
//! Every element is looked up and stored under the key that the template of the function for one element makes of it, in the same store.
//! The epoch of all stored values is taken before the body runs. A batch waits for one that lacks the same elements ([`join`]), and for no
//! other load: elements that another load has under way are loaded once more, so one slow key holds up no batch.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::mem::replace;

use crate::engine::{CountIfAbandoned, Reload, count_load, end_span, share_and_end};
use crate::flight::{Load, LoadOutcome, LoadPermit, end};
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
use crate::trace::{self, LoadReason, Subject, Traced, around};

mod each;
mod ids;
mod join;
mod outcome;
mod start;

pub use each::Each;
pub use ids::{BatchIds, BatchMap};
use outcome::{BatchOutcome, ended};
use start::{Element, Id, Missing, Start};

/// The number of elements for which the first one reserves room.
const ROOM: usize = 64;

/// A call of a batch function, from its first element to its answer.
pub struct Batch<K: Eq, S: Shape<Item: BatchMap>> {
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
    outcome: Option<BatchOutcome<K, S>>,
    uncounted: Uncounted,
    /// Set with `start`.
    mode: CallMode,
    /// The part of the batch that is a reload.
    reload: Option<Reload>,
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
        }
    }

    /// Looks up one element. A duplicate is ignored.
    pub fn add<A: Args<Owned = K>>(&mut self, id: &Id<S>, args: &A, tags: &[String]) {
        let start = match &self.start {
            Some(start) => start,
            None => {
                let start = Start::new::<A>(self.site, self.on.as_ref(), self.instance);
                self.mode = start.state.mode();
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
        match looked {
            Element::Present(value) => {
                start.state.store.counters().hit();
                self.found.put(id.clone(), value);
            }
            Element::Absent if !start.state.may_be_elsewhere() => start.state.store.counters().hit(),
            // A direct call may have stored a value that is newer than the absence.
            absent_or_missing => {
                let text = self.site.meta().template.render(&start.state.path, args);
                let scopes = Scopes::new(&text, tags);
                if self.missing.is_empty() {
                    self.missing.reserve(ROOM);
                }
                let text = bounded(text);
                // A reload does not read the shared tier, so it may hold a value.
                let outdated = if self.mode == CallMode::Reload { Outdated::Value } else { Outdated::Nothing };
                self.missing.push(Missing {
                    id: id.clone(),
                    key,
                    scopes,
                    text,
                    outdated,
                    life: None,
                    tags: Some(Vec::new()),
                    is_settled: false,
                });
                self.search_elsewhere(matches!(absent_or_missing, Element::Absent));
            }
        }
    }

    /// Searches for the last missing element among those of direct calls, and counts it as found or as left to be loaded.
    fn search_elsewhere(&mut self, is_absent: bool) {
        let (Some(start), Some(missing)) = (&self.start, self.missing.last()) else { return };
        let counters = start.state.store.counters();
        if self.mode == CallMode::Bypass {
            start.record(AnswerSource::Bypass, || AnswerTimes::UNSTORED);
            return counters.bypass();
        }
        let found = if self.mode == CallMode::Normal { start.find_elsewhere(&self.policy, missing) } else { None };
        if found.is_none() && !is_absent {
            return self.uncounted.push(counters);
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
        self.wait().await;
        self.ask().await;
    }

    /// Waits for an equal batch, and asks the shared tier, on a thread that blocks.
    pub fn block(&mut self) {
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
            let looked = start.take(&self.policy, missing, fetched);
            missing.is_settled = !matches!(looked, Element::Missing);
            answered += u64::from(missing.is_settled);
            if let Element::Present(value) = looked {
                self.found.put(missing.id.clone(), value);
            }
        }
        self.put_aside();
        self.uncounted.shared(answered);
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
        Some(S::close(Outcome::Present(replace(&mut self.found, S::Item::empty()))))
    }

    /// The ids that the body has to load, in the order in which the caller gave them.
    pub fn missing(&self) -> Vec<Id<S>> {
        self.missing.iter().map(|missing| missing.id.clone()).collect()
    }

    /// Counts the load as abandoned unless it ends.
    fn counted(&self) -> Option<CountIfAbandoned> {
        let start = self.start.as_ref().filter(|_| self.mode != CallMode::Bypass);
        start.map(|start| CountIfAbandoned::new(start.state.store.counters()))
    }

    fn subject(&self) -> Subject<'_> {
        Subject::batch(self.start.as_ref().map_or("", |start| &start.state.path), self.missing.len())
    }

    /// Begins the span of the load, unless the batch bypasses the cache.
    fn load_span(&self) -> Traced {
        match self.mode {
            CallMode::Bypass => Traced::default(),
            CallMode::Reload => trace::load(self.subject(), LoadReason::Reload),
            CallMode::Normal => trace::load(self.subject(), LoadReason::Miss),
        }
    }

    fn finish(mut self, out: S::Out, span: &Traced) -> S::Out {
        let (permit, found) = (self.permit.take(), replace(&mut self.found, S::Item::empty()));
        let Some(start) = self.start.as_ref().filter(|_| self.mode != CallMode::Bypass) else { return out };
        let now = start.state.now();
        let ending = S::open(out);
        end_span(span, &ending);
        let ok = matches!(ending, Outcome::Present(_));
        count_load(start.state.store.counters(), now.saturating_sub(start.began.time), ok);
        match ending {
            Outcome::Present(mut loaded) => {
                start.set_lives(&self.policy, &mut self.missing, &loaded, now);
                for missing in &self.missing {
                    start.insert(&self.policy, missing, loaded.value(&missing.id), now);
                }
                loaded.absorb(found);
                let values = OnceCell::new();
                let origin = self.origin(start);
                let outcome = || ended::<K, S>(Outcome::Present(self.values(&values, &loaded)), Some(origin.clone()));
                let began = start.began.unless_given_up(permit.as_ref());
                let share = || start.share(&self.policy, &self.missing, &loaded, &began);
                share_and_end(permit, &began, outcome, share);
                S::close(Outcome::Present(loaded))
            }
            Outcome::Absent(absent) => {
                end(permit, || ended::<K, S>(Outcome::Absent(absent), None));
                S::close(Outcome::Absent(absent))
            }
            Outcome::Failed(error) => {
                let copy = || S::share_error(&error, self.policy.copy_error);
                end(permit, || {
                    copy().map_or(LoadOutcome::Alone, |copied| ended::<K, S>(Outcome::Failed(copied), None))
                });
                S::close(Outcome::Failed(error))
            }
        }
    }
}

/// Awaits the body, which has the missing ids, and completes its answer with the elements that were found.
///
/// # Cancel safety
///
/// Dropping the future drops the body; nothing is stored, and if there are waiters, one of them takes over.
pub async fn load_batch<K, S, F>(mut batch: Batch<K, S>, body: F) -> S::Out
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
    F: Future<Output = S::Out>,
{
    let (counted, span) = (batch.counted(), batch.load_span());
    let (out, permit) = Load::new(around(&span, body), batch.permit.take()).await;
    if let Some(counted) = counted {
        counted.disarm();
    }
    batch.permit = permit;
    batch.finish(out, &span)
}

/// Runs the body of a sync function as [`load_batch`] does for an async one.
pub fn load_batch_sync<K, S>(batch: Batch<K, S>, body: impl FnOnce() -> S::Out) -> S::Out
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
{
    let (inside, counted, span) = (batch.permit.as_ref().map(LoadPermit::enter), batch.counted(), batch.load_span());
    let entered = span.enter();
    let out = body();
    drop(entered);
    if let Some(counted) = counted {
        counted.disarm();
    }
    drop(inside);
    batch.finish(out, &span)
}

impl<K: Eq, S: Shape<Item: BatchMap>> std::fmt::Debug for Batch<K, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("missing", &self.missing.len()).finish_non_exhaustive()
    }
}
