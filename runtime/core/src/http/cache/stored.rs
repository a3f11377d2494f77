//! Entries of the store, and the responses that are served from them.

use std::sync::atomic::Ordering::{AcqRel, Acquire};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AGE, CONTENT_LENGTH, CONTENT_RANGE, HeaderName};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use scc::{AtomicShared, Guard, Shared, Tag};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::conditional::{Conditions, has_validator, not_modified_head};
use super::freshness::{Freshness, Grace};
use super::range::Selected;
use super::status::{CACHE_STATUS, CacheStatus};
use super::tags::CacheTags;
use crate::clock::nanos;
use crate::http::Body;
use crate::http::hop_by_hop::remove_hop_by_hop;
use crate::key::scopes::hashes_of_key_and_tag;
use crate::sync::Mutex;

/// Value of a key.
// The larger variant is the usual one.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Packed", into = "Packed")]
pub(super) enum Stored {
    Response(StoredResponse),
    /// Names of the fields in `Vary`: each variant has a separate key.
    Varies(Vec<String>),
}

/// A complete response.
#[derive(Clone, Debug)]
pub(super) struct StoredResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) lifetime: Duration,
    pub(super) grace: Grace,
    /// Names of the fields in `Vary`.
    pub(super) varies: Vec<String>,
    /// Values of these fields in its request.
    pub(super) variant: String,
    /// Tags of the handler and of the request.
    pub(super) tags: Vec<String>,
}

/// Shortest time after expiry for which a response is kept that can be validated, or that a client may accept stale.
const MIN_KEPT_STALE: Duration = Duration::from_secs(60);

/// Time for which a response is kept that each request has validated.
const KEPT_FOR_VALIDATION: Duration = Duration::from_secs(600);

impl StoredResponse {
    /// Returns the time after its expiry for which it is usable: to be served stale, or to be validated.
    pub(super) fn usable_after_expiry(&self) -> Duration {
        let can_be_validated = self.status == StatusCode::OK && has_validator(&self.headers);
        // The bound of a `max-stale` is not known before a request has one.
        let usable = can_be_validated || self.grace.on_request;
        let least = if self.lifetime.is_zero() { KEPT_FOR_VALIDATION } else { MIN_KEPT_STALE };
        let within = if usable { self.lifetime.max(least) } else { Duration::ZERO };
        self.grace.longest().max(within)
    }
}

impl Stored {
    pub(super) fn tags(&self) -> &[String] {
        match self {
            Self::Response(recorded) => &recorded.tags,
            Self::Varies(_) => &[],
        }
    }

    /// Returns the scopes of its tags.
    pub(super) fn scopes(&self) -> Vec<u64> {
        self.tags().iter().flat_map(|tag| hashes_of_key_and_tag(tag)).collect()
    }

    pub(super) fn grace(&self) -> Grace {
        match self {
            Self::Response(recorded) => recorded.grace,
            Self::Varies(_) => Grace::default(),
        }
    }

    /// Returns the time after its expiry for which it is usable.
    pub(super) fn usable_after_expiry(&self) -> Duration {
        match self {
            Self::Response(recorded) => recorded.usable_after_expiry(),
            Self::Varies(_) => Duration::ZERO,
        }
    }

    fn lifetime(&self) -> Duration {
        match self {
            Self::Response(recorded) => recorded.lifetime,
            Self::Varies(_) => Duration::MAX,
        }
    }

    /// Returns the latest time at which it can expire if it was stored before now.
    pub(super) fn latest_expiry(&self, now: u64) -> u64 {
        now.saturating_add(nanos(self.lifetime()))
    }
}

/// Entry of the local tier.
#[derive(Debug)]
pub(super) struct ResponseEntry {
    pub(super) stored: Stored,
    /// End of its freshness, in nanoseconds of the clock.
    pub(super) expires: u64,
    /// Head of the last hit, reused by hits within the same second.
    hit_head: AtomicShared<HitHead>,
    /// Lock around the variants that this process has stored, if this entry has the names of the fields in `Vary`.
    pub(super) variants: Mutex<Vec<String>>,
}

/// Head of a hit, which stays the same until its age or its remaining lifetime changes by a second.
#[derive(Debug)]
struct HitHead {
    until: u64,
    head: HeaderMap,
}

impl ResponseEntry {
    pub(super) fn new(stored: Stored, expires: u64) -> Self {
        Self { stored, expires, hit_head: AtomicShared::null(), variants: Mutex::default() }
    }

    /// Returns the bytes that it takes. The head counts twice, because hits reuse a copy of it.
    pub(super) fn bytes(&self) -> usize {
        /// The place of a field in a map of headers.
        const FIELD: usize = size_of::<HeaderName>() + size_of::<HeaderValue>() + 16;
        let text = |texts: &[String]| texts.iter().map(|text| size_of::<String>() + text.len()).sum::<usize>();
        let stored = match &self.stored {
            Stored::Response(recorded) => {
                let fields = recorded.headers.iter();
                let head = fields.map(|(name, value)| FIELD + name.as_str().len() + value.len()).sum::<usize>();
                2 * head + recorded.body.len() + recorded.variant.len() + text(&recorded.varies) + text(&recorded.tags)
            }
            Stored::Varies(names) => text(names),
        };
        size_of::<Self>() + size_of::<HitHead>() + stored
    }

    /// Returns the time until which it may be served, or validated.
    pub(super) fn usable_until(&self) -> u64 {
        self.expires.saturating_add(nanos(self.stored.usable_after_expiry()))
    }

    /// Returns whether it was stale from the beginning, so that each request has it validated.
    pub(super) fn is_always_stale(&self) -> bool {
        matches!(&self.stored, Stored::Response(recorded) if recorded.lifetime.is_zero())
    }

    /// Creates the response of a hit. `head` is true for a `HEAD` request.
    pub(super) fn hit<B>(
        &self,
        recorded: &StoredResponse,
        now: u64,
        head: bool,
        conditions: &Conditions,
    ) -> Response<Body<B>> {
        let guard = Guard::new();
        if let Some(known) = self.hit_head.load(Acquire, &guard).as_ref().filter(|known| now < known.until) {
            return known.respond(recorded, head, conditions);
        }
        let new = Shared::new(HitHead::new(recorded, recorded.freshness(self.expires, now), now));
        let response = new.respond(recorded, head, conditions);
        self.hit_head.swap((Some(new), Tag::None), AcqRel);
        response
    }
}

impl HitHead {
    fn new(recorded: &StoredResponse, freshness: Freshness, now: u64) -> Self {
        let mut head = recorded.headers.clone();
        head.insert(AGE, HeaderValue::from(freshness.age.as_secs()));
        head.insert(CACHE_STATUS, CacheStatus::Hit { ttl: freshness.ttl() }.value());
        Self { until: now.saturating_add(nanos(freshness.unchanged())), head }
    }

    #[inline]
    fn respond<B>(&self, recorded: &StoredResponse, head: bool, conditions: &Conditions) -> Response<Body<B>> {
        let mut response = recorded.respond(&self.head, head, conditions);
        if matches!(response.status(), StatusCode::NOT_MODIFIED | StatusCode::RANGE_NOT_SATISFIABLE) {
            let fields = [AGE, CACHE_STATUS].map(|name| (name.clone(), self.head[name].clone()));
            response.headers_mut().extend(fields);
        }
        response
    }
}

impl StoredResponse {
    pub(super) fn freshness(&self, expires: u64, now: u64) -> Freshness {
        let left = Duration::from_nanos(expires.saturating_sub(now));
        let over = Duration::from_nanos(now.saturating_sub(expires));
        Freshness { age: self.lifetime.saturating_sub(left).saturating_add(over), lifetime: self.lifetime }
    }

    /// Adds its tags to a response, for an outer cache.
    pub(super) fn add_tags<B>(&self, response: &mut Response<Body<B>>) {
        response.extensions_mut().insert(CacheTags(self.tags.clone()));
    }

    /// Creates the response to the request that it was loaded for, or to one that waited for it.
    pub(super) fn answer<B>(&self, head: bool, conditions: &Conditions, status: CacheStatus) -> Response<Body<B>> {
        let mut response = self.respond(&self.headers, head, conditions);
        status.append_to(response.headers_mut());
        response
    }

    #[inline]
    fn respond<B>(&self, full: &HeaderMap, head: bool, conditions: &Conditions) -> Response<Body<B>> {
        if conditions.not_modified(self.status, full) {
            return response(StatusCode::NOT_MODIFIED, not_modified_head(full), Body::empty());
        }
        let range = conditions.range.as_ref().filter(|_| self.status == StatusCode::OK && !head);
        match range.map_or(Selected::Whole, |range| range.select(full, self.body.len())) {
            Selected::Whole if head => response(self.status, full.clone(), Body::empty()),
            Selected::Whole => response(self.status, full.clone(), Body::from_bytes(self.body.clone())),
            Selected::Part(part) => {
                let mut headers = full.clone();
                let text = format!("bytes {}-{}/{}", part.start, part.end - 1, self.body.len());
                set_range(&mut headers, part.len(), text);
                response(StatusCode::PARTIAL_CONTENT, headers, Body::from_bytes(self.body.slice(part)))
            }
            Selected::Unsatisfiable => {
                let mut headers = not_modified_head(full);
                set_range(&mut headers, 0, format!("bytes */{}", self.body.len()));
                response(StatusCode::RANGE_NOT_SATISFIABLE, headers, Body::empty())
            }
        }
    }
}

#[inline]
fn response<B>(status: StatusCode, headers: HeaderMap, body: Body<B>) -> Response<Body<B>> {
    let mut response = Response::new(body);
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    response
}

/// Sets the fields of a part of a response.
fn set_range(headers: &mut HeaderMap, length: usize, range: String) {
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(CONTENT_RANGE, HeaderValue::try_from(range).unwrap_or_else(|_| unreachable!("visible ASCII")));
}

/// Returns a head as it is stored: without hop-by-hop fields (RFC 9111 section 3.1), and with the length of the content if it is known.
pub(super) fn stored_head(mut headers: HeaderMap, status: StatusCode, length: Option<u64>) -> HeaderMap {
    remove_hop_by_hop(&mut headers);
    headers.remove(AGE);
    headers.remove(CACHE_STATUS);
    headers.remove(CONTENT_LENGTH);
    if status != StatusCode::NO_CONTENT {
        headers.extend(length.map(|length| (CONTENT_LENGTH, HeaderValue::from(length))));
    }
    headers
}

/// Form of a value in the shared tier.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Packed {
    /// Status; zero for `Stored::Varies`.
    status: u16,
    headers: Vec<(String, Blob)>,
    body: Blob,
    lifetime_nanos: u64,
    grace: Grace,
    varies: Vec<String>,
    variant: String,
    tags: Vec<String>,
}

impl From<Stored> for Packed {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Response(recorded) => Self {
                status: recorded.status.as_u16(),
                headers: recorded
                    .headers
                    .iter()
                    .map(|(name, value)| (name.to_string(), Blob(Bytes::copy_from_slice(value.as_bytes()))))
                    .collect(),
                body: Blob(recorded.body),
                lifetime_nanos: nanos(recorded.lifetime),
                grace: recorded.grace,
                varies: recorded.varies,
                variant: recorded.variant,
                tags: recorded.tags,
            },
            Stored::Varies(varies) => Self {
                status: 0,
                headers: Vec::new(),
                body: Blob(Bytes::new()),
                lifetime_nanos: 0,
                grace: Grace::default(),
                varies,
                variant: String::new(),
                tags: Vec::new(),
            },
        }
    }
}

impl TryFrom<Packed> for Stored {
    type Error = &'static str;

    fn try_from(packed: Packed) -> Result<Self, Self::Error> {
        if packed.status == 0 {
            return Ok(Self::Varies(packed.varies));
        }
        let mut headers = HeaderMap::with_capacity(packed.headers.len() + 2);
        for (name, value) in packed.headers {
            let name = HeaderName::try_from(name).map_err(|_| "a header name")?;
            headers.append(name, HeaderValue::from_maybe_shared(value.0).map_err(|_| "a header value")?);
        }
        Ok(Self::Response(StoredResponse {
            status: StatusCode::from_u16(packed.status).map_err(|_| "a status")?,
            headers,
            body: packed.body.0,
            lifetime: Duration::from_nanos(packed.lifetime_nanos),
            grace: packed.grace,
            varies: packed.varies,
            variant: packed.variant,
            tags: packed.tags,
        }))
    }
}

/// Bytes, serialised as bytes if the format has them.
#[derive(Clone, Debug)]
struct Blob(Bytes);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(BlobVisitor)
    }
}

struct BlobVisitor;

impl<'de> Visitor<'de> for BlobVisitor {
    type Value = Blob;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Blob, E> {
        Ok(Blob(Bytes::copy_from_slice(bytes)))
    }

    fn visit_byte_buf<E: serde::de::Error>(self, bytes: Vec<u8>) -> Result<Blob, E> {
        Ok(Blob(bytes.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Blob, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = items.next_element::<u64>()? {
            bytes.push(u8::try_from(byte).map_err(A::Error::custom)?);
        }
        Ok(Blob(bytes.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded() -> StoredResponse {
        let mut headers = HeaderMap::new();
        headers.append("x", HeaderValue::from_bytes(b"\xff 1").unwrap());
        headers.append("x", HeaderValue::from_static("2"));
        StoredResponse {
            status: StatusCode::NOT_FOUND,
            headers,
            body: Bytes::from_static(b"\x00\xffbody"),
            lifetime: Duration::from_millis(61_500),
            grace: Grace { on_request: true, while_revalidate: 3, if_error: 4 },
            varies: vec!["accept".to_owned()],
            variant: "accept=a;".to_owned(),
            tags: vec!["user:7".to_owned()],
        }
    }

    #[test]
    fn a_response_comes_back_from_both_codecs_as_it_was() {
        let own = recorded();
        let packed = Stored::Response(own.clone());
        let json: Stored = serde_json::from_slice(&serde_json::to_vec(&packed).unwrap()).unwrap();
        let binary: Stored = rmp_serde::from_slice(&rmp_serde::to_vec_named(&packed).unwrap()).unwrap();
        for back in [json, binary] {
            let Stored::Response(back) = back else { panic!("a response") };
            assert_eq!((back.status, &back.headers, &back.body), (own.status, &own.headers, &own.body));
            assert_eq!((back.lifetime, back.grace, &back.tags), (own.lifetime, own.grace, &own.tags));
            assert_eq!((&back.varies, &back.variant), (&own.varies, &own.variant));
        }
        let size = rmp_serde::to_vec_named(&packed).unwrap().len();
        assert!(size < 300, "bytes are written as bytes: {size}");
    }

    #[test]
    fn bytes_that_are_no_response_are_refused() {
        let mut packed = Packed::from(Stored::Response(recorded()));
        packed.headers.push(("a b".to_owned(), Blob(Bytes::new())));
        assert!(Stored::try_from(packed.clone()).is_err());
        packed.headers.pop();
        packed.headers.push(("a".to_owned(), Blob(Bytes::from_static(b"\r\n"))));
        assert!(Stored::try_from(packed.clone()).is_err());
        packed.headers.pop();
        packed.status = 1;
        assert!(Stored::try_from(packed).is_err());
    }

    #[test]
    fn rfc9111_4_2_3_age_is_the_time_since_the_response_was_made() {
        let own = recorded();
        let second = 1_000_000_000;
        let freshness = own.freshness(100 * second, 90 * second);
        assert_eq!((freshness.age, freshness.is_fresh()), (Duration::from_millis(51_500), true));
        let freshness = own.freshness(100 * second, 102 * second);
        assert_eq!((freshness.age, freshness.staleness()), (Duration::from_millis(63_500), Duration::from_secs(2)));
    }

    #[test]
    fn rfc9111_3_1_fields_of_one_connection_are_not_stored() {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("connection", "x-hop, close"), ("x-hop", "1"), ("transfer-encoding", "chunked"), ("age", "3"), ("x", "1")]
        {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let kept = stored_head(headers, StatusCode::OK, Some(5));
        let mut names: Vec<_> = kept.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-length", "x"]);
    }
}
