//! Bulkheads: a bound on the calls in flight, so that a slow callee does not use up the resources of all others.
//!
//! A bulkhead is a semaphore. An adaptive bound is decided by `gradient`, and `adaptive` makes the semaphore follow: permits to be
//! removed that are in use are a *debt*. A call that releases a permit pays debt with it, or else the debt would stay while
//! others wait for a permit; and checks for debt afterwards, so that none is left when all permits are released.

mod adaptive;
mod gradient;
mod settings;
mod slot;

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::base::Base;
use super::error::{CallError, Rejected};
use super::guarded::{Running, guarded};
use crate::clock::Clock;

pub use settings::Settings;
#[cfg(feature = "http")]
pub(crate) use slot::Ticket;
use slot::{Slot, Slots};

/// A bound on the calls in flight. Cheap to clone; clones are the same bulkhead.
///
/// ```
/// use std::num::NonZeroU32;
/// use fastness::resilience::Reason;
/// use fastness::resilience::bulkhead::{Bulkhead, Settings};
///
/// static RENDER: Bulkhead = Bulkhead::new("render", Settings::fixed(NonZeroU32::new(1).unwrap()));
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let both = RENDER.run(async { RENDER.run(async { "inner" }).await }).await;
/// let rejected = both.expect("the first one gets through").unwrap_err();
/// assert_eq!(rejected.reason(), Reason::Full);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Bulkhead(Base<Slots>);

impl Bulkhead {
    /// Creates a bulkhead that shares no state with others.
    pub const fn new(name: &'static str, settings: Settings) -> Self {
        Self(Base::new(name, settings))
    }

    /// Sets the clock that measures calls, for tests. The result is another bulkhead of the same name and settings.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self(self.0.with_clock(clock))
    }

    /// Makes the call when there is a place for it, waiting for at most the `wait` of the settings.
    ///
    /// # Errors
    ///
    /// The error of the call, or one made from [`Rejected`] if the call was not made.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with its timer enabled, if it has to wait for a place.
    ///
    /// # Cancel safety
    ///
    /// This future is as cancel-safe as that of the call. A call that is dropped while it waits leaves the queue.
    pub fn call<T, E, F>(&self, call: F) -> impl Future<Output = Result<T, E>>
    where
        E: From<Rejected>,
        F: Future<Output = Result<T, E>>,
    {
        self.end_with(self.0.settings().wait, call, Result::is_ok, |ended| {
            ended.unwrap_or_else(|rejected| Err(rejected.into_error()))
        })
    }

    /// [`call`](Self::call) for an error type that has no `From<Rejected>`.
    ///
    /// # Cancel safety
    ///
    /// The same holds as for [`call`](Self::call).
    pub fn try_call<T, E, F>(&self, call: F) -> impl Future<Output = Result<T, CallError<E>>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.end_with(self.0.settings().wait, call, Result::is_ok, |ended| ended?.map_err(CallError::Failed))
    }

    /// [`call`](Self::call) for an output of any type.
    ///
    /// # Cancel safety
    ///
    /// The same holds as for [`call`](Self::call).
    pub fn run<F: Future>(&self, call: F) -> impl Future<Output = Result<F::Output, Rejected>> {
        self.end_with(self.0.settings().wait, call, |_| true, |ended| ended)
    }

    /// [`call`](Self::call) for a blocking function. It never waits for a place, because waiting threads are what a bulkhead saves.
    pub fn call_sync<T, E: From<Rejected>>(&self, call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.end_with_sync(call, Result::is_ok).map_err(Rejected::into_error::<E>)?
    }

    /// [`call_sync`](Self::call_sync) for an output of any type.
    pub fn run_sync<T>(&self, call: impl FnOnce() -> T) -> Result<T, Rejected> {
        self.end_with_sync(call, |_| true)
    }

    /// Takes a slot for a holder that owns a clone of the bulkhead, without waiting. The holder ends it by [`resume`](Self::resume).
    #[cfg(feature = "http")]
    pub(crate) fn enter(&self) -> Result<Ticket, Rejected> {
        self.0.shared().enter()
    }

    /// Returns the slot of a ticket.
    #[cfg(feature = "http")]
    pub(crate) fn resume(&self, ticket: Ticket) -> Slot<'_> {
        self.0.shared().resume(ticket)
    }

    pub(super) fn end_with_sync<O>(
        &self,
        call: impl FnOnce() -> O,
        is_ok: impl FnOnce(&O) -> bool,
    ) -> Result<O, Rejected> {
        let running = Running::new(Some(self.0.shared().try_acquire()?));
        let output = call();
        if let Some(slot) = running.stop() {
            slot.end(is_ok(&output));
        }
        Ok(output)
    }

    /// Returns the time that a call waits for a place; `given` is its own.
    pub(super) fn wait(&self, given: Option<Duration>) -> Duration {
        match given {
            None => self.0.settings().wait,
            Some(wait) => self.0.in_force(&self.0.settings.clone().wait(wait)).wait,
        }
    }

    pub(super) fn end_with<F: Future, O>(
        &self,
        wait: Duration,
        call: F,
        is_ok: impl FnOnce(&F::Output) -> bool,
        close: impl FnOnce(Result<F::Output, Rejected>) -> O,
    ) -> impl Future<Output = O> {
        guarded(self.0.shared().acquire(wait), call, |ended| {
            close(ended.map(|(slot, output, _): (Slot<'_>, _, _)| {
                slot.end(is_ok(&output));
                output
            }))
        })
    }
}
