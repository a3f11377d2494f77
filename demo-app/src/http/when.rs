//! Changes that a client wants made to one state of a document only: `If-Match`, by the `ETag` that it was given.
//!
//! A document's tag is a digest of its JSON. Each encoding of an answer has a tag of its own, as strong tags must: that of the JSON and
//! the encoding's name. A change may name any of them. (No document says when it was changed for the last time, so an
//! `If-Unmodified-Since` says nothing here, and is ignored as RFC 9110 section 13.1.4 has it.)

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use fastness::http::Preconditions;
use serde::Serialize;

use super::json::text;
use super::problem::Problem;
use crate::store::{Result as Stored, StoreError};

/// The only encoding that this server has.
const ENCODING: &str = "gzip";

/// The condition of a request.
#[derive(Debug)]
pub(super) struct When(Preconditions);

impl<S: Send + Sync> FromRequestParts<S> for When {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Preconditions::from_headers(&parts.headers)))
    }
}

impl When {
    /// The document that a change is to be made to and to no other; none where any will do. It is read only if there is a condition.
    ///
    /// # Errors
    ///
    /// 412 where the condition does not hold, and 404 where there is no document, so that none that comes meanwhile is changed unseen.
    pub(super) async fn holds<T: Serialize>(
        self,
        read: impl Future<Output = Stored<Option<T>>>,
    ) -> Result<Option<T>, Problem> {
        let Self(wanted) = self;
        if wanted.is_empty() || wanted.is_any() {
            return Ok(None);
        }
        let Some(document) = read.await? else { return Err(Problem::not_found("nothing has this id")) };
        let plain = tag(text(&document).as_bytes());
        let encoded = suffixed(&plain);
        if wanted.hold(&[&plain, &encoded], None) { Ok(Some(document)) } else { Err(StoreError::Changed.into()) }
    }
}

/// The entity tag of a document with this JSON.
pub(super) fn tag(json: &[u8]) -> String {
    // FNV-1a of 128 bits: the same in every process and version.
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let digest = json.iter().fold(OFFSET, |digest, byte| (digest ^ u128::from(*byte)).wrapping_mul(PRIME));
    format!("\"{digest:032x}\"")
}

fn suffixed(tag: &str) -> String {
    format!("{}-{ENCODING}\"", tag.trim_end_matches('"'))
}

/// Gives an encoded answer the tag of its encoding.
pub(super) async fn tag_encoding(mut response: Response) -> Response {
    let headers = response.headers_mut();
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding == ENCODING)
        && let Some(Ok(tag)) = headers.get(header::ETAG).map(HeaderValue::to_str)
        && let Ok(tag) = HeaderValue::try_from(suffixed(tag))
    {
        headers.insert(header::ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_the_same_in_every_process() {
        assert_eq!(tag(b""), "\"6c62272e07bb014262b821756295c58d\"");
        assert_eq!(tag(b"foobar"), "\"343e1662793c64bf6f0d3597ba446f18\"");
        assert_eq!(suffixed("\"7\""), "\"7-gzip\"");
    }
}
