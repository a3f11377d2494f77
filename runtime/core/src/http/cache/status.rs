//! `Cache-Status` (RFC 9211): reports in the response how the cache handled the request.

use std::io::Write as _;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

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

/// Reason why a response is not stored, for the parameter `detail` (RFC 9211 section 2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unstored {
    /// Status of a part of another response, or an unknown status of a response with `must-understand`.
    Status,
    NoStore,
    Private,
    /// `no-cache` without a validator.
    NoCache,
    SetCookie,
    /// `Vary: *`.
    VariesByAnything,
    Trailers,
    /// Body without an end, such as a stream of events.
    Streaming,
    /// Content coding that the variants of its `Vary` do not distinguish.
    Coding,
    /// Request with credentials, and a response that is not marked as public.
    Credentials,
    /// No freshness lifetime.
    NoFreshness,
    /// Stale on arrival, without a validator.
    Stale,
    /// Response to a `HEAD`.
    Head,
    /// Confirmation of a copy that only its client has.
    NotModified,
    /// Confirmation with another tag than that of the stored response.
    OtherTag,
    /// Body larger than the largest that is stored.
    TooLarge,
    /// Body that broke off.
    Broken,
    /// Body that is still coming: the response is stored when it has ended well.
    Incomplete,
    /// Values of the fields in its `Vary` that are too long.
    Variant,
    /// Shortage of memory.
    Memory,
    /// Invalidation during its load of something that it was made of.
    Invalidated,
}

impl Unstored {
    fn text(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::NoCache => "no-cache",
            Self::SetCookie => "set-cookie",
            Self::VariesByAnything => "vary",
            Self::Trailers => "trailers",
            Self::Streaming => "streaming",
            Self::Coding => "coding",
            Self::Credentials => "credentials",
            Self::NoFreshness => "no-freshness",
            Self::Stale => "stale",
            Self::Head => "head",
            Self::NotModified => "not-modified",
            Self::OtherTag => "other-tag",
            Self::TooLarge => "too-large",
            Self::Broken => "broken",
            Self::Incomplete => "incomplete",
            Self::Variant => "variant",
            Self::Memory => "memory",
            Self::Invalidated => "invalidated",
        }
    }
}

/// Outcome of a request at the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CacheStatus {
    /// Served a stored response, which becomes stale in `ttl` seconds; negative if it is stale.
    Hit { ttl: i64 },
    /// Forwarded to the handler, past the cache.
    Passed(Forwarded),
    /// Forwarded to the handler, whose response was stored.
    Stored(Forwarded),
    /// Forwarded to the handler, whose response was not stored.
    Unstored { why: Forwarded, reason: Unstored },
    /// Validated the stored response with the handler.
    Revalidated { why: Forwarded, unstored: Option<Unstored> },
    /// Served the response to an identical request in flight.
    Collapsed(Forwarded),
    /// Failed, because nothing is stored and the client asked for `only-if-cached`.
    OnlyIfCached,
}

impl CacheStatus {
    pub(super) fn value(self) -> HeaderValue {
        match self {
            Self::Passed(why) => HeaderValue::from_static(why.text()),
            Self::OnlyIfCached => HeaderValue::from_static("fastness; fwd=request; detail=only-if-cached"),
            Self::Hit { ttl } => hit(ttl),
            Self::Stored(why) => joined(&[why.text(), "; stored"]),
            Self::Unstored { why, reason } => joined(&[why.text(), "; detail=", reason.text()]),
            Self::Revalidated { why, unstored } => {
                let [begin, end] = unstored.map_or(["; stored", ""], |reason| ["; detail=", reason.text()]);
                joined(&[why.text(), "; fwd-status=304", begin, end])
            }
            Self::Collapsed(why) => joined(&[why.text(), "; collapsed"]),
        }
    }

    /// Appends the field, after those of caches nearer to the handler.
    pub(super) fn append_to(self, headers: &mut HeaderMap) {
        headers.append(CACHE_STATUS, self.value());
    }
}

fn joined(parts: &[&str]) -> HeaderValue {
    HeaderValue::from_str(&parts.concat()).unwrap_or_else(|_| unreachable!("visible ASCII"))
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
            (CacheStatus::Passed(Forwarded::Bypass), "fastness; fwd=bypass"),
            (CacheStatus::Passed(Forwarded::Method), "fastness; fwd=method"),
            (CacheStatus::Passed(Forwarded::Request), "fastness; fwd=request"),
            (CacheStatus::Stored(Forwarded::Miss), "fastness; fwd=uri-miss; stored"),
            (CacheStatus::Stored(Forwarded::VaryMiss), "fastness; fwd=vary-miss; stored"),
            (CacheStatus::Unstored { why, reason: Unstored::SetCookie }, "fastness; fwd=stale; detail=set-cookie"),
            (CacheStatus::Revalidated { why, unstored: None }, "fastness; fwd=stale; fwd-status=304; stored"),
            (
                CacheStatus::Revalidated { why, unstored: Some(Unstored::OtherTag) },
                "fastness; fwd=stale; fwd-status=304; detail=other-tag",
            ),
            (CacheStatus::Collapsed(Forwarded::Miss), "fastness; fwd=uri-miss; collapsed"),
            (CacheStatus::OnlyIfCached, "fastness; fwd=request; detail=only-if-cached"),
        ] {
            assert_eq!(status.value(), text);
        }
    }
}
