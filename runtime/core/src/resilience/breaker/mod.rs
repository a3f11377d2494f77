//! Circuit breakers: a callee that fails is not called for a while, except for a few probes that find out whether it works again.
//!
//! Two signals open a breaker: failures in a row show an outage at once, even with few calls; a rate shows a fault that hits every
//! second call, which never fails five times in a row. With many calls, five failures in a row happen by chance, so only a longer
//! row opens it. It closes after enough probes succeeded, and never admits more probes at a time than it needs, so that a callee
//! that has just recovered is not overloaded.
//!
//! `state` decides, `window` counts, `cell` shares both between threads, and a `permit` ties the end of a call to its
//! beginning.

mod cell;
mod evaluated;
mod history;
mod many;
mod permit;
mod published;
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
pub use many::KeyedBreaker;
#[cfg(feature = "http")]
pub(crate) use permit::Admitted;
pub use permit::Permit;
#[cfg(feature = "settings")]
pub(crate) use settings::Contradiction;
pub use settings::{Settings, Window};
pub use site::Conflict;
#[cfg(feature = "settings")]
pub(crate) use site::contradictions;
#[cfg(feature = "settings")]
pub(super) use site::declared_names;
#[cfg(feature = "registry")]
pub(crate) use site::faults;
pub(super) use site::{BREAKERS, KEYED, make_declared};
pub use snapshot::{Calls, Snapshot};
use state::{Phase, Tally};
pub use verdict::Verdict;
use window::Spread;

pub use super::breaker_state::{Cause, Event, State};
#[cfg(feature = "settings")]
use super::changes::{Changes, SettingsChange, changes};
use super::error::{CallError, Rejected, TimedOut};
use super::events;
use super::guarded::guarded;
#[cfg(feature = "settings")]
use super::kind::PolicyKind;
use super::noted::mark;
use super::within::within;
use crate::clock::Clock;
use crate::trace;

/// A circuit breaker. Cheap to clone; clones are the same breaker.
///
/// [`named`](Self::named) returns the breaker of a name, which is the same in the whole process.
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
    /// Creates a breaker that shares its state with no other, whatever its name, and that [`snapshots`](super::snapshots) does not
    /// list. Meant for tests, and for breakers that come and go at run time.
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
            _ => self = Self::make(self.cell.name.clone(), self.cell.given.clone(), clock),
        }
        self
    }

    fn make(name: Arc<str>, settings: Settings, clock: Clock) -> Self {
        Self { cell: Arc::new(Cell::new(name, settings, clock, Spread::Threads, Arc::default())) }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.cell.name
    }

    /// Returns the settings in force: those that it was made with, or what `Fastness::apply_settings` has made of them.
    pub fn settings(&self) -> Settings {
        self.cell.settings()
    }

    /// Takes the change of its settings from those in force, as a breaker that others can find from now on.
    #[cfg_attr(not(feature = "settings"), allow(clippy::unused_self))]
    fn begin(&self) {
        #[cfg(feature = "settings")]
        self.obey(&changes());
    }

    /// Takes the change of its settings from those in force.
    #[cfg(feature = "settings")]
    pub(super) fn obey(&self, changes: &Changes) {
        let (given, change) = (self.cell.given.clone(), changes.find(PolicyKind::Breaker, self.name()));
        self.cell.set_settings(change.map_or(given.clone(), |change: SettingsChange<Settings>| change(given)));
    }

    /// Makes the call unless the breaker rejects it. `Ok` is a success, `Err` a failure.
    ///
    /// # Errors
    ///
    /// The error of the call, or one made from [`Rejected`] if the call was not made.
    ///
    /// # Cancel safety
    ///
    /// This future is as cancel-safe as that of the call. A call that is dropped after it began counts as [cancelled](Permit).
    pub fn call<T, E, F>(&self, call: F) -> impl Future<Output = Result<T, E>>
    where
        E: From<Rejected>,
        F: Future<Output = Result<T, E>>,
    {
        self.guard(call, Verdict::from_result, |ended| ended.unwrap_or_else(|rejected| Err(rejected.into_error())))
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
        self.guard(call, Verdict::from_result, |ended| ended?.map_err(CallError::Failed))
    }

    /// [`call`](Self::call) with a time limit: a call that takes longer than `bound` is dropped and counts as failed.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with its timer enabled.
    ///
    /// # Cancel safety
    ///
    /// The same holds as for [`call`](Self::call).
    pub fn call_within<T, E, F>(&self, bound: Duration, call: F) -> impl Future<Output = Result<T, E>>
    where
        E: From<Rejected> + From<TimedOut>,
        F: Future<Output = Result<T, E>>,
    {
        let judge =
            |ended: &Result<Result<T, E>, TimedOut>| ended.as_ref().map_or(Verdict::Failure, Verdict::from_result);
        self.guard(within(&self.cell.name, bound, call), judge, |ended| match ended {
            Ok(Ok(output)) => output,
            Ok(Err(timed_out)) => {
                trace::timed_out(timed_out.name(), timed_out.after());
                events::timed_out(&self.cell.name, timed_out.after());
                Err(timed_out.into())
            }
            Err(rejected) => Err(rejected.into_error()),
        })
    }

    /// [`call`](Self::call) for an output of any type: `judge` decides whether it is a success or a failure. The caller handles
    /// the rejection.
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
    /// The same holds as for [`call`](Self::call).
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

    /// [`call`](Self::call) for a blocking function.
    pub fn call_sync<T, E: From<Rejected>>(&self, call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.call_judged_sync(call, Verdict::from_result).map_err(Rejected::into_error::<E>)?
    }

    /// [`try_call`](Self::try_call) for a blocking function.
    pub fn try_call_sync<T, E>(&self, call: impl FnOnce() -> Result<T, E>) -> Result<T, CallError<E>> {
        self.call_judged_sync(call, Verdict::from_result)?.map_err(CallError::Failed)
    }

    /// [`call_judged`](Self::call_judged) for a blocking function.
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

    /// Returns a permit for one call, for code that none of the `call` methods fits.
    ///
    /// # Errors
    ///
    /// [`Rejected`] if the call may not be made.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>, Rejected> {
        self.cell.admit().map(|state| Permit::new(&self.cell, state))
    }

    /// Admits one call of a holder that owns a clone of the breaker. The holder turns it into a permit by [`resume`](Self::resume).
    #[cfg(feature = "http")]
    pub(crate) fn admit(&self) -> Result<Admitted, Rejected> {
        self.cell.admit().map(|state| Admitted::new(&self.cell, state))
    }

    /// Returns the permit of an admitted call.
    #[cfg(feature = "http")]
    pub(crate) fn resume(&self, admitted: Admitted) -> Permit<'_> {
        Permit::resume(&self.cell, admitted)
    }

    /// Returns the state. An open breaker whose time is up becomes half-open only with the next call.
    pub fn state(&self) -> State {
        self.cell.state()
    }

    /// Returns the figures of this moment.
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

    /// Returns the last 100 changes of state, oldest first; for a breaker of a [`KeyedBreaker`], those of all keys together. New ones are
    /// told by [`resilience::subscribe`](super::subscribe).
    pub fn events(&self) -> Vec<Event> {
        self.cell.history.recent()
    }

    /// Rejects all calls, until [`automatic`](Self::automatic), [`force_closed`](Self::force_closed) or [`disable`](Self::disable) is
    /// called.
    pub fn force_open(&self) {
        self.cell.force(Phase::ForcedOpen);
    }

    /// Lets all calls through and counts them.
    pub fn force_closed(&self) {
        self.cell.force(Phase::ForcedClosed);
    }

    /// Lets all calls through and counts none.
    pub fn disable(&self) {
        self.cell.force(Phase::Disabled);
    }

    /// Lets the breaker decide again. It starts closed with empty counts, even if it was closed before. Calls in flight count
    /// in the totals alone.
    pub fn automatic(&self) {
        self.cell.force(Phase::Closed { failed_in_a_row: 0 });
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker").field("name", &self.cell.name).field("state", &self.state()).finish_non_exhaustive()
    }
}
