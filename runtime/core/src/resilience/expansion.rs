//! Functions that expansions of attributes call: they fix the types of closures and errors, which the compiler could not infer.

use std::num::NonZeroU32;

use super::breaker::Verdict;
use super::bulkhead::Bulkhead;
use super::error::{Rejected, TimedOut};
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

/// [`Bulkhead::call`] for an error that the caller converts.
pub fn in_bulkhead<T, E, F: Future<Output = Result<T, E>>>(
    bulkhead: &Bulkhead,
    call: F,
) -> impl Future<Output = Result<Result<T, E>, Rejected>> {
    bulkhead.end_with(call, Result::is_ok, |ended| ended)
}

/// [`Bulkhead::call_sync`] for an error that the caller converts.
pub fn in_bulkhead_sync<T, E>(
    bulkhead: &Bulkhead,
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
