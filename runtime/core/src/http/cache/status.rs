//! `Cache-Status` (RFC 9211): what the cache did with a request, for whoever looks at the response.

use std::io::Write as _;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, StatusCode};

pub(super) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Why a request went on to the handler (RFC 9211 section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forwarded {
    /// The cache is not meant for it.
    Bypass,
    /// Its method is not cached.
    Method,
    /// Nothing was stored under its address.
    Miss,
    /// Something was, for other values of what it varies by.
    VaryMiss,
    /// What was stored is stale.
    Stale,
    /// The client did not want what was stored.
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

/// What the cache did with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Answered what was stored, which is fresh for so many seconds more; less than none if it is stale.
    Hit { ttl: i64 },
    /// The handler answered.
    Forwarded { why: Forwarded, stored: bool },
    /// The handler answered, and memory is too short to store it.
    Unstored(Forwarded),
    /// The handler said that what is stored still holds.
    Revalidated { why: Forwarded, stored: bool },
    /// Another request's handler answered.
    Collapsed(Forwarded),
    /// Nothing was stored, and nothing else was wanted.
    OnlyIfCached,
}

impl Status {
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

    /// Adds it behind what caches nearer to the handler said.
    pub(super) fn say(self, headers: &mut HeaderMap) {
        headers.append(CACHE_STATUS, self.value());
    }
}

/// The one that is said most, without a `String`.
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
    fn rfc9211_2_parameters() {
        let why = Forwarded::Stale;
        for (status, text) in [
            (Status::Hit { ttl: 7 }, "fastness; hit; ttl=7"),
            (Status::Hit { ttl: -3 }, "fastness; hit; ttl=-3"),
            (Status::Forwarded { why: Forwarded::Bypass, stored: false }, "fastness; fwd=bypass"),
            (Status::Forwarded { why: Forwarded::Method, stored: false }, "fastness; fwd=method"),
            (Status::Forwarded { why: Forwarded::Miss, stored: true }, "fastness; fwd=uri-miss; stored"),
            (Status::Forwarded { why: Forwarded::VaryMiss, stored: true }, "fastness; fwd=vary-miss; stored"),
            (Status::Forwarded { why: Forwarded::Request, stored: false }, "fastness; fwd=request"),
            (Status::Revalidated { why, stored: true }, "fastness; fwd=stale; fwd-status=304; stored"),
            (Status::Unstored(Forwarded::Miss), "fastness; fwd=uri-miss; detail=memory"),
            (Status::Collapsed(Forwarded::Miss), "fastness; fwd=uri-miss; collapsed"),
            (Status::OnlyIfCached, "fastness; fwd=request; detail=only-if-cached"),
        ] {
            assert_eq!(status.value(), text);
        }
    }
}
