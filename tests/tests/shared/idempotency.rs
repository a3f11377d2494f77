//! The same request sent to two processes.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastness::Fastness;
use fastness::events::{CacheEvent, CacheEventKind, Filter};
use fastness::http::services::ResumedBody;
use fastness::http::{Body, IdempotencyLayer};
use fastness_tests::names::named;
use fastness_tests::servers::{Redis as Server, prefix, shared_redis, until};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::sync::Notify;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::{MINUTE, node, stored};

type Bytes = Full<bytes::Bytes>;

fn post(body: &'static str) -> Request<Bytes> {
    Request::post("/orders").header("idempotency-key", "8e03978e").body(Bytes::from(body)).unwrap()
}

/// A process that takes orders; each has a number.
fn process(
    fast: &Fastness,
    orders: &Arc<AtomicUsize>,
) -> impl Service<Request<Bytes>, Response = Response<Body<ResumedBody<Bytes>>>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ use<> {
    let orders = orders.clone();
    IdempotencyLayer::new().on(fast).layer(service_fn(move |request: Request<Body<Bytes>>| {
        let number = orders.fetch_add(1, Ordering::SeqCst) + 1;
        async move {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let status = if body == "fail" { 500 } else { 201 };
            // A body that is no text, and two headers of one name.
            let answer = Response::builder().status(status).header("x-number", number).header("set-cookie", "a=1");
            let body = [&body[..], b"\x00\xff"].concat();
            Ok(answer.header("set-cookie", "b=2").body(Bytes::from(body)).unwrap())
        }
    }))
}

async fn read(response: Response<Body<ResumedBody<Bytes>>>) -> (u16, http::HeaderMap, bytes::Bytes) {
    let (head, body) = response.into_parts();
    (head.status.as_u16(), head.headers, body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn a_replayed_answer_is_the_same_in_another_process() {
    let (redis, prefix, orders) = (shared_redis().await, prefix(), Arc::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let first = read(process(&one, &orders).oneshot(post("3 apples")).await.unwrap()).await;
    stored(&one, 1).await;
    let second = process(&two, &orders);
    let mut again = read(second.clone().oneshot(post("3 apples")).await.unwrap()).await;
    assert_eq!(again.1.remove("idempotency-replayed"), Some("true".parse().unwrap()));
    assert_eq!(again, first);
    assert_eq!(second.clone().oneshot(post("4 apples")).await.unwrap().status(), 422);
    // A third process finds the answer on the server, and that this request is another one.
    let third = process(&node(&redis.url(), &prefix).await, &orders);
    assert_eq!(third.oneshot(post("4 apples")).await.unwrap().status(), 422);
    assert_eq!(orders.load(Ordering::SeqCst), 1);
}

/// Answers of idempotent requests are no cached values.
#[tokio::test]
async fn requests_are_remembered_while_the_cache_is_turned_off() {
    let (redis, prefix, orders) = (shared_redis().await, prefix(), Arc::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    for node in [&one, &two] {
        node.set_enabled(false);
        read(process(node, &orders).oneshot(post("3 apples")).await.unwrap()).await;
        stored(&one, 1).await;
    }
    assert_eq!(orders.load(Ordering::SeqCst), 1);
}

/// The key of the answer is none of the program's.
#[tokio::test]
async fn a_request_that_is_remembered_is_no_event_of_its_process() {
    let (redis, prefix, orders) = (shared_redis().await, prefix(), Arc::default());
    let fast = node(&redis.url(), &prefix).await;
    let mut events = fast.subscribe(Filter::kinds([CacheEventKind::Put, CacheEventKind::Invalidated]));
    read(process(&fast, &orders).oneshot(post("3 apples")).await.unwrap()).await;
    stored(&fast, 1).await;
    fast.cache().invalidate(named("last")).await;
    let event = events.next().await.unwrap();
    let CacheEvent::Invalidated { scopes, .. } = event else { panic!("{event:?}") };
    assert_eq!(scopes.texts(), [Box::from("last")]);
}

#[tokio::test]
async fn one_of_a_hundred_concurrent_requests_in_two_processes_is_done() {
    let (redis, prefix, orders) = (shared_redis().await, prefix(), Arc::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let processes = [process(&one, &orders), process(&two, &orders)];
    let start = Arc::new(tokio::sync::Barrier::new(100));
    let sent: Vec<_> = (0..100)
        .map(|i| {
            let (process, start) = (processes[i % 2].clone(), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                process.oneshot(post("3 apples")).await.unwrap().status().as_u16()
            })
        })
        .collect();
    for sent in sent {
        let status = sent.await.unwrap();
        assert!([201, 409].contains(&status), "{status}");
    }
    assert_eq!(orders.load(Ordering::SeqCst), 1);
    // A client that was told to retry gets the answer.
    for process in processes {
        until("the answer is there", async || process.clone().oneshot(post("3 apples")).await.unwrap().status() == 201)
            .await;
    }
    assert_eq!(orders.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_request_under_way_is_not_begun_in_another_process_and_a_failed_one_is() {
    let (redis, prefix, orders) = (shared_redis().await, prefix(), Arc::<AtomicUsize>::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, goes) = (begun.clone(), go.clone());
    let slow = IdempotencyLayer::new().on(&one).claim(10 * MINUTE).layer(service_fn(move |_: Request<Body<Bytes>>| {
        let (begins, goes) = (begins.clone(), goes.clone());
        async move {
            begins.notify_one();
            goes.notified().await;
            Ok::<_, Infallible>(Response::builder().status(500).body(Bytes::default()).unwrap())
        }
    }));
    let under_way = tokio::spawn(slow.oneshot(post("3 apples")));
    begun.notified().await;
    let second = process(&two, &orders);
    let refused = second.clone().oneshot(post("3 apples")).await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (409, &"1".parse().unwrap()));
    assert_eq!(orders.load(Ordering::SeqCst), 0);

    go.notify_one();
    assert_eq!(under_way.await.unwrap().unwrap().status(), 500);
    until("the claim is given back", async || second.clone().oneshot(post("3 apples")).await.unwrap().status() == 201)
        .await;
    assert_eq!(orders.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_process_still_knows_its_own_requests_without_its_server() {
    let mut redis = Server::start().await;
    let (fast, orders) = (node(&redis.url(), &prefix()).await, Arc::default());
    let process = process(&fast, &orders);
    assert_eq!(process.clone().oneshot(post("before")).await.unwrap().status(), 201);
    redis.kill();
    until("the connection is lost", async || !fast.shared().unwrap().connected).await;
    let again = process.clone().oneshot(post("before")).await.unwrap();
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    for replayed in [false, true] {
        let mut request = post("after");
        request.headers_mut().insert("idempotency-key", "other".parse().unwrap());
        let response = process.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers().contains_key("idempotency-replayed"), replayed);
    }
    assert_eq!(orders.load(Ordering::SeqCst), 2);
}
