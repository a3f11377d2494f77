//! Verdicts: the end of a call, as far as a breaker is concerned.

use super::super::noted::Mark;

/// The end of a call, as far as a breaker is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// A success: the callee works.
    Success,
    /// A failure: the callee does not work.
    Failure,
    /// An end that says nothing about the callee, such as a mistake of the caller.
    Ignored,
}

impl Verdict {
    /// Returns `Success` for `Ok` and `Failure` for `Err`.
    pub fn from_result<T, E>(result: &Result<T, E>) -> Self {
        if result.is_ok() { Self::Success } else { Self::Failure }
    }
}

impl Mark {
    /// Returns the verdict on a call that began at this mark, given the `verdict` on its output of type `R`.
    ///
    /// A call that failed because a policy inside rejected it was not made, so it says nothing about the callee.
    #[inline]
    pub(crate) fn verdict<T>(self, verdict: Verdict) -> Verdict {
        if verdict == Verdict::Failure && self.rejection::<T>().is_some() { Verdict::Ignored } else { verdict }
    }
}
