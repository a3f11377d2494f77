//! The rules that all gates have in common.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tower::{ServiceExt as _, service_fn};

use super::*;
use crate::http::{BreakerLayer, ConcurrencyLimitLayer};
use crate::resilience::breaker::{self, Breaker};
use crate::resilience::bulkhead::{self, Bulkhead};

const ONE: NonZeroU32 = NonZeroU32::MIN;

/// Checks that a gate that rejects every request admits the exempt ones.
async fn exempts<A: GateRule + Send + Sync>(layer: GateLayer<A>) {
    let layer = layer.exempt(["/status", "/internal/*"]).exempt(vec![String::from("/metrics")]);
    let service = layer.layer(service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(()))));
    for (path, gets_in) in [
        ("/status", true),
        ("/status?full=1", true),
        ("/status/", false),
        ("/status/all", false),
        ("/internal", true),
        ("/internal/a/b", true),
        ("/internals", false),
        ("/metrics", true),
        ("/", false),
    ] {
        let request = Request::get(path).body(()).unwrap();
        let status = service.clone().oneshot(request).await.unwrap().status().as_u16();
        assert_eq!(status == 200, gets_in, "{path}: {status}");
        assert!([200, 503, 429, 400].contains(&status), "{path}: {status}");
    }
}

#[tokio::test]
async fn an_exemption_means_the_same_at_every_gate() {
    let breaker = Breaker::new("exempt", breaker::Settings::new());
    breaker.force_open();
    exempts(BreakerLayer::from_breaker(breaker)).await;

    let bulkhead = Bulkhead::new("http.gate.exempt", bulkhead::Settings::fixed(ONE));
    let _taken = bulkhead.enter().unwrap();
    exempts(ConcurrencyLimitLayer::from_bulkhead(bulkhead)).await;

    // The requests of this test have no `Host`, so the layer rejects all of them.
    exempts(crate::http::HostLayer::new()).await;

    #[cfg(feature = "rate-limit")]
    {
        use crate::resilience::rate_limit::{KeyedRateLimit, Settings};
        let hour = std::time::Duration::from_secs(3_600);
        let limit = KeyedRateLimit::new("http.gate.exempt", Settings::new(ONE, hour));
        limit.check("all").unwrap();
        exempts(crate::http::RateLimitLayer::from_limit(limit, |_| Some("all".into()))).await;
    }
    #[cfg(feature = "monitor")]
    {
        use crate::monitor::{Memory, MemoryGuard};
        let guard = MemoryGuard::builder().source(|| Some(Memory::new(96, 100))).build().unwrap();
        exempts(crate::http::MemoryGuardLayer::new(&guard)).await;
    }
}

#[tokio::test]
async fn a_service_that_panics_before_its_future_returns_the_permit() {
    let bulkhead = Bulkhead::new("http.gate.panic", bulkhead::Settings::fixed(ONE));
    let breaker = Breaker::new("panic", breaker::Settings::new().failure_threshold(ONE));
    let panics =
        service_fn(|_: Request<()>| -> std::future::Ready<Result<Response<()>, Infallible>> { panic!("on purpose") });
    let mut service = ConcurrencyLimitLayer::from_bulkhead(bulkhead.clone())
        .layer(BreakerLayer::from_breaker(breaker.clone()).layer(panics));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(service.call(Request::new(()))))).is_err());
    assert_eq!(breaker.state(), breaker::State::Open, "a panic is a failure");
    assert_eq!(bulkhead.run(async { 7 }).await, Ok(7), "there is room again");
}

#[tokio::test]
async fn layers_share_their_counters_with_their_clones_and_end_with_them() {
    let listed = || crate::resilience::snapshots().iter().any(|policy| &*policy.name == "http.gate.dropped");
    let layer = ConcurrencyLimitLayer::new("http.gate.dropped", bulkhead::Settings::fixed(ONE));
    let wait = service_fn(|_: Request<()>| std::future::pending::<Result<Response<()>, Infallible>>());
    let (mut first, second) = (layer.layer(wait), layer.clone().layer(wait));
    let under_way = first.call(Request::new(()));
    assert_eq!(second.oneshot(Request::new(())).await.unwrap().status(), 503);
    drop((layer, first));
    assert!(listed(), "a request is in flight");
    drop(under_way);
    assert!(!listed());
}
