//! Connections: each has bounds on the heads of its requests, and on how long they take.
//!
//! What `axum::serve` cannot do: a client that sends a head byte by byte, or nothing, is gone after `header_timeout`, and one
//! that sends too many or too large headers is told 431. All connections are waited for in the end, as long as they may
//! take; those that take longer are dropped.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower_http::timeout::TimeoutBody;

use super::Stopped;
use crate::config::Config;

/// Connections at a time; others wait until they are accepted. Each takes some KiB and a file.
const CONNECTIONS: usize = 10_000;
/// Headers of a request, and the bytes of its whole head.
const HEADERS: (usize, usize) = (100, 32 << 10);
/// After an error that is the machine's, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until `stop` completes, and lets those that are open finish for [`Config::drain`].
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
    config: &Config,
) -> io::Result<Stopped> {
    let (graceful, places) = (GracefulShutdown::new(), Arc::new(Semaphore::new(CONNECTIONS)));
    let (mut stop, mut open) = (pin!(stop), JoinSet::new());
    loop {
        let (stream, peer, place) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accept(&listener, &places) => accepted?,
        };
        let router = router.clone();
        let time = config.request_timeout;
        let service = service_fn(move |request| answer(router.clone(), request, peer, time));
        let (headers, bytes) = HEADERS;
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(config.header_timeout)
            .max_headers(headers)
            .max_buf_size(bytes)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        while open.try_join_next().is_some() {}
        open.spawn(async move {
            // A client that went away, or broke the protocol: it was told if it could be.
            if let Err(error) = connection.await {
                tracing::debug!(%peer, %error, "a connection failed");
            }
            drop(place);
        });
    }
    drop(listener);
    tracing::info!("stopping: open requests have {:?} to finish", config.drain);
    match tokio::time::timeout(config.drain, graceful.shutdown()).await {
        Ok(()) => Ok(Stopped::Drained),
        Err(_) => Ok(Stopped::TimedOut),
    }
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are written whole, so there is nothing to gather.
                let _ = stream.set_nodelay(true);
                return Ok((stream, peer, place));
            }
            Err(error) => match error.kind() {
                // It went away before it was accepted.
                ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset => {}
                _ => {
                    tracing::warn!(%error, "no connection can be accepted for now");
                    #[expect(clippy::disallowed_methods, reason = "what is waited for is the machine")]
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
}

async fn answer(
    mut router: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
    time: Duration,
) -> Result<Response, Infallible> {
    // Whoever reads the body, be it a handler or a layer: a client that stops in the midst of it does not keep them.
    // Only where there is one: a body with a bound no longer says that it is empty, and the cache passes requests with a content by.
    let bounded =
        |body: Incoming| if body.is_end_stream() { Body::empty() } else { Body::new(TimeoutBody::new(time, body)) };
    let mut request = request.map(bounded);
    request.extensions_mut().insert(ConnectInfo(peer));
    tower_service::Service::call(&mut router, request).await
}
