//! The end of a serving process: under load, and when it is told twice.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use fastness_tests::servers::until;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::program::command;

pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: String,
}

impl Server {
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_logging_to(Stdio::piped(), variables).await
    }

    pub(crate) async fn start_logging_to(log: Stdio, variables: &[(&str, &str)]) -> Self {
        let variables = [&[("PORT", "0"), ("APP_ENV", "test")], variables].concat();
        let mut child = command(&[], &variables).stderr(log).spawn().expect("it starts");
        let out = child.stdout.take().expect("piped");
        let line = tokio::task::spawn_blocking(move || BufReader::new(out).lines().next()).await.expect("no panic");
        let line = line.expect("a greeting").expect("text");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split(' ').next()).expect("an address");
        Self { address: address.to_owned(), child }
    }

    pub(crate) fn signal(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it runs");
    }

    pub(crate) async fn ended(mut self) -> Option<i32> {
        let mut code = None;
        until("the server ends", async || {
            code = self.child.try_wait().expect("a child");
            code.is_some()
        })
        .await;
        code.expect("ended").code()
    }
}

/// Sends one request on a connection of its own; nothing if no connection is to be had.
pub(crate) async fn get(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer)
}

/// A client behind a load balancer: it sends requests as long as the server is in rotation.
async fn client(address: String, in_rotation: Arc<AtomicBool>, answered: Arc<AtomicU64>, number: u64) {
    let mut id = number;
    while in_rotation.load(Ordering::SeqCst) {
        id = id % 200 + 1;
        // Each is loaded from a store 40 ms away, so that some are always open.
        let answer = get(&address, &format!("/api/products?page={id}&limit={}", 1 + number)).await;
        let answer = answer.unwrap_or_default();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "a request was lost: {answer:?}");
        answered.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_when_it_is_told_to_stop_under_load() {
    let server = Server::start(&[("SHUTDOWN_DELAY", "8s"), ("STORE_LATENCY_MS", "40")]).await;
    let in_rotation = Arc::new(AtomicBool::new(true));
    let answered = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..16)
        .map(|number| tokio::spawn(client(server.address.clone(), in_rotation.clone(), answered.clone(), number)))
        .collect();
    until("it is under load", async || answered.load(Ordering::SeqCst) > 100).await;
    assert!(get(&server.address, "/health/ready").await.unwrap().starts_with("HTTP/1.1 200 "));

    server.signal();
    // What a load balancer does: it asks, and turns away.
    until("it is not ready any more", async || {
        get(&server.address, "/health/ready").await.is_some_and(|answer| answer.starts_with("HTTP/1.1 503 "))
    })
    .await;
    let at_signal = answered.load(Ordering::SeqCst);
    until("it still answers", async || answered.load(Ordering::SeqCst) > at_signal).await;
    assert!(get(&server.address, "/health/live").await.unwrap().starts_with("HTTP/1.1 200 "), "it is alive");
    in_rotation.store(false, Ordering::SeqCst);
    for client in clients {
        client.await.expect("no request is lost");
    }
    let address = server.address.clone();
    assert_eq!(server.ended().await, Some(0));
    assert!(get(&address, "/").await.is_none(), "the listener is closed");
}

/// A request whose body never comes.
async fn open_request(address: &str) -> TcpStream {
    let mut open = TcpStream::connect(address).await.expect("it listens");
    let head = "POST /api/users HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
                expect: 100-continue\r\ncontent-length: 2\r\n\r\n";
    open.write_all(head.as_bytes()).await.expect("it reads");
    let mut interim = [0; 25];
    open.read_exact(&mut interim).await.expect("it answers");
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    open
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let server = Server::start(&[("DRAIN_TIMEOUT", "10m")]).await;
    let mut open = open_request(&server.address).await;
    server.signal();
    until("it accepts no more", async || TcpStream::connect(&server.address).await.is_err()).await;
    server.signal();
    assert_eq!(server.ended().await, Some(130));
    let mut rest = Vec::new();
    assert!(matches!(open.read_to_end(&mut rest).await, Ok(0) | Err(_)), "the open request is dropped");
}

#[tokio::test]
async fn an_open_request_is_answered_after_the_signal() {
    let server = Server::start(&[]).await;
    let mut open = open_request(&server.address).await;
    server.signal();
    until("it accepts no more", async || TcpStream::connect(&server.address).await.is_err()).await;
    open.write_all(b"{}").await.expect("it still reads");
    let mut answer = String::new();
    open.read_to_string(&mut answer).await.expect("it answers and closes");
    assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
    assert_eq!(server.ended().await, Some(0));
}

#[tokio::test]
async fn a_request_that_never_ends_is_dropped_in_the_end() {
    let server = Server::start(&[("DRAIN_TIMEOUT", "10ms")]).await;
    let _open = open_request(&server.address).await;
    server.signal();
    assert_eq!(server.ended().await, Some(1), "and the exit code says so");
}

#[tokio::test]
async fn it_starts_without_the_servers_that_it_is_told_to_use() {
    // Port 1 has no listener.
    let absent =
        [("MONGODB_URI", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100"), ("REDIS_URL", "redis://127.0.0.1:1")];
    let server = Server::start(&absent).await;
    assert!(get(&server.address, "/health/live").await.unwrap().starts_with("HTTP/1.1 200 "));
    assert!(get(&server.address, "/health/ready").await.unwrap().starts_with("HTTP/1.1 503 "));
    server.signal();
    assert_eq!(server.ended().await, Some(0));
}
