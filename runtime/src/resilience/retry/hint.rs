//! How a retry learns when to try again from a rejection that it never sees.
//!
//! What is called turns a [`Rejected`](super::super::Rejected) into an error of its own, in which nobody can find it (the
//! usual `#[error(transparent)]` hides it from `source`). So each rejection is also noted here, and a retry asks whether
//! there was one while it polled its attempt. At worst an attempt that recovered from a rejection, and then failed for
//! another reason, is repeated later than it could be.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

thread_local! {
    /// What the last rejection on this thread said, within the innermost retry that is running on it.
    static ASKED: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// A call was rejected, and may be made after so long.
pub(in crate::resilience) fn note(retry_after: Option<Duration>) {
    ASKED.set(retry_after);
}

/// While it lives, notes are this attempt's.
struct Listening {
    outer: Option<Duration>,
}

impl Listening {
    fn resume(noted: Option<Duration>) -> Self {
        Self { outer: ASKED.replace(noted) }
    }

    /// Ends it, and says what was noted.
    fn end(self) -> Option<Duration> {
        ASKED.replace(self.outer)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        ASKED.set(self.outer);
    }
}

/// Runs an attempt, and says what it was asked to wait.
pub(super) async fn listen<F: Future>(attempt: impl FnOnce() -> F) -> (F::Output, Option<Duration>) {
    let mut noted = None;
    let mut attempt = pin!(attempt());
    let ended = std::future::poll_fn(|cx| {
        let listening = Listening::resume(noted);
        let poll = attempt.as_mut().poll(cx);
        noted = listening.end();
        poll
    })
    .await;
    (ended, noted)
}

/// [`listen`], for an attempt that blocks.
pub(super) fn listen_sync<T>(attempt: impl FnOnce() -> T) -> (T, Option<Duration>) {
    let listening = Listening::resume(None);
    let ended = attempt();
    (ended, listening.end())
}
