//! The body of a response: that of the inner service, or bytes of a layer.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// Body of the responses of this module's layers: that of the inner service, or bytes of a layer.
    #[project = Projected]
    pub struct Body<B> {
        #[pin]
        source: BodySource<B>,
    }
}

pin_project! {
    #[project = ProjectedBodySource]
    enum BodySource<B> {
        Bytes { bytes: Option<Bytes> },
        Inner { #[pin] body: B },
    }
}

impl<B> Body<B> {
    /// Wraps the body of the inner service.
    pub fn inner(body: B) -> Self {
        Self { source: BodySource::Inner { body } }
    }

    /// Creates a body of these bytes.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self { source: BodySource::Bytes { bytes: Some(bytes.into()).filter(|bytes: &Bytes| !bytes.is_empty()) } }
    }

    /// Creates an empty body.
    pub fn empty() -> Self {
        Self { source: BodySource::Bytes { bytes: None } }
    }
}

impl<B: http_body::Body<Data = Bytes>> http_body::Body for Body<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().source.project() {
            ProjectedBodySource::Bytes { bytes } => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            ProjectedBodySource::Inner { body } => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            BodySource::Bytes { bytes } => bytes.is_none(),
            BodySource::Inner { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            BodySource::Bytes { bytes } => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            BodySource::Inner { body } => body.size_hint(),
        }
    }
}

/// An empty body.
impl<B> Default for Body<B> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<B> fmt::Debug for Body<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.source {
            BodySource::Bytes { .. } => "Body::from_bytes(..)",
            BodySource::Inner { .. } => "Body::inner(..)",
        })
    }
}
