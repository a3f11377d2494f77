//! Timeouts: a bound on the duration of a call.
//!
//! There is none for blocking functions: a thread cannot be stopped from outside, and a caller that stopped waiting
//! would leave it behind with everything that it holds.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::base::{Base, PolicyState};
use super::error::{CallError, TimedOut};
use super::events;
use super::guarded::guarded;
use super::kind::PolicyKind;
use super::outcomes::Begun;
use super::within::within;
use crate::clock::Clock;
use crate::trace::timed_out;

/// A timeout: drops calls that take too long. Cheap to clone; clones are the same policy.
///
/// ```
/// use std::time::Duration;
/// use fastness::resilience::{CallError, timeout::Timeout};
///
/// static REPORT: Timeout = Timeout::new("report", Duration::from_millis(5));
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let report = REPORT.try_call(std::future::pending::<Result<(), std::io::Error>>()).await;
/// let Err(CallError::TimedOut(timed_out)) = report else { panic!("it never ends") };
/// assert_eq!(timed_out.to_string(), "`report` did not finish within 5 ms and was dropped; it may have had its effect");
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Timeout(Base<Bounded>);

#[derive(Debug)]
struct Bounded;

const FINISHED: usize = 0;
const TIMED_OUT: usize = 1;
const CANCELLED: usize = 2;
const PANICKED: usize = 3;

impl PolicyState for Bounded {
    type Settings = Duration;

    const KIND: PolicyKind = PolicyKind::Timeout;
    const OUTCOMES: &'static [&'static str] = &["finished", "timed_out", "cancelled", "panicked"];

    fn new(_: &Arc<str>, _: &Duration, _: &Clock) -> Self {
        Self
    }
}

impl Timeout {
    /// Creates a policy whose calls may take `after`, counted from their first poll.
    pub const fn new(name: &'static str, after: Duration) -> Self {
        Self(Base::new(name, after))
    }

    /// Makes the call, and drops it when its time is up.
    ///
    /// # Errors
    ///
    /// The error of the call, or one made from [`TimedOut`] if its time was up.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with its timer enabled, unless the call is ready at once.
    ///
    /// # Cancel safety
    ///
    /// This future is as cancel-safe as that of the call.
    pub fn call<T, E, F>(&self, call: F) -> impl Future<Output = Result<T, E>>
    where
        E: From<TimedOut>,
        F: Future<Output = Result<T, E>>,
    {
        self.end_with(self.0.settings, call, |ended| ended.unwrap_or_else(|timed_out| Err(timed_out.into())))
    }

    /// [`call`](Self::call) for an error type that has no `From<TimedOut>`.
    ///
    /// # Cancel safety
    ///
    /// This future is as cancel-safe as that of the call.
    pub fn try_call<T, E, F>(&self, call: F) -> impl Future<Output = Result<T, CallError<E>>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.end_with(self.0.settings, call, |ended| ended?.map_err(CallError::Failed))
    }

    /// [`call`](Self::call) for an output of any type.
    ///
    /// # Cancel safety
    ///
    /// This future is as cancel-safe as that of the call.
    pub fn run<F: Future>(&self, call: F) -> impl Future<Output = Result<F::Output, TimedOut>> {
        self.run_within(self.0.settings, call)
    }

    /// [`run`](Self::run) for a call that may take `after`, whatever the policy's own duration is.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fastness::resilience::timeout::Timeout;
    ///
    /// static REPORT: Timeout = Timeout::new("report", Duration::from_secs(2));
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let long = REPORT.run_within(Duration::from_secs(60), async { 42 }).await;
    /// assert_eq!(long, Ok(42));
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// This future is as cancel-safe as that of the call.
    pub fn run_within<F: Future>(&self, after: Duration, call: F) -> impl Future<Output = Result<F::Output, TimedOut>> {
        self.end_with(after, call, |ended| ended)
    }

    fn end_with<F: Future, O>(
        &self,
        after: Duration,
        call: F,
        close: impl FnOnce(Result<F::Output, TimedOut>) -> O,
    ) -> impl Future<Output = O> {
        let (shared, after) = (self.0.shared(), *self.0.in_force(&after));
        let admission = poll_fn(|_| Poll::Ready(Ok(Begun::new(&shared.outcomes, CANCELLED, PANICKED))));
        guarded(admission, within(&shared.name, after, call), |ended| {
            let (mut begun, ended, _) = ended.expect("nothing is rejected");
            if let Err(ended) = &ended {
                timed_out(ended.name(), ended.after());
                events::timed_out(&shared.name, ended.after());
            }
            begun.end(if ended.is_ok() { FINISHED } else { TIMED_OUT });
            close(ended)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::task::{Context, Waker};

    use super::*;
    use crate::clock::{pause, timer_now};

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn every_ending_of_a_timeout_is_counted() {
        let timeout = Timeout::new("test", SECOND);
        assert_eq!(timeout.run(ready(1)).await, Ok(1));
        assert_eq!(timeout.run(pending::<()>()).await.unwrap_err().after(), SECOND);
        let mut dropped = Box::pin(timeout.run(pending::<()>()));
        assert!(dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(dropped);
        drop(timeout.run(pending::<()>()));
        let seen = timeout.0.snapshot().outcomes;
        assert_eq!(seen, [("finished", 1), ("timed_out", 1), ("cancelled", 1), ("panicked", 0)]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_counts_from_the_first_poll_on() {
        let timeout = Timeout::new("test", SECOND);
        let call = timeout.run(pause(SECOND / 2));
        pause(SECOND * 5).await;
        assert_eq!(call.await, Ok(()), "the time counts from the first poll, which is now");
        let begun = timer_now();
        assert!(timeout.run(pending::<()>()).await.is_err());
        assert_eq!(timer_now() - begun, SECOND);
    }

    #[test]
    fn bounds_of_zero_and_without_end_need_no_timer() {
        let mut cx = Context::from_waker(Waker::noop());
        let (none, all) = (Timeout::new("test", Duration::ZERO), Timeout::new("test", Duration::MAX));
        let ended = Box::pin(none.run(pending::<()>())).as_mut().poll(&mut cx);
        assert!(matches!(ended, Poll::Ready(Err(timed_out)) if timed_out.after().is_zero()));
        assert_eq!(
            Box::pin(none.run(ready(7))).as_mut().poll(&mut cx),
            Poll::Ready(Ok(7)),
            "an output counts, however late"
        );
        assert!(Box::pin(all.run(pending::<()>())).as_mut().poll(&mut cx).is_pending());
    }

    #[tokio::test]
    async fn a_call_that_panics_is_counted_as_such() {
        let timeout = Timeout::new("test", SECOND);
        let own = timeout.clone();
        let call = tokio::spawn(async move { own.run(async { panic!("on purpose") }).await });
        assert!(call.await.unwrap_err().is_panic());
        assert_eq!(timeout.0.snapshot().outcomes[PANICKED], ("panicked", 1));
    }
}
