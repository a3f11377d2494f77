//! Turning requests away while memory is short.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::gated::refusal;
use super::paths::Paths;
use super::{Body, Problem};
use crate::monitor::{MemoryGuard, Pressure};

/// Whether bodies may be cached, as of when the request came in: an extension of every request that a [`MemoryGuardLayer`]
/// lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MayCache(pub bool);

/// Answers 503 with `Retry-After` while memory is so short that requests are turned away, and tells those behind it by
/// [`MayCache`] whether bodies may be cached. A [`CacheLayer`](super::CacheLayer) then stores nothing new. `/health/*` is exempt from the
/// start: a probe that asks whether a process is alive must not be told no because it is busy.
///
/// ```
/// use fastness::http::MemoryGuardLayer;
/// use fastness::monitor::{Memory, MemoryGuard};
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let guard = MemoryGuard::builder().source(|| Some(Memory::new(96, 100))).build()?;
/// let layer = MemoryGuardLayer::new(&guard).exempt(["/metrics"]);
/// let service = layer.layer(tower::service_fn(async |_: http::Request<String>| {
///     Ok::<_, std::convert::Infallible>(http::Response::new(String::from("hello")))
/// }));
/// let status = async |path| {
///     let request = http::Request::get(path).body(String::new())?;
///     Ok::<_, Box<dyn std::error::Error>>(service.clone().oneshot(request).await?.status())
/// };
/// assert_eq!(status("/users/7").await?, 503);
/// assert_eq!(status("/health/live").await?, 200);
/// assert_eq!(status("/metrics").await?, 200);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct MemoryGuardLayer {
    /// `None` for a layer that does nothing.
    shared: Option<Arc<Shared>>,
}

#[derive(Clone, Debug)]
struct Shared {
    guard: MemoryGuard,
    exempt: Paths,
    retry_after: Duration,
}

impl MemoryGuardLayer {
    /// By this guard's word; `/health/*` is exempt, and a client that is turned away may come back after 2 s.
    pub fn new(guard: &MemoryGuard) -> Self {
        let shared = Shared { guard: guard.clone(), exempt: Paths::default(), retry_after: Duration::from_secs(2) };
        Self { shared: Some(Arc::new(shared)) }.exempt(["/health/*"])
    }

    /// One that does nothing.
    pub(super) fn off() -> Self {
        Self { shared: None }
    }

    /// Leaves requests for these paths alone, besides those that were named before: `/health` is this path alone, `/internal/*` is
    /// `/internal` and all below it. See [the paths of exemptions](crate::http#paths-that-are-exempt).
    ///
    /// # Panics
    ///
    /// If a pattern can match nothing: one without a slash at its beginning, or with a star elsewhere.
    #[must_use]
    #[track_caller]
    pub fn exempt<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        if let Some(shared) = &mut self.shared {
            Arc::make_mut(shared).exempt.add(paths);
        }
        self
    }

    /// Sets when clients that are turned away may come back. Default 2 s.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        if let Some(shared) = &mut self.shared {
            Arc::make_mut(shared).retry_after = after;
        }
        self
    }
}

impl<S> Layer<S> for MemoryGuardLayer {
    type Service = MemoryGuarded<S>;

    fn layer(&self, inner: S) -> Self::Service {
        MemoryGuarded { inner, shared: self.shared.clone() }
    }
}

/// The service of a [`MemoryGuardLayer`].
#[derive(Clone)]
pub struct MemoryGuarded<S> {
    inner: S,
    shared: Option<Arc<Shared>>,
}

impl<S, B, R> Service<Request<B>> for MemoryGuarded<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<Body<R>>;
    type Error = S::Error;
    type Future = MemoryGuardFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let Some(shared) = &self.shared else {
            return MemoryGuardFuture { call: Call::Let { future: self.inner.call(request) } };
        };
        let pressure = shared.guard.pressure();
        if pressure == Pressure::Shed && !shared.exempt.contain(&request) {
            return MemoryGuardFuture { call: Call::Shed { retry_after: shared.retry_after } };
        }
        request.extensions_mut().insert(MayCache(pressure < Pressure::NoBodies));
        MemoryGuardFuture { call: Call::Let { future: self.inner.call(request) } }
    }
}

impl<S> fmt::Debug for MemoryGuarded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryGuarded").field("shared", &self.shared).finish_non_exhaustive()
    }
}

pin_project! {
    /// The answer of a [`MemoryGuarded`] service.
    pub struct MemoryGuardFuture<F> {
        #[pin]
        call: Call<F>,
    }
}

pin_project! {
    #[project = Projected]
    enum Call<F> {
        Shed { retry_after: Duration },
        Let { #[pin] future: F },
    }
}

impl<F, R, E> Future for MemoryGuardFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<Body<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project().call.project() {
            Projected::Shed { retry_after } => {
                let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server is short of memory");
                Ok(refusal(problem.retry_after(*retry_after)))
            }
            Projected::Let { future } => ready!(future.poll(cx)).map(|response| response.map(Body::inner)),
        })
    }
}

impl<F> fmt::Debug for MemoryGuardFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryGuardFuture").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

    use http_body_util::BodyExt as _;
    use tower::{ServiceExt as _, service_fn};

    use super::*;
    use crate::monitor::Memory;
    use crate::{Clock, Fastness};

    #[tokio::test]
    async fn it_sheds_tells_of_bodies_and_recovers() {
        let (clock, percent) = (Clock::manual(), Arc::new(AtomicU64::new(96)));
        let (read, fast) = (percent.clone(), Fastness::builder().clock(clock.clone()).build().unwrap());
        let source = move || Some(Memory::new(read.load(SeqCst), 100));
        let guard = MemoryGuard::builder().cache(&fast).source(source).build().unwrap();
        let layer = MemoryGuardLayer::new(&guard).exempt(["/metrics/*"]).retry_after(Duration::from_millis(4_500));
        let service = layer.layer(service_fn(async |request: Request<()>| {
            let MayCache(may) = *request.extensions().get().unwrap();
            Ok::<_, Infallible>(Response::new(may.to_string()))
        }));
        let get = async |path: &str| {
            let response = service.clone().oneshot(Request::get(path).body(()).unwrap()).await.unwrap();
            let (parts, body) = response.into_parts();
            (
                parts.status.as_u16(),
                parts.headers,
                String::from_utf8(body.collect().await.unwrap().to_bytes().into()).unwrap(),
            )
        };
        let (status, headers, body) = get("/users").await;
        assert_eq!((status, headers["retry-after"].to_str().unwrap()), (503, "5"));
        assert_eq!(headers["content-type"], "application/problem+json");
        assert!(body.contains("short of memory") && !body.contains("96"), "{body}");
        for path in ["/health", "/health/ready?x=1", "/metrics", "/metrics/all"] {
            assert_eq!(get(path).await.0, 200, "{path}");
        }
        for path in ["/healthy", "/x/health", "/metricsx"] {
            assert_eq!(get(path).await.0, 503, "{path}");
        }
        for (at, may) in [(90, "false"), (50, "true")] {
            percent.store(at, SeqCst);
            clock.advance(Duration::from_secs(1));
            let (status, _, body) = get("/users").await;
            assert_eq!((status, body.as_str()), (200, may), "at {at} %");
        }
    }
}
