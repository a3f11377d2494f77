//! `batch(ids)`: many keys in one call, of which the body loads only the missing ones.
//!
//! May use: `clock`, `codec`, `handle`, `key`, `log`, `policy`, `shape`, `shared`, `site`.
//!
//! Every element is looked up and stored under the key that the scalar function's template makes of it, in the same store.
//! The epoch of all that is stored is taken before the body runs. Elements that somebody else is loading at the moment
//! are loaded once more: a batch waits for nobody, so it cannot be held up by one slow key.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]
use std::collections::HashSet;
use std::sync::Arc;

use crate::clock::nanos;
use crate::codec::{Codec, Wire};
use crate::handle::Fastness;
use crate::key::args::Args;
use crate::key::template::bounded;
use crate::key::{Hashed, Prehashed, Scopes};
use crate::log::Epoch;
use crate::policy::Policy;
use crate::shape::{Outcome, Shape};
use crate::shared::{Fetched, Kept, Mark, Place, Seat};
use crate::site::{Cell, Here, Negative, Site};

mod each;
mod ids;

pub use each::Each;
pub use ids::{BatchIds, BatchMap};

/// Elements for which there is room from the first one on.
const ROOM: usize = 64;

/// A batch on its way.
pub struct Batch<K: Eq, S: Shape<Item: BatchMap>> {
    site: &'static Site,
    here: Here,
    on: Option<Fastness>,
    policy: Policy<Each<S>>,
    /// Made by the first element, whose arguments say whether a scope leads.
    start: Option<Start<K, S>>,
    seen: HashSet<Hashed<K>, Prehashed>,
    found: S::Item,
    missing: Vec<Missing<K, S>>,
}

struct Start<K: Eq, S: Shape<Item: BatchMap>> {
    cell: Arc<Cell<K, Each<S>>>,
    epoch: Epoch,
    mark: Option<Mark>,
    time: u64,
}

struct Missing<K, S: Shape<Item: BatchMap>> {
    id: <S::Item as BatchMap>::Id,
    key: Hashed<K>,
    scopes: Scopes,
    text: String,
}

impl Site {
    /// Prepares a batch.
    pub fn batch<K, S>(&'static self, on: Option<&Fastness>, _: S, here: Here, policy: Policy<Each<S>>) -> Batch<K, S>
    where
        K: Clone + Eq + Send + Sync + 'static,
        S: Shape<Item: BatchMap> + 'static,
    {
        Batch {
            site: self,
            here,
            on: on.cloned(),
            policy,
            start: None,
            seen: HashSet::default(),
            found: S::Item::empty(),
            missing: Vec::new(),
        }
    }
}

impl<K, S> Batch<K, S>
where
    K: Clone + Eq + Send + Sync + 'static,
    S: Shape<Item: BatchMap> + 'static,
{
    /// Looks one element up. Duplicates count once.
    pub fn look<A: Args<Owned = K>>(&mut self, id: &<S::Item as BatchMap>::Id, args: &A, tags: &[String]) {
        let start = self.start.get_or_insert_with(|| Start::new::<A>(self.site, self.on.as_ref(), self.here));
        let key = start.cell.front.store.own(args);
        if self.seen.is_empty() {
            self.seen.reserve(ROOM);
        }
        if !self.seen.insert(key.clone()) {
            return;
        }
        match start.look(&key) {
            Looked::Present(value) => self.found.put(id.clone(), value),
            Looked::Absent => {}
            Looked::Missing => {
                let text = self.site.meta().template.render(&start.cell.path, args);
                let scopes = Scopes::of(&text, tags);
                if self.missing.is_empty() {
                    self.missing.reserve(ROOM);
                }
                self.missing.push(Missing { id: id.clone(), key, scopes, text: bounded(text) });
            }
        }
    }

    /// Asks the shared tier for what is missing, in one round trip.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn fetch(&mut self) {
        let Some(start) = self.start.as_mut().filter(|_| !self.missing.is_empty()) else { return };
        let (Some(tier), Some(wire)) = (start.cell.tier.clone(), self.policy.wire) else { return };
        let places: Vec<_> =
            self.missing.iter().map(|missing| missing.place(wire, &start.cell.seat, self.policy.codec)).collect();
        let fetched = tier.fetch_many(&places).await;
        start.begin();
        let asked = std::mem::take(&mut self.missing);
        let count = asked.len();
        self.found.reserve(count);
        for (missing, fetched) in asked.into_iter().zip(fetched) {
            match fetched.map(|fetched| start.take(&self.policy, &missing, fetched)) {
                Some(Looked::Present(value)) => self.found.put(missing.id, value),
                Some(Looked::Absent) => {}
                Some(Looked::Missing) | None => self.missing.push(missing),
            }
        }
        start.cell.front.counters.shared_hits.add((count - self.missing.len()) as u64);
    }

    /// The answer, if nothing is missing.
    pub fn complete(&mut self) -> Option<S::Out> {
        let complete = self.missing.is_empty();
        complete.then(|| S::close(Outcome::Present(std::mem::replace(&mut self.found, S::Item::empty()))))
    }

    /// The ids that the body has to load, in the order in which they were given.
    pub fn missing(&self) -> Vec<<S::Item as BatchMap>::Id> {
        self.missing.iter().map(|missing| missing.id.clone()).collect()
    }

    fn finish(self, out: S::Out) -> S::Out {
        let Some(start) = &self.start else { return out };
        let now = start.now();
        start.cell.front.counters.load_nanos.add(now.saturating_sub(start.time));
        match S::open(out) {
            Outcome::Present(mut loaded) => {
                start.cell.front.counters.loads.count();
                for missing in &self.missing {
                    start.keep(&self.policy, missing, loaded.value(&missing.id), now);
                }
                start.share(&self.policy, &self.missing, &loaded, now);
                loaded.absorb(self.found);
                S::close(Outcome::Present(loaded))
            }
            other => {
                start.cell.front.counters.load_errors.count();
                S::close(other)
            }
        }
    }
}

impl<K, S: Shape<Item: BatchMap>> Missing<K, S> {
    fn place<'a>(
        &'a self,
        wire: Wire<<S::Item as BatchMap>::Value>,
        seat: &'a Seat,
        codec: Option<Codec>,
    ) -> Place<'a, <S::Item as BatchMap>::Value> {
        Place { wire, seat, codec, key: &self.text, scopes: self.scopes.hashes() }
    }
}

enum Looked<V> {
    Present(V),
    Absent,
    Missing,
}

impl<K, S> Start<K, S>
where
    K: Clone + Eq + Send + Sync + 'static,
    S: Shape<Item: BatchMap> + 'static,
{
    fn new<A: Args<Owned = K>>(site: &'static Site, on: Option<&Fastness>, here: Here) -> Self {
        let cell = site.cell::<A, Each<S>>(on, here);
        let mut start = Self { cell, epoch: 0, mark: None, time: 0 };
        start.begin();
        start
    }

    /// What is loaded from now on stands here.
    fn begin(&mut self) {
        self.epoch = self.cell.log().position();
        self.mark = self.cell.tier.as_ref().and_then(|tier| tier.mark());
        self.time = self.cell.now();
    }

    /// What the shared tier's answer says of one element.
    fn take(
        &self,
        policy: &Policy<Each<S>>,
        missing: &Missing<K, S>,
        fetched: Fetched<<S::Item as BatchMap>::Value>,
    ) -> Looked<<S::Item as BatchMap>::Value> {
        let now = self.time;
        let ttl = if fetched.value.is_some() { Some(policy.ttl) } else { policy.negative_ttl };
        let Some(ttl) = ttl.filter(|_| now < fetched.expires) else { return Looked::Missing };
        let expires = fetched.expires.min(now.saturating_add(nanos(ttl)));
        let life = policy.lifetime_until(expires, fetched.load_time, now);
        let Some(value) = fetched.value else {
            let absent = Negative::Absent(());
            self.cell.keep_negative(&missing.key, &missing.scopes, absent, life, fetched.epoch);
            return Looked::Absent;
        };
        if policy.in_process {
            self.cell.keep(&missing.key, &missing.scopes, value.clone(), life, fetched.epoch);
        }
        Looked::Present(value)
    }

    /// Gives the shared tier what was loaded.
    fn share(&self, policy: &Policy<Each<S>>, all: &[Missing<K, S>], loaded: &S::Item, now: u64) {
        let (Some(tier), Some(wire), Some(mark)) = (&self.cell.tier, policy.wire, self.mark) else { return };
        let kept = all.iter().filter_map(|missing| {
            let value = loaded.value(&missing.id);
            let refused = value.is_some_and(|value| policy.unless.is_some_and(|unless| unless(value)));
            let ttl = if value.is_some() { policy.ttl } else { policy.negative_ttl? };
            let expires = policy.lifetime(ttl, now, now).expires;
            let kept = Kept { value, mark, expires, load_time: 0, beyond: policy.longest_stale() };
            (!refused).then(|| (missing.place(wire, &self.cell.seat, policy.codec), kept))
        });
        tier.keep_many(kept);
    }

    fn now(&self) -> u64 {
        self.cell.now()
    }

    fn look(&self, key: &Hashed<K>) -> Looked<<S::Item as BatchMap>::Value> {
        if let Some(found) = self.cell.front.store.look(key).filter(|found| found.is_fresh(self.time)) {
            self.cell.front.counters.hit();
            return Looked::Present(found.value);
        }
        if self.cell.negative(key, self.time).is_some() {
            self.cell.front.counters.hit();
            return Looked::Absent;
        }
        self.cell.front.counters.miss();
        Looked::Missing
    }

    fn keep(
        &self,
        policy: &Policy<Each<S>>,
        missing: &Missing<K, S>,
        value: Option<&<S::Item as BatchMap>::Value>,
        now: u64,
    ) {
        // The time of a batch is no measure of the load of one element, so none is refreshed early.
        let life = |ttl| policy.lifetime(ttl, now, now);
        match value {
            Some(value) if policy.unless.is_some_and(|unless| unless(value)) => {}
            Some(_) if !policy.in_process && self.cell.tier.is_some() => {}
            Some(value) => self.cell.keep(&missing.key, &missing.scopes, value.clone(), life(policy.ttl), self.epoch),
            None => {
                self.cell.front.store.remove(&missing.key);
                if let Some(ttl) = policy.negative_ttl {
                    let absent = Negative::Absent(());
                    self.cell.keep_negative(&missing.key, &missing.scopes, absent, life(ttl), self.epoch);
                }
            }
        }
    }
}

/// Runs the body with the missing ids and completes its answer.
///
/// # Cancel safety
///
/// Dropping it drops the body; nothing is stored.
pub async fn load_batch<K, S, F>(batch: Batch<K, S>, body: F) -> S::Out
where
    K: Clone + Eq + Send + Sync + 'static,
    S: Shape<Item: BatchMap> + 'static,
    F: Future<Output = S::Out>,
{
    let out = body.await;
    batch.finish(out)
}

/// [`load_batch`] for sync functions.
pub fn load_batch_sync<K, S>(batch: Batch<K, S>, body: impl FnOnce() -> S::Out) -> S::Out
where
    K: Clone + Eq + Send + Sync + 'static,
    S: Shape<Item: BatchMap> + 'static,
{
    let out = body();
    batch.finish(out)
}

impl<K: Eq, S: Shape<Item: BatchMap>> std::fmt::Debug for Batch<K, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("missing", &self.missing.len()).finish_non_exhaustive()
    }
}
