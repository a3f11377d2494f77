//! A body that is read once and given to several responses while it comes.
//!
//! A [`FillBody`] reads the body of a load ([`FillLoad`]) and has its bytes in memory for the [`FillReader`]s, which are bodies of responses.
//! Until more than its limit has come, every byte is there, and a [`FillDriver`] reads on by itself, in a task. After that the fastest
//! reader decides how much is read, only the last bytes are in memory, and a reader that fell behind them is cut off.
//!
//! Invariants:
//! - at any time one caller polls the load, a reader or the driver; its waker is the fill's own, so no reader depends on another one;
//! - no code of the load runs under a lock;
//! - the load has ended, and its response is stored if it may be, before any reader sees the end of the body;
//! - without readers, the body is read on by a driver, within its time and the limit, or dropped.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;

use super::body_error::BodyError;
use crate::sync::atomic::AtomicBool;
use crate::sync::atomic::Ordering::SeqCst;
use crate::sync::{Mutex, lock};

mod driver;
mod reader;
mod slots;
mod window;

pub(super) use driver::FillDriver;
pub(super) use reader::FillReader;
use slots::ReaderSlots;
use window::BodyWindow;

/// Frame of a body, or its end.
pub(super) type PolledFrame = Poll<Option<Result<Frame<Bytes>, BodyError>>>;

/// The load that a fill reads.
pub(super) trait FillLoad: Send {
    /// Polls its body.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> PolledFrame;

    /// Returns whether its body has no more frames.
    fn is_end_stream(&self) -> bool;

    /// Notes that the body is too large to be shared with later requests.
    fn outgrows_limit(&mut self);

    /// Ends the load. It is dropped instead if it is given up, or if it panicked.
    fn end(self: Box<Self>, outcome: FillOutcome<'_>);
}

/// End of a load, for the load itself.
pub(super) enum FillOutcome<'a> {
    /// The whole body.
    Whole(Bytes),
    /// A whole body that is too large to be stored, or has trailers.
    Unstorable,
    /// A body that broke off.
    Broken(&'a BodyError),
}

/// End of a body, for its readers.
#[derive(Debug)]
enum FillEnd {
    Whole,
    Broken(Arc<BodyError>),
    /// The load panicked. The first client gets the panic.
    Panicked(Option<Box<dyn Any + Send>>),
}

/// A body that is read once, for several readers.
pub(super) struct FillBody {
    state: Mutex<FillState>,
    /// The largest number of bytes that may be stored.
    limit: u64,
    /// The length that was announced.
    promised: Option<u64>,
    /// True if the load was woken since its last poll began.
    is_woken: AtomicBool,
    /// Waker of the load.
    waker: Waker,
}

struct FillState {
    window: BodyWindow,
    readers: ReaderSlots,
    trailers: Option<HeaderMap>,
    /// `None` until the body has ended.
    end: Option<FillEnd>,
    /// `None` while it is polled, and after its end.
    load: Option<Box<dyn FillLoad>>,
    /// True once more than the limit has come.
    has_outgrown: bool,
    /// The largest number of bytes that is in memory then: those that had come, which no reader may have read.
    room: u64,
    /// True once the load is given up.
    is_closed: bool,
    has_driver: bool,
    driver: Option<Waker>,
}

/// Caller that polls the load, and so needs no waking.
#[derive(Clone, Copy, PartialEq)]
enum Puller {
    Driver,
    Reader(usize),
}

/// Wakes those who can poll the load.
struct FillWaker(Weak<FillBody>);

impl Wake for FillWaker {
    fn wake(self: Arc<Self>) {
        if let Some(body) = self.0.upgrade() {
            body.is_woken.store(true, SeqCst);
            body.wake_pullers();
        }
    }
}

impl FillBody {
    /// Creates a fill of the body of a load, of which some chunks came already.
    pub(super) fn new(
        load: Box<dyn FillLoad>,
        came: impl IntoIterator<Item = Bytes>,
        limit: usize,
        promised: Option<u64>,
    ) -> Arc<Self> {
        let mut window = BodyWindow::default();
        came.into_iter().for_each(|bytes| window.push(bytes));
        let state = FillState {
            window,
            readers: ReaderSlots::default(),
            trailers: None,
            end: None,
            load: Some(load),
            has_outgrown: false,
            room: limit as u64,
            is_closed: false,
            has_driver: false,
            driver: None,
        };
        Arc::new_cyclic(|body| Self {
            state: Mutex::new(state),
            limit: limit as u64,
            promised,
            is_woken: AtomicBool::new(false),
            waker: Waker::from(Arc::new(FillWaker(body.clone()))),
        })
    }

    /// Returns whether a new reader would get the whole body.
    pub(super) fn is_joinable(&self) -> bool {
        lock(&self.state).is_joinable()
    }

    /// Polls the load once, unless it is being polled. Returns whether the state has changed.
    fn pull(&self, by: Puller) -> bool {
        let Some(mut load) = lock(&self.state).load.take() else { return false };
        self.is_woken.store(false, SeqCst);
        let mut cx = Context::from_waker(&self.waker);
        let polled = catch_unwind(AssertUnwindSafe(|| match load.poll_frame(&mut cx) {
            Poll::Pending => None,
            Poll::Ready(frame) => Some((frame, load.is_end_stream())),
        }));
        match polled {
            Ok(None) => {
                self.put_back(load);
                return false;
            }
            Ok(Some((Some(Ok(frame)), is_end))) => match frame.into_data() {
                Ok(bytes) => self.push(load, bytes, is_end, by),
                Err(frame) => self.finish(load, frame.into_trailers().ok(), by),
            },
            Ok(Some((Some(Err(error)), _))) => {
                load.end(FillOutcome::Broken(&error));
                self.set_end(FillEnd::Broken(Arc::new(error)), None, by);
            }
            Ok(Some((None, _))) => self.finish(load, None, by),
            Err(panic) => {
                drop(load);
                self.set_end(FillEnd::Panicked(Some(panic)), None, by);
            }
        }
        true
    }

    /// Puts a load back that has to wait.
    fn put_back(&self, load: Box<dyn FillLoad>) {
        let closed = {
            let mut state = lock(&self.state);
            if state.is_closed {
                Some(load)
            } else {
                state.load = Some(load);
                None
            }
        };
        drop(closed);
        // A caller that was woken meanwhile has found no load to poll.
        if self.is_woken.swap(false, SeqCst) {
            self.wake_pullers();
        }
    }

    fn push(&self, mut load: Box<dyn FillLoad>, bytes: Bytes, is_end: bool, by: Puller) {
        let outgrows = {
            let state = lock(&self.state);
            !state.has_outgrown && state.window.end().saturating_add(bytes.len() as u64) > self.limit
        };
        if outgrows {
            load.outgrows_limit();
        }
        let mut state = lock(&self.state);
        state.window.push(bytes);
        if outgrows {
            (state.has_outgrown, state.room) = (true, state.window.end());
        }
        state.drop_chunks();
        if is_end {
            drop(state);
            return self.finish(load, None, by);
        }
        let closed = if state.is_closed { Some(load) } else { state.load.replace(load) };
        let woken = state.wake_all(by);
        drop(state);
        drop(closed);
        woken.into_iter().for_each(Waker::wake);
    }

    fn finish(&self, load: Box<dyn FillLoad>, trailers: Option<HeaderMap>, by: Puller) {
        let whole = {
            let state = lock(&self.state);
            (!state.has_outgrown && trailers.is_none()).then(|| state.window.joined())
        };
        load.end(whole.map_or(FillOutcome::Unstorable, FillOutcome::Whole));
        self.set_end(FillEnd::Whole, trailers, by);
    }

    fn set_end(&self, end: FillEnd, trailers: Option<HeaderMap>, by: Puller) {
        let mut state = lock(&self.state);
        (state.end, state.trailers) = (Some(end), trailers);
        let woken = state.wake_all(by);
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Gives the load up, unless it has ended or a reader has come.
    fn close(&self) {
        let load = {
            let mut state = lock(&self.state);
            if state.end.is_some() || !state.readers.is_empty() {
                return;
            }
            state.is_closed = true;
            state.load.take()
        };
        drop(load);
    }

    /// Wakes the driver, or without one all readers that wait.
    fn wake_pullers(&self) {
        let woken = {
            let mut state = lock(&self.state);
            match state.driver.take() {
                Some(driver) => vec![driver],
                None if state.has_driver => Vec::new(),
                None => state.readers.take_wakers(None),
            }
        };
        woken.into_iter().for_each(Waker::wake);
    }
}

impl FillState {
    fn is_joinable(&self) -> bool {
        !self.is_closed && !self.has_outgrown && matches!(self.end, None | Some(FillEnd::Whole))
    }

    /// Drops what all readers have read, and what is too much, of a body that is too large to be stored.
    fn drop_chunks(&mut self) {
        if self.has_outgrown {
            self.window.drop_before(self.readers.slowest().unwrap_or(0));
            self.window.shrink(self.room);
        }
    }

    /// Returns the wakers of all who wait, except that of the caller.
    fn wake_all(&mut self, by: Puller) -> Vec<Waker> {
        let except = match by {
            Puller::Reader(slot) => Some(slot),
            Puller::Driver => None,
        };
        let mut woken = self.readers.take_wakers(except);
        if by != Puller::Driver {
            woken.extend(self.driver.take());
        }
        woken
    }
}

#[cfg(test)]
mod tests;
