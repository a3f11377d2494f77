//! A wait until a time, which needs no timer of a runtime.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use super::alarm::Alarm;
use super::{Armed, Clock};
use crate::sync::{Mutex, lock};

/// Future that ends at a time of a clock.
pub(crate) struct Deadline {
    clock: Clock,
    at: u64,
    bell: Arc<DeadlineBell>,
    /// Set at the first poll.
    armed: Option<Armed>,
}

/// Alarm that wakes the task that waits.
#[derive(Default)]
struct DeadlineBell {
    waker: Mutex<Option<Waker>>,
}

impl Alarm for DeadlineBell {
    fn ring(&self, _: u64) -> Option<u64> {
        let waker = lock(&self.waker).take();
        if let Some(waker) = waker {
            waker.wake();
        }
        None
    }
}

impl Deadline {
    /// Creates a wait until `at`, in nanoseconds of the clock.
    pub(crate) fn new(clock: &Clock, at: u64) -> Self {
        Self { clock: clock.clone(), at, bell: Arc::default(), armed: None }
    }
}

impl Future for Deadline {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // The alarm may ring between these steps, so the time is compared last.
        *lock(&self.bell.waker) = Some(cx.waker().clone());
        if self.armed.is_none() {
            let alarm: Arc<dyn Alarm> = self.bell.clone();
            let alarm: Weak<dyn Alarm> = Arc::downgrade(&alarm);
            self.armed = Some(self.clock.set_alarm(self.at, alarm));
        }
        if self.clock.now() >= self.at { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_deadline_ends_at_its_time_without_a_runtime() {
        let clock = Clock::manual();
        let mut deadline = Deadline::new(&clock, clock.now() + 10);
        let mut poll = || Pin::new(&mut deadline).poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll().is_pending());
        clock.advance(Duration::from_nanos(9));
        assert!(poll().is_pending());
        clock.advance(Duration::from_nanos(1));
        assert!(poll().is_ready());
        crate::sync::block_on(Deadline::new(&Clock::system(), 1));
    }

    #[test]
    fn a_deadline_wakes_the_last_task_that_polled_it() {
        let clock = Clock::manual();
        let deadline = Deadline::new(&clock, clock.now() + 10);
        let (advanced, time) = (clock.clone(), Duration::from_nanos(10));
        let advance = std::thread::spawn(move || advanced.advance(time));
        crate::sync::block_on(deadline);
        advance.join().unwrap();
        assert!(clock.now() >= 10);
    }
}
