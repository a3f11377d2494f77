//! Headers of a response that is made of cached answers: how old it is, and for how long it is fresh.

use std::time::Duration;

use http::header::{AGE, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue};

use super::cache::CACHE_STATUS;
use crate::stats::{AnswerSource, Provenance};

/// A year, which is as long as caches store anything.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The caches that may store a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Visibility {
    /// Any cache: the response is the same for all users.
    Public,
    /// The client's own cache only.
    Private,
}

/// Makes the headers `Cache-Control`, `Age` and `Cache-Status` (RFC 9211) of a response from the origin of its parts.
///
/// The response is as old as the oldest of the answers that it is made of, and fresh until the first of them expires; an answer that is
/// stale or not stored makes it `no-cache`, so that it is validated before each reuse. Without any answer there are no headers.
///
/// `Cache-Status` calls the cache `fastness-data`, beside the `fastness` of a [`CacheLayer`](super::CacheLayer) in front, which reads the
/// first two and stores the response for as long as they say.
///
/// ```
/// use fastness::http::{Visibility, provenance_headers};
/// use fastness::stats::provenance;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// #[fastness::cacheable(ttl = 60, jitter = 0.0)]
/// async fn page(id: u64) -> String { format!("page {id}") }
///
/// page(7).await;
/// let (_, origin) = provenance(page(7)).await;
/// let headers = provenance_headers(&origin, Visibility::Private);
/// assert!(headers["cache-control"].to_str().unwrap().starts_with("private, max-age="));
/// assert!(headers["cache-status"].to_str().unwrap().starts_with("fastness-data; hit; ttl="));
/// # }
/// ```
pub fn provenance_headers(provenance: &Provenance, visibility: Visibility) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(age) = provenance.age() else { return headers };
    let left = provenance.ttl_left().unwrap_or(LONGEST).as_secs();
    let audience = match visibility {
        Visibility::Public => "public",
        Visibility::Private => "private",
    };
    // A cache subtracts the age from `max-age`.
    let control = match left {
        0 => format!("{audience}, no-cache"),
        left => format!("{audience}, max-age={}", age.as_secs().saturating_add(left)),
    };
    for (name, text) in [(CACHE_CONTROL, control), (CACHE_STATUS, status(provenance, left))] {
        headers.insert(name, HeaderValue::from_str(&text).unwrap_or_else(|_| unreachable!("visible ASCII")));
    }
    headers.insert(AGE, HeaderValue::from(age.as_secs()));
    headers
}

/// The value of `Cache-Status`: a hit if the cache had all answers, otherwise the reason of the first that it had not.
fn status(provenance: &Provenance, left: u64) -> String {
    let answers = provenance.answers();
    if provenance.is_hit() {
        let is_shared = answers.iter().any(|answer| answer.source == AnswerSource::Shared);
        let detail = if is_shared { "shared" } else { "local" };
        return format!("fastness-data; hit; ttl={left}; detail={detail}");
    }
    match answers.iter().map(|answer| answer.source).find(|source| !source.is_hit()) {
        Some(AnswerSource::Bypass) => "fastness-data; fwd=bypass".to_owned(),
        Some(AnswerSource::Joined) => "fastness-data; fwd=uri-miss; collapsed".to_owned(),
        _ if left > 0 => format!("fastness-data; fwd=uri-miss; stored; ttl={left}"),
        _ => "fastness-data; fwd=uri-miss".to_owned(),
    }
}
