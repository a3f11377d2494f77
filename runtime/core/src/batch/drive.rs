//! The drivers of a batch whose body has to run.

use std::future::poll_fn;
use std::pin::{Pin, pin};

use tokio::runtime::Handle;

use super::{Batch, BatchMap, Id};
use crate::engine::CountIfAbandoned;
use crate::error::LoadTimeout;
use crate::events::LoadEnding;
use crate::flight::{Load, LoadPermit};
use crate::handle::{CallMode, with_current_cache};
use crate::key::OwnedKey;
use crate::shape::Shape;
use crate::trace::{self, LoadReason, Traced, around};

/// Awaits the body, which has the missing ids, and completes its answer with the elements that were found. The future is boxed, so that
/// the future of the function stays small.
///
/// # Cancel safety
///
/// Dropping the future drops the body; nothing is stored, and if there are waiters, one of them takes over.
pub fn load_batch<K, S, F>(batch: Batch<K, S>, body: F) -> Pin<Box<impl Future<Output = S::Out>>>
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
    F: Future<Output = S::Out>,
{
    Box::pin(async move {
        let reason = batch.reason();
        run(batch, body, reason).await
    })
}

/// Drives a batch as [`load_batch`] does, but if every missing element has an old value, the body runs in a task of its own and the caller
/// gets the old values at once.
///
/// # Cancel safety
///
/// Dropping the future drops the body, unless it runs in a task: that goes on.
pub fn load_batch_spawned<K, S, B, F>(mut batch: Batch<K, S>, body: B) -> Pin<Box<impl Future<Output = S::Out>>>
where
    K: OwnedKey,
    S: Shape<Item: BatchMap + Send, Error: Send> + Send + Sync + 'static,
    B: FnOnce(Vec<Id<S>>) -> F + Send + 'static,
    F: Future<Output = S::Out> + Send + 'static,
    S::Out: Send,
{
    Box::pin(async move {
        if batch.has_only_old() {
            match (Handle::try_current(), batch.background_slot()) {
                (Ok(runtime), Some(slot)) => {
                    // The call ends here; the refresh is not counted as a call.
                    let answer = batch.serve_old();
                    runtime.spawn(with_current_cache(async move {
                        batch.fetch_again().await;
                        if batch.complete().is_none() {
                            let body = body(batch.missing());
                            drop(run(batch, body, LoadReason::Background).await);
                        }
                        drop(slot);
                    }));
                    return answer;
                }
                // Too many refreshes run already.
                (Ok(_), None) => return batch.serve_old(),
                // Without a runtime there is no background.
                (Err(_), _) => {}
            }
        }
        let (reason, body) = (batch.reason(), body(batch.missing()));
        run(batch, body, reason).await
    })
}

async fn run<K, S, F>(mut batch: Batch<K, S>, body: F, reason: LoadReason) -> S::Out
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
    F: Future<Output = S::Out>,
{
    let span = batch.load_span(reason);
    let mut load = pin!(Load::new(around(&span, body), batch.permit.take()));
    // Dropped before the permit is, which hands the load over.
    let (guard, note) = (batch.load_guard(), batch.panic_note());
    let claims = batch.claims();
    let ends = poll_fn(|cx| {
        let polled = load.as_mut().poll(cx);
        for claim in &claims {
            claim.polled();
        }
        polled
    });
    let ended = match batch.load_bound() {
        None => Ok(ends.await),
        Some((bound, error)) => tokio::time::timeout(bound, ends).await.map_err(|_| (bound, error)),
    };
    drop(claims);
    drop(note);
    match ended {
        Ok((out, permit)) => {
            batch.permit = permit;
            batch.finish(out, &span, guard)
        }
        Err((bound, error)) => {
            batch.permit = load.abandon();
            if let Some(guard) = guard {
                guard.end(LoadEnding::TimedOut);
            }
            batch.time_out(error(LoadTimeout::new(bound)), &span)
        }
    }
}

/// Runs the body of a sync function as [`load_batch`] does for an async one.
pub fn load_batch_sync<K, S>(batch: Batch<K, S>, body: impl FnOnce() -> S::Out) -> S::Out
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
{
    let (inside, guard) = (batch.permit.as_ref().map(LoadPermit::enter), batch.load_guard());
    let span = batch.load_span(batch.reason());
    let entered = span.enter();
    let out = body();
    drop(entered);
    drop(inside);
    batch.finish(out, &span, guard)
}

impl<K, S> Batch<K, S>
where
    K: OwnedKey,
    S: Shape<Item: BatchMap> + 'static,
{
    /// Counts the load as abandoned unless it ends.
    fn load_guard(&self) -> Option<CountIfAbandoned> {
        let start = self.start.as_ref().filter(|_| self.mode != CallMode::Bypass)?;
        let event = start.state.load_event(|| (None, self.missing.len()));
        Some(CountIfAbandoned::new(start.state.store.counters(), event))
    }

    fn reason(&self) -> LoadReason {
        if self.missing.iter().all(|missing| missing.old.is_some()) { LoadReason::Refresh } else { LoadReason::Miss }
    }

    /// Begins the span of the load, unless the batch bypasses the cache.
    fn load_span(&self, reason: LoadReason) -> Traced {
        match self.mode {
            CallMode::Bypass => Traced::default(),
            CallMode::Reload => trace::load(self.subject(), LoadReason::Reload),
            CallMode::Normal => trace::load(self.subject(), reason),
        }
    }
}
