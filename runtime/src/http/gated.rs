//! The future of a request that had to be let in.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;

use super::{Body, Problem};

pin_project! {
    /// A call that holds something while it is under way, or the answer of the layer that did not let it in.
    #[derive(Debug)]
    pub(super) struct Gated<F, G> {
        #[pin]
        way: Way<F>,
        guard: Option<G>,
    }
}

pin_project! {
    #[project = ProjectedWay]
    #[derive(Debug)]
    enum Way<F> {
        In { #[pin] call: F },
        Out { problem: Option<Problem> },
    }
}

impl<F, G> Gated<F, G> {
    /// Let in, with what it holds until its end; with nothing where the layer does not concern it.
    #[inline]
    pub(super) fn admitted(call: F, guard: Option<G>) -> Self {
        Self { way: Way::In { call }, guard }
    }

    pub(super) fn refused(problem: Problem) -> Self {
        Self { way: Way::Out { problem: Some(problem) }, guard: None }
    }

    /// `settle` gets what was held, and how the call ended.
    pub(super) fn poll_settled<B, E>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        settle: impl FnOnce(G, &Result<Response<B>, E>),
    ) -> Poll<Result<Response<Body<B>>, E>>
    where
        F: Future<Output = Result<Response<B>, E>>,
    {
        let this = self.project();
        match this.way.project() {
            ProjectedWay::In { call } => {
                // Held here while the call runs, not in the future, so that a panic drops it.
                let guard = this.guard.take();
                let Poll::Ready(ended) = call.poll(cx) else {
                    *this.guard = guard;
                    return Poll::Pending;
                };
                if let Some(guard) = guard {
                    settle(guard, &ended);
                }
                Poll::Ready(ended.map(|response| response.map(Body::inner)))
            }
            ProjectedWay::Out { problem } => {
                let problem = problem.take().expect("a future is not polled after its end");
                Poll::Ready(Ok(problem.into_response()))
            }
        }
    }
}
