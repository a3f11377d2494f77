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
        // In a box, as it is rare and large, and a body is moved from layer to layer.
        Resumed { read: Box<Read<B>> },
    }
}

/// What was read of a body, and what is left of it.
struct Read<B> {
    bytes: Option<Bytes>,
    trailers: Option<HeaderMap>,
    rest: Option<Pin<Box<B>>>,
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
        Self { source: Source::Resumed { read: Box::new(Read { bytes, trailers, rest }) } }
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
            ProjectedSource::Resumed { read } => read.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Own { bytes } => bytes.is_none(),
            Source::Inner { body } => body.is_end_stream(),
            Source::Resumed { read } => read.is_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Own { bytes } => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Source::Inner { body } => body.size_hint(),
            Source::Resumed { read } => read.size_hint(),
        }
    }
}

impl<B: http_body::Body<Data = Bytes>> Read<B> {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(first) = self.bytes.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if let Some(trailers) = self.trailers.take() {
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        self.rest.as_mut().map_or(Poll::Ready(None), |rest| rest.as_mut().poll_frame(cx))
    }

    fn is_end(&self) -> bool {
        self.bytes.is_none() && self.trailers.is_none() && self.rest.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        let rest = self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), http_body::Body::size_hint);
        let mut hint = SizeHint::new();
        hint.set_lower(first.saturating_add(rest.lower()));
        if let Some(upper) = rest.upper() {
            hint.set_upper(first.saturating_add(upper));
        }
        hint
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
