//! The attempts of one call.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Sleep;

use super::again::Again;
use super::settings::Settings;
use crate::clock::{Clock, pause};
use crate::resilience::base::{Base, PolicyState, SharedPolicy};
use crate::resilience::budget::Budget;
use crate::resilience::events;
use crate::resilience::in_force::InForce;
use crate::resilience::kind::PolicyKind;
use crate::resilience::noted::{self, Mark, Rejection};
use crate::resilience::outcomes::Begun;
use crate::sync::{Mutex, lock};
use crate::trace::{self, Traced};

const CALLS: usize = 0;
const FIRST_TRY: usize = 1;
const AFTER_RETRIES: usize = 2;
pub(super) const FAILED: usize = 3;
const OVER_BUDGET: usize = 4;
pub(super) const CANCELLED: usize = 5;
pub(super) const PANICKED: usize = 6;
pub(super) const RETRIES: usize = 7;

/// The budget of a policy, which its calls share. The lock is taken only after a failure, and only for arithmetic.
#[derive(Debug)]
pub(in crate::resilience) struct Budgeted(Mutex<Budget>);

impl PolicyState for Budgeted {
    type Settings = Settings;

    const KIND: PolicyKind = PolicyKind::Retry;
    const OUTCOMES: &'static [&'static str] =
        &["calls", "first_try", "after_retries", "failed", "over_budget", "cancelled", "panicked", "retries"];

    fn new(_: &Arc<str>, _: &Settings, clock: &Clock) -> Self {
        Self(Mutex::new(Budget::new(clock.now())))
    }
}

/// The attempts of one call.
#[derive(Debug)]
pub struct Attempts<'a> {
    settings: InForce<'a, Settings>,
    shared: &'a SharedPolicy<Budgeted>,
    begun: Begun<'a>,
    /// The span of the attempt in flight.
    span: Traced,
    /// The attempts so far.
    made: u32,
    /// True if the attempt in flight is the last, whatever its output.
    is_last: bool,
}

/// The output of an attempt, and the rejection that it may have ended with.
#[derive(Debug)]
pub struct Ended<R> {
    value: R,
    rejection: Option<Rejection>,
}

/// The judgement on the output of an attempt.
enum Judged {
    Good,
    Failed(Again),
}

enum Next<R> {
    Done(R),
    Wait(Duration),
}

impl<'a> Attempts<'a> {
    pub(super) fn new(retry: &'a Base<Budgeted>) -> Self {
        let shared = retry.shared();
        shared.outcomes.count(CALLS);
        let begun = Begun::new(&shared.outcomes, CANCELLED, PANICKED);
        Self { settings: retry.settings(), shared, begun, span: Traced::default(), made: 0, is_last: false }
    }

    /// Makes an attempt.
    ///
    /// # Cancel safety
    ///
    /// The returned future is as cancel-safe as that of the attempt.
    pub fn run<F: Future>(&mut self, attempt: F) -> Attempt<'_, 'a, F> {
        self.begin_span();
        Attempt { future: attempt, mark: None, begun: &mut self.begun, span: &self.span }
    }

    /// [`run`](Self::run) for an attempt whose future is created here. Rejections during its creation belong to the attempt.
    pub(super) fn make<F: Future>(&mut self, make: impl FnOnce() -> F) -> Attempt<'_, 'a, F> {
        let mark = noted::mark();
        let attempt = self.begun.run(make);
        self.begin_span();
        Attempt { future: attempt, mark: Some(mark), begun: &mut self.begun, span: &self.span }
    }

    /// Begins the span of the next attempt, in place of that of the last.
    fn begin_span(&mut self) {
        self.span = trace::attempt(&self.shared.name, self.made + 1);
    }

    /// Ends the span of an attempt. The wait for the next one is no part of it.
    fn end_span(&mut self, outcome: &'static str) {
        self.span.end(outcome);
        self.span = Traced::default();
    }

    /// [`run`](Self::run) for a blocking attempt.
    pub fn run_sync<R>(&mut self, attempt: impl FnOnce() -> R) -> Ended<R> {
        let mark = noted::mark();
        self.begin_span();
        let entered = self.span.enter();
        let value = self.begun.run(attempt);
        drop(entered);
        Ended { rejection: mark.rejection::<R>(), value }
    }

    /// Returns the output of the call, or after a wait `None` for another attempt.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub fn end<T, E, W: Into<Again>>(
        &mut self,
        ended: Ended<Result<T, E>>,
        when: impl FnOnce(&E) -> W,
    ) -> Between<Result<T, E>> {
        Between::new(self.next(ended, |ended| Judged::from_result(ended, when)))
    }

    /// [`end`](Self::end) for an output of any type.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub fn end_judged<R, W: Into<Again>>(&mut self, ended: Ended<R>, again: impl FnOnce(&R) -> W) -> Between<R> {
        Between::new(self.next(ended, |ended| Judged::new(again(ended).into())))
    }

    /// [`end`](Self::end) for a blocking call.
    pub fn end_sync<T, E, W: Into<Again>>(
        &mut self,
        ended: Ended<Result<T, E>>,
        when: impl FnOnce(&E) -> W,
    ) -> Option<Result<T, E>> {
        let next = self.next(ended, |ended| Judged::from_result(ended, when));
        self.block(next)
    }

    /// [`end_judged`](Self::end_judged) for a blocking call.
    pub fn end_judged_sync<R, W: Into<Again>>(&mut self, ended: Ended<R>, again: impl FnOnce(&R) -> W) -> Option<R> {
        let next = self.next(ended, |ended| Judged::new(again(ended).into()));
        self.block(next)
    }

    fn block<R>(&self, next: Next<R>) -> Option<R> {
        match next {
            Next::Done(ended) => return Some(ended),
            Next::Wait(wait) if wait.is_zero() => {}
            Next::Wait(wait) => self.shared.clock.block(wait),
        }
        None
    }

    /// Decides the next step after an attempt.
    fn next<R>(&mut self, ended: Ended<R>, judge: impl FnOnce(&R) -> Judged) -> Next<R> {
        let Ended { value, rejection } = ended;
        self.made += 1;
        let again = match self.begun.run(|| judge(&value)) {
            Judged::Good => {
                self.end_span("success");
                self.begun.end(if self.made == 1 { FIRST_TRY } else { AFTER_RETRIES });
                return Next::Done(value);
            }
            Judged::Failed(again) => {
                self.end_span("failure");
                again
            }
        };
        let retry_after = rejection.and_then(|rejection| rejection.retry_after);
        match self.wait(again, retry_after) {
            Ok(wait) => {
                self.shared.outcomes.count(RETRIES);
                events::retried(&self.shared.name, self.made, wait);
                noted::recover();
                let noted = self.begun.run(|| noted::drop_noting(value));
                Next::Wait(if noted > retry_after { self.wait_longer(wait, noted) } else { wait })
            }
            Err(outcome) => {
                if outcome == OVER_BUDGET {
                    events::over_budget(&self.shared.name);
                }
                self.begun.end(outcome);
                Next::Done(value)
            }
        }
    }

    /// Returns the wait before another attempt, or the outcome of the call.
    fn wait(&self, again: Again, retry_after: Option<Duration>) -> Result<Duration, usize> {
        let retry_after = match again {
            Again::No => return Err(FAILED),
            Again::Yes => retry_after,
            Again::After(asked) => retry_after.max(Some(asked)),
        };
        if self.is_last || self.made >= self.settings.attempts.get() {
            return Err(FAILED);
        }
        let wait = self.settings.wait(self.made, retry_after, fastrand::f64()).ok_or(FAILED)?;
        if self.within_budget() { Ok(wait) } else { Err(OVER_BUDGET) }
    }

    /// Returns the wait after a rejection whose `retry_after` was known only when the error was dropped. If that is too long, no error is
    /// left to return, so one more attempt is made at once, and its output ends the call.
    fn wait_longer(&mut self, wait: Duration, retry_after: Option<Duration>) -> Duration {
        let longer = self.settings.wait(self.made, retry_after, fastrand::f64());
        self.is_last = longer.is_none();
        longer.map_or(Duration::ZERO, |longer| longer.max(wait))
    }

    fn within_budget(&self) -> bool {
        let SharedPolicy { state, outcomes, clock, .. } = self.shared;
        let take = |share| lock(&state.0).take(share, outcomes.get(CALLS), clock.now());
        self.settings.budget.is_none_or(take)
    }
}

impl Judged {
    fn new(again: Again) -> Self {
        if again == Again::No { Self::Good } else { Self::Failed(again) }
    }

    fn from_result<T, E, W: Into<Again>>(ended: &Result<T, E>, when: impl FnOnce(&E) -> W) -> Self {
        match ended {
            Ok(_) => Self::Good,
            Err(error) => Self::Failed(when(error).into()),
        }
    }
}

pin_project! {
    /// An attempt in flight.
    #[derive(Debug)]
    pub struct Attempt<'a, 'b, F> {
        #[pin]
        future: F,
        // The mark from before the future was created, until it is polled.
        mark: Option<Mark>,
        begun: &'a mut Begun<'b>,
        span: &'a Traced,
    }
}

impl<F: Future> Future for Attempt<'_, '_, F> {
    type Output = Ended<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended<F::Output>> {
        let this = self.project();
        let mark = this.mark.take().unwrap_or_else(noted::mark);
        let entered = this.span.enter();
        let polled = this.begun.run(|| this.future.poll(cx));
        drop(entered);
        polled.map(|value| Ended { rejection: mark.rejection::<F::Output>(), value })
    }
}

pin_project! {
    /// The time between two attempts.
    #[project = Projected]
    #[derive(Debug)]
    pub enum Between<R> {
        /// The call has ended.
        Done { ended: Option<R> },
        /// The wait is for a timer.
        Waits { #[pin] sleep: Sleep },
        /// The wait is zero: the task yields once.
        Yields { yielded: bool },
    }
}

impl<R> Between<R> {
    fn new(next: Next<R>) -> Self {
        match next {
            Next::Done(ended) => Self::Done { ended: Some(ended) },
            Next::Wait(wait) if wait.is_zero() => Self::Yields { yielded: false },
            Next::Wait(wait) => Self::Waits { sleep: pause(wait) },
        }
    }
}

impl<R> Future for Between<R> {
    type Output = Option<R>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<R>> {
        match self.project() {
            Projected::Done { ended } => Poll::Ready(ended.take()),
            Projected::Waits { sleep } => sleep.poll(cx).map(|()| None),
            Projected::Yields { yielded: true } => Poll::Ready(None),
            Projected::Yields { yielded } => {
                *yielded = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}
