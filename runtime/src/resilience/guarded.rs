//! The future of a call that needs a permit: admission, the call, and what is made of its end.
//!
//! Written by hand, because an `async fn` that takes a future as an argument holds it twice, and policies nest.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::error::Rejected;

pin_project! {
    /// Asks for a permit, runs the call while it holds it, and hands both to `finish`.
    ///
    /// Dropped early, it drops the call first and the permit after it. If the call panics, the permit is dropped while
    /// the panic unwinds.
    pub(super) struct Guarded<A, P, F, N> {
        #[pin]
        admission: A,
        #[pin]
        call: F,
        permit: Option<P>,
        finish: Option<N>,
    }
}

/// `finish` gets the permit and the call's output, or the rejection.
pub(super) fn guarded<A, P, F, N, O>(admission: A, call: F, finish: N) -> Guarded<A, P, F, N>
where
    A: Future<Output = Result<P, Rejected>>,
    F: Future,
    N: FnOnce(Result<(P, F::Output), Rejected>) -> O,
{
    Guarded { admission, call, permit: None, finish: Some(finish) }
}

impl<A, P, F, N, O> Future for Guarded<A, P, F, N>
where
    A: Future<Output = Result<P, Rejected>>,
    F: Future,
    N: FnOnce(Result<(P, F::Output), Rejected>) -> O,
{
    type Output = O;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        let this = self.project();
        let mut finish = || this.finish.take().expect("a future is not polled after its end");
        // Held here while the call runs, not in the future, so that a panic drops it. Each way ends by itself, because what
        // they would meet in is copied in other pieces than it was written in, which the processor has to wait for.
        let permit = match this.permit.take() {
            Some(permit) => permit,
            None => match ready!(this.admission.poll(cx)) {
                Ok(permit) => permit,
                Err(rejected) => return Poll::Ready(finish()(Err(rejected))),
            },
        };
        match this.call.poll(cx) {
            Poll::Ready(output) => Poll::Ready(finish()(Ok((permit, output)))),
            Poll::Pending => {
                *this.permit = Some(permit);
                Poll::Pending
            }
        }
    }
}
