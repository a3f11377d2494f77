//! Answers as they are stored and replayed.

use std::fmt;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::response::Parts;
use http::{Response, StatusCode};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::digest::RequestDigest;
use crate::http::body::Body;
use crate::http::collect::ContentLength;
use crate::http::hop_by_hop::remove_hop_by_hop;
use crate::http::problem::Problem;

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A request that was processed.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StoredRequest {
    pub(super) fingerprint: RequestDigest,
    /// `None` if the answer was too large to store.
    pub(super) answer: Option<StoredAnswer>,
}

/// Answer of the inner service.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StoredAnswer {
    status: u16,
    headers: Vec<(String, Raw)>,
    body: Raw,
}

impl StoredAnswer {
    /// Creates an answer, without hop-by-hop header fields.
    pub(super) fn new(head: &Parts, body: Bytes) -> Self {
        let mut headers = head.headers.clone();
        remove_hop_by_hop(&mut headers);
        let owned = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.as_str().to_owned(), Raw(Bytes::copy_from_slice(value.as_bytes())))
        };
        Self { status: head.status.as_u16(), headers: headers.iter().map(owned).collect(), body: Raw(body) }
    }
}

impl StoredRequest {
    /// Returns the answer to the same request. `None` if the stored answer is invalid or incomplete.
    pub(super) fn replay<B>(&self) -> Option<Response<Body<B>>> {
        let Some(answer) = &self.answer else {
            let detail = "this request was processed, and its answer was too large to be stored: do not send it again";
            return Some(Problem::new(StatusCode::CONFLICT, detail).into_response());
        };
        let mut response = Response::new(Body::from_bytes(answer.body.0.clone()));
        let status = StatusCode::from_u16(answer.status).ok()?;
        *response.status_mut() = status;
        let headers = response.headers_mut();
        for (name, value) in &answer.headers {
            headers.append(HeaderName::try_from(name).ok()?, HeaderValue::from_maybe_shared(value.0.clone()).ok()?);
        }
        let length = ContentLength::new(status, headers);
        if ![ContentLength::Missing, ContentLength::Known(answer.body.0.len() as u64)].contains(&length) {
            return None;
        }
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
        Some(response)
    }

    /// Returns roughly how many bytes it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        /// The struct, its entry in the table, and the overhead of allocations.
        const OVERHEAD: usize = 256;
        let answer = self.answer.as_ref().map_or(0, |answer| {
            let headers = answer.headers.iter().map(|(name, value)| 64 + name.len() + value.0.len());
            answer.body.0.len() + headers.sum::<usize>()
        });
        OVERHEAD + answer
    }
}

/// Bytes, serialised as bytes if the format has them.
#[derive(Debug, PartialEq)]
struct Raw(Bytes);

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Raw, E> {
        Ok(Raw(Bytes::copy_from_slice(bytes)))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Raw, E> {
        Ok(Raw(bytes.into()))
    }

    /// Visits the form of JSON.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = items.next_element()? {
            bytes.push(byte);
        }
        Ok(Raw(bytes.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> StoredRequest {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::CREATED;
        let headers = response.headers_mut();
        headers.append("set-cookie", HeaderValue::from_static("a=1"));
        headers.append("set-cookie", HeaderValue::from_static("b=2"));
        headers.insert("x-raw", HeaderValue::from_bytes(b"\xfa\xfb").unwrap());
        headers.insert("connection", HeaderValue::from_static("close"));
        let answer = StoredAnswer::new(&response.into_parts().0, Bytes::from_static(b"\x00\xffbytes"));
        StoredRequest { fingerprint: [7; 16], answer: Some(answer) }
    }

    #[test]
    fn an_answer_survives_every_format_byte_for_byte() {
        let stored = stored();
        let packed = rmp_serde::to_vec(&stored).unwrap();
        assert_eq!(rmp_serde::from_slice::<StoredRequest>(&packed).unwrap(), stored);
        let json = serde_json::to_vec(&stored).unwrap();
        assert_eq!(serde_json::from_slice::<StoredRequest>(&json).unwrap(), stored);

        let response = stored.replay::<String>().unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        assert_eq!(response.headers().get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
        assert_eq!(response.headers()["x-raw"].as_bytes(), b"\xfa\xfb");
        assert!(!response.headers().contains_key("connection"));
    }

    #[test]
    fn garbage_is_no_answer() {
        let garbage = |status, name: &str, value: &'static [u8]| {
            let headers = vec![(name.to_owned(), Raw(Bytes::from_static(value)))];
            let answer = StoredAnswer { status, headers, body: Raw(Bytes::new()) };
            StoredRequest { fingerprint: [0; 16], answer: Some(answer) }.replay::<String>()
        };
        assert!(garbage(200, "x-fine", b"yes").is_some());
        assert!(garbage(99, "x-fine", b"yes").is_none());
        assert!(garbage(200, "no name", b"yes").is_none());
        assert!(garbage(200, "x-split", b"a\r\nb: c").is_none());
    }
}
