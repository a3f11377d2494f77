//! Retries: failed calls are made again, with growing random waits and within a budget.
//!
//! Random waits ("full jitter": from zero to a bound that doubles) spread out callers that failed
//! together. The budget bounds the load that retries add to a service that fails for all callers; without it, three attempts would
//! triple the load.

mod again;
mod attempts;
mod settings;

#[cfg(test)]
mod tests;

pub use again::Again;
pub(super) use attempts::Attempts;
use attempts::Budgeted;
pub use settings::Settings;

use super::base::Base;
use crate::clock::Clock;

/// A retry: makes failed calls again. Cheap to clone; clones are the same policy, with one budget.
///
/// A call that failed because a policy inside [rejected](super::Rejected) it is tried again no sooner than the rejection's `retry_after`,
/// or not at all if that is later than the longest wait. A rejection is recognised if the error still holds it, or if a policy converted it
/// into the error, but not if your own code converted it into an error that does not hold it. A rejection from which an attempt recovered
/// is ignored.
///
/// ```
/// use std::cell::Cell;
/// use fastness::resilience::retry::{Retry, Settings};
///
/// static FETCH: Retry = Retry::new("fetch", Settings::new());
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
#[derive(Clone, Debug)]
pub struct Retry(Base<Budgeted>);

impl Retry {
    /// Creates a policy with its own budget.
    pub const fn new(name: &'static str, settings: Settings) -> Self {
        Self(Base::new(name, settings))
    }

    /// Sets the clock of the budget and of [`call_sync`](Self::call_sync), whose waits then advance a manual clock; for tests. The result
    /// is another policy of the same name and settings.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self(self.0.with_clock(clock))
    }

    /// Returns the same policy with other settings: one budget, and counts together.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use fastness::resilience::retry::{Retry, Settings};
    ///
    /// static FETCH: Retry = Retry::new("fetch", Settings::new());
    ///
    /// let once = FETCH.with_settings(Settings::new().attempts(NonZeroU32::MIN));
    /// assert_eq!(once.call_sync(|| Err::<(), _>("busy"), |_| true), Err("busy"));
    /// ```
    #[must_use]
    pub fn with_settings(&self, settings: Settings) -> Self {
        Self(self.0.with_settings(settings))
    }

    /// Begins a call.
    pub(super) fn begin(&self) -> Attempts<'_> {
        Attempts::new(&self.0)
    }

    /// Makes the call, and makes it again while it fails with an error for which `when` decides so.
    ///
    /// # Errors
    ///
    /// The error of the last attempt.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with its timer enabled, if it has to wait. A wait of zero needs no timer.
    ///
    /// # Cancel safety
    ///
    /// This future is as cancel-safe as that of the call.
    pub async fn call<T, E, F, W>(&self, mut call: impl FnMut() -> F, when: impl Fn(&E) -> W) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        W: Into<Again>,
    {
        let mut attempts = self.begin();
        loop {
            let ended = attempts.make(&mut call).await;
            if let Some(ended) = attempts.end(ended, &when).await {
                return ended;
            }
        }
    }

    /// [`call`](Self::call) for an output of any type: `again` decides for which outputs the call is made again. Returns the
    /// last one.
    ///
    /// ```
    /// use fastness::resilience::retry::{Retry, Settings};
    ///
    /// static PAGE: Retry = Retry::new("page", Settings::new());
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut answers = [503, 200].into_iter();
    /// let status = PAGE.call_judged(|| std::future::ready(answers.next().unwrap()), |status| *status >= 500).await;
    /// assert_eq!(status, 200);
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Panics when [`call`](Self::call) does.
    ///
    /// # Cancel safety
    ///
    /// This future is as cancel-safe as that of the call.
    pub async fn call_judged<R, F, W>(&self, mut call: impl FnMut() -> F, again: impl Fn(&R) -> W) -> R
    where
        F: Future<Output = R>,
        W: Into<Again>,
    {
        let mut attempts = self.begin();
        loop {
            let ended = attempts.make(&mut call).await;
            if let Some(ended) = attempts.end_judged(ended, &again).await {
                return ended;
            }
        }
    }

    /// [`call`](Self::call) for a blocking function; the waits block, too.
    pub fn call_sync<T, E, W>(&self, mut call: impl FnMut() -> Result<T, E>, when: impl Fn(&E) -> W) -> Result<T, E>
    where
        W: Into<Again>,
    {
        let mut attempts = self.begin();
        loop {
            let ended = attempts.run_sync(&mut call);
            if let Some(ended) = attempts.end_sync(ended, &when) {
                return ended;
            }
        }
    }

    /// [`call_judged`](Self::call_judged) for a blocking function; the waits block, too.
    pub fn call_judged_sync<R, W: Into<Again>>(&self, mut call: impl FnMut() -> R, again: impl Fn(&R) -> W) -> R {
        let mut attempts = self.begin();
        loop {
            let ended = attempts.run_sync(&mut call);
            if let Some(ended) = attempts.end_judged_sync(ended, &again) {
                return ended;
            }
        }
    }
}
