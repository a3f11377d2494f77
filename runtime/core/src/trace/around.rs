//! A future that runs inside of a span.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::traced::Traced;

pin_project! {
    /// A future whose polls run inside of a span, so that the spans of what it calls are children of that one.
    pub(crate) struct Around<'a, F> {
        #[pin]
        future: F,
        span: &'a Traced,
    }
}

/// Makes the span the current one whenever the future is polled.
pub(crate) fn around<F: Future>(span: &Traced, future: F) -> Around<'_, F> {
    Around { future, span }
}

impl<F: Future> Future for Around<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.span.enter();
        this.future.poll(cx)
    }
}
