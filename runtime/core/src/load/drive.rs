//! The drivers, which await or block as [`Pending`] decides.
//!
//! A driver that holds the body is compiled once per call site, so these stay short; those of sync calls (`blocking`) hold no body.

use std::pin::{Pin, pin};

use tokio::runtime::Handle;

use super::{CallPlan, Miss, Pending};
use crate::engine::{RequestPlan, end_span, ending_of, join};
use crate::error::LoadTimeout;
use crate::events::LoadEnding;
use crate::flight::{Load, LoadPermit};
use crate::handle::with_current_cache;
use crate::key::OwnedKey;
use crate::policy::LoadBound;
use crate::shape::{CacheValue, OutcomeOf, Shape};
use crate::trace::{self, LoadReason, Subject, Traced, around};

mod blocking;
mod task;

pub use blocking::{Loading, end_sync};
pub use task::load_task;

/// Drives an async call that was not a hit. The future is boxed, so that the future of a hit stays small.
///
/// # Cancel safety
///
/// Dropping the future drops the body; if there are waiters, one of them takes over.
pub fn load<K, S, F>(miss: Miss<K, S>, body: F) -> Pin<Box<impl Future<Output = S::Out>>>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
    F: Future<Output = S::Out>,
{
    Box::pin(async move {
        let Some(pending) = miss.0 else { return body.await };
        // The plan may hold an error that is not `Send`, so it is dropped before the load.
        let (permit, reason) = match pending.plan().await {
            RequestPlan::Refresh(permit, _) => (Some(permit), LoadReason::Refresh),
            RequestPlan::Load(permit) => (permit, LoadReason::Miss),
            RequestPlan::Done(ending) => return S::close(ending),
        };
        S::close(pending.run(permit, body, reason).await)
    })
}

/// Drives an async call as [`load`] does, but a refresh runs in a task of its own and the caller gets the old value at once.
///
/// # Cancel safety
///
/// Dropping the future drops the body, unless it is a refresh: that goes on.
pub fn load_spawned<K, S, F>(miss: Miss<K, S>, body: F) -> Pin<Box<impl Future<Output = S::Out>>>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue, Error: Send> + Send + Sync + 'static,
    F: Future<Output = S::Out> + Send + 'static,
    S::Out: Send,
{
    Box::pin(async move {
        let Some(pending) = miss.0 else { return body.await };
        S::close(match pending.plan().await {
            RequestPlan::Refresh(permit, old) => {
                match (Handle::try_current(), pending.state.store.background.try_acquire()) {
                    (Ok(runtime), Some(slot)) => {
                        // The call ends here; the refresh is not counted as a call.
                        let ending = pending.serve_old(old);
                        let span = pending.load_span(LoadReason::Background);
                        runtime.spawn(with_current_cache(async move {
                            let bound = pending.policy.load_timeout;
                            drop(pending.run_within(bound, Some(permit), body, span).await);
                            drop(slot);
                        }));
                        ending
                    }
                    // Too many refreshes run already.
                    (Ok(_), None) => pending.serve_old(old),
                    // Without a runtime there is no background.
                    (Err(_), _) => pending.run(Some(permit), body, LoadReason::Refresh).await,
                }
            }
            RequestPlan::Load(permit) => pending.run(permit, body, LoadReason::Miss).await,
            RequestPlan::Done(ending) => ending,
        })
    })
}

impl<K, S> Pending<K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    /// The plan of this call. It asks the shared tier before it decides that a body has to run.
    async fn plan(&self) -> CallPlan<S> {
        let mut request = self;
        // A finished plan may hold an error that is not `Send`, so only the other plans live across the wait.
        let (permit, old) = match join(&mut request).await {
            RequestPlan::Done(ending) => return RequestPlan::Done(ending),
            RequestPlan::Load(permit) => (permit, None),
            RequestPlan::Refresh(permit, old) => (Some(permit), Some(old)),
        };
        self.consult(permit, old).await
    }

    /// Begins the span of a load of this call.
    fn load_span(&self, reason: LoadReason) -> Traced {
        let reason = if self.reload.is_some() { LoadReason::Reload } else { reason };
        trace::load(Subject::function(&self.state.path), reason)
    }

    fn run<F>(&self, permit: Option<LoadPermit>, body: F, reason: LoadReason) -> impl Future<Output = OutcomeOf<S>>
    where
        F: Future<Output = S::Out>,
    {
        self.run_within(self.policy.load_timeout, permit, body, self.load_span(reason))
    }

    /// Runs the body within the bound, if there is one, and settles its result.
    async fn run_within<F>(
        &self,
        bound: LoadBound<S>,
        permit: Option<LoadPermit>,
        body: F,
        span: Traced,
    ) -> OutcomeOf<S>
    where
        F: Future<Output = S::Out>,
    {
        let began = self.began();
        self.hand_over();
        let mut load = pin!(Load::new(around(&span, body), permit));
        // Dropped before the permit is, which hands the load over.
        let guard = self.load_guard();
        let ended = match bound {
            None => Ok(load.as_mut().await),
            Some((bound, error)) => tokio::time::timeout(bound, load.as_mut()).await.map_err(|_| (bound, error)),
        };
        match ended {
            Ok((out, permit)) => {
                let ending = S::open(out);
                end_span(&span, &ending);
                guard.end(ending_of(&ending));
                self.finish(began, ending, permit)
            }
            Err((bound, error)) => {
                let permit = load.abandon();
                guard.end(LoadEnding::TimedOut);
                span.fail("timeout", "timeout");
                self.time_out(error(LoadTimeout::new(bound)), permit)
            }
        }
    }
}
