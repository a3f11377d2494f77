//! Streamed HTTP responses on several nodes.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use fastness::Fastness;
use fastness::http::{CacheLayer, CacheTags};
use fastness_tests::names::{named, reached};
use fastness_tests::servers::{prefix, shared_redis, until};
use http_body::Frame;
use tokio::sync::oneshot;
use tower::{Layer, ServiceExt};

use crate::{MINUTE, node, stored};

/// Body that comes in two frames, the second one when the test lets it.
struct HalvedBody {
    first: Option<&'static str>,
    second: Option<oneshot::Receiver<&'static str>>,
}

impl http_body::Body for HalvedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(first.as_bytes())))));
        }
        let Some(second) = &mut self.second else { return Poll::Ready(None) };
        let second = ready!(Pin::new(second).poll(cx)).unwrap();
        self.second = None;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(second.as_bytes())))))
    }
}

/// A response whose body is still coming, and the other end of its second half.
async fn begin(node: &Fastness) -> (Body, oneshot::Sender<&'static str>) {
    let (half, second) = oneshot::channel();
    let second = Arc::new(Mutex::new(Some(second)));
    let handler = tower::service_fn(move |_: Request<Body>| {
        let body = HalvedBody { first: Some("one,"), second: second.lock().unwrap().take() };
        let mut response = Response::new(body);
        response.headers_mut().insert("cache-control", "max-age=60".parse().unwrap());
        response.extensions_mut().insert(CacheTags::new(["product:7"]));
        async { Ok::<_, Infallible>(response) }
    });
    let request = Request::get("/streamed").body(Body::empty()).unwrap();
    let answer = CacheLayer::new().on(node).layer(handler).oneshot(request).await.unwrap();
    (Body::new(answer.into_body()), half)
}

async fn text(body: Body) -> String {
    String::from_utf8(axum::body::to_bytes(body, 1_000).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn a_streamed_response_reaches_the_other_node_when_it_is_whole() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let (body, half) = begin(&one).await;
    let (elsewhere, other) = begin(&two).await;
    drop((elsewhere, other));
    half.send("two").unwrap();
    assert_eq!(text(body).await, "one,two");
    stored(&one, 1).await;
    let loads = two.stats().total.loads;
    let (body, _half) = begin(&two).await;
    assert_eq!((text(body).await.as_str(), two.stats().total.loads), ("one,two", loads), "by the shared tier");
}

#[tokio::test]
async fn an_invalidation_by_another_node_keeps_a_streamed_response_out_of_both_tiers() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let (body, half) = begin(&one).await;
    one.cache().set(&named("http:heard"), 1_u64, MINUTE).await;
    two.cache().invalidate(reached("product:7")).await;
    two.cache().invalidate(reached("http:heard")).await;
    until("the node hears of it", async || one.cache().get::<u64>(&named("http:heard")).await.is_none()).await;
    half.send("two").unwrap();
    assert_eq!(text(body).await, "one,two", "its request came before");
    until("it has ended", async || one.stats().total.loads == 1).await;
    for node in [&one, &two] {
        let (body, half) = begin(node).await;
        half.send("new").unwrap();
        assert_eq!(text(body).await, "one,new");
    }
}
