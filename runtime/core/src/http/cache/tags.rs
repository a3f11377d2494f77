//! Cache tags of a response, set by its handler.

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

/// Extension of a request that a cache forwards: an inner cache must leave the [`CacheTags`] in its response, because the response that the
/// outer cache stores has the same tags.
#[derive(Clone, Copy, Debug)]
pub(super) struct ForwardedByCache;
