//! A process that serves a response of several frames behind the HTTP cache: `tests/shared/streamed.rs` starts two, and races their loads
//! against changes. `streaming_node REDIS_URL PREFIX` prints the address at which it listens.

#![expect(clippy::disallowed_methods, reason = "frames that come at random times")]

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use fastness::http::{CacheLayer, CacheTags};
use fastness::{Fastness, Redis};
use fastness_tests::names::{named, reached};
use fastness_tests::sent_body::{SentBody, send};
use fastness_tests::servers::{PATIENCE, until};
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use tokio::net::TcpListener;

const FRAMES: usize = 3;

#[derive(Clone)]
struct Node {
    fast: Fastness,
    origin: MultiplexedConnection,
    /// Key of the version in Redis: the truth that responses show.
    version: String,
}

async fn dawdle() {
    tokio::time::sleep(Duration::from_micros(fastrand::u64(..2_000))).await;
}

/// Responds with the version that the response began with, once in each frame.
async fn thing(State(mut node): State<Node>) -> Response<Body> {
    dawdle().await;
    let version: u64 = node.origin.get(&node.version).await.expect("the version");
    let (frames, body) = SentBody::new();
    tokio::spawn(async move {
        for _ in 0..FRAMES {
            dawdle().await;
            if !send(&frames, format!("{version},")) {
                return;
            }
        }
    });
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert("cache-control", "max-age=60".parse().expect("a value"));
    response.extensions_mut().insert(CacheTags::new(["thing:1"]));
    response
}

/// Raises the version, invalidates the responses, and then the mark.
async fn change(State(mut node): State<Node>, Path(mark): Path<u64>) -> String {
    let version: u64 = node.origin.incr(&node.version, 1).await.expect("the version");
    dawdle().await;
    node.fast.cache().invalidate(reached("thing:1")).await;
    node.fast.cache().invalidate(named(mark_name(mark))).await;
    version.to_string()
}

fn mark_name(mark: u64) -> String {
    format!("mark:{mark}")
}

async fn set_mark(State(node): State<Node>, Path(mark): Path<u64>) {
    node.fast.cache().set(&named(mark_name(mark)), mark, Duration::from_secs(60)).await;
}

/// Responds 404 once this process has heard that the mark was invalidated, and so of all invalidations before it.
async fn has_mark(State(node): State<Node>, Path(mark): Path<u64>) -> StatusCode {
    let has = node.fast.cache().get::<u64>(&named(mark_name(mark))).await.is_some();
    if has { StatusCode::OK } else { StatusCode::NOT_FOUND }
}

#[tokio::main]
async fn main() {
    let [url, prefix] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().expect("usage: streaming_node REDIS_URL PREFIX");
    let redis = Redis::single(&url).expect("an address").prefix(&prefix).command_timeout(PATIENCE);
    let fast = Fastness::builder().redis(redis).build().expect("a handle");
    until("the node is connected", async || fast.shared().is_some_and(|shared| shared.connected)).await;
    let client = redis::Client::open(url).expect("an address");
    let origin = client.get_multiplexed_async_connection().await.expect("a connection");
    let node = Node { fast: fast.clone(), origin, version: format!("{prefix}version") };
    let app = Router::new()
        .route("/thing", get(thing).layer(CacheLayer::new().on(&fast)))
        .route("/change/{mark}", post(change))
        .route("/mark/{mark}", post(set_mark).get(has_mark))
        .route("/loads", get(async move || fast.stats().total.loads.to_string()))
        .with_state(node);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("{}", listener.local_addr().expect("an address"));
    axum::serve(listener, app).await.expect("it serves");
}
