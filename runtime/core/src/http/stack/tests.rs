use std::convert::Infallible;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use tower::{ServiceExt, service_fn};

use super::*;
use crate::Fastness;
use crate::http::{Body, Timings};
use crate::resilience::breaker::{self, Breaker};
use crate::resilience::bulkhead;

const ONE: NonZeroU32 = NonZeroU32::MIN;

type Inner = Body<Body<String>>;

#[tokio::test]
async fn a_plain_stack_gives_ids_and_times() {
    let timings = Timings::new();
    let stack = Stack::new().timing(TimingLayer::new().timings(&timings));
    let service =
        stack.layer(service_fn(async |_: Request<Inner>| Ok::<_, Infallible>(Response::new(String::from("hi")))));
    let response = service.oneshot(Request::new(String::new())).await.unwrap();
    assert!(response.headers().contains_key("x-request-id"));
    assert_eq!(timings.snapshots()[0].bytes, 2);
}

#[tokio::test]
async fn every_layer_can_be_left_out() {
    let stack = Stack::new()
        .request_id(None)
        .timing(None)
        .idempotency(None)
        .limit(None)
        .breaker(None)
        .cache(None)
        .coalesce(None);
    #[cfg(feature = "rate-limit")]
    let stack = stack.rate_limit(None);
    let service = stack.layer(service_fn(async |_: Request<Inner>| Ok::<_, Infallible>(Response::new(String::new()))));
    let response = service.oneshot(Request::new(String::new())).await.unwrap();
    assert!(response.headers().is_empty());
}

/// Outer layers reject first, and rejected requests are timed and have an id.
#[tokio::test]
async fn a_replay_needs_a_place_but_not_the_breaker() {
    let (fast, timings) = (Fastness::builder().build().unwrap(), Timings::new());
    let breaker = Breaker::new("mine", breaker::Settings::new()).with_clock(crate::Clock::manual());
    let stack = Stack::new()
        .breaker(BreakerLayer::from_breaker(breaker.clone()))
        .limit(ConcurrencyLimitLayer::new("http.stack", bulkhead::Settings::fixed(ONE)))
        .idempotency(IdempotencyLayer::new().on(&fast))
        .timing(TimingLayer::new().timings(&timings));
    let service =
        stack.layer(service_fn(async |_: Request<Inner>| Ok::<_, Infallible>(Response::new(String::from("done")))));
    let post = |key: &str| Request::post("/").header("idempotency-key", key).body(String::new()).unwrap();
    assert_eq!(service.clone().oneshot(post("a")).await.unwrap().status(), 200);
    breaker.force_open();
    assert_eq!(service.clone().oneshot(post("a")).await.unwrap().status(), 200, "replayed");
    let refused = service.clone().oneshot(post("b")).await.unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("x-request-id"));
    breaker.automatic();
    assert_eq!(service.oneshot(post("b")).await.unwrap().status(), 200, "the rejected request was not recorded");
    assert_eq!(timings.snapshots()[0].by_status, [0, 3, 0, 0, 1]);
}

#[tokio::test]
async fn a_hit_needs_neither_a_place_nor_the_breaker() {
    let fast = Fastness::builder().build().unwrap();
    let breaker = Breaker::new("behind the cache", breaker::Settings::new());
    let stack = Stack::new()
        .breaker(BreakerLayer::from_breaker(breaker.clone()))
        .coalesce(CoalesceLayer::new().on(&fast))
        .cache(CacheLayer::new().on(&fast));
    let service = stack.layer(service_fn(async |_: Request<Inner>| {
        Ok::<_, Infallible>(
            Response::builder().header("cache-control", "max-age=60").body(String::from("kept")).unwrap(),
        )
    }));
    let get = |path: &str| Request::get(path).header("host", "a.example").body(String::new()).unwrap();
    let first = service.clone().oneshot(get("/a")).await.unwrap();
    assert_eq!(first.headers()["cache-status"], "fastness; fwd=uri-miss; stored");
    breaker.force_open();
    let hit = service.clone().oneshot(get("/a")).await.unwrap();
    assert!(hit.status() == 200 && hit.headers()["cache-status"].to_str().unwrap().starts_with("fastness; hit"));
    assert_eq!(service.oneshot(get("/b")).await.unwrap().status(), 503);
}

/// A body that notes when it is read, and never ends.
struct Unread(Arc<AtomicBool>);

impl http_body::Body for Unread {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.store(true, Ordering::SeqCst);
        Poll::Pending
    }
}

/// A full limit, a used-up rate and a short memory reject before a byte of a body is read, and none of them rejects an exempt request.
#[tokio::test]
async fn limits_reject_before_bodies_are_read() {
    let fast = Fastness::builder().build().unwrap();
    let reading = || Stack::new().idempotency(IdempotencyLayer::new().on(&fast)).exempt(["/health/*"]);
    let full = ConcurrencyLimitLayer::new("http.stack.full", bulkhead::Settings::fixed(ONE));
    let busy = full
        .clone()
        .layer(service_fn(async |_: Request<()>| std::future::pending::<Result<Response<String>, Infallible>>().await));
    let mut holds = Box::pin(busy.oneshot(Request::new(())));
    assert!(crate::http::poll_once(&mut holds).await.is_pending());
    let mut stacks = vec![(503, reading().limit(full))];
    #[cfg(feature = "rate-limit")]
    {
        let settings = crate::resilience::rate_limit::Settings::new(ONE, std::time::Duration::from_secs(3_600));
        let rate = crate::http::RateLimitLayer::new("http.stack.rate", settings, |_| Some(String::new()));
        let first = rate.layer(service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(String::new()))));
        assert_eq!(first.oneshot(Request::new(())).await.unwrap().status(), 200);
        stacks.push((429, reading().body_limit(BodyLimitLayer::new(1_000)).rate_limit(rate)));
    }
    #[cfg(feature = "monitor")]
    {
        let short = crate::monitor::MemoryGuard::builder().source(|| Some(crate::monitor::Memory::new(99, 100)));
        let guard = MemoryGuardLayer::new(&short.build().unwrap());
        stacks.push((503, reading().body_limit(BodyLimitLayer::new(1_000)).memory_guard(guard)));
    }
    for (status, stack) in stacks {
        let service = stack.layer(service_fn(async |_: Request<Body<Body<Unread>>>| {
            Ok::<_, Infallible>(Response::new(String::from("well")))
        }));
        let read = Arc::new(AtomicBool::new(false));
        let post = Request::post("/orders").header("idempotency-key", "k").body(Unread(read.clone())).unwrap();
        assert_eq!(service.clone().oneshot(post).await.unwrap().status(), status);
        assert!(!read.load(Ordering::SeqCst), "{status}");
        let health = Request::get("/health/live").body(Unread(read.clone())).unwrap();
        let answered = crate::http::poll_once(&mut Box::pin(service.oneshot(health))).await;
        // No layer rejects it; a body limit waits for the body that its head announces.
        assert!(answered.is_pending() || matches!(answered, Poll::Ready(Ok(response)) if response.status() == 200));
    }
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn the_stack_is_one_layer_of_an_axum_router() {
    use axum::Router;
    use axum::routing::{get, post};

    let (fast, timings) = (Fastness::builder().build().unwrap(), Timings::new());
    let stack = Stack::new()
        .timing(TimingLayer::new().timings(&timings).slow(std::time::Duration::from_secs(60)))
        .idempotency(IdempotencyLayer::new().on(&fast))
        .limit(ConcurrencyLimitLayer::new("http.stack.axum", bulkhead::Settings::fixed(NonZeroU32::new(10).unwrap())))
        .breaker(BreakerLayer::new("http.stack.axum"));
    let app: Router = Router::new()
        .route("/users/{id}", get(async || "Ada"))
        .route("/orders", post(async |body: String| body))
        .layer(stack);
    let order = || {
        let request = Request::post("/orders").header("idempotency-key", "k");
        request.body(axum::body::Body::from("3 apples")).unwrap()
    };
    for replayed in [false, true] {
        let response = app.clone().oneshot(order()).await.unwrap();
        assert_eq!(response.headers().contains_key("idempotency-replayed"), replayed);
        assert_eq!(axum::body::to_bytes(response.into_body(), 100).await.unwrap(), "3 apples");
    }
    app.oneshot(Request::get("/users/7").body(axum::body::Body::empty()).unwrap()).await.unwrap();
    let seen: Vec<_> = timings.snapshots().iter().map(|route| (route.route.to_string(), route.requests)).collect();
    assert_eq!(seen, [("/orders".to_owned(), 2), ("/users/{id}".to_owned(), 1)]);
}
