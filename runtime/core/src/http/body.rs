//! The body of a response that a layer passes on, or gives itself.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// What the layers of this module answer with: the body of the service behind them, or bytes of their own.
    #[project = Projected]
    pub struct Body<B> {
        #[pin]
        source: Source<B>,
    }
}

pin_project! {
    #[project = ProjectedSource]
    enum Source<B> {
        Own { bytes: Option<Bytes> },
        Inner { #[pin] body: B },
    }
}

impl<B> Body<B> {
    /// The body of the service behind.
    pub fn inner(body: B) -> Self {
        Self { source: Source::Inner { body } }
    }

    /// Bytes of the layer's own.
    pub fn own(bytes: impl Into<Bytes>) -> Self {
        Self { source: Source::Own { bytes: Some(bytes.into()).filter(|bytes: &Bytes| !bytes.is_empty()) } }
    }

    /// No bytes at all.
    pub fn empty() -> Self {
        Self { source: Source::Own { bytes: None } }
    }
}

impl<B: http_body::Body<Data = Bytes>> http_body::Body for Body<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().source.project() {
            ProjectedSource::Own { bytes } => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            ProjectedSource::Inner { body } => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Own { bytes } => bytes.is_none(),
            Source::Inner { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Own { bytes } => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Source::Inner { body } => body.size_hint(),
        }
    }
}

/// An answer of no bytes.
impl<B> Default for Body<B> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<B> fmt::Debug for Body<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.source {
            Source::Own { .. } => "Body::own(..)",
            Source::Inner { .. } => "Body::inner(..)",
        })
    }
}
