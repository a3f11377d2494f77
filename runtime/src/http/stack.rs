//! All layers in one call, in the order in which they belong.

use tower_layer::{Identity, Layer};

#[cfg(feature = "rate-limit")]
use super::RateLimitLayer;
use super::breaker::BreakerService;
use super::idempotency::Idempotency;
use super::limit::ConcurrencyLimit;
#[cfg(feature = "rate-limit")]
use super::rate_limit::RateLimited;
use super::request_id::SetRequestId;
use super::timing::Timed;
use super::{BreakerLayer, ConcurrencyLimitLayer, IdempotencyLayer, RequestIdLayer, TimingLayer};

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
/// | **memory guard** | shedding has to come before anything that takes memory |
/// | **rate limit** | who asks too often is not to get answers from a cache either |
/// | **idempotency** | a request that was done needs nothing of what follows |
/// | **cache** | a hit needs no place under the limit, and is good while the breaker is open |
/// | **coalesce** | of those who wait for one answer, one needs a place |
/// | **concurrency limit** | measures what is dear; hits, which take no time, would teach an adaptive limit nonsense |
/// | **breaker** | sees what the handlers answer and nothing else: a full limit is no failure of theirs |
/// | compression, as of `tower-http` | the cache keeps the compressed form, and a hit costs no compression |
/// | body limit, timeout, `CatchPanic`, as of `tower-http`; authentication | a timeout and a panic are to be answers of 5xx for all of the above |
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
/// use fastness::http::{BreakerLayer, ConcurrencyLimitLayer, IdempotencyLayer, Stack};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let fast = Fastness::builder().build().await?;
/// let (min, max) = (NonZeroU32::new(16).unwrap(), NonZeroU32::new(1_000).unwrap());
/// let stack = Stack::new()
///     .idempotency(IdempotencyLayer::new(&fast))
///     .limit(ConcurrencyLimitLayer::adaptive("http", min, max).exempt(["/health"]))
///     .breaker(BreakerLayer::new("http").exempt(["/health"]));
///
/// let app: Router = Router::new()
///     .route("/orders", post(async || "ordered"))
///     .route("/health", get(async || "ok"))
///     // .layer(CatchPanicLayer::new()), .layer(TimeoutLayer::new(..)), .layer(CompressionLayer::new())
///     .layer(stack);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Stack<G = Identity, C = Identity, O = Identity> {
    request_id: RequestIdLayer,
    timing: TimingLayer,
    guard: G,
    #[cfg(feature = "rate-limit")]
    rate_limit: RateLimitLayer,
    idempotency: IdempotencyLayer,
    cache: C,
    coalesce: O,
    limit: ConcurrencyLimitLayer,
    breaker: BreakerLayer,
}

impl Stack {
    /// With request ids, and timing into the numbers of the process.
    pub fn new() -> Self {
        Self {
            request_id: RequestIdLayer::new(),
            timing: TimingLayer::new(),
            guard: Identity::new(),
            #[cfg(feature = "rate-limit")]
            rate_limit: RateLimitLayer::off(),
            idempotency: IdempotencyLayer::off(),
            cache: Identity::new(),
            coalesce: Identity::new(),
            limit: ConcurrencyLimitLayer::off(),
            breaker: BreakerLayer::off(),
        }
    }
}

impl Default for Stack {
    fn default() -> Self {
        Self::new()
    }
}

impl<G, C, O> Stack<G, C, O> {
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

    /// With this rate limit.
    #[cfg(feature = "rate-limit")]
    #[must_use]
    pub fn rate_limit(mut self, layer: impl Into<Option<RateLimitLayer>>) -> Self {
        self.rate_limit = layer.into().unwrap_or_else(RateLimitLayer::off);
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

    /// With this layer as the memory guard.
    #[must_use]
    pub fn memory_guard<L>(self, guard: L) -> Stack<L, C, O> {
        self.with(|_, cache, coalesce| (guard, cache, coalesce))
    }

    /// With this layer as the response cache.
    #[must_use]
    pub fn cache<L>(self, cache: L) -> Stack<G, L, O> {
        self.with(|guard, _, coalesce| (guard, cache, coalesce))
    }

    /// With this layer to make identical requests one.
    #[must_use]
    pub fn coalesce<L>(self, coalesce: L) -> Stack<G, C, L> {
        self.with(|guard, cache, _| (guard, cache, coalesce))
    }

    fn with<G2, C2, O2>(self, change: impl FnOnce(G, C, O) -> (G2, C2, O2)) -> Stack<G2, C2, O2> {
        let (guard, cache, coalesce) = change(self.guard, self.cache, self.coalesce);
        Stack {
            request_id: self.request_id,
            timing: self.timing,
            guard,
            #[cfg(feature = "rate-limit")]
            rate_limit: self.rate_limit,
            idempotency: self.idempotency,
            cache,
            coalesce,
            limit: self.limit,
            breaker: self.breaker,
        }
    }
}

#[cfg(feature = "rate-limit")]
type Rated<S> = RateLimited<S>;
#[cfg(not(feature = "rate-limit"))]
type Rated<S> = S;

impl<S, G, C, O> Layer<S> for Stack<G, C, O>
where
    O: Layer<ConcurrencyLimit<BreakerService<S>>>,
    C: Layer<O::Service>,
    G: Layer<Rated<Idempotency<C::Service>>>,
{
    type Service = SetRequestId<Timed<G::Service>>;

    fn layer(&self, inner: S) -> Self::Service {
        let inner = self.limit.layer(self.breaker.layer(inner));
        let inner = self.cache.layer(self.coalesce.layer(inner));
        let inner = self.idempotency.layer(inner);
        #[cfg(feature = "rate-limit")]
        let inner = self.rate_limit.layer(inner);
        self.request_id.layer(self.timing.layer(self.guard.layer(inner)))
    }
}
