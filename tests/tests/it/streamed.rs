//! Cached responses whose bodies come later than their heads: over sockets, in races with invalidations, and with many clients.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use fastness::Fastness;
use fastness::http::services::CacheService;
use fastness::http::{BodyError, CacheLayer, CacheTags, CoalesceLayer};
use fastness_tests::names::reached;
use fastness_tests::sent_body::{Sent, SentBody, send};
use fastness_tests::servers::until;
use http_body::Frame;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::fresh;

/// Serves a cached handler whose bodies the test sends: each call gives the test the other end of its body.
async fn serve() -> (SocketAddr, UnboundedReceiver<UnboundedSender<Sent>>, Fastness) {
    let (fast, (calls, received)) = (fresh(), unbounded_channel());
    let app = Router::new().fallback(async move || {
        let (frames, body) = SentBody::new();
        calls.send(frames).unwrap();
        ([("cache-control", "max-age=60")], Body::new(body))
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app.layer(CacheLayer::new().on(&fast));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, received, fast)
}

async fn ask(address: SocketAddr, version: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /a HTTP/{version}\r\nhost: shop\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Reads until the text has come.
async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut came = Vec::new();
    while !String::from_utf8_lossy(&came).contains(text) {
        let mut byte = [0];
        assert_eq!(
            stream.read(&mut byte).await.unwrap(),
            1,
            "the connection ended: {}",
            String::from_utf8_lossy(&came)
        );
        came.push(byte[0]);
    }
    String::from_utf8(came).unwrap()
}

async fn rest(mut stream: TcpStream) -> String {
    let mut came = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut came).await;
    String::from_utf8(came).unwrap()
}

#[tokio::test]
async fn clients_get_each_part_as_it_comes_and_may_leave() {
    let (address, mut calls, fast) = serve().await;
    let mut first = ask(address, "1.1").await;
    let frames = calls.recv().await.unwrap();
    let head = read_until(&mut first, "\r\n\r\n").await;
    assert!(head.contains("fastness; fwd=uri-miss; detail=incomplete") && head.contains("chunked"), "{head}");
    send(&frames, "one,");
    read_until(&mut first, "one,").await;
    let mut second = ask(address, "1.1").await;
    let joined = read_until(&mut second, "one,").await;
    assert!(joined.contains("fastness; fwd=uri-miss; collapsed"), "{joined}");
    drop(first);
    send(&frames, "two,");
    read_until(&mut second, "two,").await;
    drop(second);
    send(&frames, "three");
    drop(frames);
    until("it is stored", async || fast.stats().total.loads == 1).await;
    let hit = rest(ask(address, "1.1").await).await;
    assert!(
        hit.contains("fastness; hit; ttl=") && hit.contains("content-length: 13") && hit.ends_with("one,two,three")
    );
    assert!(calls.is_empty(), "one call of the handler was for all");
}

#[tokio::test]
async fn a_body_that_breaks_off_later_is_whole_for_no_client() {
    for version in ["1.1", "1.0"] {
        let (address, mut calls, fast) = serve().await;
        let mut first = ask(address, version).await;
        let frames = calls.recv().await.unwrap();
        send(&frames, "one,");
        let mut text = String::new();
        if version == "1.1" {
            text = read_until(&mut first, "one,").await;
        }
        frames.send(Err(std::io::Error::other("cut"))).unwrap();
        text += &rest(first).await;
        match version {
            "1.1" => assert!(!text.contains("\r\n0\r\n"), "{text}"),
            _ => assert_eq!(text, "", "the end of a connection is that of a body"),
        }
        assert_eq!(fast.stats().total.load_errors, 1);
        let next = ask(address, version).await;
        let frames = calls.recv().await.unwrap();
        send(&frames, "whole");
        drop(frames);
        let text = rest(next).await;
        assert!(text.contains("whole") && (version == "1.0" || text.ends_with("\r\n0\r\n\r\n")), "{text}");
    }
}

/// Body of three frames with one version, which come at random times.
struct DawdlingBody {
    version: usize,
    frames: usize,
    chance: Arc<Mutex<fastrand::Rng>>,
}

impl http_body::Body for DawdlingBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.chance.lock().unwrap().bool() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.frames == 0 {
            return Poll::Ready(None);
        }
        self.frames -= 1;
        Poll::Ready(Some(Ok(Frame::data(format!("{},", self.version).into()))))
    }
}

async fn dawdle(chance: &Mutex<fastrand::Rng>) {
    let times = chance.lock().unwrap().u8(0..4);
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

/// Readers, of which some leave in the middle, and a writer. The response has a tag that only its head tells.
async fn history(seed: u64, coalesces: bool) -> usize {
    let (fast, origin, calls) = (fresh(), Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let chance = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
    let (source, random, count) = (origin.clone(), chance.clone(), calls.clone());
    let handler = service_fn(move |_: Request<Body>| {
        let (source, chance) = (source.clone(), random.clone());
        count.fetch_add(1, SeqCst);
        async move {
            dawdle(&chance).await;
            let body = DawdlingBody { version: source.load(SeqCst), frames: 3, chance };
            let mut response = Response::new(Body::new(body));
            response.headers_mut().insert("cache-control", "max-age=60".parse().unwrap());
            response.extensions_mut().insert(CacheTags::new(["thing:1"]));
            Ok::<_, Infallible>(response)
        }
    });
    let layer = CoalesceLayer::new().on(&fast);
    let service = if coalesces { layer.layer(handler) } else { CacheLayer::new().on(&fast).layer(handler) };
    let readers: Vec<_> =
        (0..4).map(|_| tokio::spawn(reader(service.clone(), origin.clone(), chance.clone(), seed))).collect();
    for _ in 0..10 {
        dawdle(&chance).await;
        origin.fetch_add(1, SeqCst);
        dawdle(&chance).await;
        fast.cache().invalidate(reached("thing:1")).await;
    }
    for reader in readers {
        reader.await.unwrap();
    }
    calls.load(SeqCst)
}

async fn reader<S>(service: CacheService<S>, origin: Arc<AtomicUsize>, chance: Arc<Mutex<fastrand::Rng>>, seed: u64)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static,
{
    for _ in 0..15 {
        dawdle(&chance).await;
        // The next change begins after this one was invalidated, so all changes but the last were invalidated.
        let settled = origin.load(SeqCst).saturating_sub(1);
        let mut answer =
            service.clone().oneshot(Request::get("/a").body(Body::empty()).unwrap()).await.unwrap().into_body();
        let (mut text, leaves) = (String::new(), chance.lock().unwrap().u8(0..4) == 0);
        while let Some(frame) = answer.frame().await {
            text += std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap();
            if leaves {
                break;
            }
            dawdle(&chance).await;
        }
        let versions: Vec<usize> = text.split_terminator(',').map(|version| version.parse().unwrap()).collect();
        assert!(leaves || versions.len() == 3, "seed {seed}: {text} is not whole");
        assert!(versions.iter().all(|version| *version == versions[0]), "seed {seed}: {text} is of several responses");
        assert!(versions[0] >= settled, "seed {seed}: {text} after {settled} was invalidated");
    }
}

#[test]
fn no_streamed_response_is_stale_after_an_invalidation_in_any_order() {
    for seed in 0..150 {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let calls = runtime.block_on(history(seed, seed % 2 == 1));
        assert!(calls < 60, "seed {seed}: no request was answered by another's call");
    }
}

#[test]
fn no_streamed_response_is_stale_after_an_invalidation_on_several_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    for seed in 0..150 {
        // `block_on` runs on this thread, so the writer is spawned, too.
        runtime.block_on(async { tokio::spawn(history(seed, seed % 2 == 1)).await.unwrap() });
    }
}

/// Bytes that count themselves while they are in memory.
struct CountedBytes(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for CountedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for CountedBytes {
    fn drop(&mut self) {
        self.1.fetch_sub(self.0.len(), SeqCst);
    }
}

const CHUNK: usize = 16 << 10;
const LIMIT: usize = 256 << 10;

/// Body whose chunks are counted while they are in memory. It is ready every other time.
struct CountedBody {
    chunks: usize,
    is_ready: bool,
    live: Arc<AtomicUsize>,
}

impl http_body::Body for CountedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.is_ready = !self.is_ready;
        if !self.is_ready {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.chunks == 0 {
            return Poll::Ready(None);
        }
        self.chunks -= 1;
        self.live.fetch_add(CHUNK, SeqCst);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(CountedBytes(vec![0; CHUNK], self.live.clone()))))))
    }
}

type CountedService = tower::util::BoxCloneService<Request<Body>, Response<fastness::http::Body<Resumed>>, Infallible>;
type Resumed = fastness::http::services::ResumedBody<CountedBody>;

fn counted(chunks: usize) -> (CountedService, Arc<AtomicUsize>, Fastness) {
    let (fast, live) = (fresh(), Arc::<AtomicUsize>::default());
    let counter = live.clone();
    let handler = service_fn(move |_: Request<Body>| {
        let body = CountedBody { chunks, is_ready: true, live: counter.clone() };
        let response = Response::builder().header("cache-control", "max-age=60").body(body).unwrap();
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let service = CacheLayer::new().on(&fast).max_body(LIMIT).layer(handler);
    (CountedService::new(service), live, fast)
}

fn request(path: usize) -> Request<Body> {
    Request::get(format!("/{path}")).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_thousand_slow_clients_take_no_more_memory_than_the_limit_and_hold_up_no_other() {
    let (service, live, _fast) = counted(1_000);
    let mut fast = service.clone().oneshot(request(0)).await.unwrap().into_body();
    let mut slow = Vec::new();
    for _ in 0..1_000 {
        let mut body = service.clone().oneshot(request(0)).await.unwrap().into_body();
        body.frame().await.unwrap().unwrap();
        slow.push(body);
    }
    let (mut bytes, mut most) = (0, 0);
    while let Some(frame) = fast.frame().await {
        bytes += frame.unwrap().into_data().unwrap().len();
        most = most.max(live.load(SeqCst));
    }
    assert_eq!(bytes, 1_000 * CHUNK);
    assert!(most <= LIMIT + 2 * CHUNK, "{most} bytes were in memory");
    for body in &mut slow {
        assert!(matches!(body.frame().await, Some(Err(BodyError::Lagged))));
    }
    drop((fast, slow));
    assert_eq!(live.load(SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_fills_take_the_memory_of_their_bodies_and_give_it_back() {
    let (service, live, fast) = counted(LIMIT / CHUNK);
    let clients: Vec<_> = (0..1_000)
        .map(|path| {
            let asked = service.clone().oneshot(request(path));
            tokio::spawn(async move {
                let mut body = asked.await.unwrap().into_body();
                // Every second client leaves.
                if path % 2 == 0 {
                    body.collect().await.unwrap().to_bytes().len()
                } else {
                    body.frame().await.unwrap().unwrap().into_data().unwrap().len()
                }
            })
        })
        .collect();
    let mut whole = 0;
    for client in clients {
        whole += usize::from(client.await.unwrap() == LIMIT);
    }
    assert!(whole >= 500, "{whole}");
    let total = || fast.stats().total;
    until("all bodies have come or are given up", async || total().loads + total().loads_abandoned == 1_000).await;
    assert!(total().loads >= 500);
    // Stored bodies are copies in one piece.
    until("no chunk is left", async || live.load(SeqCst) == 0).await;
}

#[tokio::test]
async fn a_handler_answers_although_its_client_left_and_the_answer_is_stored() {
    let (fast, calls) = (fresh(), Arc::<AtomicUsize>::default());
    let count = calls.clone();
    let service = CacheLayer::new().on(&fast).layer(service_fn(move |_: Request<Body>| {
        let count = count.clone();
        async move {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            count.fetch_add(1, SeqCst);
            Ok::<_, Infallible>(
                Response::builder().header("cache-control", "max-age=60").body(Body::from("late")).unwrap(),
            )
        }
    }));
    let mut asked = Box::pin(service.clone().oneshot(request(0)));
    std::future::poll_fn(|cx| Poll::Ready(asked.as_mut().poll(cx).is_pending())).await;
    drop(asked);
    until("the handler has answered", async || fast.stats().total.loads == 1).await;
    let answer = service.oneshot(request(0)).await.unwrap();
    assert!(answer.headers()["cache-status"].to_str().unwrap().starts_with("fastness; hit"));
    assert_eq!(calls.load(SeqCst), 1);
}
