//! Rejection of requests while memory is short.

use std::time::Duration;

use http::StatusCode;
use http::request::Parts;

use super::admission::GateRule;
use super::gate::GateLayer;
use super::problem::Problem;
use crate::monitor::{MemoryGuard, Pressure};

/// Extension of a request that a [`MemoryGuardLayer`] admits while no response body may be cached.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemoryIsShort;

/// Answers 503 with `Retry-After` while a [`MemoryGuard`] rejects requests, and makes a [`CacheLayer`](super::CacheLayer) behind it store
/// nothing new while bodies may not be cached. `/health/*` is exempt from the start: a liveness probe must not fail because the process
/// is busy.
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
pub type MemoryGuardLayer = GateLayer<ByMemory>;

/// Rule of a [`MemoryGuardLayer`].
#[derive(Clone, Debug)]
pub struct ByMemory {
    guard: MemoryGuard,
    retry_after: Duration,
}

impl GateLayer<ByMemory> {
    /// Creates a layer with this guard; `/health/*` is exempt, and `Retry-After` is 2 s.
    pub fn new(guard: &MemoryGuard) -> Self {
        let rule = ByMemory { guard: guard.clone(), retry_after: Duration::from_secs(2) };
        Self::from_admission(rule).exempt(["/health/*"])
    }

    /// Sets the `Retry-After` of rejected requests, in whole seconds, rounded up. Default 2 s.
    pub fn retry_after(self, after: Duration) -> Self {
        self.with(|rule| rule.retry_after = after)
    }
}

impl ByMemory {
    fn mark(request: &mut Parts, pressure: Pressure) {
        if pressure >= Pressure::NoBodies {
            request.extensions.insert(MemoryIsShort);
        }
    }
}

impl GateRule for ByMemory {
    type Permit = ();

    const HOLDS: bool = false;

    fn admit(&self, request: &mut Parts) -> Result<(), Problem> {
        let pressure = self.guard.pressure();
        if pressure == Pressure::Shed {
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server is short of memory");
            return Err(problem.retry_after(self.retry_after));
        }
        Self::mark(request, pressure);
        Ok(())
    }

    fn pass(&self, request: &mut Parts) {
        Self::mark(request, self.guard.pressure());
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

    use std::sync::Arc;

    use http::{Request, Response};
    use http_body_util::BodyExt as _;
    use tower::{ServiceExt as _, service_fn};
    use tower_layer::Layer as _;

    use super::*;
    use crate::monitor::Memory;
    use crate::{Clock, Fastness};

    #[tokio::test]
    async fn the_layer_rejects_marks_requests_and_recovers() {
        let (clock, percent) = (Clock::manual(), Arc::new(AtomicU64::new(96)));
        let (read, fast) = (percent.clone(), Fastness::builder().clock(clock.clone()).build().unwrap());
        let source = move || Some(Memory::new(read.load(SeqCst), 100));
        let guard = MemoryGuard::builder().cache(&fast).source(source).build().unwrap();
        let layer = MemoryGuardLayer::new(&guard).exempt(["/metrics/*"]).retry_after(Duration::from_millis(4_500));
        let service = layer.layer(service_fn(async |request: Request<()>| {
            let is_short = request.extensions().get::<MemoryIsShort>().is_some();
            Ok::<_, Infallible>(Response::new(is_short.to_string()))
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
        for (at, is_short) in [(90, "true"), (50, "false")] {
            percent.store(at, SeqCst);
            clock.advance(Duration::from_secs(1));
            let (status, _, body) = get("/users").await;
            assert_eq!((status, body.as_str()), (200, is_short), "at {at} %");
        }
    }
}
