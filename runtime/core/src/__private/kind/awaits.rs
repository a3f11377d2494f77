//! The methods of call sites whose functions return a boxed future. Each makes the body's future at once, and polls it later.

use std::borrow::Borrow;
use std::future::{Ready, ready};
use std::time::Duration;

use super::{Awaits, Returns};
use crate::codec::wire::Wire;
use crate::handle::Fastness;
use crate::invalidate::{InvalidatedScopes, PendingScopes, invalidate_guarded};
use crate::key::OwnedKey;
use crate::key::args::Args;
use crate::load::Miss;
use crate::policy::Policy;
use crate::put::{Put, store};
use crate::resilience::breaker::{Breaker, Verdict};
use crate::resilience::bulkhead::Bulkhead;
use crate::resilience::fallback::Fallback;
use crate::resilience::retry::{Again, Retry};
use crate::resilience::sites::in_bulkhead;
use crate::resilience::{Made, Rejected, made};
use crate::shape::{CacheValue, Shape};
use crate::site::{Call, Site};
use crate::timed::{CallOutcome, Timer};

impl<T, M> Returns<T, Awaits<'_, M>> {
    /// The body's future.
    pub fn body<F: Future<Output = T>>(self, body: impl FnOnce() -> F) -> F {
        body()
    }

    /// The body's future, with the rejections that were recorded while it was made.
    pub fn made<F: Future<Output = T>>(self, body: impl FnOnce() -> F) -> Made<F> {
        made(body)
    }

    /// A miss whose policy is a ttl in milliseconds and nothing else.
    #[cold]
    pub(super) fn miss<A, S>(
        self,
        site: &'static Site,
        on: Option<&Fastness>,
        call: Call<'_, A, S>,
        (ttl, wire): (u64, Option<Wire<S::Item>>),
    ) -> Miss<A::Owned, S>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        site.miss(on, call, &[], Policy::new(Duration::from_millis(ttl)).wire(wire))
    }

    pub fn ready(self, value: T) -> Ready<T> {
        ready(value)
    }

    pub fn begin<V, K: Eq, S: Shape<Item: 'static>>(self, miss: Miss<K, S>) -> Result<V, Miss<K, S>> {
        Err(miss)
    }

    pub fn store<K, S, F>(self, put: Put<K, S>, body: F) -> impl Future<Output = T>
    where
        K: OwnedKey,
        S: Shape<Item: CacheValue, Out = T> + 'static,
        F: Future<Output = T>,
    {
        store(put, body)
    }

    /// Guards the scopes from before the body's future is made: they are invalidated even if making it panics, or if it is never polled.
    pub fn guard(self, scopes: InvalidatedScopes) -> PendingScopes {
        PendingScopes::new(scopes)
    }

    pub fn invalidate<S, F>(self, shape: S, guard: PendingScopes, body: F) -> impl Future<Output = T>
    where
        S: Shape<Out = T>,
        F: Future<Output = T>,
    {
        invalidate_guarded(shape, guard, body)
    }

    pub async fn timed<F: Future<Output = T>>(
        self,
        start: impl FnOnce() -> Timer,
        body: F,
        outcome: impl FnOnce(&T) -> CallOutcome,
    ) -> T {
        let timer = start();
        let value = body.await;
        timer.finish(outcome(&value));
        value
    }

    pub async fn breaker<F, G>(
        self,
        breaker: impl Borrow<Breaker>,
        body: F,
        judge: impl FnOnce(&T) -> Verdict,
        otherwise: impl FnOnce(Rejected) -> G,
    ) -> T
    where
        F: Future<Output = T>,
        G: Future<Output = T>,
    {
        match breaker.borrow().call_judged(body, judge).await {
            Ok(output) => output,
            Err(rejected) => otherwise(rejected).await,
        }
    }

    pub fn fallback_judged<F, G>(
        self,
        fallback: &'static Fallback,
        body: F,
        failed: impl Fn(&T) -> bool,
        otherwise: impl FnOnce(T) -> G,
    ) -> impl Future<Output = T>
    where
        F: Future<Output = T>,
        G: Future<Output = T>,
    {
        fallback.call_judged(body, failed, otherwise)
    }

    pub async fn retry_judged<F, W>(
        self,
        retry: impl Borrow<Retry>,
        body: impl FnMut() -> F,
        again: impl Fn(&T) -> W,
    ) -> T
    where
        F: Future<Output = T>,
        W: Into<Again>,
    {
        retry.borrow().call_judged(body, again).await
    }
}

impl<T, E, M> Returns<Result<T, E>, Awaits<'_, M>> {
    pub fn bulkhead<F, G>(
        self,
        (bulkhead, wait): (&'static Bulkhead, Option<Duration>),
        body: F,
        otherwise: impl FnOnce(Rejected) -> G,
    ) -> impl Future<Output = Result<T, E>>
    where
        F: Future<Output = Result<T, E>>,
        G: Future<Output = Result<T, E>>,
    {
        let call = in_bulkhead(bulkhead, wait, body);
        async move {
            match call.await {
                Ok(output) => output,
                Err(rejected) => otherwise(rejected).await,
            }
        }
    }

    pub fn fallback<F, G>(
        self,
        fallback: &'static Fallback,
        body: F,
        otherwise: impl FnOnce(E) -> G,
    ) -> impl Future<Output = Result<T, E>>
    where
        F: Future<Output = Result<T, E>>,
        G: Future<Output = Result<T, E>>,
    {
        fallback.call(body, otherwise)
    }

    pub async fn retry<F, W>(
        self,
        retry: impl Borrow<Retry>,
        body: impl FnMut() -> F,
        when: impl Fn(&E) -> W,
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        W: Into<Again>,
    {
        retry.borrow().call(body, when).await
    }
}
