//! `Cache-Status` (RFC 9211): reports in the response how the cache handled the request.

use std::io::Write as _;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, StatusCode};

pub(in crate::http) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Reason why a request was forwarded to the handler (RFC 9211 section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forwarded {
    /// The cache does not handle such requests.
    Bypass,
    /// Requests of its method are not cached.
    Method,
    /// No response was stored for its URI.
    Miss,
    /// Responses were stored for its URI, but none for its values of the fields in `Vary`.
    VaryMiss,
    /// The stored response is stale.
    Stale,
    /// The client's `Cache-Control` does not accept the stored response.
    Request,
}

impl Forwarded {
    fn text(self) -> &'static str {
        match self {
            Self::Bypass => "fastness; fwd=bypass",
            Self::Method => "fastness; fwd=method",
            Self::Miss => "fastness; fwd=uri-miss",
            Self::VaryMiss => "fastness; fwd=vary-miss",
            Self::Stale => "fastness; fwd=stale",
            Self::Request => "fastness; fwd=request",
        }
    }
}

/// Outcome of a request at the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CacheStatus {
    /// Served a stored response, which becomes stale in `ttl` seconds; negative if it is stale.
    Hit { ttl: i64 },
    /// Forwarded to the handler.
    Forwarded { why: Forwarded, stored: bool },
    /// Forwarded to the handler, whose response was not stored because memory is short.
    Unstored(Forwarded),
    /// Validated the stored response with the handler.
    Revalidated { why: Forwarded, stored: bool },
    /// Served the response to an identical request in flight.
    Collapsed(Forwarded),
    /// Failed, because nothing is stored and the client asked for `only-if-cached`.
    OnlyIfCached,
}

impl CacheStatus {
    pub(super) fn value(self) -> HeaderValue {
        match self {
            Self::Forwarded { why, stored: false } => HeaderValue::from_static(why.text()),
            Self::OnlyIfCached => HeaderValue::from_static("fastness; fwd=request; detail=only-if-cached"),
            Self::Hit { ttl } => hit(ttl),
            _ => {
                let text = match self {
                    Self::Forwarded { why, .. } => format!("{}; stored", why.text()),
                    Self::Unstored(why) => format!("{}; detail=memory", why.text()),
                    Self::Revalidated { why, stored } => {
                        let (code, end) = (StatusCode::NOT_MODIFIED.as_u16(), if stored { "; stored" } else { "" });
                        format!("{}; fwd-status={code}{end}", why.text())
                    }
                    Self::Collapsed(why) => format!("{}; collapsed", why.text()),
                    Self::Hit { .. } | Self::OnlyIfCached => String::new(),
                };
                HeaderValue::from_str(&text).unwrap_or_else(|_| unreachable!("visible ASCII"))
            }
        }
    }

    /// Appends the field, after those of caches nearer to the handler.
    pub(super) fn append_to(self, headers: &mut HeaderMap) {
        headers.append(CACHE_STATUS, self.value());
    }
}

/// Formats the most frequent value without a `String`.
fn hit(ttl: i64) -> HeaderValue {
    let mut text = [0; 48];
    let mut rest = &mut text[..];
    let written = write!(rest, "fastness; hit; ttl={ttl}");
    debug_assert!(written.is_ok(), "it has at most 20 digits");
    let used = 48 - rest.len();
    HeaderValue::from_bytes(&text[..used]).unwrap_or_else(|_| unreachable!("visible ASCII"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9211_2_parameters_are_written() {
        let why = Forwarded::Stale;
        for (status, text) in [
            (CacheStatus::Hit { ttl: 7 }, "fastness; hit; ttl=7"),
            (CacheStatus::Hit { ttl: -3 }, "fastness; hit; ttl=-3"),
            (CacheStatus::Forwarded { why: Forwarded::Bypass, stored: false }, "fastness; fwd=bypass"),
            (CacheStatus::Forwarded { why: Forwarded::Method, stored: false }, "fastness; fwd=method"),
            (CacheStatus::Forwarded { why: Forwarded::Miss, stored: true }, "fastness; fwd=uri-miss; stored"),
            (CacheStatus::Forwarded { why: Forwarded::VaryMiss, stored: true }, "fastness; fwd=vary-miss; stored"),
            (CacheStatus::Forwarded { why: Forwarded::Request, stored: false }, "fastness; fwd=request"),
            (CacheStatus::Revalidated { why, stored: true }, "fastness; fwd=stale; fwd-status=304; stored"),
            (CacheStatus::Unstored(Forwarded::Miss), "fastness; fwd=uri-miss; detail=memory"),
            (CacheStatus::Collapsed(Forwarded::Miss), "fastness; fwd=uri-miss; collapsed"),
            (CacheStatus::OnlyIfCached, "fastness; fwd=request; detail=only-if-cached"),
        ] {
            assert_eq!(status.value(), text);
        }
    }
}
