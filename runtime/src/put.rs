//! `cache_put`: the body always runs, and its value replaces what is cached.
//!
//! May use: `handle`, `key`, `load`, `log`, `policy`, `shape`, `site`.
//!
//! The key's own invalidation is appended when the body has ended, so every older value is gone in every tier; the new one
//! is stored only if nothing else invalidated the key since the body began, because it may then be the older of two.
//! A body that failed, or whose end is not seen (cancelled, panicked), may have done its work: the key is invalidated all
//! the same.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use crate::handle::Fastness;
use crate::key::Pattern;
use crate::key::args::Args;
use crate::load::Pending;
use crate::log::{Epoch, Record};
use crate::policy::Policy;
use crate::shape::{CacheValue, Ending, Outcome, Shape};
use crate::site::{Here, Negative, Site};

/// A value on its way into the cache.
pub struct Put<K: Clone + Eq + 'static, S: Shape<Item: CacheValue> + 'static> {
    /// `None` where the attribute's `condition` bypassed the cache, and once it has ended.
    write: Option<Box<Write<K, S>>>,
}

struct Write<K: Eq, S: Shape> {
    pending: Pending<K, S>,
    record: Record,
    began: Epoch,
    /// Whether the attribute's `condition` holds.
    store: bool,
}

impl Site {
    /// Prepares a put; call before the body runs.
    pub fn put<A, S>(
        &'static self,
        on: Option<&Fastness>,
        _: S,
        here: Here,
        args: &A,
        tags: &[String],
        policy: Policy<S>,
    ) -> Put<A::Owned, S>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        let pending = self.pending(on, here, args, tags, policy);
        let key = Pattern::exact(&self.meta().template.render(&pending.cell.path, args));
        let mut record = Record::default();
        record.push(key.scope, key.root);
        let began = pending.cell.log().position();
        Put { write: Some(Box::new(Write { pending, record, began, store: true })) }
    }
}

impl<K: Clone + Eq + 'static, S: Shape<Item: CacheValue> + 'static> Put<K, S> {
    /// Bypasses the cache unless this holds.
    #[must_use]
    pub fn when(mut self, condition: bool) -> Self {
        if let Some(write) = &mut self.write {
            write.store = condition;
        }
        self
    }

    pub(crate) fn finish(mut self, out: S::Out) -> S::Out {
        match self.write.take() {
            Some(write) => S::close(write.finish(S::open(out))),
            None => out,
        }
    }
}

impl<K: Clone + Eq + 'static, S: Shape<Item: CacheValue> + 'static> Drop for Put<K, S> {
    fn drop(&mut self) {
        if let Some(write) = self.write.take() {
            write.pending.cell.log().append(&write.record);
        }
    }
}

impl<K: Clone + Eq + 'static, S: Shape<Item: CacheValue> + 'static> Write<K, S> {
    fn finish(self, ending: Ending<S>) -> Ending<S> {
        let Self { pending, record, began, store } = self;
        let log = pending.cell.log();
        if !store || matches!(ending, Outcome::Failed(_)) {
            log.append(&record);
            return ending;
        }
        let Some(epoch) = log.append_put(&record, began, pending.scopes.hashes()) else {
            return ending;
        };
        let (policy, now) = (&pending.policy, pending.cell.now());
        match &ending {
            Outcome::Present(value) if !policy.unless.is_some_and(|unless| unless(value)) => {
                // A put's body is no measure of a load, so it asks for no early refresh.
                let life = policy.lifetime(policy.ttl, now, now);
                pending.cell.keep(&pending.key, &pending.scopes, value.clone(), life, epoch);
            }
            Outcome::Absent(absent) => {
                if let Some(ttl) = policy.negative_ttl {
                    let (absent, life) = (Negative::Absent(*absent), policy.lifetime(ttl, now, now));
                    pending.cell.keep_negative(&pending.key, &pending.scopes, absent, life, epoch);
                }
            }
            _ => {}
        }
        ending
    }
}

/// Runs an async body and stores its value.
///
/// # Cancel safety
///
/// Dropping it drops the body and invalidates the key.
pub async fn store<K, S, F>(put: Put<K, S>, body: F) -> S::Out
where
    K: Clone + Eq + 'static,
    S: Shape<Item: CacheValue> + 'static,
    F: Future<Output = S::Out>,
{
    let out = body.await;
    put.finish(out)
}

/// Runs a sync body and stores its value.
pub fn store_sync<K, S>(put: Put<K, S>, body: impl FnOnce() -> S::Out) -> S::Out
where
    K: Clone + Eq + 'static,
    S: Shape<Item: CacheValue> + 'static,
{
    let out = body();
    put.finish(out)
}

impl<K: Clone + Eq + 'static, S: Shape<Item: CacheValue> + 'static> std::fmt::Debug for Put<K, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Put").field("bypass", &self.write.is_none()).finish()
    }
}
