//! Circuit breakers: while something does not work, it is not called, except to see whether it works again.
//!
//! Two signals open it: failures in a row notice an outage at once, even where calls are few; a rate notices a fault
//! that hits every second call, which never fails five times in a row. Where calls are many, five failures in a row come up by
//! chance, and only a longer row opens it. It closes only on probes of which enough succeeded, no more of which are under way
//! at a time than it takes, so that what has just come up is not called down again.
//!
//! `state` decides, `window` counts, `cell` shares both between threads, and a `permit` ties the end of a call to its
//! beginning.

mod cell;
mod events;
mod gate;
mod many;
mod permit;
mod settings;
pub(super) mod site;
mod snapshot;
mod state;
mod verdict;
mod window;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cell::Cell;
use events::EventLog;
pub use events::{Event, Events};
pub use many::KeyedBreaker;
#[cfg(feature = "http")]
pub(crate) use permit::Admitted;
pub use permit::Permit;
pub use settings::{Settings, Window};
pub use site::Conflict;
#[cfg(feature = "registry")]
pub(crate) use site::faults;
pub(super) use site::{BREAKERS, KEYED, make_declared};
pub use snapshot::{Calls, Snapshot};
pub use state::{Cause, State};
use state::{Phase, Tally};
pub use verdict::Verdict;
use window::Spread;

use super::error::{CallError, Rejected, TimedOut};
use super::guarded::guarded;
use super::noted::mark;
use super::within::within;
use crate::clock::Clock;

/// A circuit breaker. Cheap to clone; clones are the same breaker.
///
/// [`named`](Self::named) gives the one of a name, which is the same in the whole process.
///
/// ```
/// use fastness::resilience::CallError;
/// use fastness::resilience::breaker::{Breaker, State};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// async fn quote(isbn: u64) -> Result<u32, std::io::Error> { Err(std::io::Error::other("no route")) }
///
/// let quotes = Breaker::named("quotes");
/// for _ in 0..5 {
///     assert!(matches!(quotes.try_call(quote(7)).await, Err(CallError::Failed(_))));
/// }
/// assert_eq!(quotes.state(), State::Open);
/// let Err(CallError::Rejected(rejected)) = quotes.try_call(quote(7)).await else { panic!("it is open") };
/// assert!(rejected.to_string().starts_with("circuit breaker `quotes` is open; retry after "));
/// # }
/// ```
#[derive(Clone)]
pub struct Breaker {
    cell: Arc<Cell>,
}

impl Breaker {
    /// A breaker of its own: no other has its state, whatever its name, and [`snapshots`](super::snapshots) does not list
    /// it. For tests, and for what is made and dropped at run time.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fastness::Clock;
    /// use fastness::resilience::breaker::{Breaker, Settings, State, Verdict};
    ///
    /// let clock = Clock::manual();
    /// let breaker = Breaker::new("mine", Settings::new()).with_clock(clock.clone());
    /// for _ in 0..5 {
    ///     breaker.try_acquire().unwrap().settle(Verdict::Failure);
    /// }
    /// assert_eq!(breaker.state(), State::Open);
    ///
    /// clock.advance(Duration::from_secs(6));
    /// for _ in 0..3 {
    ///     breaker.try_acquire().unwrap().settle(Verdict::Success);
    /// }
    /// assert_eq!(breaker.state(), State::Closed);
    /// ```
    pub fn new(name: &str, settings: Settings) -> Self {
        Self::make(name.into(), settings, Clock::system())
    }

    /// Puts the breaker on another clock, for tests. One that was cloned or used before is replaced by a new one with the same name and
    /// settings.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        match Arc::get_mut(&mut self.cell) {
            Some(cell) if cell.is_unused() => cell.set_clock(clock),
            _ => self = Self::make(self.cell.name.clone(), self.cell.settings.clone(), clock),
        }
        self
    }

    fn make(name: Arc<str>, settings: Settings, clock: Clock) -> Self {
        Self { cell: Arc::new(Cell::new(name, settings, clock, Spread::Threads, EventLog::new())) }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.cell.name
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.cell.settings
    }

    /// Makes the call if it may be made: `Ok` is a success, `Err` a failure.
    ///
    /// # Errors
    ///
    /// Those of the call, and what a [`Rejected`] becomes.
    ///
    /// # Cancel safety
    ///
    /// As safe as the call. Dropped after it began, the call is [cancelled](Permit).
    pub fn call<T, E, F>(&self, call: F) -> impl Future<Output = Result<T, E>>
    where
        E: From<Rejected>,
        F: Future<Output = Result<T, E>>,
    {
        self.guard(call, Verdict::from_result, |ended| ended.unwrap_or_else(|rejected| Err(rejected.into_error())))
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
        self.guard(call, Verdict::from_result, |ended| ended?.map_err(CallError::Failed))
    }

    /// [`call`](Self::call), for at most so long: a call that takes longer is dropped, and failed.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with its timer enabled.
    ///
    /// # Cancel safety
    ///
    /// As for [`call`](Self::call).
    pub fn call_within<T, E, F>(&self, bound: Duration, call: F) -> impl Future<Output = Result<T, E>>
    where
        E: From<Rejected> + From<TimedOut>,
        F: Future<Output = Result<T, E>>,
    {
        let judge =
            |ended: &Result<Result<T, E>, TimedOut>| ended.as_ref().map_or(Verdict::Failure, Verdict::from_result);
        self.guard(within(&self.cell.name, bound, call), judge, |ended| match ended {
            Ok(Ok(output)) => output,
            Ok(Err(timed_out)) => Err(timed_out.into()),
            Err(rejected) => Err(rejected.into_error()),
        })
    }

    /// Makes the call if it may be made; `judge` says what its output, of any type, tells. What a rejection becomes is for
    /// the caller to say.
    ///
    /// ```
    /// use fastness::resilience::Rejected;
    /// use fastness::resilience::breaker::{Breaker, Verdict};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Rejected> {
    /// let status = |code: &u16| if *code >= 500 { Verdict::Failure } else { Verdict::Success };
    /// let code = Breaker::named("gateway").call_judged(async { 404 }, status).await?;
    /// assert_eq!(code, 404);
    /// # Ok(()) }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// As for [`call`](Self::call).
    pub fn call_judged<F: Future>(
        &self,
        call: F,
        judge: impl FnOnce(&F::Output) -> Verdict,
    ) -> impl Future<Output = Result<F::Output, Rejected>> {
        self.guard(call, judge, |ended| ended)
    }

    fn guard<F: Future, O>(
        &self,
        call: F,
        judge: impl FnOnce(&F::Output) -> Verdict,
        close: impl FnOnce(Result<F::Output, Rejected>) -> O,
    ) -> impl Future<Output = O> {
        let admission = std::future::poll_fn(|_| self.try_acquire().into());
        guarded(admission, call, |ended| {
            close(ended.map(|(permit, output, mark): (Permit<'_>, F::Output, _)| {
                permit.settle(mark.verdict::<F::Output>(judge(&output)));
                output
            }))
        })
    }

    /// [`call`](Self::call), for a function that blocks.
    pub fn call_sync<T, E: From<Rejected>>(&self, call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.call_judged_sync(call, Verdict::from_result).map_err(Rejected::into_error::<E>)?
    }

    /// [`try_call`](Self::try_call), for a function that blocks.
    pub fn try_call_sync<T, E>(&self, call: impl FnOnce() -> Result<T, E>) -> Result<T, CallError<E>> {
        self.call_judged_sync(call, Verdict::from_result)?.map_err(CallError::Failed)
    }

    /// [`call_judged`](Self::call_judged), for a function that blocks.
    pub fn call_judged_sync<T>(
        &self,
        call: impl FnOnce() -> T,
        judge: impl FnOnce(&T) -> Verdict,
    ) -> Result<T, Rejected> {
        let permit = self.try_acquire()?;
        let mark = mark();
        let output = call();
        permit.settle(mark.verdict::<T>(judge(&output)));
        Ok(output)
    }

    /// The right to make one call, for calls of another shape.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>, Rejected> {
        self.cell.admit().map(|gate| Permit::new(&self.cell, gate))
    }

    /// The right to make one call, for a holder that has the breaker itself. To be ended by way of [`resume`](Self::resume).
    #[cfg(feature = "http")]
    pub(crate) fn admit(&self) -> Result<Admitted, Rejected> {
        self.cell.admit().map(|gate| Admitted::new(&self.cell, gate))
    }

    /// The permit of a call that was admitted.
    #[cfg(feature = "http")]
    pub(crate) fn resume(&self, admitted: Admitted) -> Permit<'_> {
        Permit::resume(&self.cell, admitted)
    }

    /// The state: what it does with calls. An open breaker whose time is up is half-open only when the next call comes.
    pub fn state(&self) -> State {
        self.cell.state()
    }

    /// Its figures at this moment.
    pub fn snapshot(&self) -> Snapshot {
        let reading = self.cell.reading();
        let Tally { calls, failures, slow } = reading.window;
        Snapshot {
            name: self.cell.name.clone(),
            state: reading.state,
            retry_after: reading.retry_after,
            window_calls: calls,
            window_failures: failures,
            window_slow: slow,
            calls: reading.calls,
        }
    }

    /// The last 100 changes of its state, oldest first; those of all keys together, if it is one of many.
    pub fn events(&self) -> Vec<Event> {
        self.cell.events.recent()
    }

    /// The changes of its state from now on.
    ///
    /// ```
    /// use fastness::resilience::breaker::{Breaker, State};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let breaker = Breaker::named("watched");
    /// let mut events = breaker.subscribe();
    /// breaker.force_open();
    /// assert_eq!(events.next().await.to, State::ForcedOpen);
    /// # }
    /// ```
    pub fn subscribe(&self) -> Events {
        self.cell.events.subscribe()
    }

    /// Rejects all calls until [`automatic`](Self::automatic) is called, or another of these.
    pub fn force_open(&self) {
        self.cell.force(Phase::ForcedOpen);
    }

    /// Lets all calls through, and counts them.
    pub fn force_closed(&self) {
        self.cell.force(Phase::ForcedClosed);
    }

    /// Lets all calls through, and counts none.
    pub fn disable(&self) {
        self.cell.force(Phase::Disabled);
    }

    /// Lets the breaker decide again, from closed and with nothing counted; one that is closed forgets what it counted.
    /// Calls that are under way count no more.
    pub fn automatic(&self) {
        self.cell.force(Phase::Closed { failed_in_a_row: 0 });
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker").field("name", &self.cell.name).field("state", &self.state()).finish_non_exhaustive()
    }
}
