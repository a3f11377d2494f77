//! A limit on the rate of requests, by key.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::request::Parts;

use super::admission::GateRule;
use super::gate::GateLayer;
use super::problem::Problem;
use super::types::RequestNameFn;
use crate::resilience::rate_limit::{KeyedRateLimit, Settings};

#[cfg(test)]
mod tests;

/// Limits the rate of requests of each key, and answers others with 429 and a `Retry-After`, by a [`KeyedRateLimit`].
///
/// If addresses are the keys, use [`peer_network`](super::peer_network): it makes one key of an IPv6 network, whose owner would otherwise
/// have a separate limit for each of 2^64 addresses.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
/// use axum::{Router, routing::get};
/// use fastness::http::RateLimitLayer;
/// use fastness::resilience::rate_limit::Settings;
///
/// let per_second = Settings::new(NonZeroU32::new(50).unwrap(), Duration::from_secs(1));
/// let limit = RateLimitLayer::new("api", per_second, |request| {
///     let key = request.headers.get("x-api-key")?;
///     Some(key.to_str().ok()?.to_owned())
/// });
/// let app: Router = Router::new().route("/", get(async || "hello")).layer(limit);
/// ```
pub type RateLimitLayer = GateLayer<ByRate>;

/// Rule of a [`RateLimitLayer`].
#[derive(Clone)]
pub struct ByRate {
    limit: KeyedRateLimit,
    key: RequestNameFn,
}

impl GateLayer<ByRate> {
    /// Creates a layer with new limits. Requests for which `key` returns `None` are not limited.
    pub fn new(
        name: &'static str,
        settings: Settings,
        key: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self::from_limit(KeyedRateLimit::new(name, settings), key)
    }

    /// Creates a layer with these limits, which other layers and functions may use too; for example with
    /// [another number of keys](KeyedRateLimit::with_max_keys).
    pub fn from_limit(limit: KeyedRateLimit, key: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::from_admission(ByRate { limit, key: Arc::new(key) })
    }
}

impl GateRule for ByRate {
    type Permit = ();

    const HOLDS: bool = false;

    fn admit(&self, request: &mut Parts) -> Result<(), Problem> {
        let checked = (self.key)(request).map_or(Ok(()), |key| self.limit.check(&key));
        checked.map_err(|rejected| {
            let after = rejected.retry_after().unwrap_or(Duration::from_secs(1));
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many requests: slow down").retry_after(after)
        })
    }
}

impl fmt::Debug for ByRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ByRate").field(&self.limit).finish()
    }
}
