//! A server of one small answer, for `scripts/wrk`: `http_server MODE PORT`.
//!
//! | mode | what is before the handler |
//! |---|---|
//! | `bare` | nothing |
//! | `tower` | request ids, tracing, a timeout and catching of panics, as of `tower-http` |
//! | `stack` | all of `Stack`, but cache and coalescing |
//! | `cached` | the same, and the cache; each request is a hit |
//! | `uncached` | the same, and each request is passed by |

use std::num::NonZeroU32;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;
use fastness::Fastness;
use fastness::http::{BreakerLayer, CacheLayer, ConcurrencyLimitLayer, IdempotencyLayer, MemoryGuardLayer, Stack};
use fastness::monitor::MemoryGuard;
use fastness::resilience::bulkhead;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

type Failure = Box<dyn std::error::Error>;

async fn product() -> impl IntoResponse {
    let head = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "max-age=31536000")];
    (head, "{\"id\":7,\"name\":\"a lamp\",\"price\":1999}")
}

fn bare() -> Router {
    Router::new().route("/products/{id}", get(product))
}

fn tower() -> Router {
    bare()
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(30)))
        .layer(TraceLayer::new_for_http())
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}

fn stack(fast: &Fastness) -> Result<Stack, Failure> {
    let most = NonZeroU32::new(1_000).ok_or("a limit")?;
    let guard = MemoryGuard::builder().build()?;
    Ok(Stack::new()
        .memory_guard(MemoryGuardLayer::new(&guard))
        .idempotency(IdempotencyLayer::new().on(fast))
        .limit(ConcurrencyLimitLayer::new(
            "http",
            bulkhead::Settings::adaptive(NonZeroU32::new(64).ok_or("a limit")?, most),
        ))
        .breaker(BreakerLayer::new("http")))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (mode, port) = (arguments.next().ok_or("which mode?")?, arguments.next().ok_or("which port?")?);
    let fast = Fastness::builder().build()?;
    let cache = CacheLayer::new().on(&fast);
    let app = match &*mode {
        "bare" => bare(),
        "tower" => tower(),
        "stack" => bare().layer(stack(&fast)?),
        "cached" => bare().layer(stack(&fast)?.cache(cache)),
        "uncached" => bare().layer(stack(&fast)?.cache(cache.hosts(["other.example"]))),
        other => return Err(format!("{other} is none of bare, tower, stack, cached, uncached").into()),
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    axum::serve(listener, app).await?;
    Ok(())
}
