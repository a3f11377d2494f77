//! The bound of a bulkhead, which may follow the durations of calls, and the permits that the semaphore has beyond it.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, fence};

use tokio::sync::Semaphore;

use super::super::events::limit_changed;
use super::gradient::{Gradient, Sample};
use crate::sync::{Mutex, lock};

/// A bound on the slots.
#[derive(Debug)]
pub(super) struct SlotBound {
    /// The bound. The lock orders all changes; the semaphore's own lock may be taken under it, but no task is woken there.
    bound: Mutex<Bound>,
    /// True if there is debt; readable without the lock.
    is_indebted: AtomicBool,
}

/// The bound, and the permits that the semaphore has beyond it.
#[derive(Debug)]
struct Bound {
    gradient: Gradient,
    /// Permits to be removed when they are released.
    debt: usize,
}

/// The information that the end of a call gives about the duration of calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Lesson {
    /// The call took from `started` to `ended`, both in nanoseconds.
    Took { started: u64, ended: u64, given_up: bool },
    /// No information: errors and panics may be quick.
    None,
}

impl SlotBound {
    pub(super) fn new(min: u32, max: u32) -> Self {
        let bound = Bound { gradient: Gradient::new(min, max), debt: 0 };
        Self { bound: Mutex::new(bound), is_indebted: AtomicBool::new(false) }
    }

    /// Returns the bound, and the number of permits.
    pub(super) fn levels(&self) -> (u32, usize) {
        let bound = lock(&self.bound);
        (bound.gradient.limit(), bound.permits())
    }

    /// Releases the permit of a call that has ended, and adapts the bound by its duration.
    pub(super) fn release(&self, name: &Arc<str>, semaphore: &Semaphore, lesson: Lesson) {
        let free = semaphore.available_permits();
        let mut held = true;
        // Debt is paid with this permit, or else it would stay while others wait for one.
        if !self.is_indebted.load(Relaxed) {
            semaphore.add_permits(1);
            held = false;
        }
        let more = self.change(semaphore, |bound| {
            let before = bound.gradient.limit();
            let more = bound.learn(lesson, free);
            let after = bound.gradient.limit();
            if after != before {
                limit_changed(name, before, after);
            }
            if bound.debt > 0 && held {
                held = false;
                bound.debt -= 1;
            }
            more
        });
        if more > 0 || held {
            semaphore.add_permits(more + usize::from(held));
            // There may be new debt, to be paid with these permits.
            self.change(semaphore, |_| ());
        }
    }

    /// Releases the permit of a call that has ended, under a bound that does not adapt. It takes the lock only while there is debt.
    pub(super) fn release_fixed(&self, name: &Arc<str>, semaphore: &Semaphore) {
        if self.is_indebted.load(Relaxed) {
            return self.release(name, semaphore, Lesson::None);
        }
        semaphore.add_permits(1);
        // A bound that is lowered meanwhile either finds this permit, or is found here.
        fence(SeqCst);
        if self.is_indebted.load(Relaxed) {
            self.change(semaphore, |_| ());
        }
    }

    /// Sets the smallest and the largest bound. Calls in flight beyond them end as usual.
    #[cfg(feature = "settings")]
    pub(super) fn set(&self, semaphore: &Semaphore, min: u32, max: u32) {
        let more = self.change(semaphore, |bound| bound.resize(|gradient| gradient.set_bounds(min, max)));
        fence(SeqCst);
        semaphore.add_permits(more);
        // Pays with permits that were released before the debt was known.
        self.change(semaphore, |_| ());
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
    /// Returns the number of permits.
    fn permits(&self) -> usize {
        self.gradient.limit() as usize + self.debt
    }

    /// Passes a call to the gradient, with the number of permits that were free beside it. Returns the number of permits to be added to the
    /// semaphore, which the caller does when the lock is released.
    fn learn(&mut self, lesson: Lesson, free: usize) -> usize {
        let Lesson::Took { started, ended, given_up } = lesson else { return 0 };
        let in_flight = u32::try_from(self.permits().saturating_sub(free)).unwrap_or(u32::MAX);
        self.resize(|gradient| gradient.add(Sample { started, ended, in_flight, given_up }))
    }

    /// Changes the limit of the gradient. Returns the number of permits to be added to the semaphore.
    fn resize(&mut self, change: impl FnOnce(&mut Gradient)) -> usize {
        let before = self.gradient.limit() as usize;
        change(&mut self.gradient);
        let after = self.gradient.limit() as usize;
        self.debt += before.saturating_sub(after);
        let more = after.saturating_sub(before);
        let forgiven = more.min(self.debt);
        self.debt -= forgiven;
        more - forgiven
    }

    /// Pays debt with free permits.
    fn settle(&mut self, semaphore: &Semaphore) {
        if self.debt > 0 {
            self.debt -= semaphore.forget_permits(self.debt);
        }
    }
}
