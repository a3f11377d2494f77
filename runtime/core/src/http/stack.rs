//! All layers as one, in the right order.

use tower_layer::Layer;

use super::body_limit::{BodyLimitLayer, BodyLimitService};
use super::breaker::{BreakerLayer, ByBreaker};
use super::cache::{CacheLayer, CacheService};
use super::coalesce::CoalesceLayer;
use super::gate::GateService;
use super::host::{ByHost, HostLayer};
use super::idempotency::{IdempotencyLayer, IdempotencyService};
use super::limit::{ByBulkhead, ConcurrencyLimitLayer};
#[cfg(feature = "monitor")]
use super::memory::{ByMemory, MemoryGuardLayer};
use super::paths::Paths;
#[cfg(feature = "rate-limit")]
use super::rate_limit::{ByRate, RateLimitLayer};
use super::request_id::{RequestIdLayer, RequestIdService};
use super::timing::{TimingLayer, TimingService};

#[cfg(test)]
mod tests;

/// The layers of this module as one, in the right order, whatever the order of the calls that add them.
///
/// From the outside in:
///
/// | layer | reason for its position |
/// |---|---|
/// | **request id** | the log lines of all inner layers have it |
/// | **timing** | requests that inner layers reject count too |
/// | **host** | inner layers that depend on the host, such as a cache, get a valid one |
/// | **memory guard** | requests are rejected before anything takes memory for them |
/// | **rate limit** | clients over their limit get no answers from the cache either |
/// | **body limit** | a slow client waits here and holds no resources of inner layers; bodies of rejected requests are not read |
/// | **cache** | a hit takes no permit of the concurrency limit, and is served while the breaker is open |
/// | **coalesce**, without a cache | one of several identical requests takes a permit |
/// | **concurrency limit** | measures the expensive part; hits, which take no time, would mislead an adaptive limit |
/// | **idempotency** | reads bodies and stores answers only for admitted requests, and replays answers while the breaker is open |
/// | **breaker** | judges the handlers only: a full limit is not their failure |
/// | compression, such as `tower-http`'s | the cache stores the compressed form, so a hit costs no compression |
/// | timeout, `CatchPanic`, such as `tower-http`'s; authentication | timeouts and panics are 5xx for all of the above |
///
/// The layers in bold are those of the stack. Request id and timing are on by default, all others are off until they are added. Each method
/// also takes `None`, which switches the layer off. No layer here needs `CatchPanic`, as all of them recognise a panic; but without it the
/// client gets no response, and nothing is logged.
///
/// Compression may also be the outermost layer: then the cache stores one form of each response, which takes less room if clients accept
/// many encodings, and each hit is compressed again, which takes more time than everything else.
///
/// ```
/// use std::num::NonZeroU32;
/// use axum::{Router, routing::{get, post}};
/// use fastness::Fastness;
/// use fastness::http::{BodyLimitLayer, BreakerLayer, ConcurrencyLimitLayer, IdempotencyLayer, Stack};
/// use fastness::resilience::bulkhead::Settings;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let fast = Fastness::builder().build()?;
/// let (min, max) = (NonZeroU32::new(16).unwrap(), NonZeroU32::new(1_000).unwrap());
/// let stack = Stack::new()
///     .body_limit(BodyLimitLayer::new(1 << 20))
///     .idempotency(IdempotencyLayer::new().on(&fast))
///     .limit(ConcurrencyLimitLayer::new("http", Settings::adaptive(min, max)))
///     .breaker(BreakerLayer::new("http"))
///     .exempt(["/health"]);
///
/// let app: Router = Router::new()
///     .route("/orders", post(async || "ordered"))
///     .route("/health", get(async || "ok"))
///     // .layer(CatchPanicLayer::new()), .layer(TimeoutLayer::new(..)), .layer(CompressionLayer::new())
///     .layer(stack);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Stack {
    request_id: RequestIdLayer,
    timing: TimingLayer,
    host: HostLayer,
    #[cfg(feature = "monitor")]
    guard: MemoryGuardLayer,
    #[cfg(feature = "rate-limit")]
    rate_limit: RateLimitLayer,
    body_limit: BodyLimitLayer,
    cache: CacheLayer,
    coalesce: CoalesceLayer,
    limit: ConcurrencyLimitLayer,
    idempotency: IdempotencyLayer,
    exempt: Paths,
    breaker: BreakerLayer,
}

impl Stack {
    /// Creates a stack with request ids, and timing into the timings of the process.
    pub fn new() -> Self {
        Self {
            request_id: RequestIdLayer::new(),
            timing: TimingLayer::new(),
            host: HostLayer::off(),
            #[cfg(feature = "monitor")]
            guard: MemoryGuardLayer::off(),
            #[cfg(feature = "rate-limit")]
            rate_limit: RateLimitLayer::off(),
            body_limit: BodyLimitLayer::off(),
            cache: CacheLayer::off(),
            coalesce: CoalesceLayer::off(),
            limit: ConcurrencyLimitLayer::off(),
            idempotency: IdempotencyLayer::off(),
            exempt: Paths::default(),
            breaker: BreakerLayer::off(),
        }
    }

    /// Sets the layer for request ids, or none.
    #[must_use]
    pub fn request_id(mut self, layer: impl Into<Option<RequestIdLayer>>) -> Self {
        self.request_id = layer.into().unwrap_or_else(RequestIdLayer::off);
        self
    }

    /// Sets the timing layer, or none.
    #[must_use]
    pub fn timing(mut self, layer: impl Into<Option<TimingLayer>>) -> Self {
        self.timing = layer.into().unwrap_or_else(TimingLayer::off);
        self
    }

    /// Sets the layer that checks `Host`.
    #[must_use]
    pub fn host(mut self, layer: impl Into<Option<HostLayer>>) -> Self {
        self.host = layer.into().unwrap_or_else(HostLayer::off);
        self
    }

    /// Sets the rate limit.
    #[cfg(feature = "rate-limit")]
    #[must_use]
    pub fn rate_limit(mut self, layer: impl Into<Option<RateLimitLayer>>) -> Self {
        self.rate_limit = layer.into().unwrap_or_else(RateLimitLayer::off);
        self
    }

    /// Sets the limit on request bodies.
    #[must_use]
    pub fn body_limit(mut self, layer: impl Into<Option<BodyLimitLayer>>) -> Self {
        self.body_limit = layer.into().unwrap_or_else(BodyLimitLayer::off);
        self
    }

    /// Sets the layer for idempotency keys.
    #[must_use]
    pub fn idempotency(mut self, layer: impl Into<Option<IdempotencyLayer>>) -> Self {
        self.idempotency = layer.into().unwrap_or_else(IdempotencyLayer::off);
        self
    }

    /// Sets the concurrency limit, fixed or adaptive.
    #[must_use]
    pub fn limit(mut self, layer: impl Into<Option<ConcurrencyLimitLayer>>) -> Self {
        self.limit = layer.into().unwrap_or_else(ConcurrencyLimitLayer::off);
        self
    }

    /// Sets the breaker.
    #[must_use]
    pub fn breaker(mut self, layer: impl Into<Option<BreakerLayer>>) -> Self {
        self.breaker = layer.into().unwrap_or_else(BreakerLayer::off);
        self
    }

    /// Sets the memory guard.
    #[cfg(feature = "monitor")]
    #[must_use]
    pub fn memory_guard(mut self, layer: impl Into<Option<MemoryGuardLayer>>) -> Self {
        self.guard = layer.into().unwrap_or_else(MemoryGuardLayer::off);
        self
    }

    /// Exempts requests for these paths from the memory guard, the rate limit, the concurrency limit and the breaker, in addition to the
    /// paths that a layer exempts itself. (The body limit reads their bodies all the same.) [The
    /// patterns](crate::http#paths-that-are-exempt) are those of all layers, and each call adds to those of earlier calls.
    ///
    /// # Panics
    ///
    /// Panics if a pattern cannot match any path: it does not begin with a slash, or has a star elsewhere than at its end.
    #[must_use]
    #[track_caller]
    pub fn exempt<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.exempt.add(paths);
        self
    }

    /// Sets the response cache.
    #[must_use]
    pub fn cache(mut self, layer: impl Into<Option<CacheLayer>>) -> Self {
        self.cache = layer.into().unwrap_or_else(CacheLayer::off);
        self
    }

    /// Sets the layer that coalesces identical requests. It has no effect beside a cache, which does so itself.
    #[must_use]
    pub fn coalesce(mut self, layer: impl Into<Option<CoalesceLayer>>) -> Self {
        self.coalesce = layer.into().unwrap_or_else(CoalesceLayer::off);
        self
    }
}

impl Default for Stack {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "rate-limit")]
type RateLimited<S> = GateService<S, ByRate>;
#[cfg(not(feature = "rate-limit"))]
type RateLimited<S> = S;

#[cfg(feature = "monitor")]
type MemoryGuarded<S> = GateService<S, ByMemory>;
#[cfg(not(feature = "monitor"))]
type MemoryGuarded<S> = S;

/// Services around the cache.
type OuterServices<S> =
    RequestIdService<TimingService<GateService<MemoryGuarded<RateLimited<BodyLimitService<S>>>, ByHost>>>;
/// Services behind the cache.
type InnerServices<S> = GateService<IdempotencyService<GateService<S, ByBreaker>>, ByBulkhead>;

impl<S> Layer<S> for Stack {
    type Service = OuterServices<CacheService<InnerServices<S>>>;

    fn layer(&self, inner: S) -> Self::Service {
        let exempt = || self.exempt.patterns();
        let inner = self.idempotency.layer(self.breaker.clone().exempt(exempt()).layer(inner));
        let inner = self.limit.clone().exempt(exempt()).layer(inner);
        // A cache coalesces identical requests itself.
        let config = self.cache.config.as_ref().or(self.coalesce.config.as_ref());
        let inner = self.body_limit.layer(CacheService::new(inner, config.cloned()));
        #[cfg(feature = "rate-limit")]
        let inner = self.rate_limit.clone().exempt(exempt()).layer(inner);
        #[cfg(feature = "monitor")]
        let inner = self.guard.clone().exempt(exempt()).layer(inner);
        self.request_id.layer(self.timing.layer(self.host.layer(inner)))
    }
}
