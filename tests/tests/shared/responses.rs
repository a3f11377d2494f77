//! HTTP responses on several nodes.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use axum::body::Body;
use axum::http::{Request, Response};
use fastness::http::{CacheLayer, CacheTags};
use fastness::{Fastness, cache_invalidate, with_cache};
use fastness_tests::servers::{Redis, prefix, shared_redis, until};
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, ServiceExt};

use crate::{MINUTE, Origin, node, stored};
use fastness_tests::names::{named, reached};

#[cache_invalidate("product:{id}")]
async fn change(id: u64, origin: &Origin) {
    origin.change();
}

/// The body of this node's answer.
async fn get(node: &Fastness, origin: &Arc<Origin>, path: &str, language: &str) -> String {
    let origin = origin.clone();
    let handler = tower::service_fn(move |request: Request<Body>| {
        let language = request.headers()["accept-language"].to_str().unwrap().to_owned();
        let mut response = Response::new(Body::from(format!("{language} {}", origin.load())));
        response.headers_mut().insert("cache-control", "max-age=60".parse().unwrap());
        response.headers_mut().insert("vary", "accept-language".parse().unwrap());
        response.extensions_mut().insert(CacheTags::new(["product:7"]));
        async { Ok::<_, Infallible>(response) }
    });
    let request = Request::get(path).header("accept-language", language).body(Body::empty()).unwrap();
    let answer = CacheLayer::new().on(node).layer(handler).oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(Body::new(answer.into_body()), 1_000).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn one_node_serves_the_response_of_another_until_either_invalidates() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Arc::<Origin>::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    assert_eq!(get(&one, &origin, "/a", "en").await, "en 0");
    // Two entries: the names of the headers that the response varies by, and the response.
    stored(&one, 2).await;
    assert_eq!(get(&two, &origin, "/a", "en").await, "en 0");
    assert_eq!((origin.loads(), two.stats().total.loads), (1, 0), "by the shared tier");
    assert_eq!(get(&two, &origin, "/a", "de").await, "de 0");
    assert_eq!(origin.loads(), 2);
    // The scope is a tag of the responses alone.
    with_cache(&one, change(7, &origin)).await;
    assert_eq!(get(&one, &origin, "/a", "en").await, "en 1");
    until("the other node hears of it", async || get(&two, &origin, "/a", "en").await == "en 1").await;
    assert_eq!(get(&two, &origin, "/a", "de").await, "de 1");
}

#[tokio::test]
async fn an_invalidated_response_is_not_read_from_the_shared_tier() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Arc::<Origin>::default());
    let one = node(&redis.url(), &prefix).await;
    get(&one, &origin, "/a", "en").await;
    stored(&one, 2).await;
    with_cache(&one, change(7, &origin)).await;
    // A node without entries in its memory.
    let two = node(&redis.url(), &prefix).await;
    assert_eq!(get(&two, &origin, "/a", "en").await, "en 1");
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// The reader does not run until the other node has invalidated the response and stored a new one.
#[test]
fn a_response_that_is_invalidated_on_its_way_is_counted_as_overtaken() {
    let (ours, theirs) = (runtime(), runtime());
    let (prefix, origin) = (prefix(), Arc::<Origin>::default());
    let redis = ours.block_on(Redis::start());
    let one = ours.block_on(node(&redis.url(), &prefix));
    let two = theirs.block_on(node(&redis.url(), &prefix));
    ours.block_on(async {
        one.cache().set(&named("http:heard"), 1_u64, MINUTE).await;
        stored(&one, 1).await;
    });
    let heard = async || two.cache().get::<u64>(&named("http:heard")).await.is_none();
    theirs.block_on(until("it has what the other set", async || !heard().await));
    let overtaken = || two.stats().total.overtaken;
    let before = overtaken();
    let mut question = Box::pin(get(&two, &origin, "/a", "en"));
    let asked = poll_fn(|cx| Poll::Ready(question.as_mut().poll(cx).is_pending()));
    assert!(theirs.block_on(asked) && origin.loads() == 0, "the shared tier");
    ours.block_on(async {
        one.cache().invalidate(reached("http:*")).await;
        get(&one, &origin, "/a", "en").await;
        stored(&one, 3).await;
    });
    theirs.block_on(async {
        until("it hears of it", heard).await;
        assert_eq!(question.await, "en 0");
    });
    assert_eq!((origin.loads(), overtaken()), (2, before + 1), "an earlier request is answered by its own handler");
}

type Lines = &'static [(&'static str, &'static str)];

/// The status and the body of this node's answer, by a handler that sends this head, and knows its tag.
async fn ask(node: &Fastness, origin: &Arc<Origin>, (status, head): (u16, Lines), request: Lines) -> (u16, String) {
    let origin = origin.clone();
    let handler = tower::service_fn(move |request: Request<Body>| {
        let knows = request.headers().get("if-none-match").is_some_and(|tag| tag == "\"1\"");
        let (status, body) =
            if knows { (304, String::new()) } else { (status, format!("0123456789 {}", origin.load())) };
        let mut response = Response::builder().status(status);
        for (name, value) in head {
            response = response.header(*name, *value);
        }
        async { Ok::<_, Infallible>(response.body(Body::from(body)).unwrap()) }
    });
    let mut asked = Request::get("/a").header("host", "shop");
    for (name, value) in request {
        asked = asked.header(*name, *value);
    }
    let layer = CacheLayer::new().on(node).max_variants(2);
    let answer = layer.layer(handler).oneshot(asked.body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    let body = axum::body::to_bytes(Body::new(answer.into_body()), 1_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_response_of_another_node_answers_conditions_and_then_ranges() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Arc::<Origin>::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let page: (u16, Lines) = (200, &[("cache-control", "max-age=60"), ("etag", "\"1\"")]);
    assert_eq!(ask(&one, &origin, page, &[]).await, (200, "0123456789 0".to_owned()));
    stored(&one, 1).await;
    assert_eq!(ask(&two, &origin, page, &[("if-none-match", "\"1\"")]).await, (304, String::new()));
    assert_eq!(ask(&two, &origin, page, &[("range", "bytes=2-3")]).await, (206, "23".to_owned()));
    assert_eq!(origin.loads(), 1);
}

#[tokio::test]
async fn an_error_that_states_its_freshness_is_shared_by_nodes() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Arc::<Origin>::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let error: (u16, Lines) = (503, &[("cache-control", "max-age=60")]);
    ask(&one, &origin, error, &[]).await;
    stored(&one, 1).await;
    assert_eq!((ask(&two, &origin, error, &[]).await.0, origin.loads()), (503, 1));
}

#[tokio::test]
async fn a_response_that_is_validated_each_time_stays_in_its_process() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Arc::<Origin>::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let page: (u16, Lines) = (200, &[("cache-control", "no-cache"), ("etag", "\"1\"")]);
    for node in [&one, &two] {
        ask(node, &origin, page, &[]).await;
        let loads = origin.loads();
        assert_eq!((ask(node, &origin, page, &[]).await.0, origin.loads()), (200, loads), "it is confirmed");
    }
    assert_eq!((origin.loads(), one.shared().unwrap().stores), (2, 0));
    // An invalidation by one node reaches the response of the other.
    one.cache().invalidate(reached("http:*")).await;
    until("the other node hears of it", async || {
        ask(&two, &origin, page, &[]).await;
        origin.loads() == 3
    })
    .await;
}

#[tokio::test]
async fn a_variant_that_made_room_is_removed_from_the_shared_tier() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Arc::<Origin>::default());
    let one = node(&redis.url(), &prefix).await;
    let page: (u16, Lines) = (200, &[("cache-control", "max-age=60"), ("vary", "accept")]);
    let kinds: [Lines; 3] = [&[("accept", "a")], &[("accept", "b")], &[("accept", "c")]];
    for (number, kind) in kinds.into_iter().enumerate() {
        ask(&one, &origin, page, kind).await;
        // The names of the headers are the first entry.
        stored(&one, number as u64 + 2).await;
    }
    let keys = async || {
        let names: Vec<String> = redis.command(&["KEYS", &format!("{prefix}*accept=*")]).await;
        names.len()
    };
    until("two variants are left", async || keys().await == 2).await;
    let two = node(&redis.url(), &prefix).await;
    let loads = origin.loads();
    ask(&two, &origin, page, kinds[0]).await;
    ask(&two, &origin, page, kinds[2]).await;
    assert_eq!(origin.loads(), loads + 1, "the oldest is loaded anew, the newest is not");
}
