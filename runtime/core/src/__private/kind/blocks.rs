//! The methods of call sites whose functions return the value itself.

use std::borrow::Borrow;
use std::time::Duration;

use super::{Blocks, Returns};
use crate::codec::wire::Wire;
use crate::handle::Fastness;
use crate::invalidate::{InvalidatedScopes, invalidate_sync};
use crate::key::OwnedKey;
use crate::key::args::Args;
use crate::load::{Loading, Miss, end_sync};
use crate::put::{Put, store_sync};
use crate::resilience::Rejected;
use crate::resilience::breaker::{Breaker, Verdict};
use crate::resilience::bulkhead::Bulkhead;
use crate::resilience::fallback::Fallback;
use crate::resilience::retry::{Again, Retry};
use crate::resilience::sites::in_bulkhead_sync;
use crate::shape::{CacheValue, Shape};
use crate::site::{Call, Site};
use crate::timed::{CallOutcome, Timer};

impl<R> Returns<R, Blocks> {
    #[inline]
    pub fn finish(self, value: R) -> R {
        value
    }

    #[inline]
    pub fn ready(self, value: R) -> R {
        value
    }

    #[inline]
    pub fn early(self, value: R) -> R {
        value
    }

    /// The body, which runs where its value is needed.
    #[inline]
    pub fn body<B: FnOnce() -> R>(self, body: B) -> B {
        body
    }

    /// The body, as from [`body`](Self::body): a sync body has no future that would be made first.
    #[inline]
    pub fn made<B: FnOnce() -> R>(self, body: B) -> B {
        body
    }

    #[inline]
    pub fn guard(self, scopes: InvalidatedScopes) -> InvalidatedScopes {
        scopes
    }

    /// A call whose policy is a ttl in milliseconds and nothing else.
    #[inline]
    pub fn serve<A, S>(
        self,
        site: &'static Site,
        on: Option<&Fastness>,
        call: Call<'_, A, S>,
        (ttl, _): (u64, Option<Wire<S::Item>>),
    ) -> Result<R, Loading<A::Owned, S>>
    where
        A: Args,
        S: Shape<Item: CacheValue, Out = R> + 'static,
    {
        site.serve_sync(on, call, ttl)
    }

    #[inline]
    pub fn begin<K, S>(self, miss: Miss<K, S>) -> Result<R, Loading<K, S>>
    where
        K: OwnedKey,
        S: Shape<Item: CacheValue, Out = R> + 'static,
    {
        miss.begin_sync()
    }

    #[inline]
    pub fn end<K: Eq, S: Shape<Out = R>>(self, load: Loading<K, S>, out: R) -> R {
        end_sync(load, out)
    }

    pub fn store<K, S>(self, put: Put<K, S>, body: impl FnOnce() -> R) -> R
    where
        K: OwnedKey,
        S: Shape<Item: CacheValue, Out = R> + 'static,
    {
        store_sync(put, body)
    }

    pub fn invalidate<S: Shape<Out = R>>(self, shape: S, scopes: InvalidatedScopes, body: impl FnOnce() -> R) -> R {
        invalidate_sync(shape, scopes, body)
    }

    pub fn timed(
        self,
        start: impl FnOnce() -> Timer,
        body: impl FnOnce() -> R,
        outcome: impl FnOnce(&R) -> CallOutcome,
    ) -> R {
        let timer = start();
        let value = body();
        timer.finish(outcome(&value));
        value
    }

    pub fn breaker(
        self,
        breaker: impl Borrow<Breaker>,
        body: impl FnOnce() -> R,
        judge: impl FnOnce(&R) -> Verdict,
        otherwise: impl FnOnce(Rejected) -> R,
    ) -> R {
        breaker.borrow().call_judged_sync(body, judge).unwrap_or_else(otherwise)
    }

    pub fn fallback_judged(
        self,
        fallback: &Fallback,
        body: impl FnOnce() -> R,
        failed: impl Fn(&R) -> bool,
        otherwise: impl FnOnce(R) -> R,
    ) -> R {
        fallback.call_judged_sync(body, failed, otherwise)
    }

    pub fn retry_judged<W: Into<Again>>(
        self,
        retry: impl Borrow<Retry>,
        body: impl FnMut() -> R,
        again: impl Fn(&R) -> W,
    ) -> R {
        retry.borrow().call_judged_sync(body, again)
    }
}

impl<T, E> Returns<Result<T, E>, Blocks> {
    pub fn bulkhead(
        self,
        (bulkhead, wait): (&Bulkhead, Option<Duration>),
        body: impl FnOnce() -> Result<T, E>,
        otherwise: impl FnOnce(Rejected) -> Result<T, E>,
    ) -> Result<T, E> {
        in_bulkhead_sync(bulkhead, wait, body).unwrap_or_else(otherwise)
    }

    pub fn fallback(
        self,
        fallback: &Fallback,
        body: impl FnOnce() -> Result<T, E>,
        otherwise: impl FnOnce(E) -> Result<T, E>,
    ) -> Result<T, E> {
        fallback.call_sync(body, otherwise)
    }

    pub fn retry<W: Into<Again>>(
        self,
        retry: impl Borrow<Retry>,
        body: impl FnMut() -> Result<T, E>,
        when: impl Fn(&E) -> W,
    ) -> Result<T, E> {
        retry.borrow().call_sync(body, when)
    }
}
