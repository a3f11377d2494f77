//! Whether to try again.

use std::time::Duration;

/// The answer to whether to try again after an error. Made from a `bool`, or from what the error says.
///
/// ```
/// use std::time::Duration;
/// use fastness::resilience::retry::Again;
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
