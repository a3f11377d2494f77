//! A body that a layer has begun to read.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

use super::body_error::{BodyError, BoxError};
use super::fill::FillReader;

/// Count of a body's bytes, compared with the number that was announced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promise {
    /// `None` if no length was announced.
    promised: Option<u64>,
    sent: u64,
}

impl Promise {
    pub(super) const NONE: Self = Self { promised: None, sent: 0 };

    pub(super) fn new(promised: Option<u64>) -> Self {
        Self { promised, sent: 0 }
    }

    pub(super) fn promised(&self) -> Option<u64> {
        self.promised
    }

    /// Counts bytes that have come.
    pub(super) fn count(&mut self, bytes: usize) -> Result<(), BodyError> {
        self.sent = self.sent.saturating_add(bytes as u64);
        match self.promised {
            Some(promised) if self.sent > promised => Err(BodyError::Long { promised }),
            _ => Ok(()),
        }
    }

    /// Checks at the end of the data that nothing is missing.
    pub(super) fn end(&self) -> Result<(), BodyError> {
        match self.promised {
            Some(promised) if self.sent < promised => Err(BodyError::Short { promised, sent: self.sent }),
            _ => Ok(()),
        }
    }

    fn left(&self) -> Option<u64> {
        self.promised.map(|promised| promised.saturating_sub(self.sent))
    }

    fn check<E: Into<BoxError>>(
        &mut self,
        frame: Option<Result<Frame<Bytes>, E>>,
    ) -> Option<Result<Frame<Bytes>, BodyError>> {
        let checked = match &frame {
            Some(Ok(frame)) => match frame.data_ref() {
                Some(data) => self.count(data.len()),
                None => self.end(),
            },
            Some(Err(_)) => Ok(()),
            None => self.end(),
        };
        match checked {
            Ok(()) => frame.map(|frame| frame.map_err(BodyError::new)),
            Err(error) => Some(Err(error)),
        }
    }

    /// Returns the body's size hint, unless it is exact and contradicts the promise.
    fn hint(&self, hint: SizeHint) -> SizeHint {
        match (hint.exact(), self.left()) {
            (Some(exact), Some(left)) if exact != left => SizeHint::new(),
            _ => hint,
        }
    }
}

pin_project! {
    /// Body of an inner service, from its beginning, after a layer has read a part of it or none.
    ///
    /// It ends in a [`BodyError`] if the inner body broke off, or has fewer or more bytes than the response announced. Its size hint is
    /// not exact then, so that no server takes it for complete.
    pub struct ResumedBody<B> {
        #[pin]
        state: ResumedState<B>,
    }
}

pin_project! {
    #[project = ProjectedState]
    enum ResumedState<B> {
        Passed { #[pin] body: B, promise: Promise },
        // Boxed, because it is rare and large, and bodies are moved from layer to layer.
        Midway { midway: Box<Midway<B>> },
        Broken { error: Option<BodyError> },
        Filling { reader: FillReader },
    }
}

/// The part of a body that was read, and the part that is left.
pub(super) struct Midway<B> {
    pub(super) read: VecDeque<Bytes>,
    pub(super) trailers: Option<HeaderMap>,
    pub(super) rest: Pin<Box<B>>,
    /// The promise for the rest.
    pub(super) promise: Promise,
}

impl<B> ResumedBody<B> {
    /// Wraps a body of which nothing was read.
    pub(super) fn untouched(body: B) -> Self {
        Self::passed(body, Promise::NONE)
    }

    /// Wraps a body of which nothing was read; it ends in an error if it does not keep the promise.
    pub(super) fn passed(body: B, promise: Promise) -> Self {
        Self { state: ResumedState::Passed { body, promise } }
    }

    pub(super) fn midway(midway: Midway<B>) -> Self {
        Self { state: ResumedState::Midway { midway: Box::new(midway) } }
    }

    /// Creates a body that ends in an error at once. The bytes that came are not passed on: a server that has sent nothing yet can close
    /// the connection without a head, whereas a client of HTTP/1.0 would take the end of the connection for the end of the body.
    pub(super) fn broken(error: BodyError) -> Self {
        Self { state: ResumedState::Broken { error: Some(error) } }
    }

    /// Creates a body that several responses share while it comes.
    pub(super) fn filling(reader: FillReader) -> Self {
        Self { state: ResumedState::Filling { reader } }
    }
}

impl<B> http_body::Body for ResumedBody<B>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = match self.as_mut().project().state.project() {
            ProjectedState::Passed { body, promise } => promise.check(ready!(body.poll_frame(cx))),
            ProjectedState::Midway { midway } => ready!(midway.poll_frame(cx)),
            ProjectedState::Broken { error } => error.take().map(Err),
            ProjectedState::Filling { reader } => ready!(reader.poll_frame(cx)),
        };
        if matches!(frame, Some(Err(_))) {
            self.project().state.set(ResumedState::Broken { error: None });
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            ResumedState::Passed { body, promise } => body.is_end_stream() && promise.end().is_ok(),
            ResumedState::Midway { midway } => midway.is_end(),
            ResumedState::Broken { error } => error.is_none(),
            ResumedState::Filling { reader } => reader.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            ResumedState::Passed { body, promise } => promise.hint(body.size_hint()),
            ResumedState::Midway { midway } => midway.size_hint(),
            ResumedState::Broken { error: Some(_) } => SizeHint::new(),
            ResumedState::Broken { error: None } => SizeHint::with_exact(0),
            ResumedState::Filling { reader } => reader.size_hint(),
        }
    }
}

impl<B: http_body::Body<Data = Bytes, Error: Into<BoxError>>> Midway<B> {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(bytes) = self.read.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if let Some(trailers) = self.trailers.take() {
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        let frame = ready!(self.rest.as_mut().poll_frame(cx));
        Poll::Ready(self.promise.check(frame))
    }

    fn is_end(&self) -> bool {
        let ended = self.read.is_empty() && self.trailers.is_none() && self.rest.is_end_stream();
        ended && self.promise.end().is_ok()
    }

    fn size_hint(&self) -> SizeHint {
        let known = self.read.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
        let rest = self.promise.hint(self.rest.size_hint());
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(known));
        }
        hint.set_lower(rest.lower().saturating_add(known));
        hint
    }
}

impl<B> fmt::Debug for ResumedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResumedBody(..)")
    }
}
