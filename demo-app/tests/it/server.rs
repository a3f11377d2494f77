//! The server on a socket: it serves, it takes its cache from where it was started, and it stops when told to.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use demo_app::config::Config;
use demo_app::server::{Listeners, Stopped, run};
use fastness::Fastness;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<Stopped>>,
}

impl Server {
    /// Starts a server on a free port, with a cache of its own.
    pub(crate) async fn start(config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self::on(listener.into(), config)
    }

    /// The same, with a private listener besides, and its address.
    async fn with_private(config: Config) -> (Self, SocketAddr) {
        let listen = "127.0.0.1:0".parse().expect("an address");
        let config = Config { listen, admin_addr: Some(listen), ..config };
        let listeners = Listeners::bind(&config).await.expect("free ports");
        let private = listeners.private.as_ref().expect("asked for").local_addr().expect("bound");
        (Self::on(listeners, config), private)
    }

    fn on(listeners: Listeners, config: Config) -> Self {
        let address = listeners.public.local_addr().expect("bound");
        let (stop, stopped) = oneshot::channel::<()>();
        let cache = Fastness::builder().build().expect("the defaults make sense");
        let task = tokio::spawn(async move {
            let shutdown = async move { drop(stopped.await) };
            fastness::with_cache(&cache, run(listeners, shutdown, &config)).await
        });
        Self { address, stop, task }
    }

    pub(crate) async fn get(&self, path: &str) -> String {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")).await
    }

    async fn exchange(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut response = String::new();
        stream.read_to_string(&mut response).await.expect("it answers and closes");
        response
    }

    async fn stop(self) -> Stopped {
        self.stop.send(()).expect("it runs");
        self.task.await.expect("no panic").expect("no error")
    }
}

pub(crate) fn near() -> Config {
    Config { store_latency: Duration::ZERO, ..Config::default() }
}

#[tokio::test]
async fn the_second_read_is_a_hit_and_an_update_is_seen_at_once() {
    let server = Server::start(near()).await;
    let first = server.get("/api/users/1").await;
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n") && first.contains("x-cache: miss"), "{first}");
    let second = server.get("/api/users/1").await;
    assert!(second.contains("x-cache: hit") && second.contains("cache-status: fastness; hit"), "{second}");

    let body = r#"{"business":1,"name":"Countess Lovelace","email":"ada@example.com"}"#;
    let put = format!(
        "PUT /api/users/1 HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    assert!(server.exchange(&put).await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(server.get("/api/users/1").await.contains("Countess Lovelace"));
    assert_eq!(server.stop().await, Stopped::Drained);
}

#[tokio::test]
async fn two_servers_of_one_process_share_nothing() {
    let (one, two) = (Server::start(near()).await, Server::start(near()).await);
    assert!(one.get("/api/users/1").await.contains("x-cache: miss"));
    assert!(two.get("/api/users/1").await.contains("x-cache: miss"));
}

#[tokio::test]
async fn a_server_without_seed_starts_empty() {
    let server = Server::start(Config { seed: false, ..near() }).await;
    assert!(server.get("/api/users/1").await.starts_with("HTTP/1.1 404 Not Found\r\n"));
    assert!(server.get("/api/users").await.contains("\"total\":0"));
}

#[tokio::test]
async fn an_oversize_body_is_refused_on_the_wire_too() {
    let server = Server::start(Config { body_limit: 1 << 20, ..near() }).await;
    let post = "POST /api/users HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\
                content-type: application/json\r\ncontent-length: 2000000\r\n\r\n";
    let response = server.exchange(&format!("{post}{}", " ".repeat(1_048_577))).await;
    assert!(response.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{response}");
    assert!(response.contains("content-type: application/problem+json"), "{response}");
}

#[tokio::test]
async fn open_requests_are_answered_before_it_stops() {
    let server = Server::start(near()).await;
    let mut open = TcpStream::connect(server.address).await.expect("it listens");
    let head = "POST /api/users HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
                expect: 100-continue\r\ncontent-length: 2\r\n\r\n";
    open.write_all(head.as_bytes()).await.expect("it reads");
    // The server asks for the body: the request is in a handler's hands.
    let mut interim = [0; 25];
    open.read_exact(&mut interim).await.expect("it answers");
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");

    server.stop.send(()).expect("it runs");
    open.write_all(b"{}").await.expect("it still reads");
    let mut response = String::new();
    open.read_to_string(&mut response).await.expect("it answers and closes");
    assert!(response.starts_with("HTTP/1.1 422 "), "{response}");
    assert_eq!(server.task.await.expect("no panic").expect("no error"), Stopped::Drained);
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_hold_it_up() {
    let server = Server::start(Config { drain: Duration::from_millis(1), ..near() }).await;
    let mut open = TcpStream::connect(server.address).await.expect("it listens");
    let head = "POST /api/users HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
                expect: 100-continue\r\ncontent-length: 2\r\n\r\n";
    open.write_all(head.as_bytes()).await.expect("it reads");
    let mut interim = [0; 25];
    open.read_exact(&mut interim).await.expect("it answers");
    assert_eq!(server.stop().await, Stopped::TimedOut);
    // It would be open for another thirty seconds, if it were only forgotten.
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(10), open.read_to_end(&mut rest)).await;
    assert!(closed.is_ok() && rest.is_empty(), "{rest:?}");
}

/// Asks without a runtime: this thread does nothing else until the answer is there.
fn asked(address: SocketAddr, path: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("it answers and closes");
    response
}

/// The server's own runtime is this thread, which is busy.
#[tokio::test]
async fn the_private_listener_answers_while_nothing_else_can() {
    let (server, private) = Server::with_private(near()).await;
    assert!(server.get("/api/users/1").await.starts_with("HTTP/1.1 200 OK\r\n"), "it runs");
    for path in ["/health/live", "/health/ready", "/health", "/metrics", "/dashboard", "/api/cache/stats"] {
        let answer = asked(private, path);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {answer}");
    }
    assert!(
        server.get("/metrics").await.starts_with("HTTP/1.1 403 Forbidden\r\n"),
        "it stands on the private one alone"
    );
    assert!(server.get("/health/live").await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn the_private_listener_tells_health_until_the_open_requests_are_answered() {
    let (server, private) = Server::with_private(near()).await;
    let mut open = TcpStream::connect(server.address).await.expect("it listens");
    let head = "POST /api/users HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
                expect: 100-continue\r\ncontent-length: 2\r\n\r\n";
    open.write_all(head.as_bytes()).await.expect("it reads");
    let mut interim = [0; 25];
    open.read_exact(&mut interim).await.expect("it answers");

    server.stop.send(()).expect("it runs");
    // It closes its listener when it no longer waits for anything but the open request.
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(asked(private, "/health/live").starts_with("HTTP/1.1 200 OK\r\n"));
    let ready = asked(private, "/health/ready");
    assert!(ready.starts_with("HTTP/1.1 503 ") && ready.contains("about to stop"), "{ready}");
    open.write_all(b"{}").await.expect("it still reads");
    let mut response = String::new();
    open.read_to_string(&mut response).await.expect("it answers and closes");
    assert!(response.starts_with("HTTP/1.1 422 "), "{response}");
    assert_eq!(server.task.await.expect("no panic").expect("no error"), Stopped::Drained);
    assert!(std::net::TcpStream::connect(private).is_err(), "it is gone with the server");
}
