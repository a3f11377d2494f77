//! Functions that expansions of attributes call: they fix the types of closures and errors, which the compiler could not infer.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use super::breaker::Verdict;
use super::bulkhead::Bulkhead;
use super::error::{Rejected, TimedOut};
use super::percent::Percent;
use super::retry::{Attempts, Retry};

/// An error that can say that a call was not made.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that a call was rejected",
    label = "this error type needs `From<Rejected>`",
    note = "write `impl From<fastness::resilience::Rejected> for {Self}`, or, with `thiserror`, a variant \
            `#[error(transparent)] Rejected(#[from] fastness::resilience::Rejected)`",
    note = "of a type from another crate, make a variant of an error type of your own"
)]
pub trait SaysRejected: From<Rejected> {}
impl<E: From<Rejected>> SaysRejected for E {}

/// An error that can say that a call took too long.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that a call took too long",
    label = "this error type needs `From<TimedOut>`",
    note = "write `impl From<fastness::resilience::TimedOut> for {Self}`, or, with `thiserror`, a variant \
            `#[error(transparent)] TimedOut(#[from] fastness::resilience::TimedOut)`",
    note = "of a type from another crate, make a variant of an error type of your own"
)]
pub trait SaysTimedOut: From<TimedOut> {}
impl<E: From<TimedOut>> SaysTimedOut for E {}

/// Returns the error of a function whose call was not made. The only place with this bound, so that a missing `From` is reported once.
pub fn rejected<E: SaysRejected>(rejected: Rejected) -> E {
    rejected.into_error()
}

/// Returns the error of a function whose call took too long.
pub fn timed_out<E: SaysTimedOut>(timed_out: TimedOut) -> E {
    timed_out.into()
}

/// [`Bulkhead::call`] for an error that the caller converts, with the wait of this call, if it has one of its own.
pub fn in_bulkhead<T, E, F: Future<Output = Result<T, E>>>(
    bulkhead: &Bulkhead,
    wait: Option<Duration>,
    call: F,
) -> impl Future<Output = Result<Result<T, E>, Rejected>> {
    bulkhead.end_with(bulkhead.wait(wait), call, Result::is_ok, |ended| ended)
}

/// [`Bulkhead::call_sync`] for an error that the caller converts. It never waits.
pub fn in_bulkhead_sync<T, E>(
    bulkhead: &Bulkhead,
    _: Option<Duration>,
    call: impl FnOnce() -> Result<T, E>,
) -> Result<Result<T, E>, Rejected> {
    bulkhead.end_with_sync(call, Result::is_ok)
}

/// A result.
#[diagnostic::on_unimplemented(
    message = "this attribute needs a function that can fail",
    label = "this is no `Result`",
    note = "return a `Result`, or remove the option that needs its error"
)]
pub trait Fallible {
    /// The type of a success.
    type Value;
    /// The type of an error.
    type Error;
    /// Returns the error, if it is one.
    fn error(&self) -> Option<&Self::Error>;
}

impl<T, E> Fallible for Result<T, E> {
    type Value = T;
    type Error = E;
    fn error(&self) -> Option<&E> {
        self.as_ref().err()
    }
}

/// Begins a call whose body borrows data that it may change, attempt by attempt.
pub fn attempts(retry: &Retry) -> Attempts<'_> {
    retry.begin()
}

/// Converts a number that the attribute has checked not to be zero.
pub const fn at_least_one(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// The type of an expression that an attribute takes for a number of calls.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no number of calls",
    label = "must be a whole number, such as a `u32`, or a `NonZeroU32`",
    note = "zero counts as 1, and more than `u32::MAX` as that"
)]
pub trait CallCount {
    /// Returns the number.
    fn count(self) -> NonZeroU32;
}

impl CallCount for NonZeroU32 {
    fn count(self) -> NonZeroU32 {
        self
    }
}

impl CallCount for NonZeroUsize {
    fn count(self) -> NonZeroU32 {
        self.get().count()
    }
}

/// Implements [`CallCount`] and [`CallShare`] for types of whole numbers.
macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl CallCount for $number {
            fn count(self) -> NonZeroU32 {
                at_least_one(u32::try_from(self.max(0)).unwrap_or(u32::MAX))
            }
        }

        impl CallShare for $number {
            fn share(self) -> Percent {
                Percent::new(u8::try_from(self.max(0)).unwrap_or(u8::MAX))
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64, usize, i32, i64);

/// The type of an expression that an attribute takes for a share of calls.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no share of calls",
    label = "must be a whole number of percent, such as a `u8`, or a `Percent`",
    note = "a share is from 1 to 100; less counts as 1, more as 100"
)]
pub trait CallShare {
    /// Returns the share.
    fn share(self) -> Percent;
}

impl CallShare for Percent {
    fn share(self) -> Percent {
        self
    }
}

/// Converts the number of an expression.
pub fn count_of<N: CallCount>(number: N) -> NonZeroU32 {
    number.count()
}

/// Converts the share of an expression.
pub fn percent_of<N: CallShare>(share: N) -> Percent {
    share.share()
}

/// Returns the settings of a rate whose period is an expression. A period of zero allows every call.
#[cfg(feature = "rate-limit")]
pub fn rate(calls: NonZeroU32, per: Duration) -> super::rate_limit::Settings {
    use super::rate_limit::Settings;
    if per.is_zero() { Settings::unlimited() } else { Settings::new(calls, per) }
}

/// Fixes the type of a closure over the error of an `R`.
pub fn of_error<R: Fallible, W, F: Fn(&R::Error) -> W>(question: F) -> F {
    question
}

/// Fixes the type of a closure over an `R`.
pub fn of_result<R, W, F: Fn(&R) -> W>(question: F) -> F {
    question
}

/// Converts the closure of `failure_if = ..`.
pub fn failure_if<R>(question: impl Fn(&R) -> bool) -> impl Fn(&R) -> Verdict {
    move |result| if question(result) { Verdict::Failure } else { Verdict::Success }
}

/// Converts the closure of `ignore = ..`.
pub fn ignore_if<R: Fallible>(question: impl Fn(&R::Error) -> bool) -> impl Fn(&R) -> Verdict {
    move |result| match result.error() {
        None => Verdict::Success,
        Some(error) if question(error) => Verdict::Ignored,
        Some(_) => Verdict::Failure,
    }
}
