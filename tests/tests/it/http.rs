//! The HTTP layers in a program that logs.

use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use fastness::http::{RequestIdLayer, Stack, TimingLayer, Timings};
use fastness_tests::logged::Logged;
use http::{Request, Response};
use tower::ServiceExt;
use tracing::Level;

fn with_id(path: &str, id: &str) -> Request<Body> {
    Request::get(path).header("x-request-id", id).body(Body::empty()).unwrap()
}

/// Logs when it is dropped.
struct Leaves;

impl Drop for Leaves {
    fn drop(&mut self) {
        tracing::info!("left");
    }
}

#[tokio::test]
async fn every_line_of_a_request_has_its_id() {
    let (logged, _guard) = Logged::listen(Level::INFO);
    let handler = async || {
        tracing::info!("before");
        tokio::task::yield_now().await;
        tracing::info!("after");
        "done"
    };
    let never = async || {
        let _leaves = Leaves;
        std::future::pending::<()>().await;
    };
    let app: Router = Router::new().route("/", get(handler)).route("/never", get(never)).layer(RequestIdLayer::new());
    let (one, two) = tokio::join!(app.clone().oneshot(with_id("/", "one")), app.clone().oneshot(with_id("/", "two")));
    assert_eq!([one.unwrap(), two.unwrap()].map(|response| response.status().as_u16()), [200, 200]);
    {
        let mut never = Box::pin(app.oneshot(with_id("/never", "three")));
        assert!(std::future::poll_fn(|cx| Poll::Ready(never.as_mut().poll(cx))).await.is_pending());
    }
    for (id, words) in [("one", &["before", "after"][..]), ("two", &["before", "after"]), ("three", &["left"])] {
        let own = logged.with(&format!("request{{id={id} method=GET}}"));
        assert_eq!(own.len(), words.len(), "{}", logged.text());
        assert!(own.iter().zip(words).all(|(line, word)| line.ends_with(word)), "{own:#?}");
    }
}

#[tokio::test]
async fn slow_requests_are_logged_by_their_template_once_a_second() {
    let (logged, _guard) = Logged::listen(Level::INFO);
    let timings = Timings::new();
    let timing = TimingLayer::new().timings(&timings).slow(Duration::ZERO);
    let app: Router = Router::new().route("/users/{id}", get(async || "Ada")).layer(Stack::new().timing(timing));
    for i in 0..20 {
        let response: Response<_> = app.clone().oneshot(with_id("/users/7", &format!("id-{i}"))).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    let slow = logged.with("a slow request");
    assert!(!slow.is_empty() && slow.len() < 20, "{}", logged.text());
    for line in slow {
        assert!(line.contains("route=\"/users/{id}\" method=\"GET\"") && line.contains("request{id=id-"), "{line}");
        assert!(!line.contains("/users/7"), "a path is in the log: {line}");
    }
    assert_eq!(timings.snapshots()[0].slow, 20);
}
