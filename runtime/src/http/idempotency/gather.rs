//! Reading a body as far as it may be held.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body;
use http_body_util::BodyExt;

/// What a body turned out to be.
pub(super) enum Gathered<B> {
    Whole(Bytes),
    /// Longer than was allowed, or with trailers behind it: what was read, and what is left.
    More {
        bytes: Bytes,
        trailers: Option<HeaderMap>,
        rest: Option<Pin<Box<B>>>,
    },
    /// It broke off.
    Broken,
}

/// Reads a body of at most so many bytes.
pub(super) async fn gather<B: Body<Data = Bytes>>(body: B, most: usize) -> Gathered<B> {
    let mut body = Box::pin(body);
    let mut bytes = Bytes::new();
    if body.size_hint().lower() > most as u64 {
        return Gathered::More { bytes, trailers: None, rest: Some(body) };
    }
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Gathered::Broken };
        match frame.into_data() {
            Ok(data) => bytes = joined(bytes, data),
            Err(frame) => return Gathered::More { bytes, trailers: frame.into_trailers().ok(), rest: None },
        }
        if bytes.len() > most {
            return Gathered::More { bytes, trailers: None, rest: Some(body) };
        }
    }
    Gathered::Whole(bytes)
}

/// Without a copy where there is only one part, as a rule.
fn joined(first: Bytes, second: Bytes) -> Bytes {
    if first.is_empty() {
        return second;
    }
    let mut both = BytesMut::from(first);
    both.extend_from_slice(&second);
    both.freeze()
}
