//! How a call ended.

use super::super::noted::Mark;

/// The end of a call, as far as a breaker is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The callee works.
    Success,
    /// The callee does not work.
    Failure,
    /// Nothing is told of the callee: a caller's own mistake, say.
    Ignored,
}

impl Verdict {
    /// The verdict that `Ok` is a success and `Err` a failure.
    pub fn from_result<T, E>(result: &Result<T, E>) -> Self {
        if result.is_ok() { Self::Success } else { Self::Failure }
    }
}

impl Mark {
    /// What a call tells that began at this moment and has this output, of which `verdict` is said.
    ///
    /// One that failed because a policy within rejected it was not made, and tells nothing of what it was to call.
    #[inline]
    pub(crate) fn verdict<T>(self, verdict: Verdict) -> Verdict {
        if verdict == Verdict::Failure && self.rejection::<T>().is_some() { Verdict::Ignored } else { verdict }
    }
}
