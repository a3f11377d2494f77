//! The calls that an expansion makes at a call site, beside the hit.
//!
//! May use: `batch`, `handle`, `key`, `load`, `policy`, `put`, `shape`, `site`, `sync`.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use std::time::Duration;

use crate::batch::{Batch, BatchMap, Each};
use crate::handle::Fastness;
use crate::key::OwnedKey;
use crate::key::args::Args;
use crate::load::{Loading, Miss, Pending};
use crate::policy::Policy;
use crate::put::Put;
use crate::shape::{CacheValue, Shape};
use crate::site::{Here, Site};
use crate::sync::watch_thread;

impl Site {
    /// Prepares a call that was not a hit.
    #[cold]
    pub fn miss<A, S>(
        &'static self,
        on: Option<&Fastness>,
        _: S,
        here: Here,
        args: &A,
        tags: &[String],
        policy: Policy<S>,
    ) -> Miss<A::Owned, S>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        Miss::new(self.pending(on, here, args, tags, policy))
    }

    /// Counts a call that passes by the cache. Its arguments are not asked for: they only say which types they have.
    pub fn bypass<A, S>(
        &'static self,
        on: Option<&Fastness>,
        _: S,
        here: Here,
        _: impl FnOnce() -> A,
    ) -> Miss<A::Owned, S>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        self.cell::<A, S>(on, here).store.counters().bypass();
        Miss::bypass()
    }

    /// A call that is no hit at once.
    pub(crate) fn pending<A, S>(
        &'static self,
        on: Option<&Fastness>,
        here: Here,
        args: &A,
        tags: &[String],
        policy: Policy<S>,
    ) -> Pending<A::Owned, S>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        let cell = self.cell::<A, S>(on, here);
        cell.notice_fork();
        watch_thread();
        let text = self.meta().template.render(&cell.path, args);
        Pending::new(cell, text, args, tags, policy)
    }

    /// Serves a sync call whose policy is a ttl (in milliseconds) and nothing else, or begins its load: then
    /// the body has to run, and what it returns be given to [`end_sync`](crate::load::end_sync). In two halves rather than around the body, so that
    /// nothing but the body is compiled per call site.
    #[inline]
    pub fn serve_sync<A, S>(
        &'static self,
        on: Option<&Fastness>,
        shape: S,
        here: Here,
        args: &A,
        ttl: u64,
    ) -> Result<S::Out, Loading<A::Owned, S>>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        match self.hit(on, shape, here, args) {
            Some(hit) => Ok(hit),
            None => self.begin_plain(on, shape, here, args, ttl),
        }
    }

    /// Out of the way of a hit, whose frame then has no room for a policy.
    #[cold]
    fn begin_plain<A, S>(
        &'static self,
        on: Option<&Fastness>,
        shape: S,
        here: Here,
        args: &A,
        ttl: u64,
    ) -> Result<S::Out, Loading<A::Owned, S>>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        self.begin_sync(on, shape, here, args, &[], Policy::new(Duration::from_millis(ttl)))
    }

    /// The same of a sync call that was not a hit, whatever its policy. Waiting for another's load blocks the thread.
    #[cold]
    pub fn begin_sync<A, S>(
        &'static self,
        on: Option<&Fastness>,
        _: S,
        here: Here,
        args: &A,
        tags: &[String],
        policy: Policy<S>,
    ) -> Result<S::Out, Loading<A::Owned, S>>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        self.pending(on, here, args, tags, policy).begin_sync()
    }

    /// [`bypass`](Self::bypass), of a sync call.
    pub fn bypass_sync<A, S>(
        &'static self,
        on: Option<&Fastness>,
        shape: S,
        here: Here,
        args: impl FnOnce() -> A,
    ) -> Result<S::Out, Loading<A::Owned, S>>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        self.bypass(on, shape, here, args).begin_sync()
    }

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
        Put::new(self.pending(on, here, args, tags, policy))
    }

    /// Prepares a batch.
    pub fn batch<K, S>(&'static self, on: Option<&Fastness>, _: S, here: Here, policy: Policy<Each<S>>) -> Batch<K, S>
    where
        K: OwnedKey,
        S: Shape<Item: BatchMap> + 'static,
    {
        Batch::new(self, on, here, policy)
    }
}
