//! A bound on how many requests are made in a time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::request::Parts;

use super::admission::Admission;
use super::gate::GateLayer;
use super::problem::Problem;
use crate::resilience::rate_limit::{KeyedRateLimit, Settings};

#[cfg(test)]
mod tests;

type Key = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;

/// Lets so many requests of each key through in a time, and answers others with 429 and a `Retry-After`, by a
/// [`KeyedRateLimit`].
///
/// Where addresses are the keys, [`peer_network`](super::peer_network) makes one key of a network of IPv6, whose user would otherwise
/// have a limit for each of 2^64 addresses.
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

/// The rule of a [`RateLimitLayer`].
#[derive(Clone)]
pub struct ByRate {
    limit: KeyedRateLimit,
    key: Key,
}

impl GateLayer<ByRate> {
    /// A layer with limits of its own. Requests of which `key` says `None` are not limited.
    pub fn new(
        name: &'static str,
        settings: Settings,
        key: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self::from_limit(KeyedRateLimit::new(name, settings), key)
    }

    /// A layer with these limits, which others may use too: such as one for
    /// [another number of keys](KeyedRateLimit::with_max_keys).
    pub fn from_limit(limit: KeyedRateLimit, key: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::from_admission(ByRate { limit, key: Arc::new(key) })
    }
}

impl Admission for ByRate {
    type Kept = ();

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
