//! Responses that break off, over sockets: no client may take such a response for whole, and none is stored or shared.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::Error;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use fastness::Fastness;
use fastness::http::{CacheLayer, CoalesceLayer, IdempotencyLayer};
use fastness_tests::servers::until;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceExt, service_fn};

use crate::{fresh, timed};

/// Bytes of the largest body that the layers store and share.
const LIMIT: usize = 8_000;

/// A body of these frames, which may panic at its end.
#[derive(Default)]
#[allow(clippy::struct_field_names)] // HTTP calls them so
struct Frames {
    frames: VecDeque<Result<Frame<Bytes>, Error>>,
    exact: Option<u64>,
    panics: bool,
}

impl Frames {
    fn data(mut self, bytes: usize) -> Self {
        self.frames.push_back(Ok(Frame::data(vec![b'x'; bytes].into())));
        self
    }

    fn trailers(mut self) -> Self {
        self.frames.push_back(Ok(Frame::trailers(HeaderMap::new())));
        self
    }

    fn cut(mut self) -> Self {
        self.frames.push_back(Err(Error::other("cut")));
        self
    }
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let next = self.frames.pop_front();
        assert!(next.is_some() || !self.panics, "the body panics, as it was told to");
        Poll::Ready(next)
    }

    fn size_hint(&self) -> SizeHint {
        self.exact.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

/// Paths, one for each way to break off.
const BROKEN: [&str; 12] = [
    "/cut",
    "/cut-at-once",
    "/cut-of-5000",
    "/cut-late",
    "/short",
    "/short-of-all",
    "/short-hint",
    "/short-trailers",
    "/long",
    "/long-of-none",
    "/longer-by-a-frame",
    "/panics",
];

fn broken(path: &str) -> (Option<u64>, Frames) {
    let frames = Frames::default;
    match path {
        "/cut" => (None, frames().data(1_000).cut()),
        "/cut-at-once" => (None, frames().cut()),
        "/cut-of-5000" => (Some(5_000), frames().data(1_000).cut()),
        "/cut-late" => (Some(2 * LIMIT as u64), frames().data(LIMIT).data(100).cut()),
        "/short" => (Some(5_000), frames().data(1_000)),
        "/short-of-all" => (Some(5_000), frames()),
        "/short-hint" => (None, Frames { exact: Some(5_000), ..frames().data(1_000) }),
        "/short-trailers" => (Some(5_000), frames().data(1_000).trailers()),
        "/long" => (Some(500), frames().data(1_000)),
        "/long-of-none" => (Some(0), frames().data(1_000)),
        "/longer-by-a-frame" => (Some(1_000), frames().data(1_000).data(1)),
        "/panics" => (None, Frames { panics: true, ..frames().data(1_000) }),
        _ => (Some(2), frames().data(2)),
    }
}

fn response(status: u16, (length, frames): (Option<u64>, Frames)) -> Response<Body> {
    let mut response = Response::builder().status(status).header("cache-control", "max-age=60");
    if let Some(length) = length {
        response = response.header("content-length", length);
    }
    response.body(Body::new(frames)).unwrap()
}

/// Serves the layered application until the test ends.
async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// The bytes that the server sends on one connection until it closes the connection.
async fn raw(address: SocketAddr, requests: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(requests.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset is an end, too.
    let end = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    assert!(end.is_ok(), "the connection hangs: {}", String::from_utf8_lossy(&answer));
    answer
}

/// Returns whether a client takes the first response of a connection for whole.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let Some((head, rest)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    match length {
        Some(length) => rest.len() >= length.parse().unwrap(),
        None if head.contains("transfer-encoding: chunked") => rest.contains("\r\n0\r\n"),
        // The end of the connection is that of the body.
        None => true,
    }
}

fn layered(name: &str, fast: &Fastness, calls: &Arc<AtomicUsize>) -> Router {
    let count = calls.clone();
    let app = Router::new().fallback(async move |request: Request<Body>| {
        count.fetch_add(1, SeqCst);
        response(200, broken(request.uri().path()))
    });
    let (cache, coalesce) = (CacheLayer::new().on(fast).max_body(LIMIT), CoalesceLayer::new().on(fast).max_body(LIMIT));
    match name {
        "cache" => app.layer(cache),
        "coalesce" => app.layer(coalesce),
        _ => app.layer(coalesce).layer(cache),
    }
}

#[tokio::test]
async fn no_client_takes_a_response_that_broke_off_for_whole() {
    for name in ["cache", "coalesce", "both"] {
        let (fast, calls) = (fresh(), Arc::default());
        let address = serve(layered(name, &fast, &calls)).await;
        let fine = raw(address, "GET /fine HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
        assert!(is_whole(&fine), "{name}: {fine:?}");
        for path in BROKEN {
            for (version, second) in [("1.1", "GET /fine HTTP/1.1\r\nhost: a\r\n\r\n"), ("1.0", "")] {
                calls.store(0, SeqCst);
                for call in 1..=2 {
                    let answer = raw(address, &format!("GET {path} HTTP/{version}\r\nhost: a\r\n\r\n{second}")).await;
                    let text = String::from_utf8_lossy(&answer);
                    assert!(!is_whole(&answer), "{name} {path} {version}: {text}");
                    assert_eq!(calls.load(SeqCst), call, "{name} {path}: nothing of it is stored");
                    assert!(text.matches("HTTP/1.").count() <= 1, "{name} {path}: another response is inside: {text}");
                }
            }
        }
    }
}

/// A service whose first responses break off, and whose later ones are whole.
fn heals(after: usize, calls: &Arc<AtomicUsize>, head: &'static str) -> axum::routing::MethodRouter {
    let calls = calls.clone();
    axum::routing::any(async move || {
        let call = calls.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        let mut answer = if (1..=after).contains(&(call + 1)) {
            response(200, broken("/short"))
        } else {
            response(200, (None, Frames::default().data(call)))
        };
        answer.headers_mut().insert("cache-control", head.parse().unwrap());
        answer
    })
}

async fn get(app: &Router) -> Result<usize, axum::Error> {
    let answer = app.clone().oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    answer.into_body().collect().await.map(|body| body.to_bytes().len())
}

#[tokio::test]
async fn waiters_for_a_response_that_broke_off_ask_for_their_own() {
    for cached in [true, false] {
        let (fast, calls) = (fresh(), Arc::default());
        let app = Router::new().route("/", heals(1, &calls, "max-age=60"));
        let app =
            if cached { app.layer(CacheLayer::new().on(&fast)) } else { app.layer(CoalesceLayer::new().on(&fast)) };
        let (leader, one, two) = tokio::join!(get(&app), get(&app), get(&app));
        assert_eq!(
            leader.unwrap_err().to_string(),
            "the body ended after 1000 of the 5000 bytes that its length announced"
        );
        let mut whole = [one.unwrap(), two.unwrap()];
        whole.sort_unstable();
        assert_eq!((whole, calls.load(SeqCst)), ([1, 2], 3));
        let total = fast.stats().total;
        assert_eq!((total.loads, total.load_errors), (2, 1));
    }
}

#[tokio::test]
async fn a_stale_response_stands_in_for_one_that_broke_off() {
    let ((fast, clock), calls) = (timed(), Arc::<AtomicUsize>::default());
    let handler = heals(2, &calls, "max-age=1, stale-if-error=60");
    calls.store(7, SeqCst);
    let app = Router::new().route("/", handler).layer(CacheLayer::new().on(&fast));
    assert_eq!(get(&app).await.unwrap(), 7);
    clock.advance(Duration::from_secs(30));
    calls.store(0, SeqCst);
    assert_eq!(get(&app).await.unwrap(), 7, "stale, as it broke off");
    assert_eq!((calls.load(SeqCst), fast.stats().total.stale_served), (1, 1));
    clock.advance(Duration::from_secs(6));
    assert_eq!(get(&app).await.unwrap(), 7, "served stale again, after another broken response");
    clock.advance(Duration::from_secs(6));
    assert_eq!((get(&app).await.unwrap(), calls.load(SeqCst)), (2, 3), "whole");
}

#[tokio::test]
async fn a_refresh_that_breaks_off_leaves_the_stored_response() {
    let ((fast, clock), calls) = (timed(), Arc::<AtomicUsize>::default());
    let handler = heals(1, &calls, "max-age=1, stale-while-revalidate=60");
    calls.store(7, SeqCst);
    let app = Router::new().route("/", handler).layer(CacheLayer::new().on(&fast));
    assert_eq!(get(&app).await.unwrap(), 7);
    clock.advance(Duration::from_secs(30));
    calls.store(0, SeqCst);
    assert_eq!(get(&app).await.unwrap(), 7);
    until("the refresh fails", async || fast.stats().total.load_errors == 1).await;
    assert_eq!(get(&app).await.unwrap(), 7, "the refresh before broke off");
    until("it is refreshed", async || fast.stats().total.loads == 2).await;
    assert_eq!((get(&app).await.unwrap(), calls.load(SeqCst)), (1, 2), "refreshed by one that is whole");
}

#[tokio::test]
async fn an_answer_that_broke_off_is_not_replayed() {
    for path in BROKEN.into_iter().filter(|path| !["/cut-late", "/panics"].contains(path)) {
        let (fast, calls) = (fresh(), Arc::<AtomicUsize>::default());
        let count = calls.clone();
        let app = Router::new().fallback(async move |request: Request<Body>| {
            let call = count.fetch_add(1, SeqCst);
            response(201, broken(if call == 0 { request.uri().path() } else { "/fine" }))
        });
        let address = serve(app.layer(IdempotencyLayer::new().on(&fast))).await;
        let post = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nidempotency-key: k\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let mut statuses = Vec::new();
        for _ in 0..3 {
            let answer = raw(address, &post).await;
            assert!(is_whole(&answer), "{path}: {}", String::from_utf8_lossy(&answer));
            statuses.push(String::from_utf8_lossy(&answer[9..12]).into_owned());
        }
        assert_eq!((statuses, calls.load(SeqCst)), (["500", "201", "201"].map(str::to_owned).to_vec(), 2), "{path}");
    }
}

/// A client that leaves while its body comes leaves it to the others.
#[tokio::test]
async fn a_body_whose_first_client_leaves_reaches_the_others_whole() {
    let (fast, calls) = (fresh(), Arc::<AtomicUsize>::default());
    let (count, (end, ended)) = (calls.clone(), tokio::sync::oneshot::channel::<()>());
    let ended = Arc::new(std::sync::Mutex::new(Some(ended)));
    let service = CacheLayer::new().on(&fast).layer(service_fn(move |_: Request<Body>| {
        count.fetch_add(1, SeqCst);
        let ended = ended.lock().unwrap().take().unwrap();
        let body = Frames::default().data(10).with_trailers(async move {
            ended.await.unwrap();
            None
        });
        let answer =
            Response::builder().status(StatusCode::OK).header("cache-control", "max-age=60").body(Body::new(body));
        std::future::ready(Ok::<_, Infallible>(answer.unwrap()))
    }));
    let ask = || service.clone().oneshot(Request::get("/").body(Body::empty()).unwrap());
    let mut first = ask().await.unwrap().into_body();
    assert_eq!(first.frame().await.unwrap().unwrap().into_data().unwrap().len(), 10, "it comes at once");
    let second = ask().await.unwrap();
    assert_eq!(second.headers()["cache-status"], "fastness; fwd=uri-miss; collapsed");
    drop(first);
    end.send(()).unwrap();
    let body = second.into_body().collect().await.unwrap().to_bytes();
    assert_eq!((body.len(), calls.load(SeqCst)), (10, 1));
    let third = ask().await.unwrap();
    assert!(third.headers()["cache-status"].to_str().unwrap().starts_with("fastness; hit"), "it is stored");
}
