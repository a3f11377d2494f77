//! The driver of `load = task`: a load runs in a task of its own, which goes on when its caller no longer waits.
//!
//! `load_timeout` then bounds each caller's wait, and not the load. If the task panics, its caller gets the panic and a waiter takes over.
//! If the runtime of the task shuts down, a waiter takes over too, and the caller gets the error of a timeout; without a `load_timeout` it
//! panics.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};

use crate::engine::RequestPlan;
use crate::error::LoadTimeout;
use crate::flight::LoadPermit;
use crate::handle::with_current_cache;
use crate::key::OwnedKey;
use crate::load::{Miss, Pending};
use crate::shape::{CacheValue, OutcomeOf, Shape};
use crate::sync::lock;
use crate::trace::LoadReason;

/// Drives an async call that was not a hit and whose load goes on without it.
///
/// # Cancel safety
///
/// Dropping the future ends the wait, and not the load. If the load runs in its caller, because there is no runtime or too many run as
/// tasks already, dropping the future drops the body; if there are waiters, one of them takes over.
pub fn load_task<K, S, F>(miss: Miss<K, S>, body: F) -> Pin<Box<impl Future<Output = S::Out>>>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue, Error: Send> + Send + Sync + 'static,
    F: Future<Output = S::Out> + Send + 'static,
    S::Out: Send,
{
    Box::pin(async move {
        let Some(pending) = miss.0 else { return body.await };
        S::close(drive(pending.into(), body).await)
    })
}

async fn drive<K, S, F>(pending: Arc<Pending<K, S>>, body: F) -> OutcomeOf<S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue, Error: Send> + Send + Sync + 'static,
    F: Future<Output = S::Out> + Send + 'static,
    S::Out: Send,
{
    let _caller = Caller(&pending);
    let (permit, old, reason) = match pending.wait_for(pending.plan()).await {
        Ok(RequestPlan::Load(permit)) => (permit, None, LoadReason::Miss),
        Ok(RequestPlan::Refresh(permit, old)) if pending.policy.background => {
            (Some(permit), Some(old), LoadReason::Background)
        }
        Ok(RequestPlan::Refresh(permit, _)) => (Some(permit), None, LoadReason::Refresh),
        Ok(RequestPlan::Done(ending)) | Err(ending) => return ending,
    };
    match (pending.begin_task(permit, body, reason), old) {
        // A refresh in a task has no caller that waits.
        (Ok(_), Some(old)) => pending.serve_old(old),
        (Ok(task), None) => match pending.wait_for(task).await {
            Ok(Ok(ending)) | Err(ending) => ending,
            Ok(Err(ended)) => pending.cut_off(ended),
        },
        (Err(alone), old) => match (old, Handle::try_current()) {
            // Too many loads run already.
            (Some(old), Ok(_)) => pending.serve_old(old),
            (Some(_), Err(_)) => pending.run(alone.permit, alone.body, LoadReason::Refresh).await,
            (None, _) => pending.run(alone.permit, alone.body, reason).await,
        },
    }
}

/// The caller of a load. Its call is counted when the caller goes, and not when the load ends.
struct Caller<'a, K: Eq, S: Shape<Item: 'static>>(&'a Pending<K, S>);

impl<K: Eq, S: Shape<Item: 'static>> Drop for Caller<'_, K, S> {
    fn drop(&mut self) {
        self.0.call.ends();
    }
}

/// A load that could not become a task: there is no runtime, or too many run already.
struct Unspawned<F> {
    permit: Option<LoadPermit>,
    body: F,
}

impl<K, S> Pending<K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    /// Waits for at most the `load_timeout`. After that, the answer is a stale fallback or the error of the timeout.
    async fn wait_for<F: Future>(&self, future: F) -> Result<F::Output, OutcomeOf<S>> {
        let Some((bound, error)) = self.policy.load_timeout else { return Ok(future.await) };
        let waited = tokio::time::timeout(bound, future).await;
        waited.map_err(|_| self.time_out(error(LoadTimeout::new(bound)), None))
    }

    fn begin_task<F>(
        self: &Arc<Self>,
        permit: Option<LoadPermit>,
        body: F,
        reason: LoadReason,
    ) -> Result<JoinHandle<OutcomeOf<S>>, Unspawned<F>>
    where
        S: Shape<Error: Send> + Send + Sync,
        F: Future<Output = S::Out> + Send + 'static,
        S::Out: Send,
    {
        let (Ok(runtime), Some(slot)) = (Handle::try_current(), self.state.store.background.try_acquire()) else {
            return Err(Unspawned { permit, body });
        };
        let (pending, span) = (self.clone(), self.load_span(reason));
        Ok(runtime.spawn(with_current_cache(async move {
            let ending = pending.run_within(None, permit, body, span).await;
            // The caller may hold `pending` longer than the load takes, so the lease ends here.
            *lock(&pending.lease) = None;
            drop(slot);
            ending
        })))
    }

    /// The answer to the caller of a task that ended early, by a panic or with its runtime.
    fn cut_off(&self, ended: JoinError) -> OutcomeOf<S> {
        if ended.is_panic() {
            resume_unwind(ended.into_panic());
        }
        match self.policy.load_timeout {
            Some((bound, error)) => self.time_out(error(LoadTimeout::new(bound)), None),
            None => panic!("the runtime was shut down while `{}` was loaded in one of its tasks", self.state.path),
        }
    }
}
