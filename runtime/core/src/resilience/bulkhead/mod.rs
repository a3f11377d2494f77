//! A bound on how many calls are under way at a time, so that what is slow does not take everything else down with it.
//!
//! A semaphore. Where the bound adapts itself, [`gradient`] decides it, and here the semaphore is made to follow: permits
//! that are to go but are in use are a *debt*. Whoever gives a permit back pays with it, or else nobody ever would while
//! others wait for one; and looks for debt after it was given back, so that none is left when all permits are.

mod gradient;
mod slot;

#[cfg(test)]
mod tests;

use std::mem;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use slot::Adaptive;
pub(crate) use slot::Slot;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::sync::lock;

use super::error::{CallError, Reason, Rejected};
use super::guarded::{Running, guarded};
use super::noted;
use super::outcomes::Outcomes;
use super::snapshot::{Lazy, PolicyKind, PolicySnapshot, Report};
use super::timeout::within;

/// How many calls at a time. Every method is `const`.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
/// use fastness::resilience::BulkheadSettings;
///
/// const FEW: BulkheadSettings = BulkheadSettings::fixed(NonZeroU32::new(8).unwrap()).wait(Duration::from_millis(100));
/// # let _ = FEW;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkheadSettings {
    min: NonZeroU32,
    max: NonZeroU32,
    wait: Duration,
}

impl BulkheadSettings {
    /// So many.
    pub const fn fixed(max: NonZeroU32) -> Self {
        Self { min: max, max, wait: Duration::ZERO }
    }

    /// As many as what is called can take without making them queue, which is found out from how long they take: in the
    /// manner of TCP Vegas, beginning with `min`. Costs each call two readings of the cycle counter and a lock.
    pub const fn adaptive(min: NonZeroU32, max: NonZeroU32) -> Self {
        let max = if max.get() < min.get() { min } else { max };
        Self { min, max, wait: Duration::ZERO }
    }

    /// How long a call waits for its turn before it is rejected (not at all). Turns are given in order.
    #[must_use]
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    fn is_adaptive(&self) -> bool {
        self.min < self.max
    }
}

/// Lets so many calls through at a time.
///
/// ```
/// use std::num::NonZeroU32;
/// use fastness::resilience::{Bulkhead, BulkheadSettings, Reason};
///
/// static RENDER: Bulkhead = Bulkhead::new("render", BulkheadSettings::fixed(NonZeroU32::new(1).unwrap()));
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let both = RENDER.run(async { RENDER.run(async { "inner" }).await }).await;
/// let rejected = both.expect("the first one gets through").unwrap_err();
/// assert_eq!(rejected.reason(), Reason::Full);
/// # }
/// ```
#[derive(Debug)]
pub struct Bulkhead {
    name: &'static str,
    settings: BulkheadSettings,
    clock: Option<Clock>,
    state: Lazy<State>,
}

#[derive(Debug)]
struct State {
    name: Arc<str>,
    clock: Clock,
    semaphore: Semaphore,
    /// The bound, where it is fixed.
    max: u32,
    adaptive: Option<Adaptive>,
    outcomes: Outcomes,
}

const FINISHED: usize = 0;
const REJECTED: usize = 1;
const CANCELLED: usize = 2;
const PANICKED: usize = 3;

impl Bulkhead {
    /// A bulkhead of its own.
    pub const fn new(name: &'static str, settings: BulkheadSettings) -> Self {
        Self { name, settings, clock: None, state: Lazy::new() }
    }

    /// Another clock to measure calls by: for tests.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    fn state(&self) -> &State {
        self.state.get(|| State::new(self))
    }

    /// Makes the call when it is its turn.
    ///
    /// # Errors
    ///
    /// Those of the call, and what a [`Rejected`] becomes.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with its timer enabled, when it has to wait for its turn.
    ///
    /// # Cancel safety
    ///
    /// As safe as the call; while it waits, dropping it gives up its place.
    pub fn call<T, E, F>(&self, call: F) -> impl Future<Output = Result<T, E>>
    where
        E: From<Rejected>,
        F: Future<Output = Result<T, E>>,
    {
        self.end_with(call, Result::is_ok, |ended| ended.unwrap_or_else(|rejected| Err(rejected.into_error())))
    }

    /// [`call`](Self::call), for an error that cannot be made from a rejection.
    ///
    /// # Cancel safety
    ///
    /// As for [`call`](Self::call).
    pub fn try_call<T, E, F>(&self, call: F) -> impl Future<Output = Result<T, CallError<E>>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.end_with(call, Result::is_ok, |ended| ended?.map_err(CallError::Failed))
    }

    /// [`call`](Self::call), for an output of any type.
    ///
    /// # Cancel safety
    ///
    /// As for [`call`](Self::call).
    pub fn run<F: Future>(&self, call: F) -> impl Future<Output = Result<F::Output, Rejected>> {
        self.end_with(call, |_| true, |ended| ended)
    }

    /// Makes the call if it may be made at once. It never waits: a thread that waits is what a bulkhead is to save.
    pub fn call_sync<T, E: From<Rejected>>(&self, call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.end_with_sync(call, Result::is_ok).map_err(Rejected::into_error::<E>)?
    }

    /// [`call_sync`](Self::call_sync), for an output of any type.
    pub fn run_sync<T>(&self, call: impl FnOnce() -> T) -> Result<T, Rejected> {
        self.end_with_sync(call, |_| true)
    }

    /// A place, for a call of another shape, if there is one at once.
    #[cfg(feature = "http")]
    pub(crate) fn enter(&self) -> Result<Slot<'_>, Rejected> {
        self.state().try_acquire()
    }

    pub(super) fn end_with_sync<O>(
        &self,
        call: impl FnOnce() -> O,
        is_ok: impl FnOnce(&O) -> bool,
    ) -> Result<O, Rejected> {
        let running = Running::new(Some(self.state().try_acquire()?));
        let output = call();
        if let Some(slot) = running.stop() {
            slot.end(is_ok(&output));
        }
        Ok(output)
    }

    pub(super) fn end_with<F: Future, O>(
        &self,
        call: F,
        is_ok: impl FnOnce(&F::Output) -> bool,
        close: impl FnOnce(Result<F::Output, Rejected>) -> O,
    ) -> impl Future<Output = O> {
        guarded(self.state().acquire(self.settings.wait), call, |ended| {
            close(ended.map(|(slot, output, _): (Slot<'_>, _, _)| {
                slot.end(is_ok(&output));
                output
            }))
        })
    }
}

impl State {
    fn new(bulkhead: &Bulkhead) -> Self {
        let BulkheadSettings { min, max, .. } = bulkhead.settings;
        let adaptive = bulkhead.settings.is_adaptive();
        Self {
            name: bulkhead.name.into(),
            clock: bulkhead.clock.clone().unwrap_or_else(Clock::system),
            semaphore: Semaphore::new(min.get() as usize),
            max: max.get(),
            adaptive: adaptive.then(|| Adaptive::new(min.get(), max.get())),
            outcomes: Outcomes::new(&["finished", "rejected", "cancelled", "panicked"]),
        }
    }

    async fn acquire(&self, wait: Duration) -> Result<Slot<'_>, Rejected> {
        if let Ok(permit) = self.semaphore.try_acquire() {
            return Ok(Slot::new(self, permit));
        }
        if wait.is_zero() {
            return Err(self.rejected());
        }
        let waiting = Waiting;
        let ended = within(&self.name, wait, self.semaphore.acquire()).await;
        mem::forget(waiting);
        match ended {
            Ok(Ok(permit)) => Ok(Slot::new(self, permit)),
            // Nobody closes the semaphore.
            Ok(Err(_)) | Err(_) => Err(self.rejected()),
        }
    }

    fn try_acquire(&self) -> Result<Slot<'_>, Rejected> {
        self.semaphore.try_acquire().map(|permit| Slot::new(self, permit)).map_err(|_| self.rejected())
    }

    fn rejected(&self) -> Rejected {
        self.outcomes.count(REJECTED);
        Rejected::new(&self.name, Reason::Full, None)
    }

    /// The bound, and the calls under way.
    fn levels(&self) -> (u32, usize) {
        let (limit, permits) = self.adaptive.as_ref().map_or((self.max, self.max as usize), |adaptive| {
            let bound = lock(&adaptive.bound);
            (bound.gradient.limit(), bound.permits())
        });
        (limit, permits.saturating_sub(self.semaphore.available_permits()))
    }
}

/// A call that waits for its turn. Dropped, it is never made, and what is around it should know that.
struct Waiting;

impl Drop for Waiting {
    fn drop(&mut self) {
        noted::given_up();
    }
}

impl Report for State {
    fn snapshot(&self) -> PolicySnapshot {
        let (limit, in_flight) = self.levels();
        let levels = vec![("limit", limit.into()), ("in_flight", in_flight as u64)];
        PolicySnapshot::of(PolicyKind::Bulkhead, &self.name, &self.outcomes, levels)
    }
}
