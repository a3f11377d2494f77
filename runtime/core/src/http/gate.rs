//! The layer, service and future of all layers that may reject a request. They handle exempt paths, the response to a rejected request, and
//! the permit of a request in flight.
//!
//! Each such layer is a [`GateLayer`] with its own [`GateRule`], which admits requests and learns how they end.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::admission::{AdmittedRequest, Gate, GateRule};
use super::body::Body;
use super::paths::Paths;
use super::problem::Problem;
use crate::resilience::{Held as HeldUntilEnd, Running, mark};

/// Layer that may reject requests: [`BreakerLayer`](super::BreakerLayer), [`ConcurrencyLimitLayer`](super::ConcurrencyLimitLayer),
/// [`HostLayer`](super::HostLayer), `MemoryGuardLayer`, `RateLimitLayer`.
///
/// Cheap to clone; clones share what they count.
///
/// ```
/// use axum::{Router, routing::get};
/// use fastness::http::BreakerLayer;
///
/// let breaker = BreakerLayer::new("shop").exempt(["/health", "/internal/*"]);
/// let app: Router = Router::new().route("/", get(async || "hello")).layer(breaker);
/// ```
#[must_use = "a layer does nothing until a service is put under it"]
pub struct GateLayer<A> {
    /// `None` for a layer that does nothing.
    gate: Option<Arc<Gate<A>>>,
}

impl<A> GateLayer<A> {
    pub(super) fn from_admission(admission: A) -> Self {
        Self { gate: Some(Arc::new(Gate { admission, exempt: Paths::default() })) }
    }

    /// Creates a layer that does nothing.
    pub(super) fn off() -> Self {
        Self { gate: None }
    }
}

impl<A: Clone> GateLayer<A> {
    /// Exempts requests for these paths, in addition to those of earlier calls: `/health` is this path only, `/internal/*` is `/internal`
    /// and everything below it; see [the patterns](crate::http#paths-that-are-exempt).
    ///
    /// # Panics
    ///
    /// Panics if a pattern cannot match any path: it does not begin with a slash, or has a star elsewhere than at its end.
    #[track_caller]
    pub fn exempt<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        if let Some(gate) = &mut self.gate {
            Arc::make_mut(gate).exempt.add(paths);
        }
        self
    }

    pub(super) fn with(mut self, set: impl FnOnce(&mut A)) -> Self {
        if let Some(gate) = &mut self.gate {
            set(&mut Arc::make_mut(gate).admission);
        }
        self
    }
}

impl<A> Clone for GateLayer<A> {
    fn clone(&self) -> Self {
        Self { gate: self.gate.clone() }
    }
}

impl<A: fmt::Debug> fmt::Debug for GateLayer<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GateLayer").field(&self.gate).finish()
    }
}

impl<S, A> Layer<S> for GateLayer<A> {
    type Service = GateService<S, A>;

    fn layer(&self, inner: S) -> GateService<S, A> {
        GateService { inner, gate: self.gate.clone() }
    }
}

/// Service of a [`GateLayer`].
pub struct GateService<S, A> {
    inner: S,
    gate: Option<Arc<Gate<A>>>,
}

impl<S: Clone, A> Clone for GateService<S, A> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), gate: self.gate.clone() }
    }
}

impl<S: fmt::Debug, A: fmt::Debug> fmt::Debug for GateService<S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateService").field("inner", &self.inner).field("gate", &self.gate).finish()
    }
}

impl<S, B, R, A> Service<Request<B>> for GateService<S, A>
where
    S: Service<Request<B>, Response = Response<R>>,
    A: GateRule,
{
    type Response = Response<Body<R>>;
    type Error = S::Error;
    type Future = GateFuture<S::Future, A>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Some(gate) = &self.gate else {
            return GateFuture::admitted(self.inner.call(request), None);
        };
        let (mut parts, body) = request.into_parts();
        match gate.admit(&mut parts) {
            // On the stack while the service is called, so that a panic gives the permit back.
            Ok(held) => {
                let (running, since) = (Running::new(held), mark());
                let call = self.inner.call(Request::from_parts(parts, body));
                let mut held = running.stop();
                if let Some(held) = &mut held {
                    held.created::<S::Future>(since);
                }
                GateFuture::admitted(call, held)
            }
            Err(problem) => {
                GateFuture { state: GateState::Rejected { problem: Some(problem) }, held: HeldUntilEnd::new(None) }
            }
        }
    }
}

pin_project! {
    /// Future of a [`GateService`]: the future of the inner service, or the response in its place.
    pub struct GateFuture<F, A>
    where
        A: GateRule,
    {
        #[pin]
        state: GateState<F>,
        held: HeldUntilEnd<AdmittedRequest<A>>,
    }

    impl<F, A> PinnedDrop for GateFuture<F, A>
    where
        A: GateRule,
    {
        fn drop(this: Pin<&mut Self>) {
            this.project().held.leave();
        }
    }
}

pin_project! {
    #[project = ProjectedGateState]
    enum GateState<F> {
        Admitted { #[pin] call: F },
        Rejected { problem: Option<Problem> },
    }
}

impl<F, A: GateRule> GateFuture<F, A> {
    #[inline]
    fn admitted(call: F, held: Option<AdmittedRequest<A>>) -> Self {
        Self { state: GateState::Admitted { call }, held: HeldUntilEnd::new(held) }
    }
}

impl<F, A, R, E> Future for GateFuture<F, A>
where
    F: Future<Output = Result<Response<R>, E>>,
    A: GateRule,
{
    type Output = Result<Response<Body<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.state.project() {
            ProjectedGateState::Admitted { call } => {
                let mark = mark();
                let mut held = this.held.take();
                if let Some(held) = &mut held {
                    held.poll();
                }
                // On the stack while the call runs, not in the future, so that a panic drops it.
                let running = Running::new(held);
                let Poll::Ready(ended) = call.poll(cx) else {
                    *this.held = HeldUntilEnd::new(running.stop());
                    return Poll::Pending;
                };
                if let Some(held) = running.stop() {
                    held.settle(ended.as_ref().ok(), mark);
                }
                Poll::Ready(ended.map(|response| response.map(Body::inner)))
            }
            ProjectedGateState::Rejected { problem } => {
                let problem = problem.take().expect("polled after completion");
                Poll::Ready(Ok(problem.into_rejection()))
            }
        }
    }
}

impl<F, A: GateRule> fmt::Debug for GateFuture<F, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateFuture").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
