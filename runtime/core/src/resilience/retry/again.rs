//! The decision to try again.

use std::time::Duration;

/// The decision whether to make a call again after an error. Converts from `bool`.
///
/// ```
/// use std::time::Duration;
/// use fastness::resilience::retry::Again;
///
/// /// Decides by the status of an answer and its `Retry-After` in seconds.
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
    /// Do not try again: the call would fail again, or is not safe to repeat.
    No,
    /// Try again after the usual wait.
    Yes,
    /// Try again, but not before this time has passed.
    After(Duration),
}

impl From<bool> for Again {
    fn from(again: bool) -> Self {
        if again { Self::Yes } else { Self::No }
    }
}
