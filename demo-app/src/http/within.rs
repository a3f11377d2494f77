//! What holds around every handler: this server's cache, a bound on time, and a word on who may keep the answer.
//!
//! `x-cache: hit` means that nothing was loaded for this answer: either the response itself was kept, which `cache-status`
//! tells too, or every cached call behind it was a hit. `miss` means that at least one had to load; answers that asked no
//! cache say nothing, and neither do writes, which go to the database in any case.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fastness::{Fastness, Observed};

use super::problem::Problem;

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// What handlers run within.
#[derive(Clone, Debug)]
pub(super) struct Within {
    pub(super) cache: Fastness,
    /// How long a request may take, from when its head is here until the head of the answer is.
    pub(super) time: Duration,
    /// The largest body, in bytes.
    pub(super) body: usize,
}

/// What a handler that reads a body has to know: an extension of every request.
#[derive(Clone, Debug)]
pub(super) struct BodyLimit {
    /// In bytes.
    pub(super) bytes: usize,
    /// Whether the body is still being read, so that waiting for it is the client's fault.
    pub(super) reading: Arc<AtomicBool>,
}

pub(super) async fn run(State(within): State<Within>, mut request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let reading = Arc::new(AtomicBool::new(false));
    request.extensions_mut().insert(BodyLimit { bytes: within.body, reading: reading.clone() });

    // A connection is a task of its own, and a scope does not reach into tasks: it is entered here, for each request.
    let answer = tokio::time::timeout(within.time, fastness::scope(&within.cache, next.run(request)));
    let (answer, seen) = fastness::observe(answer).await;
    let mut answer = answer.unwrap_or_else(|_| too_slow(within.time, reading.load(Ordering::Relaxed)));
    let headers = answer.headers_mut();
    if let Some(verdict) = verdict(seen).filter(|_| is_read) {
        headers.insert(X_CACHE, HeaderValue::from_static(verdict));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    answer
}

/// The client's fault if its body did not come, the server's if it did.
fn too_slow(time: Duration, reading: bool) -> Response {
    if reading {
        let detail = format!("the body did not come within {time:?}");
        return Problem::new(StatusCode::REQUEST_TIMEOUT, detail).into_response();
    }
    Problem::new(StatusCode::GATEWAY_TIMEOUT, format!("this took longer than {time:?}; try again")).into_response()
}

fn verdict(seen: Observed) -> Option<&'static str> {
    match (seen.hits, seen.misses) {
        (0, 0) => None,
        (_, 0) => Some("hit"),
        _ => Some("miss"),
    }
}

/// What was said when the response was made says nothing of a response that was kept.
pub(super) async fn tell_hits(mut response: Response) -> Response {
    let hit = |status: &HeaderValue| status.as_bytes().starts_with(b"fastness; hit");
    if response.headers().get_all(CACHE_STATUS).iter().any(hit) {
        response.headers_mut().insert(X_CACHE, HeaderValue::from_static("hit"));
    }
    response
}
