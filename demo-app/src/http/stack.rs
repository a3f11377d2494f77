//! The layers around the routes, in one call each.
//!
//! The runtime's layers are in the order that [`Stack`] says. There is no layer for coalescing: the cache coalesces
//! identical requests, and a response that it may not store is not for other requests either.

use std::num::NonZeroU32;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::{from_fn_with_state, map_response};
use fastness::Fastness;
use fastness::http::{
    BodyLimitLayer, BreakerLayer, CacheLayer, ConcurrencyLimitLayer, HostLayer, IdempotencyLayer, LogUri,
    MemoryGuardLayer, RateLimitLayer, Stack, TimingLayer, Timings, peer_network,
};
use fastness::monitor::MemoryGuard;
use fastness::resilience::breaker::{self, Breaker, Verdict};
use fastness::resilience::bulkhead;
use fastness::resilience::rate_limit::{self, KeyedRateLimit};
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::Level;

use super::middleware::{self, RequestContext};
use super::problem;
use super::when;
use crate::config::Config;

/// The least and the most requests that may be under way; between them, as many as are served without queueing.
const LIMIT: (NonZeroU32, NonZeroU32) = (at_least_one(64), at_least_one(1_024));
/// Addresses whose rate is known at a time.
const ADDRESSES: usize = 10_000;
/// Responses that one process keeps, and the largest of them, in bytes. The largest page has a tenth of that.
const RESPONSES: (usize, usize) = (20_000, 256 << 10);

const fn at_least_one(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// Puts everything around the routes of the API.
pub(super) fn around(api: Router, cache: &Fastness, guard: &MemoryGuard, timings: &Timings, config: &Config) -> Router {
    let api = handled(api, cache, config);
    compressed(api, config.compression_level)
        .layer(layers(cache, guard, timings, config))
        .layer(map_response(middleware::mark_hits))
}

/// Wraps handlers in a bound on their time and a net for panics. Bounds on bodies stand before it.
pub(super) fn handled(routes: Router, cache: &Fastness, config: &Config) -> Router {
    let context = RequestContext { cache: cache.clone(), time: config.request_timeout };
    // Within the stack's own span, which has the request's id and method.
    let trace = TraceLayer::new_for_http()
        .make_span_with(|request: &Request| tracing::info_span!("handler", uri = %LogUri::new(request.uri())))
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    routes
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(problem::from_panic))
        .layer(from_fn_with_state(context, middleware::run))
        .layer(trace)
}

/// Inside the cache, so that what is kept is compressed already: each encoding once, however many ask.
fn compressed(api: Router, level: u32) -> Router {
    match i32::try_from(level) {
        Ok(level @ 1..) => api
            .layer(CompressionLayer::new().quality(CompressionLevel::Precise(level)))
            .layer(map_response(when::tag_encoding)),
        _ => api,
    }
}

fn layers(cache: &Fastness, guard: &MemoryGuard, timings: &Timings, config: &Config) -> Stack {
    let (entries, bytes) = RESPONSES;
    Stack::new()
        .timing(timing(timings))
        .host(HostLayer::new())
        .memory_guard(MemoryGuardLayer::new(guard))
        .rate_limit(config.rate_limit.map(rate_limit))
        .body_limit(body_limit(config.body_limit, config))
        .idempotency(
            IdempotencyLayer::new().on(cache).max_request_bytes(config.body_limit).max_bodies_bytes(config.body_memory),
        )
        .cache(CacheLayer::new().on(cache).etags().capacity(entries).max_body(bytes))
        .limit(ConcurrencyLimitLayer::new("http", bulkhead::Settings::adaptive(LIMIT.0, LIMIT.1)))
        .breaker(breaker())
}

/// A body of so many bytes at the most is here, and within its bounds, before a request takes a place.
pub(super) fn body_limit(bytes: usize, config: &Config) -> BodyLimitLayer {
    let time = config.body_timeout.min(config.request_timeout);
    BodyLimitLayer::new(bytes).total(config.body_memory).timeout(time)
}

/// Each request counts under its route's template; those that take a second or longer are logged.
pub(super) fn timing(timings: &Timings) -> TimingLayer {
    TimingLayer::new().timings(timings).slow(std::time::Duration::from_secs(1))
}

/// Opens when requests time out: then each of them costs much and gives nothing. A database or a supplier that says no at once
/// (502, 503) is no reason to turn away those whom the caches below can answer.
fn breaker() -> BreakerLayer {
    BreakerLayer::from_breaker(Breaker::new("http", breaker::Settings::default())).judge(|status| match status {
        StatusCode::GATEWAY_TIMEOUT => Verdict::Failure,
        StatusCode::REQUEST_TIMEOUT => Verdict::Ignored,
        _ => Verdict::Success,
    })
}

/// Limits each peer that connects to this many requests a second. Behind a proxy that is the proxy's: hence off by default.
fn rate_limit(per_second: NonZeroU32) -> RateLimitLayer {
    let settings = rate_limit::Settings::new(per_second, std::time::Duration::from_secs(1));
    let limit = KeyedRateLimit::new("http", settings).with_max_keys(ADDRESSES);
    RateLimitLayer::from_limit(limit, |request: &Parts| {
        let ConnectInfo(address) = request.extensions.get::<ConnectInfo<std::net::SocketAddr>>()?;
        Some(peer_network(address.ip()).to_string())
    })
}
