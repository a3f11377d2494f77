//! Says in a header whether a read came out of the cache, and runs each request with this server's cache.
//!
//! `x-cache: hit` means that every cached call behind the answer was a hit, `miss` that at least one had to load; answers
//! that asked no cache say nothing. Writes say nothing either: they go to the database in any case.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use fastness::{Fastness, Observed};

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

pub(super) async fn tell(State(cache): State<Fastness>, request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    // A connection is a task of its own, and a scope does not reach into tasks: it is entered here, for each request.
    let answer = fastness::scope(&cache, next.run(request));
    let (mut response, seen) = fastness::observe(answer).await;
    if let Some(verdict) = verdict(seen).filter(|_| is_read) {
        response.headers_mut().insert(X_CACHE, HeaderValue::from_static(verdict));
    }
    response
}

fn verdict(seen: Observed) -> Option<&'static str> {
    match (seen.hits, seen.misses) {
        (0, 0) => None,
        (_, 0) => Some("hit"),
        _ => Some("miss"),
    }
}
