//! The future of a call with a time limit.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Sleep;

use super::error::TimedOut;
use crate::clock::pause;

pin_project! {
    /// A call that is dropped when its time is up.
    pub(super) struct Within<'a, F> {
        // The call is dropped before the caller gets the error.
        #[pin]
        call: Option<F>,
        #[pin]
        timer: Option<Sleep>,
        bound: Duration,
        name: &'a Arc<str>,
    }
}

/// Bounds a call to `bound`, counted from its first poll.
pub(super) fn within<F: Future>(name: &Arc<str>, bound: Duration, call: F) -> Within<'_, F> {
    Within { call: Some(call), timer: None, bound, name }
}

impl<F: Future> Future for Within<'_, F> {
    type Output = Result<F::Output, TimedOut>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // The call is polled first: an output counts, however late.
        let call = this.call.as_mut().as_pin_mut().expect("a future is not polled after its end");
        if let Poll::Ready(output) = call.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        if *this.bound == Duration::MAX {
            return Poll::Pending;
        }
        // A bound of zero needs no timer either.
        if !this.bound.is_zero() {
            if this.timer.is_none() {
                this.timer.set(Some(pause(*this.bound)));
            }
            ready!(this.timer.as_pin_mut().expect("it was just set").poll(cx));
        }
        this.call.set(None);
        Poll::Ready(Err(TimedOut::new(this.name, *this.bound)))
    }
}
