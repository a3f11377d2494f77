//! Reader of a fill: the body of one response.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};

use super::{FillBody, FillEnd, FillState, PolledFrame, Puller};
use crate::flight::FlightWait;
use crate::http::body_error::BodyError;
use crate::sync::lock;

/// Body of a response that reads a fill from its beginning. Dropped before the end, it leaves.
pub(in crate::http) struct FillReader {
    body: Arc<FillBody>,
    slot: usize,
    /// True for the response to the request that began the load: it gets a panic of the load.
    is_first: bool,
    has_ended: bool,
    /// Record of the wait for the load, if another load waits for it here.
    _wait: Option<FlightWait>,
}

/// Next step of a reader.
enum ReadStep {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
    Fail(BodyError),
    Panic(Box<dyn std::any::Any + Send>),
    Wait,
}

/// Error of the load, for one of several readers.
#[derive(Debug)]
struct CommonError(Arc<BodyError>);

impl fmt::Display for CommonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            BodyError::Broken(cause) => cause.fmt(f),
            error => error.fmt(f),
        }
    }
}

impl std::error::Error for CommonError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            BodyError::Broken(cause) => cause.source(),
            error => error.source(),
        }
    }
}

/// Copies the error of a load.
fn copied(error: &Arc<BodyError>) -> BodyError {
    match **error {
        BodyError::Short { promised, sent } => BodyError::Short { promised, sent },
        BodyError::Long { promised } => BodyError::Long { promised },
        BodyError::Broken(_) | BodyError::Lagged => BodyError::Broken(Box::new(CommonError(error.clone()))),
    }
}

impl FillBody {
    /// Creates the reader of the response to the request that began the load.
    pub(in crate::http) fn first_reader(self: &Arc<Self>) -> FillReader {
        let slot = lock(&self.state).readers.add();
        FillReader { body: self.clone(), slot, is_first: true, has_ended: false, _wait: None }
    }

    /// Creates a reader of the response to another request; `None` if the body can no longer be had from its beginning.
    pub(in crate::http) fn reader(self: &Arc<Self>, wait: FlightWait) -> Option<FillReader> {
        let slot = {
            let mut state = lock(&self.state);
            state.is_joinable().then(|| state.readers.add())?
        };
        Some(FillReader { body: self.clone(), slot, is_first: false, has_ended: false, _wait: Some(wait) })
    }
}

impl FillReader {
    /// Creates a reader of a later request, which no other load waits for.
    #[cfg(test)]
    pub(super) fn later(body: &Arc<FillBody>, slot: usize) -> Self {
        Self { body: body.clone(), slot, is_first: false, has_ended: false, _wait: None }
    }

    pub(in crate::http) fn poll_frame(&mut self, cx: &mut Context<'_>) -> PolledFrame {
        if self.has_ended {
            return Poll::Ready(None);
        }
        loop {
            let step = lock(&self.body.state).step(self.slot, self.is_first, cx);
            self.has_ended = !matches!(step, ReadStep::Data(_) | ReadStep::Wait);
            match step {
                ReadStep::Data(bytes) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                ReadStep::Trailers(trailers) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                ReadStep::End => return Poll::Ready(None),
                ReadStep::Fail(error) => return Poll::Ready(Some(Err(error))),
                ReadStep::Panic(panic) => resume_unwind(panic),
                ReadStep::Wait => {}
            }
            if !self.body.pull(Puller::Reader(self.slot)) {
                return Poll::Pending;
            }
        }
    }

    /// Waits until the body has ended, or is too large to be stored. Ends in the error of a body that broke off.
    pub(in crate::http) fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        loop {
            {
                let mut state = lock(&self.body.state);
                match &state.end {
                    Some(FillEnd::Broken(error)) => return Poll::Ready(Err(copied(error))),
                    Some(_) => return Poll::Ready(Ok(())),
                    None if state.has_outgrown || state.is_closed => return Poll::Ready(Ok(())),
                    None => state.readers.wait(self.slot, cx.waker()),
                }
            }
            if !self.body.pull(Puller::Reader(self.slot)) {
                return Poll::Pending;
            }
        }
    }

    pub(in crate::http) fn is_end_stream(&self) -> bool {
        let state = lock(&self.body.state);
        let is_whole = matches!(state.end, Some(FillEnd::Whole)) && state.trailers.is_none();
        self.has_ended || (is_whole && state.readers.position(self.slot) == state.window.end())
    }

    /// Returns an exact length only if the body is whole, or is to have the length that was announced.
    pub(in crate::http) fn size_hint(&self) -> SizeHint {
        let state = lock(&self.body.state);
        let position = state.readers.position(self.slot);
        let came = state.window.end().saturating_sub(position);
        let exact = match (&state.end, self.body.promised) {
            _ if self.has_ended => Some(0),
            (Some(FillEnd::Whole), _) => Some(came),
            (None, Some(promised)) => Some(promised.saturating_sub(position)),
            (None | Some(_), _) => None,
        };
        exact.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

impl FillState {
    fn step(&mut self, slot: usize, is_first: bool, cx: &mut Context<'_>) -> ReadStep {
        let position = self.readers.position(slot);
        match self.window.read(position) {
            Err(_) => return ReadStep::Fail(BodyError::Lagged),
            Ok(Some(bytes)) => {
                self.readers.advance(slot, bytes.len());
                if position == self.window.start() {
                    self.drop_chunks();
                }
                return ReadStep::Data(bytes);
            }
            Ok(None) => {}
        }
        match &mut self.end {
            None if self.is_closed => ReadStep::Fail(BodyError::Broken("the handler was dropped".into())),
            None => {
                self.readers.wait(slot, cx.waker());
                ReadStep::Wait
            }
            Some(FillEnd::Whole) => self.trailers.clone().map_or(ReadStep::End, ReadStep::Trailers),
            Some(FillEnd::Broken(error)) => ReadStep::Fail(copied(error)),
            Some(FillEnd::Panicked(panic)) => match panic.take_if(|_| is_first) {
                Some(panic) => ReadStep::Panic(panic),
                None => ReadStep::Fail(BodyError::Broken("the handler panicked".into())),
            },
        }
    }
}

impl Drop for FillReader {
    fn drop(&mut self) {
        let (driver, is_orphaned) = {
            let mut state = lock(&self.body.state);
            state.readers.remove(self.slot);
            state.drop_chunks();
            let is_last = state.readers.is_empty() && state.end.is_none();
            (if is_last { state.driver.take() } else { None }, is_last && !state.has_driver)
        };
        if let Some(driver) = driver {
            driver.wake();
        }
        // A client that has all announced bytes leaves without asking for the end.
        if is_orphaned && !(self.body.pull(Puller::Driver) && self.body.has_ended()) {
            self.body.close();
        }
    }
}

impl FillBody {
    fn has_ended(&self) -> bool {
        lock(&self.state).end.is_some()
    }
}

impl fmt::Debug for FillReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FillReader(..)")
    }
}
