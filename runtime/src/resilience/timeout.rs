//! A bound on how long a call may take.
//!
//! There is none for functions that block: nothing can stop a thread from outside, and a caller that stopped waiting
//! would leave it behind with whatever it holds.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Sleep;

use crate::clock::pause;

use super::error::TimedOut;

pin_project! {
    /// A call that is dropped when it has taken too long.
    pub(super) struct Within<'a, F> {
        #[pin]
        call: F,
        #[pin]
        timer: Option<Sleep>,
        bound: Duration,
        name: &'a Arc<str>,
    }
}

/// The time counts from the first poll on.
pub(super) fn within<F: Future>(name: &Arc<str>, bound: Duration, call: F) -> Within<'_, F> {
    Within { call, timer: None, bound, name }
}

impl<F: Future> Future for Within<'_, F> {
    type Output = Result<F::Output, TimedOut>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // The call goes first: what is done is done, however late.
        if let Poll::Ready(output) = this.call.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        if this.timer.is_none() {
            this.timer.set(Some(pause(*this.bound)));
        }
        let timer = this.timer.as_pin_mut().expect("it was just set");
        timer.poll(cx).map(|()| Err(TimedOut::new(this.name, *this.bound)))
    }
}
