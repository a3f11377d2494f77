//! The functions that an expansion calls at a call site, except the hit.
//!
//! May use: `batch`, `handle`, `key`, `load`, `policy`, `put`, `shape`, `site`, `stats`, `sync`.

use std::sync::Arc;
use std::time::Duration;

use crate::batch::{Batch, BatchMap, Each};
use crate::handle::{CallMode, Fastness};
use crate::key::OwnedKey;
use crate::key::args::Args;
use crate::load::{Loading, Miss, Pending};
use crate::policy::Policy;
use crate::put::Put;
use crate::shape::{CacheValue, Shape};
use crate::site::{Call, Instance, Site, SiteState};
use crate::stats::CountedCall;
use crate::sync::watch_thread;

impl Site {
    /// Prepares a call that was not a hit.
    #[cold]
    pub fn miss<A, S>(
        &'static self,
        on: Option<&Fastness>,
        call: Call<'_, A, S>,
        tags: &[String],
        policy: Policy<S>,
    ) -> Miss<A::Owned, S>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        Miss::new(self.lookup(on, call, tags, policy))
    }

    /// Counts a call that bypasses the cache. The closure is never called; it only fixes the types.
    pub fn bypass<A, S>(
        &'static self,
        on: Option<&Fastness>,
        instance: Instance,
        _: S,
        _: impl FnOnce() -> A,
    ) -> Miss<A::Owned, S>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        self.bypassed::<A, S>(on, instance)
    }

    /// Counts a call that bypasses the cache, if the types are known.
    pub(crate) fn bypassed<A, S>(&'static self, on: Option<&Fastness>, instance: Instance) -> Miss<A::Owned, S>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        let state = self.state::<A, S>(on, instance);
        CountedCall::bypass(state.store.counters(), &state.path);
        Miss::bypass()
    }

    /// Makes the pending call for these arguments.
    pub(crate) fn pending<A, S>(
        &'static self,
        on: Option<&Fastness>,
        call: Call<'_, A, S>,
        tags: &[String],
        policy: Policy<S>,
    ) -> Pending<A::Owned, S>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        self.pending_in(self.state::<A, S>(on, call.instance), call, tags, policy)
    }

    /// Makes the pending call for these arguments. `None`, which is counted, if the call bypasses the cache.
    pub(crate) fn lookup<A, S>(
        &'static self,
        on: Option<&Fastness>,
        call: Call<'_, A, S>,
        tags: &[String],
        policy: Policy<S>,
    ) -> Option<Pending<A::Owned, S>>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        let state = self.state::<A, S>(on, call.instance);
        if state.mode() == CallMode::Bypass {
            CountedCall::bypass(state.store.counters(), &state.path);
            return None;
        }
        Some(self.pending_in(state, call, tags, policy))
    }

    fn pending_in<A, S>(
        &'static self,
        state: Arc<SiteState<A::Owned, S>>,
        call: Call<'_, A, S>,
        tags: &[String],
        policy: Policy<S>,
    ) -> Pending<A::Owned, S>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        state.notice_fork();
        watch_thread();
        let text = self.meta().template.render(&state.path, call.args);
        Pending::new(state, text, call.args, tags, policy)
    }

    /// Serves a sync call whose policy is a ttl (in milliseconds) and nothing else, or begins its load. In the second case the caller runs
    /// the body and gives its value to [`end_sync`](crate::load::end_sync). The two halves do not contain the body, so only the body is
    /// compiled per call site.
    #[inline]
    pub fn serve_sync<A, S>(
        &'static self,
        on: Option<&Fastness>,
        call: Call<'_, A, S>,
        ttl: u64,
    ) -> Result<S::Out, Loading<A::Owned, S>>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        match self.hit(on, call) {
            Some(hit) => Ok(hit),
            None => self.begin_plain(on, call, ttl),
        }
    }

    /// Begins the load of [`serve_sync`](Self::serve_sync). It is a function of its own, so that the stack frame of a hit has no room for a
    /// policy.
    #[cold]
    fn begin_plain<A, S>(
        &'static self,
        on: Option<&Fastness>,
        call: Call<'_, A, S>,
        ttl: u64,
    ) -> Result<S::Out, Loading<A::Owned, S>>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        self.begin_sync(on, call, &[], Policy::new(Duration::from_millis(ttl)))
    }

    /// Serves a sync call with any policy that was not a hit, or begins its load. Waiting for another caller's load blocks the thread.
    #[cold]
    pub fn begin_sync<A, S>(
        &'static self,
        on: Option<&Fastness>,
        call: Call<'_, A, S>,
        tags: &[String],
        policy: Policy<S>,
    ) -> Result<S::Out, Loading<A::Owned, S>>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        match self.lookup(on, call, tags, policy) {
            Some(pending) => pending.begin_sync(),
            None => Err(Loading::bypass()),
        }
    }

    /// Counts a sync call that bypasses the cache, and returns the load that stores nothing.
    pub fn bypass_sync<A, S>(
        &'static self,
        on: Option<&Fastness>,
        instance: Instance,
        shape: S,
        args: impl FnOnce() -> A,
    ) -> Result<S::Out, Loading<A::Owned, S>>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        self.bypass(on, instance, shape, args).begin_sync()
    }

    /// Prepares a put. It must be called before the body runs.
    pub fn put<A, S>(
        &'static self,
        on: Option<&Fastness>,
        call: Call<'_, A, S>,
        tags: &[String],
        policy: Policy<S>,
    ) -> Put<A::Owned, S>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        let pending = self.pending(on, call, tags, policy);
        let stores = pending.state.mode() != CallMode::Bypass;
        Put::new(pending).when(stores)
    }

    /// Prepares a batch, whose elements are looked up one by one.
    pub fn batch<K, S>(
        &'static self,
        on: Option<&Fastness>,
        instance: Instance,
        _: S,
        policy: Policy<Each<S>>,
    ) -> Batch<K, S>
    where
        K: OwnedKey,
        S: Shape<Item: BatchMap> + 'static,
    {
        Batch::new(self, on, instance, policy)
    }
}
