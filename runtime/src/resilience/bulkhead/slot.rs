//! The right to be under way, and what giving it back does to an adaptive bound.

use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::sync::{Mutex, lock};

use super::super::outcomes::Begun;
use super::gradient::{Gradient, Sample};
use super::{CANCELLED, FINISHED, State};

/// Under a lock that orders all changes of the bound. The semaphore's own may be taken under it; nobody is woken there.
#[derive(Debug)]
pub(super) struct Adaptive {
    pub(super) gradient: Gradient,
    /// Permits that are to be forgotten when they are given back.
    debt: usize,
}

impl Adaptive {
    pub(super) fn new(min: u32, max: u32) -> Self {
        Self { gradient: Gradient::new(min, max), debt: 0 }
    }

    /// Lets the gradient know of a call. How many permits are to be added to the semaphore, for the caller to do so when
    /// the lock is released.
    fn learn(&mut self, sample: Sample, semaphore: &Semaphore) -> usize {
        let before = self.gradient.limit() as usize;
        self.gradient.add(sample);
        let after = self.gradient.limit() as usize;
        if after < before {
            self.debt += before - after;
            self.settle(semaphore);
        }
        let more = after.saturating_sub(before);
        let forgiven = more.min(self.debt);
        self.debt -= forgiven;
        more - forgiven
    }

    /// Pays with permits that nobody has.
    fn settle(&mut self, semaphore: &Semaphore) {
        if self.debt > 0 {
            self.debt -= semaphore.forget_permits(self.debt);
        }
    }
}

/// The right to be under way. Dropped without an end, the call was given up.
pub(crate) struct Slot<'a> {
    state: &'a State,
    permit: Option<SemaphorePermit<'a>>,
    begun: Option<Begun<'a>>,
    started: u64,
    ending: Ending,
}

/// What the end of a call tells of the time that calls take.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Finished,
    /// Nothing: errors may be quick.
    Failed,
    GivenUp,
}

impl<'a> Slot<'a> {
    pub(super) fn new(state: &'a State, permit: SemaphorePermit<'a>) -> Self {
        state.in_flight.fetch_add(1, Relaxed);
        let started = if state.adaptive.is_some() { state.clock.now() } else { 0 };
        let begun = Begun::new(&state.outcomes, CANCELLED);
        Self { state, permit: Some(permit), begun: Some(begun), started, ending: Ending::GivenUp }
    }

    pub(crate) fn end(mut self, is_ok: bool) {
        self.ending = if is_ok { Ending::Finished } else { Ending::Failed };
        if let Some(begun) = self.begun.take() {
            begun.end(FINISHED);
        }
    }
}

impl Slot<'_> {
    fn release(&mut self, adaptive: &Mutex<Adaptive>, in_flight: u64) {
        let State { semaphore, clock, .. } = self.state;
        let sample = Sample {
            started: self.started,
            ended: clock.now(),
            in_flight: u32::try_from(in_flight).unwrap_or(u32::MAX),
            given_up: self.ending == Ending::GivenUp,
        };
        let (more, pays) = {
            let adaptive = &mut *lock(adaptive);
            let more = if self.ending == Ending::Failed { 0 } else { adaptive.learn(sample, semaphore) };
            let pays = adaptive.debt > 0;
            adaptive.debt -= usize::from(pays);
            (more, pays)
        };
        if let Some(permit) = self.permit.take()
            && pays
        {
            permit.forget();
        }
        semaphore.add_permits(more);
        lock(adaptive).settle(semaphore);
    }
}

impl std::fmt::Debug for Slot<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot").field("of", &self.state.name).finish_non_exhaustive()
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let in_flight = self.state.in_flight.fetch_sub(1, Relaxed);
        if let Some(adaptive) = &self.state.adaptive {
            self.release(adaptive, in_flight);
        }
    }
}
