//! Middleware around every handler: it enters this server's cache, bounds the time, and marks the answer with `x-cache` and `cache-control`.
//!
//! `x-cache: hit` means that nothing was loaded for this answer: either the response itself was kept, which `cache-status`
//! says too, or every cached call behind it was a hit. `miss` means that at least one had to load; answers that asked no
//! cache say nothing, and neither do writes, which go to the database in any case.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fastness::Fastness;
use fastness::stats::Observed;

use super::problem::Problem;

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Context of every request: the cache that its handler uses, and a time limit.
#[derive(Clone, Debug)]
pub(super) struct RequestContext {
    pub(super) cache: Fastness,
    /// The longest time of a request, from its arrival with its body until the head of the answer.
    pub(super) time: Duration,
}

pub(super) async fn run(State(context): State<RequestContext>, request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);

    // A connection is a task of its own, and a scope does not reach into tasks: it is entered here, for each request.
    let answer = tokio::time::timeout(context.time, fastness::with_cache(&context.cache, next.run(request)));
    let (answer, seen) = fastness::stats::observe(answer).await;
    let mut answer = answer.unwrap_or_else(|_| too_slow(context.time));
    let headers = answer.headers_mut();
    if let Some(verdict) = verdict(seen).filter(|_| is_read) {
        headers.insert(X_CACHE, HeaderValue::from_static(verdict));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    answer
}

fn too_slow(time: Duration) -> Response {
    Problem::new(StatusCode::GATEWAY_TIMEOUT, format!("this took longer than {time:?}; try again")).into_response()
}

fn verdict(seen: Observed) -> Option<&'static str> {
    // What waited for another's load is no hit.
    match (seen.hits, seen.misses + seen.coalesced) {
        (0, 0) => None,
        (_, 0) => Some("hit"),
        _ => Some("miss"),
    }
}

/// Marks hits: the headers of a stored response describe the request that stored it.
pub(super) async fn mark_hits(mut response: Response) -> Response {
    let hit = |status: &HeaderValue| status.as_bytes().starts_with(b"fastness; hit");
    if response.headers().get_all(CACHE_STATUS).iter().any(hit) {
        response.headers_mut().insert(X_CACHE, HeaderValue::from_static("hit"));
    }
    response
}
