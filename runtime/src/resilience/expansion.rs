//! What attributes give to policies, with its types said: a closure alone does not tell them.

use std::num::NonZeroU32;

use super::Verdict;

/// A result.
#[diagnostic::on_unimplemented(
    message = "this attribute needs a function that can fail",
    label = "this is no `Result`",
    note = "return a `Result`, or remove the option that asks its error"
)]
pub trait Fallible {
    /// What it is when it failed.
    type Error;
    /// What it is when it failed, if it did.
    fn error(&self) -> Option<&Self::Error>;
}

impl<T, E> Fallible for Result<T, E> {
    type Error = E;
    fn error(&self) -> Option<&E> {
        self.as_ref().err()
    }
}

/// A number that the attribute has found not to be zero.
pub const fn at_least_one(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// A question to the error of an `R`.
pub fn of_error<R: Fallible, W, F: Fn(&R::Error) -> W>(question: F) -> F {
    question
}

/// `failure_if = ..`
pub fn failure_if<R>(question: impl Fn(&R) -> bool) -> impl Fn(&R) -> Verdict {
    move |result| if question(result) { Verdict::Failure } else { Verdict::Success }
}

/// `ignore = ..`
pub fn ignore_if<R: Fallible>(question: impl Fn(&R::Error) -> bool) -> impl Fn(&R) -> Verdict {
    move |result| match result.error() {
        None => Verdict::Success,
        Some(error) if question(error) => Verdict::Ignored,
        Some(_) => Verdict::Failure,
    }
}
