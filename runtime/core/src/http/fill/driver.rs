//! Driver of a fill: reads the body by itself, so that it is stored soon, and for a time after all readers have left.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::{FillBody, FillState, Puller};
use crate::clock::{Clock, Deadline, nanos};
use crate::engine::{Background, BackgroundPermit};
use crate::sync::lock;

/// Number of frames after which the driver lets other tasks run.
const FRAMES_PER_POLL: usize = 64;

/// Future that reads the body of a fill until it has ended, or until more than the limit has come. Dropped before that, it leaves the body
/// to its readers.
pub(in crate::http) struct FillDriver {
    body: Arc<FillBody>,
    clock: Clock,
    /// The time for which the body is read on without readers.
    time: Duration,
    /// Bounds the bodies that are read without readers.
    background: Arc<Background>,
    alone: Option<AloneTime>,
}

/// Time without readers.
struct AloneTime {
    /// Number of readers that had come when it began.
    since: u64,
    ends: Deadline,
    _permit: BackgroundPermit,
}

/// State in which a driver finds the body.
enum DriverStep {
    /// The body needs no driver any more.
    Leave,
    /// There is no reader any more, after so many: the body may be read for a time.
    Alone(u64),
    Read,
}

impl FillDriver {
    pub(in crate::http) fn new(
        body: &Arc<FillBody>,
        clock: &Clock,
        time: Duration,
        background: &Arc<Background>,
    ) -> Self {
        lock(&body.state).has_driver = true;
        Self { body: body.clone(), clock: clock.clone(), time, background: background.clone(), alone: None }
    }

    /// Polls the time without readers, of which so many have come and left. Ready once it is over.
    fn poll_alone(&mut self, since: u64, cx: &mut Context<'_>) -> Poll<()> {
        if self.alone.as_ref().is_none_or(|alone| alone.since != since) {
            self.alone = None;
            let Some(permit) = self.background.try_acquire() else { return Poll::Ready(()) };
            let ends = Deadline::new(&self.clock, self.clock.now().saturating_add(nanos(self.time)));
            self.alone = Some(AloneTime { since, ends, _permit: permit });
        }
        self.alone.as_mut().map_or(Poll::Ready(()), |alone| Pin::new(&mut alone.ends).poll(cx))
    }
}

impl FillState {
    fn driver_step(&mut self, cx: &mut Context<'_>) -> DriverStep {
        if self.end.is_some() || self.is_closed || self.has_outgrown {
            return DriverStep::Leave;
        }
        self.driver = Some(cx.waker().clone());
        if self.readers.is_empty() { DriverStep::Alone(self.readers.added()) } else { DriverStep::Read }
    }
}

impl Future for FillDriver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..FRAMES_PER_POLL {
            let step = lock(&self.body.state).driver_step(cx);
            match step {
                DriverStep::Leave => return Poll::Ready(()),
                DriverStep::Alone(_) => {}
                DriverStep::Read => self.alone = None,
            }
            if !self.body.pull(Puller::Driver) {
                return match step {
                    DriverStep::Alone(since) => self.poll_alone(since, cx),
                    DriverStep::Leave | DriverStep::Read => Poll::Pending,
                };
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for FillDriver {
    fn drop(&mut self) {
        let (is_orphaned, woken) = {
            let mut state = lock(&self.body.state);
            (state.has_driver, state.driver) = (false, None);
            let is_orphaned = state.readers.is_empty() && state.end.is_none();
            (is_orphaned, state.readers.take_wakers(None))
        };
        if is_orphaned {
            self.body.close();
        }
        woken.into_iter().for_each(std::task::Waker::wake);
    }
}
