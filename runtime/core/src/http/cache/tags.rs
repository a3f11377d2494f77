//! Cache tags of a response, set by its handler.

use std::fmt::Write as _;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

/// Cache tags of a response: an extension that a handler adds to its response. It never leaves the server.
///
/// Each text counts as a key and as a tag, so `"product:7"` is invalidated by `#[cache_invalidate("product:{id}")]` of product 7,
/// by `product:*`, and by the tag `product:7`. Escape texts from outside as in keys, with a [`KeyWriter`](crate::KeyWriter).
///
/// ```
/// use fastness::http::CacheTags;
///
/// let mut response = http::Response::new("{\"id\": 7}");
/// response.extensions_mut().insert(CacheTags::new(["product:7", "catalogue"]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheTags(pub(super) Vec<String>);

impl CacheTags {
    /// Creates the tags.
    pub fn new<T: Into<String>>(tags: impl IntoIterator<Item = T>) -> Self {
        Self(tags.into_iter().map(Into::into).collect())
    }

    /// Adds a tag.
    #[must_use]
    pub fn and(mut self, tag: impl Into<String>) -> Self {
        self.0.push(tag.into());
        self
    }
}

/// Field of a response in which a CDN finds the tags by which it can remove its copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TagField {
    /// `Cache-Tag`, with commas between the tags.
    CacheTag,
    /// `Surrogate-Key`, with spaces between them.
    SurrogateKey,
}

impl TagField {
    /// Sets the field to these tags, or leaves it as it is if there are none.
    pub(super) fn write(self, tags: &[String], headers: &mut HeaderMap) {
        let (name, between) = match self {
            Self::CacheTag => ("cache-tag", ","),
            Self::SurrogateKey => ("surrogate-key", " "),
        };
        let mut written = Vec::<String>::with_capacity(tags.len());
        for tag in tags.iter().map(|tag| encoded(tag)) {
            if !written.contains(&tag) {
                written.push(tag);
            }
        }
        if !written.is_empty() {
            let value = HeaderValue::try_from(written.join(between)).unwrap_or_else(|_| unreachable!("visible ASCII"));
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Returns a tag in which bytes are percent-encoded that separate tags, or are not visible.
fn encoded(tag: &str) -> String {
    let mut text = String::with_capacity(tag.len());
    for byte in tag.bytes() {
        match byte {
            b',' => text.push_str("%2C"),
            b'!'..=b'~' => text.push(char::from(byte)),
            _ => _ = write!(text, "%{byte:02X}"),
        }
    }
    text
}

/// Extension of a request that a cache forwards: an inner cache must leave the [`CacheTags`] in its response, because the response that the
/// outer cache stores has the same tags.
#[derive(Clone, Copy, Debug)]
pub(super) struct ForwardedByCache;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(field: TagField, tags: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("cache-tag", HeaderValue::from_static("of-the-handler"));
        field.write(&tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>(), &mut headers);
        headers
    }

    #[test]
    fn tags_are_written_once_each_and_only_with_visible_characters() {
        let tags = ["product:7", "a,b", "c d", "product:7", "\u{e9}", "50%25"];
        assert_eq!(written(TagField::CacheTag, &tags)["cache-tag"], "product:7,a%2Cb,c%20d,%C3%A9,50%25");
        let keys = written(TagField::SurrogateKey, &tags);
        assert_eq!(keys["surrogate-key"], "product:7 a%2Cb c%20d %C3%A9 50%25");
        assert_eq!(keys["cache-tag"], "of-the-handler");
        assert_eq!(written(TagField::CacheTag, &[])["cache-tag"], "of-the-handler");
    }
}
