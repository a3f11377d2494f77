//! Durations and times near their maximum, from a setting, a server or a test: they saturate.

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use fastness::http::CacheLayer;
use fastness::resilience::breaker::{self, Breaker, Window};
use fastness::resilience::bulkhead::{self, Bulkhead};
use fastness::resilience::hedge::{self, Hedge};
use fastness::resilience::rate_limit::{self, RateLimit};
use fastness::resilience::retry::{self, Again, Retry};
use fastness::resilience::timeout::Timeout;
use fastness::resilience::{Rejected, TimedOut};
use fastness::{Clock, Fastness, LoadTimeout, cacheable, with_cache};
use http::{Request, Response};
use http_body_util::Full;
use tower::{ServiceBuilder, ServiceExt};

use crate::poll_once;
use fastness_tests::names::named;

#[derive(Clone, Debug, PartialEq)]
struct Failed;

impl From<LoadTimeout> for Failed {
    fn from(_: LoadTimeout) -> Self {
        Self
    }
}

impl From<Rejected> for Failed {
    fn from(_: Rejected) -> Self {
        Self
    }
}

impl From<TimedOut> for Failed {
    fn from(_: TimedOut) -> Self {
        Self
    }
}

#[cacheable(
    ttl = Duration::MAX, key = "for_ever:{n}", stale = Duration::MAX, stale_if_error = Duration::MAX,
    negative_ttl = Duration::MAX, cache_err = |_| true, err_ttl = Duration::MAX, local_ttl = Duration::MAX,
    load_timeout = Duration::MAX,
)]
async fn for_ever(n: u64) -> Result<Option<u64>, Failed> {
    match n {
        0 => Ok(None),
        1 => Err(Failed),
        n => Ok(Some(n)),
    }
}

/// Clocks at their beginning, near their end, and at their end.
fn clocks() -> [Clock; 3] {
    let clocks = [Clock::manual(), Clock::manual(), Clock::manual()];
    clocks[1].advance(Duration::from_nanos(u64::MAX - 5));
    clocks[2].advance(Duration::MAX);
    clocks[2].advance(Duration::MAX);
    clocks
}

#[tokio::test]
async fn values_may_live_for_ever_and_time_may_end() {
    for clock in clocks() {
        let fast = Fastness::builder().clock(clock.clone()).max_stale(Duration::MAX).build().unwrap();
        for _ in 0..2 {
            let all = async { (for_ever(0).await, for_ever(1).await, for_ever(2).await) };
            assert_eq!(with_cache(&fast, all).await, (Ok(None), Err(Failed), Ok(Some(2))));
        }
        let cache = fast.cache();
        cache.set(&named("n:1"), 1_u8, Duration::MAX).await;
        cache.get::<u8>(&named("n:1")).await;
        cache.get_or_load(&named("n:2"), Duration::MAX, std::future::ready(Ok::<_, ()>(1_u8))).await.unwrap();
        clock.advance(Duration::MAX);
        cache.get::<u8>(&named("n:1")).await;
    }
}

#[tokio::test]
async fn a_retry_waits_as_long_as_a_server_asks() {
    let settings = retry::Settings::new().first_wait(Duration::MAX).max_wait(Duration::MAX).no_budget();
    for asked in [Duration::from_secs(u64::MAX), Duration::MAX, Duration::ZERO] {
        let retry = Retry::new("for ever", settings.clone());
        let call = retry.call(|| async { Err::<(), _>(Failed) }, |_| Again::After(asked));
        assert_eq!(poll_once(Box::pin(call).as_mut()).await, None, "it waits");
        let clock = Clock::manual();
        let retry =
            Retry::new("for ever", settings.clone().attempts(NonZeroU32::MIN.saturating_add(2))).with_clock(clock);
        assert_eq!(retry.call_sync(|| Err::<(), _>(Failed), |_| Again::After(asked)), Err(Failed));
    }
}

#[tokio::test]
async fn policies_take_durations_without_bound() {
    for clock in clocks() {
        let settings = breaker::Settings::new().open_for(Duration::MAX).max_open(Duration::MAX);
        let settings = settings.window(Window::Time(Duration::MAX)).probe_timeout(Duration::MAX);
        let breaker = Breaker::new("for ever", settings.failure_threshold(NonZeroU32::MIN)).with_clock(clock.clone());
        let limit = RateLimit::new("for ever", rate_limit::Settings::new(NonZeroU32::MIN, Duration::MAX))
            .with_clock(clock.clone());
        for _ in 0..3 {
            assert_eq!(breaker.call(async { Err::<(), _>(Failed) }).await, Err(Failed));
            let _ = (limit.check(), breaker.snapshot());
            clock.advance(Duration::MAX);
        }
        breaker.force_open();
        assert_eq!(breaker.call_within(Duration::MAX, async { Ok(()) }).await, Err(Failed));
    }
    let timeout = Timeout::new("for ever", Duration::MAX);
    assert_eq!(timeout.call(async { Ok::<_, Failed>(1) }).await, Ok(1));
    let bulkhead = Bulkhead::new("for ever", bulkhead::Settings::fixed(NonZeroU32::MIN).wait(Duration::MAX));
    let mut first = Box::pin(bulkhead.run(std::future::pending::<()>()));
    assert!(poll_once(first.as_mut()).await.is_none());
    let mut second = Box::pin(bulkhead.run(async {}));
    assert!(poll_once(second.as_mut()).await.is_none(), "it waits");
    drop(first);
    assert_eq!(second.await, Ok(()));
    let hedge = Hedge::new("for ever", hedge::Settings::after(Duration::MAX));
    assert_eq!(hedge.call(|| async { Ok::<_, Failed>(1) }).await, Ok(1));
}

#[tokio::test]
async fn responses_may_be_fresh_for_ever() {
    for clock in clocks() {
        let fast = Fastness::builder().clock(clock.clone()).build().unwrap();
        for said in
            ["max-age=18446744073709551615, stale-while-revalidate=18446744073709551615", "s-maxage=9999999999999"]
        {
            let handler = move |_: Request<String>| async move {
                let response = Response::builder()
                    .header("cache-control", said)
                    .header("age", "18446744073709551615")
                    .header("retry-after", "18446744073709551615");
                Ok::<_, std::convert::Infallible>(response.body(Full::from(Bytes::from("answer"))).unwrap())
            };
            let layer = CacheLayer::new().on(&fast).default_ttl(Duration::MAX).heuristic(Duration::MAX);
            let layer = layer.stale_while_revalidate(Duration::MAX).stale_if_error(Duration::MAX);
            let service = ServiceBuilder::new().layer(layer).service(tower::service_fn(handler));
            for _ in 0..2 {
                let request = Request::get("/").body(String::new()).unwrap();
                assert_eq!(service.clone().oneshot(request).await.unwrap().status(), 200);
                clock.advance(Duration::MAX);
            }
        }
    }
}
