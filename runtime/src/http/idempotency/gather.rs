//! Reading the body of a request as far as it may be held.

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;

/// The reason why a request's body is refused.
pub(super) enum Refused {
    /// More bytes than are allowed.
    TooLarge,
    /// Trailers behind it.
    Trailers,
    /// An error before its end.
    Broken,
}

/// Reads a body of at most so many bytes.
pub(super) async fn gather<B: Body<Data = Bytes>>(body: B, most: usize) -> Result<Bytes, Refused> {
    if body.size_hint().lower() > most as u64 {
        return Err(Refused::TooLarge);
    }
    let (mut body, mut bytes) = (Box::pin(body), Bytes::new());
    while let Some(frame) = body.frame().await {
        let data = frame.map_err(|_| Refused::Broken)?.into_data().map_err(|_| Refused::Trailers)?;
        bytes = joined(bytes, data);
        if bytes.len() > most {
            return Err(Refused::TooLarge);
        }
    }
    Ok(bytes)
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
