//! Where a batch began, and what it does with each of its elements.

use std::sync::Arc;

use super::{BatchMap, Each};
use crate::clock::nanos;
use crate::codec::{Codec, Wire};
use crate::handle::Fastness;
use crate::key::args::Args;
use crate::key::{Hashed, OwnedKey, Scopes};
use crate::l1::{Lifetime, LoadStart};
use crate::policy::Policy;
use crate::shape::Shape;
use crate::shared::{Fetched, Kept, Mark, Place, Seat};
use crate::site::{Cell, Here, Negative, Site};

pub(super) type Id<S> = <<S as Shape>::Item as BatchMap>::Id;
pub(super) type Value<S> = <<S as Shape>::Item as BatchMap>::Value;

/// When a batch began, and where its elements are kept.
pub(super) struct Start<K: Eq, S: Shape<Item: BatchMap>> {
    pub(super) cell: Arc<Cell<K, Each<S>>>,
    began: LoadStart,
    /// Where in the shared log.
    mark: Option<Mark>,
    pub(super) time: u64,
}

/// An element that the body may have to load.
pub(super) struct Missing<K, S: Shape<Item: BatchMap>> {
    pub(super) id: Id<S>,
    pub(super) key: Hashed<K>,
    pub(super) scopes: Scopes,
    /// The key's text, bounded.
    pub(super) text: String,
}

impl<K, S: Shape<Item: BatchMap>> Missing<K, S> {
    pub(super) fn place<'a>(
        &'a self,
        wire: Wire<Value<S>>,
        seat: &'a Seat,
        codec: Option<Codec>,
    ) -> Place<'a, Value<S>> {
        Place { wire, seat, codec, key: &self.text, scopes: self.scopes.hashes() }
    }
}

pub(super) enum Looked<V> {
    Present(V),
    Absent,
    Missing,
}

impl<K, S> Start<K, S>
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
{
    pub(super) fn new<A: Args<Owned = K>>(site: &'static Site, on: Option<&Fastness>, here: Here) -> Self {
        let cell = site.cell::<A, Each<S>>(on, here);
        cell.notice_fork();
        let start = cell.front.store.start();
        let mut own = Self { cell, began: start, mark: None, time: 0 };
        own.begin();
        own
    }

    /// Whatever is loaded was loaded from here on.
    pub(super) fn begin(&mut self) {
        self.began = self.cell.front.store.start();
        self.mark = self.cell.tier.as_ref().and_then(|tier| tier.mark());
        self.time = self.cell.now();
    }

    /// What the shared tier's answer says of one element.
    pub(super) fn take(
        &self,
        policy: &Policy<Each<S>>,
        missing: &Missing<K, S>,
        fetched: Fetched<Value<S>>,
    ) -> Looked<Value<S>> {
        let now = self.time;
        let ttl = if fetched.value.is_some() { Some(policy.ttl) } else { policy.negative_ttl };
        let is_fresh = now < fetched.expires && !fetched.is_refreshed;
        let Some(ttl) = ttl.filter(|_| is_fresh) else { return Looked::Missing };
        let expires = fetched.expires.min(now.saturating_add(nanos(ttl)));
        let life = policy.lifetime_until(expires, fetched.load_time, now);
        let in_process = self.is_kept_in_process(policy);
        let start = LoadStart { epoch: fetched.epoch, ..self.began };
        let Some(value) = fetched.value else {
            if in_process {
                self.keep_absence(missing, life, start);
            }
            return Looked::Absent;
        };
        if in_process {
            self.cell.keep(&missing.key, &missing.scopes, value.clone(), life, start);
        }
        Looked::Present(value)
    }

    /// Whether the shared tier is given what was loaded.
    pub(super) fn is_shared(&self, policy: &Policy<Each<S>>) -> bool {
        policy.wire.is_some() && self.mark.is_some()
    }

    /// Gives the shared tier what was loaded.
    pub(super) fn share(&self, policy: &Policy<Each<S>>, all: &[Missing<K, S>], loaded: &S::Item, now: u64) {
        let (Some(tier), Some(wire), Some(mark)) = (&self.cell.tier, policy.wire, self.mark) else { return };
        let kept = all.iter().filter_map(|missing| {
            let value = loaded.value(&missing.id);
            let refused = value.is_some_and(|value| policy.unless.is_some_and(|unless| unless(value)));
            let ttl = if value.is_some() { policy.ttl } else { policy.negative_ttl? };
            let expires = policy.lifetime(ttl, now, now).expires;
            let kept = Kept { value, mark, expires, load_time: 0, beyond: policy.longest_stale() };
            (!refused && self.cell.is_findable(&missing.key))
                .then(|| (missing.place(wire, &self.cell.seat, policy.codec), kept))
        });
        tier.keep_many(kept);
    }

    /// What this process has of one element, counted as a hit or a miss.
    pub(super) fn look(&self, key: &Hashed<K>) -> Looked<Value<S>> {
        let looked = self.find(key);
        match looked {
            Looked::Missing => self.cell.front.counters.miss(),
            Looked::Present(_) | Looked::Absent => self.cell.front.counters.hit(),
        }
        looked
    }

    /// What this process has of one element.
    pub(super) fn find(&self, key: &Hashed<K>) -> Looked<Value<S>> {
        if let Some(found) = self.cell.front.store.look(key).filter(|found| found.is_fresh(self.time)) {
            return Looked::Present(found.value);
        }
        if self.cell.negative(key, self.time).is_some() { Looked::Absent } else { Looked::Missing }
    }

    /// Keeps in this process what was loaded, or that there is none, if answers are kept here.
    pub(super) fn keep(&self, policy: &Policy<Each<S>>, missing: &Missing<K, S>, value: Option<&Value<S>>, now: u64) {
        // The time of a batch is no measure of the load of one element, so none is refreshed early.
        let life = |ttl| policy.lifetime(ttl, now, now);
        let in_process = self.is_kept_in_process(policy);
        match value {
            Some(value) if policy.unless.is_some_and(|unless| unless(value)) => {
                self.cell.front.store.remove(&missing.key, self.began.number);
            }
            Some(value) if in_process => {
                self.cell.keep(&missing.key, &missing.scopes, value.clone(), life(policy.ttl), self.began);
            }
            Some(_) => {}
            None => {
                if let Some(ttl) = policy.negative_ttl.filter(|_| in_process) {
                    self.keep_absence(missing, life(ttl), self.began);
                }
                self.cell.front.store.remove(&missing.key, self.began.number);
            }
        }
    }

    fn keep_absence(&self, missing: &Missing<K, S>, life: Lifetime, start: LoadStart) {
        self.cell.keep_negative(&missing.key, &missing.scopes, Negative::Absent(()), life, start);
    }

    fn is_kept_in_process(&self, policy: &Policy<Each<S>>) -> bool {
        policy.in_process || self.cell.tier.is_none()
    }
}
