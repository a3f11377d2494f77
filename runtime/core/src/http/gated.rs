//! The future of a request that had to be let in.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;

use super::{Body, Problem};
use crate::resilience::{Ends, Held, Mark, Running, mark};

/// Stands in the answer of a layer that did not let a request in, for layers around it: nothing was asked of the service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused;

/// The answer of a layer that did not let a request in.
pub(super) fn refusal<B>(problem: Problem) -> Response<Body<B>> {
    let mut response = problem.into_response();
    response.extensions_mut().insert(Refused);
    response
}

pin_project! {
    /// A call that holds something while it is under way, or the answer of the layer that did not let it in.
    #[derive(Debug)]
    pub(super) struct Gated<F, G>
    where
        G: Ends,
    {
        #[pin]
        way: Way<F>,
        guard: Held<G>,
    }

    impl<F, G> PinnedDrop for Gated<F, G>
    where
        G: Ends,
    {
        fn drop(this: Pin<&mut Self>) {
            this.project().guard.leave();
        }
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

impl<F, G: Ends> Gated<F, G> {
    /// Let in, with what it holds until its end; with nothing where the layer does not concern it.
    #[inline]
    pub(super) fn admitted(call: F, guard: Option<G>) -> Self {
        Self { way: Way::In { call }, guard: Held::new(guard) }
    }

    pub(super) fn refused(problem: Problem) -> Self {
        Self { way: Way::Out { problem: Some(problem) }, guard: Held::new(None) }
    }

    /// `settle` gets what was held, how the call ended, and when its last poll began.
    pub(super) fn poll_settled<B, E>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        settle: impl FnOnce(G, &Result<Response<B>, E>, Mark),
    ) -> Poll<Result<Response<Body<B>>, E>>
    where
        F: Future<Output = Result<Response<B>, E>>,
    {
        let this = self.project();
        match this.way.project() {
            ProjectedWay::In { call } => {
                let mark = mark();
                // Held here while the call runs, not in the future, so that a panic drops it.
                let running = Running::new(this.guard.take());
                let Poll::Ready(ended) = call.poll(cx) else {
                    *this.guard = Held::new(running.stop());
                    return Poll::Pending;
                };
                if let Some(guard) = running.stop() {
                    settle(guard, &ended, mark);
                }
                Poll::Ready(ended.map(|response| response.map(Body::inner)))
            }
            ProjectedWay::Out { problem } => {
                let problem = problem.take().expect("a future is not polled after its end");
                Poll::Ready(Ok(refusal(problem)))
            }
        }
    }
}
