use std::num::NonZeroU32;

use tower::{ServiceExt, service_fn};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use super::*;
use crate::clock::Clock;
use crate::http::{ConcurrencyLimitLayer, poll_once};
use crate::resilience::breaker::{self, State};
use crate::resilience::bulkhead::{self, Bulkhead};

fn get(path: &str) -> Request<()> {
    Request::get(path).body(()).unwrap()
}

/// A service whose path says how it answers.
async fn answer(request: Request<()>) -> Result<Response<String>, &'static str> {
    match request.uri().path() {
        "/panics" => panic!("on purpose"),
        "/fails" => Err("no answer"),
        "/never" => std::future::pending().await,
        path => Ok(Response::builder().status(&path[1..]).body(String::new()).unwrap()),
    }
}

fn mine() -> (Breaker, Clock) {
    let clock = Clock::manual();
    (Breaker::new("mine", breaker::Settings::new()).with_clock(clock.clone()), clock)
}

async fn status<S, R>(service: &S, path: &str) -> u16
where
    S: Service<Request<()>, Response = Response<R>, Error = &'static str> + Clone,
{
    service.clone().oneshot(get(path)).await.map_or(0, |response| response.status().as_u16())
}

#[tokio::test]
async fn the_breaker_opens_names_a_time_to_retry_and_closes() {
    let (breaker, clock) = mine();
    let service = BreakerLayer::from_breaker(breaker.clone()).exempt(["/204"]).layer(service_fn(answer));
    for _ in 0..5 {
        assert_eq!(status(&service, "/500").await, 500);
    }
    let refused = service.clone().oneshot(get("/200")).await.unwrap();
    assert_eq!(refused.status(), 503);
    let after: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=6).contains(&after), "{after}");
    assert_eq!(status(&service, "/204").await, 204, "health is never refused");

    clock.advance(Duration::from_secs(7));
    for _ in 0..3 {
        assert_eq!(status(&service, "/200").await, 200);
    }
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test]
async fn errors_and_panics_are_failures_and_a_client_that_goes_away_is_not() {
    for path in ["/fails", "/panics"] {
        let (breaker, _clock) = mine();
        let service = BreakerLayer::from_breaker(breaker.clone()).layer(service_fn(answer));
        for _ in 0..5 {
            assert_eq!(breaker.state(), State::Closed);
            let _ = tokio::spawn(service.clone().oneshot(get(path))).await;
        }
        assert_eq!(breaker.state(), State::Open, "{path}");
    }
    let (breaker, _clock) = mine();
    let service = BreakerLayer::from_breaker(breaker.clone()).layer(service_fn(answer));
    for _ in 0..10 {
        let mut never = Box::pin(service.clone().oneshot(get("/never")));
        assert!(poll_once(&mut never).await.is_pending());
    }
    assert_eq!((breaker.state(), breaker.snapshot().calls.cancelled), (State::Closed, 10));
}

#[tokio::test]
async fn the_application_decides_which_responses_are_failures() {
    let (breaker, _clock) = mine();
    let judge = |status: StatusCode| match status.as_u16() {
        429 => Verdict::Failure,
        400..500 => Verdict::Ignored,
        _ => Verdict::Success,
    };
    let service = BreakerLayer::from_breaker(breaker.clone()).judge(judge).layer(service_fn(answer));
    for path in ["/500", "/404", "/429"] {
        status(&service, path).await;
    }
    let calls = breaker.snapshot().calls;
    assert_eq!((calls.successes, calls.ignored, calls.failures), (1, 1, 1));
}

#[tokio::test]
async fn a_forced_open_breaker_does_not_reveal_its_name() {
    let (breaker, _clock) = mine();
    breaker.force_open();
    let service = BreakerLayer::from_breaker(breaker).layer(service_fn(answer));
    let refused = service.oneshot(get("/200")).await.unwrap();
    assert_eq!(refused.headers()["retry-after"], "1");
    let body = http_body_util::BodyExt::collect(refused.into_body()).await.unwrap().to_bytes();
    assert!(!String::from_utf8(body.to_vec()).unwrap().contains("mine"), "{body:?}");
}

#[tokio::test]
async fn a_rejection_by_an_inner_layer_or_policy_is_no_failure() {
    const ONE: NonZeroU32 = NonZeroU32::MIN;
    static FULL: Bulkhead = Bulkhead::new("http.breaker.full", bulkhead::Settings::fixed(ONE));
    let (mine, _clock) = mine();
    // A handler that is rejected by a policy of its own, and says so as it likes.
    let handler = async |request: Request<()>| {
        if request.uri().path() == "/never" {
            std::future::pending::<()>().await;
        }
        let inner = FULL.call(async { FULL.call(async { Ok::<_, crate::resilience::Rejected>(()) }).await }).await;
        let status = if inner.is_err() && request.uri().path() == "/own" { 503 } else { 200 };
        Ok::<_, &str>(Response::builder().status(status).body(String::new()).unwrap())
    };
    let service =
        ConcurrencyLimitLayer::new("http.breaker.limit", bulkhead::Settings::fixed(ONE)).layer(service_fn(handler));
    // A service that waits before it passes a response on, so that no trace of the rejection is left on the thread.
    let late = service_fn(move |request: Request<()>| {
        let service = service.clone();
        async move {
            let answer = service.oneshot(request).await;
            tokio::task::yield_now().await;
            answer
        }
    });
    let service = BreakerLayer::from_breaker(mine.clone()).judge(by_status).layer(late);
    let own = BreakerLayer::from_breaker(mine.clone()).layer(service_fn(handler));
    let mut taken = Box::pin(service.clone().oneshot(get("/never")));
    assert!(poll_once(&mut taken).await.is_pending());
    for _ in 0..9 {
        assert_eq!((status(&service, "/other").await, status(&own, "/own").await), (503, 503));
    }
    let calls = mine.snapshot().calls;
    assert_eq!((mine.state(), calls.failures, calls.ignored), (State::Closed, 0, 18));
}

#[tokio::test]
async fn a_request_that_is_dropped_by_the_panic_of_another_was_cancelled() {
    let (breaker, _clock) = mine();
    let service = BreakerLayer::from_breaker(breaker.clone()).layer(service_fn(answer));
    let beside = async move {
        let never = service.oneshot(get("/never"));
        drop(tokio::join!(never, async { panic!("on purpose") as u8 }));
    };
    assert!(tokio::spawn(beside).await.unwrap_err().is_panic());
    assert_eq!((breaker.snapshot().calls.failures, breaker.snapshot().calls.cancelled), (0, 1));
}
