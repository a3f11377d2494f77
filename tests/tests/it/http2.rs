//! The HTTP cache behind real connections of HTTP/2, whose requests name their host and their content otherwise than those of HTTP/1.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request as AxumRequest;
use axum::routing::{get, post};
use fastness::Fastness;
use fastness::http::CacheLayer;
use fastness_tests::sent_body::{Sent, SentBody, send};
use fastness_tests::servers::until;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::fresh;

type Frames = UnboundedSender<Sent>;

/// A server whose handlers count their calls, and a client with one connection to it.
struct Site {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    calls: Arc<AtomicUsize>,
    /// Bodies of `/late`, which the test sends.
    late: UnboundedReceiver<Frames>,
    fast: Fastness,
}

struct Seen {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Seen {
    fn cache(&self) -> &str {
        self.headers["cache-status"].to_str().unwrap()
    }
}

async fn site(set: impl FnOnce(CacheLayer) -> CacheLayer, within: &str) -> Site {
    let (fast, calls) = (fresh(), Arc::<AtomicUsize>::default());
    let (late, received) = unbounded_channel();
    let count = calls.clone();
    let page = async move |request: AxumRequest| {
        let call = count.fetch_add(1, SeqCst);
        // So long that identical requests come meanwhile.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let content = request.into_body().collect().await.unwrap().to_bytes();
        ([("cache-control", "max-age=60"), ("etag", "\"1\"")], format!("{call}: 0123456789, {}", content.len()))
    };
    let bodies = async move || {
        let (frames, body) = SentBody::new();
        late.send(frames).unwrap();
        ([("cache-control", "max-age=60")], Body::new(body))
    };
    let routes = Router::new()
        .route("/page", get(page.clone()).post(page))
        .route("/changed", post(async || [("content-location", "/page")]))
        .route("/late", get(bodies));
    let routes = if within.is_empty() { routes } else { Router::new().nest(within, routes) };
    let app = routes.layer(set(CacheLayer::new().on(&fast)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    Site { address, client, calls, late: received, fast }
}

impl Site {
    async fn ask(&self, request: http::request::Builder, content: &str) -> Response<Body> {
        let request = request.body(Full::new(Bytes::copy_from_slice(content.as_bytes()))).unwrap();
        let answer = self.client.request(request).await.unwrap();
        assert_eq!(answer.version(), Version::HTTP_2);
        answer.map(Body::new)
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        Request::builder().method(method).uri(format!("http://{}{path}", self.address))
    }

    async fn send(&self, request: http::request::Builder, content: &str) -> Seen {
        let (parts, body) = self.ask(request, content).await.into_parts();
        Seen { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    async fn get(&self, path: &str) -> Seen {
        self.send(self.request(Method::GET, path), "").await
    }

    fn calls(&self) -> usize {
        self.calls.load(SeqCst)
    }
}

#[tokio::test]
async fn identical_streams_of_a_connection_share_a_load_and_later_ones_are_hits() {
    let site = Arc::new(site(|layer| layer, "").await);
    let asked = (0..20).map(|_| {
        let site = site.clone();
        tokio::spawn(async move { site.get("/page").await })
    });
    let mut seen = Vec::new();
    for asked in asked.collect::<Vec<_>>() {
        seen.push(asked.await.unwrap());
    }
    let began = seen.iter().filter(|seen| seen.cache() == "fastness; fwd=uri-miss; stored").count();
    let others = seen.iter().filter(|seen| seen.cache().ends_with("; collapsed") || seen.cache().contains("; hit"));
    assert_eq!((began, others.count(), site.calls()), (1, 19, 1));
    assert!(seen.iter().all(|seen| seen.body == "0: 0123456789, 0"));
    let head = site.send(site.request(Method::HEAD, "/page"), "").await;
    assert!(head.cache().starts_with("fastness; hit") && head.headers["content-length"] == "16", "{:?}", head.headers);
    let part = site.send(site.request(Method::GET, "/page").header("range", "bytes=3-5"), "").await;
    assert_eq!((part.status, &part.body[..]), (StatusCode::PARTIAL_CONTENT, &b"012"[..]));
    let known = site.send(site.request(Method::GET, "/page").header("if-none-match", "\"1\""), "").await;
    assert_eq!((known.status, site.calls()), (StatusCode::NOT_MODIFIED, 1));
}

/// A request of HTTP/2 need not announce its content.
#[tokio::test]
async fn a_request_with_a_content_bypasses_the_cache() {
    let site = site(|layer| layer, "").await;
    site.get("/page").await;
    let asked = site.send(site.request(Method::GET, "/page"), "a content").await;
    assert_eq!((asked.cache(), &asked.body[..]), ("fastness; fwd=bypass", &b"1: 0123456789, 9"[..]));
    assert!(site.get("/page").await.cache().starts_with("fastness; hit"));
}

#[tokio::test]
async fn a_change_invalidates_its_own_path_and_the_one_that_it_names() {
    for (within, changed) in [("", "/changed"), ("", "/page"), ("/shop", "/page")] {
        let site = site(|layer| layer, within).await;
        let path = format!("{within}/page");
        site.get(&path).await;
        assert!(site.get(&path).await.cache().starts_with("fastness; hit"));
        let calls = site.calls();
        let changed = site.send(site.request(Method::POST, &format!("{within}{changed}")), "x").await;
        assert_eq!(changed.cache(), "fastness; fwd=method");
        let seen = site.get(&path).await;
        assert_eq!(seen.cache(), "fastness; fwd=uri-miss; stored", "{within}");
        assert!(site.calls() > calls);
    }
}

#[tokio::test]
async fn each_principal_has_responses_of_its_own() {
    let principal = |parts: &http::request::Parts| {
        parts.headers.get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let site = site(|layer| layer.per_principal(principal), "").await;
    let ask =
        async |name: &str| site.send(site.request(Method::GET, "/page").header("authorization", name), "").await.body;
    let (ann, bob) = (ask("ann").await, ask("bob").await);
    assert_ne!(ann, bob);
    assert_eq!((ask("ann").await, ask("bob").await, site.calls()), (ann, bob, 2));
}

#[tokio::test]
async fn a_body_comes_frame_by_frame_to_all_streams_and_clients_may_leave() {
    let mut site = site(|layer| layer, "").await;
    let first = tokio::spawn({
        let (client, uri) = (site.client.clone(), format!("http://{}/late", site.address));
        async move { client.request(Request::get(uri).body(Full::default()).unwrap()).await.unwrap() }
    });
    let frames = site.late.recv().await.unwrap();
    send(&frames, "one,");
    let mut first = first.await.unwrap().into_body();
    assert_eq!(first.frame().await.unwrap().unwrap().into_data().unwrap(), "one,");
    let second = site.ask(site.request(Method::GET, "/late"), "").await;
    assert_eq!(second.headers()["cache-status"], "fastness; fwd=uri-miss; collapsed");
    // Resets its stream, and leaves the connection.
    drop(first);
    let mut second = second.into_body();
    assert_eq!(second.frame().await.unwrap().unwrap().into_data().unwrap(), "one,");
    drop(second);
    send(&frames, "two");
    drop(frames);
    until("it is stored", async || site.fast.stats().total.loads == 1).await;
    let hit = site.get("/late").await;
    assert!(hit.cache().starts_with("fastness; hit") && hit.body == "one,two", "{:?}", hit.headers);
    assert!(site.late.is_empty(), "one call of the handler was for all");
}

/// The end of a stream is told apart from its reset, so every client learns of it.
#[tokio::test]
async fn a_body_that_breaks_off_resets_the_streams_of_all_its_clients() {
    let mut site = site(|layer| layer, "").await;
    let ask = || {
        let (client, uri) = (site.client.clone(), format!("http://{}/late", site.address));
        tokio::spawn(async move { client.request(Request::get(uri).body(Full::default()).unwrap()).await.unwrap() })
    };
    let clients = [ask(), ask()];
    let frames = site.late.recv().await.unwrap();
    send(&frames, "one,");
    let mut bodies = Vec::new();
    for client in clients {
        let mut body = client.await.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "one,");
        bodies.push(body);
    }
    frames.send(Err(std::io::Error::other("cut"))).unwrap();
    for body in bodies {
        assert!(body.collect().await.is_err());
    }
    assert_eq!(site.fast.stats().total.load_errors, 1);
    let next = ask();
    let frames = site.late.recv().await.unwrap();
    send(&frames, "whole");
    drop(frames);
    assert_eq!(next.await.unwrap().into_body().collect().await.unwrap().to_bytes(), "whole");
}
