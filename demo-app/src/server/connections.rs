//! Connections: each has bounds on the heads of its requests, on how long they take, and on how long its answers may lie unread;
//! and of all together there are only so many.
//!
//! What `axum::serve` cannot do: a client that sends a head byte by byte, or nothing, is gone after `header_timeout`; one that
//! sends too many or too large headers is told 431; one that does not read its answer is cut off after `write_timeout`. All
//! connections are waited for in the end, as long as they may take; those that take longer are dropped.
//!
//! Where all places are taken, or all of a peer, a connection gets a brief one: it may ask for `/health`, anything else is answered
//! with 503, and it is closed after one answer or [`BRIEF_TIME`]. Where there are too many of those, too, it is closed at once.

use std::convert::Infallible;
use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use axum::response::Response;
use fastness::http::Problem;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_io_timeout::TimeoutStream;
use tower_http::timeout::TimeoutBody;

use super::seldom::Seldom;
use super::stopped::Stopped;
use crate::config::Config;
use crate::peers::{Bounds, Full, Peers};

/// Headers of a request, and the bytes of its whole head.
const HEADERS: (usize, usize) = (100, 32 << 10);
/// Connections beyond the bounds that are answered at a time, so that no peer takes all of these places, too.
const BRIEF: Bounds = Bounds { all: 64, per_peer: 8 };
/// The longest time of each of them.
const BRIEF_TIME: Duration = Duration::from_secs(2);
/// The pause after an error that is the machine's, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until `stop` completes, as many as `peers` allows, and lets those that are open finish for
/// [`Config::drain`].
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    peers: &Peers,
    stop: impl Future<Output = ()>,
    config: &Config,
) -> io::Result<Stopped> {
    let (graceful, brief) = (GracefulShutdown::new(), Peers::new(BRIEF));
    let (mut stop, mut open) = (pin!(stop), JoinSet::new());
    let (mut failures, mut refusals) = (Seldom::default(), Seldom::default());
    let time = config.request_timeout;
    let http = protocol(config.header_timeout);
    let mut short = protocol(config.header_timeout.min(BRIEF_TIME));
    short.keep_alive(false);
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accept(&listener, peers, &mut failures) => accepted,
        };
        while open.try_join_next().is_some() {}
        let io = io(stream, config.write_timeout);
        let router = router.clone();
        match peers.enter(peer.ip()) {
            Ok(place) => {
                let service = service_fn(move |request| answer(router.clone(), request, peer, time));
                let connection = graceful.watch(http.serve_connection(io, service));
                let peers = peers.clone();
                open.spawn(async move {
                    if let Err(error) = connection.await {
                        ended(&error, peer, &peers);
                    }
                    drop(place);
                });
            }
            Err(full) => {
                if let Some(left_out) = refusals.note(Instant::now()) {
                    tracing::warn!(%peer, ?full, left_out, "a connection is refused: all places are taken");
                }
                // Without a place among the brief ones it is closed, by being dropped.
                let Ok(place) = brief.enter(peer.ip()) else { continue };
                let service = service_fn(move |request| answer_briefly(router.clone(), request, peer, time, full));
                let connection = graceful.watch(short.serve_connection(io, service));
                open.spawn(async move {
                    let _ = timeout(BRIEF_TIME, connection).await;
                    drop(place);
                });
            }
        }
    }
    drop(listener);
    tracing::info!("stopping: open requests have {:?} to finish", config.drain);
    match timeout(config.drain, graceful.shutdown()).await {
        Ok(()) => Ok(Stopped::Drained),
        Err(_) => Ok(Stopped::TimedOut),
    }
}

fn protocol(header_timeout: Duration) -> http1::Builder {
    let ((headers, bytes), mut http) = (HEADERS, http1::Builder::new());
    http.timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_headers(headers)
        .max_header_size(bytes)
        .max_buf_size(bytes);
    http
}

type Io = TokioIo<Pin<Box<TimeoutStream<TcpStream>>>>;

/// A connection on which nothing waits longer than `write_timeout` for the client to make room by reading: no write of ours, and
/// nothing that the system has taken from us. The system asks for the next write when a third of its buffer is free, so a byte
/// now and then does not count as reading.
fn io(stream: TcpStream, write_timeout: Duration) -> Io {
    // Answers are written whole, so there is nothing to gather.
    let _ = stream.set_nodelay(true);
    bound_unread(&stream, write_timeout);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(write_timeout));
    TokioIo::new(Box::pin(stream))
}

/// Bounds how long the system keeps bytes that the client makes no room for. Answers may fit into the system's buffers whole, and
/// then no write of ours waits; without a bound they stay there, some MiB a connection, for as long as the client keeps it open.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn bound_unread(stream: &TcpStream, timeout: Duration) {
    let millis = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
    // Where that is refused, the bound on our own writes remains.
    let _ = rustix::net::sockopt::set_tcp_user_timeout(stream, millis);
}

/// Does nothing: other systems have no such bound, and end the connection by their own.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn bound_unread(_stream: &TcpStream, _timeout: Duration) {}

/// The next connection.
async fn accept(listener: &TcpListener, peers: &Peers, failures: &mut Seldom) -> (TcpStream, SocketAddr) {
    loop {
        let error = match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => error,
        };
        peers.count_failed_accept();
        if let Some(left_out) = failures.note(Instant::now()) {
            tracing::warn!(%error, left_out, "a connection cannot be accepted");
        }
        match error.kind() {
            // It went away before it was accepted.
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset => {}
            _ => {
                #[expect(clippy::disallowed_methods, reason = "what is waited for is the machine")]
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// A client went away, did not read, or broke the protocol: it was told if it could be.
fn ended(error: &hyper::Error, peer: SocketAddr, peers: &Peers) {
    let unread = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    if unread.is_some_and(|error| error.kind() == ErrorKind::TimedOut) {
        peers.count_unread();
    }
    tracing::debug!(%peer, %error, "a connection failed");
}

async fn answer(
    mut router: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
    time: Duration,
) -> Result<Response, Infallible> {
    // The reader of the body, be it a handler or a layer, is not kept by a client that stops in the midst of it.
    // Only where there is one: a body with a bound no longer says that it is empty, and the cache passes requests with a content by.
    let bounded =
        |body: Incoming| if body.is_end_stream() { Body::empty() } else { Body::new(TimeoutBody::new(time, body)) };
    let mut request = request.map(bounded);
    request.extensions_mut().insert(ConnectInfo(peer));
    tower_service::Service::call(&mut router, request).await
}

/// The answer on a connection beyond the bounds: health, or when to come back.
async fn answer_briefly(
    router: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
    time: Duration,
    full: Full,
) -> Result<Response, Infallible> {
    if request.uri().path().split('/').nth(1) == Some("health") {
        return answer(router, request, peer, time).await;
    }
    let detail = match full {
        Full::All => "all connections of the server are taken",
        Full::Peer => "your address has as many connections as it may have: use them again, or close some",
    };
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(BRIEF_TIME);
    Ok(problem.into_response::<Body>().map(Body::new))
}
