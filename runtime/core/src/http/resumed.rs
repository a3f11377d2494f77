//! The body of a service that a layer has begun to read, and the error in which it ends if it broke off.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The error in which a response's body ends that is not whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The service behind the layer failed while it produced the body.
    #[error("the body broke off")]
    Broken(#[source] BoxError),
    /// The body ended before it had as many bytes as its `Content-Length` or its size hint promised.
    #[error("the body ended after {sent} of the {promised} bytes that it promised")]
    Short {
        /// The bytes that were promised.
        promised: u64,
        /// The bytes that came.
        sent: u64,
    },
    /// The body has more bytes than its `Content-Length` or its size hint promised.
    #[error("the body goes on after the {promised} bytes that it promised")]
    Long {
        /// The bytes that were promised.
        promised: u64,
    },
}

impl BodyError {
    /// The error of a service. One of another layer's is passed on as it is.
    pub(super) fn new(error: impl Into<BoxError>) -> Self {
        error.into().downcast().map_or_else(Self::Broken, |own| *own)
    }
}

/// The bytes of a body, held against the number that was promised.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promise {
    /// `None` where nothing was promised.
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

    /// Checks that nothing is missing at the end of the data.
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

    /// The hint of the body, unless it is exact and will prove wrong.
    fn hint(&self, hint: SizeHint) -> SizeHint {
        match (hint.exact(), self.left()) {
            (Some(exact), Some(left)) if exact != left => SizeHint::new(),
            _ => hint,
        }
    }
}

pin_project! {
    /// The body of a service behind a layer that reads bodies, from its beginning.
    ///
    /// It ends in a [`BodyError`] where the service's body broke off, or has fewer or more bytes than the response promised;
    /// its size hint is not exact then, so that no server takes it for whole.
    pub struct ResumedBody<B> {
        #[pin]
        state: State<B>,
    }
}

pin_project! {
    #[project = ProjectedState]
    enum State<B> {
        Passed { #[pin] body: B, promise: Promise },
        // In a box, as it is rare and large, and a body is moved from layer to layer.
        Midway { midway: Box<Midway<B>> },
        Broken { error: Option<BodyError> },
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
    /// A body of which nothing was read.
    pub(super) fn untouched(body: B) -> Self {
        Self::passed(body, Promise::NONE)
    }

    /// A body of which nothing was read, and that ends in an error if it does not keep the promise.
    pub(super) fn passed(body: B, promise: Promise) -> Self {
        Self { state: State::Passed { body, promise } }
    }

    pub(super) fn midway(midway: Midway<B>) -> Self {
        Self { state: State::Midway { midway: Box::new(midway) } }
    }

    /// A body that broke off. What came of it is not passed on: a server that has sent nothing yet can end the connection without
    /// a head, and a client that speaks HTTP/1.0 takes the end of the connection for that of the body.
    pub(super) fn broken(error: BodyError) -> Self {
        Self { state: State::Broken { error: Some(error) } }
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
        };
        if matches!(frame, Some(Err(_))) {
            self.project().state.set(State::Broken { error: None });
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            State::Passed { body, promise } => body.is_end_stream() && promise.end().is_ok(),
            State::Midway { midway } => midway.is_end(),
            State::Broken { error } => error.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Passed { body, promise } => promise.hint(body.size_hint()),
            State::Midway { midway } => midway.size_hint(),
            State::Broken { error: Some(_) } => SizeHint::new(),
            State::Broken { error: None } => SizeHint::with_exact(0),
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
