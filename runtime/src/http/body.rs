//! The body of a response that a layer passes on, or gives itself.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
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
        Resumed { bytes: Option<Bytes>, trailers: Option<HeaderMap>, rest: Option<Pin<Box<B>>> },
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

    /// What was read of a body, and what is left of it.
    pub(super) fn resumed(bytes: Bytes, trailers: Option<HeaderMap>, rest: Option<Pin<Box<B>>>) -> Self {
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        Self { source: Source::Resumed { bytes, trailers, rest } }
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
            ProjectedSource::Resumed { bytes, trailers, rest } => match (bytes.take(), trailers.take(), rest) {
                (Some(first), later, _) => {
                    *trailers = later;
                    Poll::Ready(Some(Ok(Frame::data(first))))
                }
                (None, Some(trailers), _) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                (None, None, Some(rest)) => rest.as_mut().poll_frame(cx),
                (None, None, None) => Poll::Ready(None),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Own { bytes } => bytes.is_none(),
            Source::Inner { body } => body.is_end_stream(),
            Source::Resumed { bytes, trailers, rest } => {
                bytes.is_none() && trailers.is_none() && rest.as_ref().is_none_or(http_body::Body::is_end_stream)
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Own { bytes } => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Source::Inner { body } => body.size_hint(),
            Source::Resumed { bytes, rest, .. } => {
                let first = bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
                let rest = rest.as_ref().map_or_else(|| SizeHint::with_exact(0), http_body::Body::size_hint);
                let mut hint = SizeHint::new();
                hint.set_lower(first.saturating_add(rest.lower()));
                if let Some(upper) = rest.upper() {
                    hint.set_upper(first.saturating_add(upper));
                }
                hint
            }
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
            Source::Inner { .. } | Source::Resumed { .. } => "Body::inner(..)",
        })
    }
}
