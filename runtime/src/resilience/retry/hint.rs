//! How a retry learns when to try again from a rejection that it never sees.
//!
//! What is called turns a [`Rejected`](super::super::Rejected) into an error of its own, in which nobody can find it (the
//! usual `#[error(transparent)]` hides it from `source`). So each rejection is also noted here, and a retry asks whether
//! there was one while it polled its attempt. At worst an attempt that recovered from a rejection, and then failed for
//! another reason, is repeated later than it could be.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

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

pin_project! {
    /// An attempt, and the wait that it was asked for.
    #[derive(Debug)]
    pub struct Heard<'a, F> {
        #[pin]
        attempt: F,
        asked: &'a mut Option<Duration>,
    }
}

impl<'a, F> Heard<'a, F> {
    pub(super) fn new(attempt: F, asked: &'a mut Option<Duration>) -> Self {
        *asked = None;
        Self { attempt, asked }
    }
}

impl<F: Future> Future for Heard<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let heard = self.project();
        let listening = Listening::resume(**heard.asked);
        let poll = heard.attempt.poll(cx);
        **heard.asked = listening.end();
        poll
    }
}

/// Runs an attempt that blocks. What it gives, and the wait that it was asked for.
pub(super) fn listen_sync<T>(attempt: impl FnOnce() -> T) -> (T, Option<Duration>) {
    let listening = Listening::resume(None);
    let ended = attempt();
    (ended, listening.end())
}
