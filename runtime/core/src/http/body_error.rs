//! The error in which a body ends if it is incomplete.

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Error in which the body of a response ends if it is incomplete.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The inner service failed while it produced the body.
    #[error("the body broke off")]
    Broken(#[source] BoxError),
    /// The body has fewer bytes than its `Content-Length` or its size hint announced.
    #[error("the body ended after {sent} of the {promised} bytes that its length announced")]
    Short {
        /// Number of bytes that were announced.
        promised: u64,
        /// Number of bytes that came.
        sent: u64,
    },
    /// The body has more bytes than its `Content-Length` or its size hint announced.
    #[error("the body goes on after the {promised} bytes that its length announced")]
    Long {
        /// Number of bytes that were announced.
        promised: u64,
    },
    /// Other clients read the same body faster, and the part that comes next for this one is no longer in memory. It concerns only bodies
    /// that are larger than the layer's `max_body`.
    #[error("the client read the body too slowly: other clients read it too, and its next part is no longer in memory")]
    Lagged,
}

impl BodyError {
    /// Wraps the error of a service; a `BodyError` of another layer is returned as it is.
    pub(super) fn new(error: impl Into<BoxError>) -> Self {
        error.into().downcast().map_or_else(Self::Broken, |error| *error)
    }
}
