//! Trying again, without making things worse: later each time, at random, and within a budget.
//!
//! Random waits ("full jitter": anything from nothing to the bound, and the bound doubles) spread out callers that failed
//! together. The budget bounds what retries add to the load of a service that fails for everyone; attempts alone would
//! triple it.

mod budget;
pub(super) mod hint;
mod settings;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

pub(super) use budget::Budget;
use hint::{Heard, listen_sync};
pub use settings::RetrySettings;

use crate::clock::{Clock, pause};
use crate::sync::{Mutex, lock};

use super::outcomes::{Begun, Outcomes};
use super::snapshot::{Lazy, PolicyKind, PolicySnapshot, Report};

/// Whether to try again after an error. Made from a `bool`, or from what the error says.
///
/// ```
/// use std::time::Duration;
/// use fastness::resilience::Again;
///
/// /// Of an answer's status, and its `Retry-After` in seconds.
/// fn again(status: u16, retry_after: Option<u64>) -> Again {
///     match (status, retry_after) {
///         (429 | 503, Some(seconds)) => Again::After(Duration::from_secs(seconds)),
///         (500.., _) | (429, _) => Again::Yes,
///         _ => Again::No,
///     }
/// }
/// assert_eq!((again(503, None), again(404, None)), (Again::Yes, Again::from(false)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// No: it would fail again, or is not safe to repeat.
    No,
    /// Yes, when it is time.
    Yes,
    /// Yes, but not before so long.
    After(Duration),
}

impl From<bool> for Again {
    fn from(again: bool) -> Self {
        if again { Self::Yes } else { Self::No }
    }
}

/// Makes calls again that failed.
///
/// A call that was [`Rejected`](super::Rejected) somewhere within is tried again no sooner than that said, whatever error
/// it became, or not at all if that is later than the longest wait.
///
/// ```
/// use std::cell::Cell;
/// use fastness::resilience::{Retry, RetrySettings};
///
/// static FETCH: Retry = Retry::new("fetch", RetrySettings::new());
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let calls = Cell::new(0);
/// let fetch = || async {
///     calls.set(calls.get() + 1);
///     if calls.get() < 3 { Err("busy") } else { Ok(calls.get()) }
/// };
/// assert_eq!(FETCH.call(fetch, |error| *error == "busy").await, Ok(3));
/// # }
/// ```
#[derive(Debug)]
pub struct Retry {
    name: &'static str,
    settings: RetrySettings,
    clock: Option<Clock>,
    state: Lazy<State>,
}

#[derive(Debug)]
struct State {
    name: Arc<str>,
    clock: Clock,
    /// Nothing but arithmetic happens under its lock, and only after a failure.
    budget: Mutex<Budget>,
    outcomes: Outcomes,
}

const CALLS: usize = 0;
const FIRST_TRY: usize = 1;
const AFTER_RETRIES: usize = 2;
const FAILED: usize = 3;
const OVER_BUDGET: usize = 4;
const CANCELLED: usize = 5;
const RETRIES: usize = 6;
const OUTCOMES: &[&str] = &["calls", "first_try", "after_retries", "failed", "over_budget", "cancelled", "retries"];

impl Retry {
    /// A policy of its own, with its own budget.
    pub const fn new(name: &'static str, settings: RetrySettings) -> Self {
        Self { name, settings, clock: None, state: Lazy::new() }
    }

    /// Another clock for the budget and for [`call_sync`](Self::call_sync), whose waits then move it: for tests.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Makes the call, and makes it again while it fails with an error for which `when` says so.
    ///
    /// # Errors
    ///
    /// That of the last attempt.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with its timer enabled, when it has to wait.
    ///
    /// # Cancel safety
    ///
    /// As safe as the call.
    pub async fn call<T, E, F, W>(&self, mut call: impl FnMut() -> F, when: impl Fn(&E) -> W) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        W: Into<Again>,
    {
        let mut attempts = Attempts::new(self);
        loop {
            let ended = attempts.run(call()).await;
            if let Some(ended) = attempts.end(ended, &when).await {
                return ended;
            }
        }
    }

    /// [`call`](Self::call), for a function that blocks; so do the waits.
    pub fn call_sync<T, E, W>(&self, mut call: impl FnMut() -> Result<T, E>, when: impl Fn(&E) -> W) -> Result<T, E>
    where
        W: Into<Again>,
    {
        let mut attempts = Attempts::new(self);
        loop {
            let ended = attempts.run_sync(&mut call);
            if let Some(ended) = attempts.end_sync(ended, &when) {
                return ended;
            }
        }
    }

    fn state(&self) -> &State {
        self.state.get(|| {
            let clock = self.clock.clone().unwrap_or_else(Clock::system);
            let budget = Mutex::new(Budget::new(clock.now()));
            State { name: self.name.into(), clock, budget, outcomes: Outcomes::new(OUTCOMES) }
        })
    }
}

/// One call, attempt by attempt.
#[derive(Debug)]
pub struct Attempts<'a> {
    settings: &'a RetrySettings,
    state: &'a State,
    begun: Option<Begun<'a>>,
    /// Attempts so far.
    made: u32,
    /// The wait that the last attempt was asked for.
    asked: Option<Duration>,
}

enum Next<T, E> {
    Done(Result<T, E>),
    Wait(Duration),
}

impl<'a> Attempts<'a> {
    pub(super) fn new(retry: &'a Retry) -> Self {
        let state = retry.state();
        state.outcomes.count(CALLS);
        let begun = Some(Begun::new(&state.outcomes, CANCELLED));
        Self { settings: &retry.settings, state, begun, made: 0, asked: None }
    }

    /// Makes an attempt.
    ///
    /// # Cancel safety
    ///
    /// As safe as the attempt.
    pub fn run<F: Future>(&mut self, attempt: F) -> Heard<'_, F> {
        Heard::new(attempt, &mut self.asked)
    }

    /// [`run`](Self::run), of an attempt that blocks.
    pub fn run_sync<T>(&mut self, attempt: impl FnOnce() -> T) -> T {
        let (ended, asked) = listen_sync(attempt);
        self.asked = asked;
        ended
    }

    /// What the call ends with, or `None` when it is time for another attempt.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn end<T, E, W: Into<Again>>(
        &mut self,
        ended: Result<T, E>,
        when: impl Fn(&E) -> W,
    ) -> Option<Result<T, E>> {
        let wait = match self.next(ended, when) {
            Next::Done(ended) => return Some(ended),
            Next::Wait(wait) => wait,
        };
        pause(wait).await;
        None
    }

    /// [`end`](Self::end), on a thread that waits.
    pub fn end_sync<T, E, W: Into<Again>>(
        &mut self,
        ended: Result<T, E>,
        when: impl Fn(&E) -> W,
    ) -> Option<Result<T, E>> {
        match self.next(ended, when) {
            Next::Done(ended) => return Some(ended),
            Next::Wait(wait) => self.state.clock.block(wait),
        }
        None
    }

    /// What to do after an attempt.
    fn next<T, E, W: Into<Again>>(&mut self, ended: Result<T, E>, when: impl Fn(&E) -> W) -> Next<T, E> {
        let asked = self.asked.take();
        self.made += 1;
        let (outcome, asked) = match &ended {
            Ok(_) if self.made == 1 => (FIRST_TRY, None),
            Ok(_) => (AFTER_RETRIES, None),
            Err(error) => match self.wait(when(error).into(), asked) {
                Ok(wait) => {
                    self.state.outcomes.count(RETRIES);
                    return Next::Wait(wait);
                }
                Err(outcome) => (outcome, asked),
            },
        };
        // For a retry around this one.
        hint::note(asked);
        if let Some(begun) = self.begun.take() {
            begun.end(outcome);
        }
        Next::Done(ended)
    }

    /// How long to wait before another attempt, or what the call ends with.
    fn wait(&self, again: Again, asked: Option<Duration>) -> Result<Duration, usize> {
        let asked = match again {
            Again::No => return Err(FAILED),
            Again::Yes => asked,
            Again::After(own) => asked.max(Some(own)),
        };
        if self.made >= self.settings.attempts.get() {
            return Err(FAILED);
        }
        let wait = self.settings.wait(self.made, asked, fastrand::f64()).ok_or(FAILED)?;
        if self.within_budget() { Ok(wait) } else { Err(OVER_BUDGET) }
    }

    fn within_budget(&self) -> bool {
        let State { budget, outcomes, clock, .. } = self.state;
        let take = |share| lock(budget).take(share, outcomes.get(CALLS), clock.now());
        self.settings.budget.is_none_or(take)
    }
}

impl Report for State {
    fn snapshot(&self) -> PolicySnapshot {
        PolicySnapshot::of(PolicyKind::Retry, &self.name, &self.outcomes, Vec::new())
    }
}
