//! All layers in one call, in the order in which they belong.

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

/// The layers of this module as one, in the order in which they belong, whatever the order in which they are named.
///
/// From the outside in:
///
/// | layer | stands there because |
/// |---|---|
/// | **request id** | all that follows writes log lines |
/// | **timing** | what is refused further in counts too |
/// | **host** | what goes by the host further in, such as a cache, is to get one that is right |
/// | **memory guard** | shedding has to come before anything that takes memory |
/// | **rate limit** | who asks too often is not to get answers from a cache either |
/// | **body limit** | a slow client waits here, and holds nothing of what follows; what was turned away before was not read |
/// | **cache** | a hit needs no place under the limit, and is good while the breaker is open |
/// | **coalesce**, where there is no cache | of those who wait for one answer, one needs a place |
/// | **concurrency limit** | measures what is dear; hits, which take no time, would teach an adaptive limit nonsense |
/// | **idempotency** | reads a body, and keeps answers: only for requests that have a place; a request that was done is answered while the breaker is open |
/// | **breaker** | sees what the handlers answer and nothing else: a full limit is no failure of theirs |
/// | compression, as of `tower-http` | the cache keeps the compressed form, and a hit costs no compression |
/// | timeout, `CatchPanic`, as of `tower-http`; authentication | a timeout and a panic are to be answers of 5xx for all of the above |
///
/// Those in bold type are the stack. Request id and timing are on, and everything else is off until it is named. What is given
/// as `None` is off, so a setting can say so. `CatchPanic` is not needed by any layer here, which all see a panic for what it is;
/// but without it the client gets no answer, and there is no line in the log.
///
/// Compression may stand outside of it all instead: then the cache keeps one form of each answer, which takes less room where
/// clients accept many encodings, and each hit is compressed anew, which takes more time than all the rest.
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
    /// With request ids, and timing into the numbers of the process.
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

    /// With these request ids, or none.
    #[must_use]
    pub fn request_id(mut self, layer: impl Into<Option<RequestIdLayer>>) -> Self {
        self.request_id = layer.into().unwrap_or_else(RequestIdLayer::off);
        self
    }

    /// With this timing, or none.
    #[must_use]
    pub fn timing(mut self, layer: impl Into<Option<TimingLayer>>) -> Self {
        self.timing = layer.into().unwrap_or_else(TimingLayer::off);
        self
    }

    /// With this check of `Host`.
    #[must_use]
    pub fn host(mut self, layer: impl Into<Option<HostLayer>>) -> Self {
        self.host = layer.into().unwrap_or_else(HostLayer::off);
        self
    }

    /// With this rate limit.
    #[cfg(feature = "rate-limit")]
    #[must_use]
    pub fn rate_limit(mut self, layer: impl Into<Option<RateLimitLayer>>) -> Self {
        self.rate_limit = layer.into().unwrap_or_else(RateLimitLayer::off);
        self
    }

    /// With this bound on the bodies of requests.
    #[must_use]
    pub fn body_limit(mut self, layer: impl Into<Option<BodyLimitLayer>>) -> Self {
        self.body_limit = layer.into().unwrap_or_else(BodyLimitLayer::off);
        self
    }

    /// With idempotent replay.
    #[must_use]
    pub fn idempotency(mut self, layer: impl Into<Option<IdempotencyLayer>>) -> Self {
        self.idempotency = layer.into().unwrap_or_else(IdempotencyLayer::off);
        self
    }

    /// With this limit, fixed or adaptive.
    #[must_use]
    pub fn limit(mut self, layer: impl Into<Option<ConcurrencyLimitLayer>>) -> Self {
        self.limit = layer.into().unwrap_or_else(ConcurrencyLimitLayer::off);
        self
    }

    /// With this breaker.
    #[must_use]
    pub fn breaker(mut self, layer: impl Into<Option<BreakerLayer>>) -> Self {
        self.breaker = layer.into().unwrap_or_else(BreakerLayer::off);
        self
    }

    /// With this memory guard.
    #[cfg(feature = "monitor")]
    #[must_use]
    pub fn memory_guard(mut self, layer: impl Into<Option<MemoryGuardLayer>>) -> Self {
        self.guard = layer.into().unwrap_or_else(MemoryGuardLayer::off);
        self
    }

    /// Leaves requests for these paths alone in all layers that turn requests away, besides the paths that a layer was told itself: the
    /// memory guard, the rate limit, the concurrency limit and the breaker. (The body limit reads their bodies all the same.) The
    /// patterns are those of [all layers](crate::http#paths-that-are-exempt), and each call adds to those before.
    ///
    /// # Panics
    ///
    /// If a pattern can match nothing: one without a slash at its beginning, or with a star elsewhere.
    #[must_use]
    #[track_caller]
    pub fn exempt<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.exempt.add(paths);
        self
    }

    /// With this response cache.
    #[must_use]
    pub fn cache(mut self, layer: impl Into<Option<CacheLayer>>) -> Self {
        self.cache = layer.into().unwrap_or_else(CacheLayer::off);
        self
    }

    /// With this layer to make identical requests one. Beside a cache, which does that by itself, it has no effect.
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
type Rated<S> = GateService<S, ByRate>;
#[cfg(not(feature = "rate-limit"))]
type Rated<S> = S;

#[cfg(feature = "monitor")]
type Guarded<S> = GateService<S, ByMemory>;
#[cfg(not(feature = "monitor"))]
type Guarded<S> = S;

/// The services around the cache, and those behind it.
type Outer<S> = RequestIdService<TimingService<GateService<Guarded<Rated<BodyLimitService<S>>>, ByHost>>>;
type Inner<S> = GateService<IdempotencyService<GateService<S, ByBreaker>>, ByBulkhead>;

impl<S> Layer<S> for Stack {
    type Service = Outer<CacheService<Inner<S>>>;

    fn layer(&self, inner: S) -> Self::Service {
        let exempt = || self.exempt.patterns();
        let inner = self.idempotency.layer(self.breaker.clone().exempt(exempt()).layer(inner));
        let inner = self.limit.clone().exempt(exempt()).layer(inner);
        // A cache makes identical requests one by itself.
        let config = self.cache.config.as_ref().or(self.coalesce.config.as_ref());
        let inner = self.body_limit.layer(CacheService::new(inner, config.cloned()));
        #[cfg(feature = "rate-limit")]
        let inner = self.rate_limit.clone().exempt(exempt()).layer(inner);
        #[cfg(feature = "monitor")]
        let inner = self.guard.clone().exempt(exempt()).layer(inner);
        self.request_id.layer(self.timing.layer(self.host.layer(inner)))
    }
}
