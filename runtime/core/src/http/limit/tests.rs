use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::Notify;
use tower::{ServiceExt, service_fn};

use std::num::NonZeroU32;

use http::Request;
use tower_layer::Layer;

use super::*;
use crate::http::poll_once;
use crate::resilience::snapshots;

const ONE: NonZeroU32 = NonZeroU32::MIN;

fn get(path: &str) -> Request<()> {
    Request::get(path).body(()).unwrap()
}

fn outcomes(name: &str) -> Vec<u64> {
    let all = snapshots();
    let own = all.iter().find(|policy| &*policy.name == name).unwrap();
    own.outcomes.iter().map(|(_, count)| *count).collect()
}

#[tokio::test]
async fn requests_beyond_the_limit_are_refused_at_once_and_health_checks_are_not() {
    let (go, layer) = (
        Arc::new(Notify::new()),
        ConcurrencyLimitLayer::new("http.limit.full", Settings::fixed(ONE)).exempt(["/health"]),
    );
    let waits = go.clone();
    let service = layer.layer(service_fn(move |request: Request<()>| {
        let waits = waits.clone();
        async move {
            if request.uri().path() == "/slow" {
                waits.notified().await;
            }
            Ok::<_, Infallible>(Response::new(String::from("done")))
        }
    }));
    let mut slow = Box::pin(service.clone().oneshot(get("/slow")));
    assert!(poll_once(&mut slow).await.is_pending());

    let refused = service.clone().oneshot(get("/other")).await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    assert_eq!(service.clone().oneshot(get("/health")).await.unwrap().status(), 200);

    go.notify_one();
    assert_eq!(slow.await.unwrap().status(), 200);
    assert_eq!(service.oneshot(get("/other")).await.unwrap().status(), 200);
    assert_eq!(outcomes("http.limit.full"), [2, 1, 0, 0]);
}

#[tokio::test]
async fn a_disconnected_client_and_a_panic_return_their_places() {
    let layer = ConcurrencyLimitLayer::new("http.limit.back", Settings::adaptive(ONE, NonZeroU32::new(2).unwrap()));
    let service = layer.layer(service_fn(async |request: Request<()>| match request.uri().path() {
        "/never" => std::future::pending().await,
        "/panics" => panic!("on purpose"),
        _ => Ok::<_, Infallible>(Response::new(String::new())),
    }));
    for _ in 0..10 {
        let mut never = Box::pin(service.clone().oneshot(get("/never")));
        assert!(poll_once(&mut never).await.is_pending());
        drop(never);
        assert!(tokio::spawn(service.clone().oneshot(get("/panics"))).await.unwrap_err().is_panic());
        assert_eq!(service.clone().oneshot(get("/")).await.unwrap().status(), 200);
    }
    assert_eq!(outcomes("http.limit.back"), [10, 0, 10, 10]);
}

#[tokio::test]
async fn layers_of_one_bulkhead_share_its_places() {
    let layer = ConcurrencyLimitLayer::new("http.limit.shared", Settings::fixed(ONE));
    let never = service_fn(async |_: Request<()>| std::future::pending::<Result<Response<String>, Infallible>>().await);
    let other = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(String::new())));
    let mut held = Box::pin(layer.layer(never).oneshot(get("/a")));
    assert!(poll_once(&mut held).await.is_pending());
    assert_eq!(layer.layer(other).oneshot(get("/b")).await.unwrap().status(), 503);
    drop(held);
    assert_eq!(layer.layer(other).oneshot(get("/b")).await.unwrap().status(), 200);
}
