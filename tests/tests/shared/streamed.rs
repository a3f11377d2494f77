//! Streamed HTTP responses on several nodes, and in several processes.

use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use fastness::Fastness;
use fastness::http::{CacheLayer, CacheTags};
use fastness_tests::names::{named, reached};
use fastness_tests::servers::{prefix, shared_redis, until};
use http_body::Frame;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
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

/// A process that serves `/thing`, and what must be seen there.
struct Process {
    child: Child,
    address: SocketAddr,
    client: Client<HttpConnector, Body>,
    /// The last version whose change this process has invalidated, or has heard of.
    settled: AtomicU64,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    fn start(url: &str, prefix: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_streaming_node"))
            .args([url, prefix])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a program");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { child, address: line.trim().parse().unwrap(), client, settled: AtomicU64::new(0) }
    }

    async fn ask(&self, method: &str, path: &str) -> Response<Body> {
        let uri = format!("http://{}{path}", self.address);
        let request = Request::builder().method(method).uri(uri).body(Body::empty()).unwrap();
        self.client.request(request).await.unwrap().map(Body::new)
    }

    async fn number(&self, method: &str, path: &str) -> u64 {
        text(self.ask(method, path).await.into_body()).await.parse().unwrap()
    }
}

/// Reads from both processes until the changes are over; every third time it leaves in the middle. Returns the number of reads.
async fn read(processes: Arc<[Process; 2]>, seed: u64, is_over: Arc<AtomicU64>) -> u64 {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut reads = 0;
    while is_over.load(SeqCst) == 0 {
        let process = &processes[chance.usize(0..2)];
        let settled = process.settled.load(SeqCst);
        let mut body = process.ask("GET", "/thing").await.into_body();
        let (mut text, leaves) = (String::new(), chance.u8(0..3) == 0);
        while let Some(frame) = body.frame().await {
            text += std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap();
            if leaves {
                break;
            }
        }
        let versions: Vec<u64> = text.split_terminator(',').map(|version| version.parse().unwrap()).collect();
        assert!(leaves || versions.len() == 3, "{text} is not whole");
        assert!(versions.iter().all(|version| *version == versions[0]), "{text} is of several responses");
        assert!(versions[0] >= settled, "{text} after {settled} was invalidated");
        reads += 1;
    }
    reads
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_process_serves_a_streamed_response_that_a_change_has_made_stale() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let processes = Arc::new([Process::start(&redis.url(), &prefix), Process::start(&redis.url(), &prefix)]);
    processes[0].ask("POST", "/change/0").await;
    let is_over = Arc::<AtomicU64>::default();
    let readers: Vec<_> = (0..6).map(|seed| tokio::spawn(read(processes.clone(), seed, is_over.clone()))).collect();
    for mark in 1..200 {
        let (here, there) = if mark % 2 == 0 { (0, 1) } else { (1, 0) };
        let (here, there) = (&processes[here], &processes[there]);
        there.ask("POST", &format!("/mark/{mark}")).await;
        let version = here.number("POST", &format!("/change/{mark}")).await;
        here.settled.store(version, SeqCst);
        let path = format!("/mark/{mark}");
        until("it is heard of", async || there.ask("GET", &path).await.status() == 404).await;
        there.settled.store(version, SeqCst);
    }
    is_over.store(1, SeqCst);
    let mut reads = 0;
    for reader in readers {
        reads += reader.await.unwrap();
    }
    let loads = processes[0].number("GET", "/loads").await + processes[1].number("GET", "/loads").await;
    assert!(loads < reads, "{loads} loads for {reads} reads: none was shared");
}
