//! What a response was made of, as its handler says.

/// What a response was made of: an extension that a handler adds to its response, and that never leaves the server.
///
/// Each text counts as a key and as a tag, so `"product:7"` is invalidated by `#[cache_invalidate("product:{id}")]` of product 7,
/// by `product:*`, and by the tag `product:7`. Texts from outside have to be escaped as in keys, by a
/// [`KeyWriter`](crate::KeyWriter).
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
    /// Of these.
    pub fn new<T: Into<String>>(tags: impl IntoIterator<Item = T>) -> Self {
        Self(tags.into_iter().map(Into::into).collect())
    }

    /// And of this.
    #[must_use]
    pub fn and(mut self, tag: impl Into<String>) -> Self {
        self.0.push(tag.into());
        self
    }
}

/// In a request that is asked on behalf of a cache: whoever answers it inside is to leave the [`CacheTags`] in the response, for
/// what is stored outside is made of the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct OnBehalf;
