//! Operations of the driver in tasks of their own.
//!
//! The driver wants its futures polled to their end (RUST-937): a dropped one may leave it in an inconsistent state, and closes its
//! connection. Callers are dropped at any time. So an operation runs in a task, and a caller that is dropped, or out of time, ends only its
//! wait, and the task goes on. If it has not ended [`GRACE`] later, it is aborted after all, which closes its connection: at once if the
//! server then stops the operation, as it does with reads, because impatient callers could fill it with reads for their whole time limit;
//! otherwise after the time limit, by which a server that answers at all has ended whatever has a `maxTimeMS`.
//!
//! Tasks are bounded in number by places: there are as many as connections to all servers. A caller that waits for a place has sent nothing,
//! and is dropped without a trace. A call that waits inside the driver, for a connection to one of the servers, cannot be dropped, and runs
//! when its caller is gone.

use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tracing::Instrument;

use super::snapshot::ClientCounters;
use fastness_core::Clock;
use fastness_core::seam::{nanos, now, pause};

/// Time that a task has when its caller is gone.
const GRACE: Duration = Duration::from_secs(1);

/// Connections to each server for which there are places if the pool has no bound.
const UNBOUNDED_POOL: usize = 1_000;

tokio::task_local! {
    /// Marks a task that has a place, so that a call inside of it does not wait for a second one.
    static PLACED: ();
}

/// Tasks of one client.
#[derive(Debug)]
pub(super) struct DriverTasks {
    places: Arc<Semaphore>,
    counters: Arc<ClientCounters>,
    clock: Clock,
}

/// The right to run one task.
pub(super) struct TaskPlace(#[allow(dead_code, reason = "its drop gives the place back")] Option<OwnedSemaphorePermit>);

/// An increment of a counter that ends with its drop.
struct Counted<C: Deref<Target = ClientCounters>> {
    counters: C,
    counter: fn(&ClientCounters) -> &AtomicU64,
}

impl<C: Deref<Target = ClientCounters>> Counted<C> {
    fn new(counters: C, counter: fn(&ClientCounters) -> &AtomicU64) -> Self {
        counter(&counters).fetch_add(1, Relaxed);
        Self { counters, counter }
    }
}

impl<C: Deref<Target = ClientCounters>> Drop for Counted<C> {
    fn drop(&mut self) {
        (self.counter)(&self.counters).fetch_sub(1, Relaxed);
    }
}

/// Effect on an operation when its connection closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClosedEffect {
    /// The server stops the operation.
    Stops,
    /// The server goes on with the operation, or it is unknown which one it is.
    GoesOn,
}

/// The wait of a caller for a task. Its drop before the task's end lets the task be aborted after its grace.
struct AwaitedTask<'a> {
    tasks: &'a DriverTasks,
    task: AbortHandle,
    runtime: Handle,
    /// The time until which the task goes on without a caller, in nanoseconds of the clock.
    until: u64,
    _awaited: Counted<&'a ClientCounters>,
}

impl Drop for AwaitedTask<'_> {
    fn drop(&mut self) {
        if self.task.is_finished() {
            return;
        }
        let (task, counters) = (self.task.clone(), self.tasks.counters.clone());
        let left = Duration::from_nanos(self.until.saturating_sub(now(&self.tasks.clock)));
        self.runtime.spawn(async move {
            pause(left + GRACE).await;
            if !task.is_finished() {
                task.abort();
                counters.aborted.fetch_add(1, Relaxed);
            }
        });
    }
}

impl DriverTasks {
    /// Creates places for this many connections to each of the servers; 0 is an unbounded pool.
    pub(super) fn new(pool: u32, servers: usize, counters: Arc<ClientCounters>, clock: Clock) -> Self {
        let pool = match usize::try_from(pool) {
            Ok(0) | Err(_) => UNBOUNDED_POOL,
            Ok(pool) => pool,
        };
        let places = pool.saturating_mul(servers.max(1)).min(Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(places)), counters, clock }
    }

    /// Waits for a place.
    pub(super) async fn place(&self) -> TaskPlace {
        if PLACED.try_with(|()| ()).is_ok() {
            return TaskPlace(None);
        }
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return TaskPlace(Some(place));
        }
        let began = now(&self.clock);
        let queued = Counted::new(&*self.counters, |counters| &counters.queued);
        // The semaphore is never closed.
        let place = self.places.clone().acquire_owned().await.ok();
        drop(queued);
        self.counters.waited_for_place(now(&self.clock) - began);
        TaskPlace(place)
    }

    /// Runs an operation in a task, and waits for its end. `None` if it ended with its runtime.
    ///
    /// `left` is the time until the time limit. A panic of the operation goes on in the caller.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        place: TaskPlace,
        (left, closed): (Duration, ClosedEffect),
        operation: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let running = Counted::new(self.counters.clone(), |counters| &counters.running);
        let task = async move {
            let ended = PLACED.scope((), operation).await;
            drop((running, place));
            ended
        };
        let until = match closed {
            ClosedEffect::Stops => 0,
            ClosedEffect::GoesOn => now(&self.clock).saturating_add(nanos(left)),
        };
        let runtime = Handle::current();
        let task = runtime.spawn(task.in_current_span());
        let _awaited = AwaitedTask {
            tasks: self,
            task: task.abort_handle(),
            runtime,
            until,
            _awaited: Counted::new(&*self.counters, |counters| &counters.awaited),
        };
        match task.await {
            Ok(ended) => Some(ended),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
