//! The right to be under way, and what giving it back does to an adaptive bound.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::sync::{Mutex, lock};

use super::super::guarded::{Early, Ends};
use super::super::outcomes::Begun;
use super::gradient::{Gradient, Sample};
use super::{CANCELLED, FINISHED, PANICKED, State};

/// A bound that adapts itself.
#[derive(Debug)]
pub(super) struct Adaptive {
    /// Orders all changes of the bound. The semaphore's own lock may be taken under it; nobody is woken there.
    pub(super) bound: Mutex<Bound>,
    /// Whether there is debt, for those who have not got the lock.
    is_indebted: AtomicBool,
}

/// The bound, and what the semaphore has beyond it.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) gradient: Gradient,
    /// Permits that are to be forgotten when they are given back.
    debt: usize,
}

impl Adaptive {
    pub(super) fn new(min: u32, max: u32) -> Self {
        let bound = Bound { gradient: Gradient::new(min, max), debt: 0 };
        Self { bound: Mutex::new(bound), is_indebted: AtomicBool::new(false) }
    }

    /// Changes the bound, and pays what can be paid.
    fn change<T>(&self, semaphore: &Semaphore, change: impl FnOnce(&mut Bound) -> T) -> T {
        let bound = &mut *lock(&self.bound);
        let before = bound.debt > 0;
        let changed = change(bound);
        bound.settle(semaphore);
        if before != (bound.debt > 0) {
            self.is_indebted.store(!before, Relaxed);
        }
        changed
    }
}

impl Bound {
    /// The permits that there are.
    pub(super) fn permits(&self) -> usize {
        self.gradient.limit() as usize + self.debt
    }

    /// Lets the gradient know of a call. How many permits are to be added to the semaphore, for the caller to do so when
    /// the lock is released.
    fn learn(&mut self, sample: Sample) -> usize {
        let before = self.gradient.limit() as usize;
        self.gradient.add(sample);
        let after = self.gradient.limit() as usize;
        self.debt += before.saturating_sub(after);
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
    begun: Begun<'a>,
    started: u64,
    ending: Ending,
}

/// What the end of a call tells of the time that calls take.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Finished,
    /// Nothing: errors and panics may be quick.
    Failed,
    GivenUp,
}

impl<'a> Slot<'a> {
    pub(super) fn new(state: &'a State, permit: SemaphorePermit<'a>) -> Self {
        let started = if state.adaptive.is_some() { state.clock.reading() } else { 0 };
        let begun = Begun::new(&state.outcomes, CANCELLED, PANICKED);
        Self { state, permit: Some(permit), begun, started, ending: Ending::GivenUp }
    }

    pub(crate) fn end(mut self, is_ok: bool) {
        self.ending = if is_ok { Ending::Finished } else { Ending::Failed };
        self.begun.end(FINISHED);
    }
}

impl Slot<'_> {
    fn release(&mut self, adaptive: &Adaptive) {
        let State { semaphore, clock, .. } = self.state;
        let (ended, free) = (clock.reading(), semaphore.available_permits());
        // Where there is debt, it is paid with this permit, or else nobody would ever pay while others wait for one.
        if !adaptive.is_indebted.load(Relaxed) {
            self.permit = None;
        }
        let more = adaptive.change(semaphore, |bound| {
            let in_flight = u32::try_from(bound.permits().saturating_sub(free)).unwrap_or(u32::MAX);
            let given_up = self.ending == Ending::GivenUp;
            let sample = Sample { started: self.started, ended, in_flight, given_up };
            let more = if self.ending == Ending::Failed { 0 } else { bound.learn(sample) };
            if bound.debt > 0
                && let Some(permit) = self.permit.take()
            {
                permit.forget();
                bound.debt -= 1;
            }
            more
        });
        if more > 0 || self.permit.is_some() {
            self.permit = None;
            semaphore.add_permits(more);
            // There may be new debt, which was to be paid with these.
            adaptive.change(semaphore, |_| ());
        }
    }
}

impl Ends for Slot<'_> {
    fn end_early(mut self, how: Early) {
        if how == Early::Panicked {
            self.begun.end(PANICKED);
        }
        if how != Early::Cancelled {
            self.ending = Ending::Failed;
        }
    }
}

impl std::fmt::Debug for Slot<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot").field("of", &self.state.name).finish_non_exhaustive()
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if let Some(adaptive) = &self.state.adaptive {
            self.release(adaptive);
        }
    }
}
