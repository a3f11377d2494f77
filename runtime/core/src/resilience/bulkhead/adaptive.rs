//! A bound that adapts itself, and the permits that the semaphore has beyond it.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::Semaphore;

use super::gradient::{Gradient, Sample};
use crate::sync::{Mutex, lock};

/// A bound that adapts itself.
#[derive(Debug)]
pub(super) struct Adaptive {
    /// Orders all changes of the bound. The semaphore's own lock may be taken under it; nobody is woken there.
    bound: Mutex<Bound>,
    /// Whether there is debt, for those who have not got the lock.
    is_indebted: AtomicBool,
}

/// The bound, and what the semaphore has beyond it.
#[derive(Debug)]
struct Bound {
    gradient: Gradient,
    /// Permits that are to be forgotten when they are given back.
    debt: usize,
}

/// What the end of a call tells of the time that calls take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Lesson {
    /// Took from `started` to `ended`, both in nanoseconds.
    Took { started: u64, ended: u64, given_up: bool },
    /// Tells nothing: errors and panics may be quick.
    None,
}

impl Adaptive {
    pub(super) fn new(min: u32, max: u32) -> Self {
        let bound = Bound { gradient: Gradient::new(min, max), debt: 0 };
        Self { bound: Mutex::new(bound), is_indebted: AtomicBool::new(false) }
    }

    /// The bound, and the permits that there are.
    pub(super) fn levels(&self) -> (u32, usize) {
        let bound = lock(&self.bound);
        (bound.gradient.limit(), bound.permits())
    }

    /// Gives the permit of a call back that has ended, and learns from it.
    pub(super) fn release(&self, semaphore: &Semaphore, lesson: Lesson) {
        let free = semaphore.available_permits();
        let mut held = true;
        // Where there is debt, it is paid with this permit, or else nobody would ever pay while others wait for one.
        if !self.is_indebted.load(Relaxed) {
            semaphore.add_permits(1);
            held = false;
        }
        let more = self.change(semaphore, |bound| {
            let more = bound.learn(lesson, free);
            if bound.debt > 0 && held {
                held = false;
                bound.debt -= 1;
            }
            more
        });
        if more > 0 || held {
            semaphore.add_permits(more + usize::from(held));
            // There may be new debt, which was to be paid with these.
            self.change(semaphore, |_| ());
        }
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
    fn permits(&self) -> usize {
        self.gradient.limit() as usize + self.debt
    }

    /// Lets the gradient know of a call, beside which so many permits were free. Returns how many permits are to be added to the
    /// semaphore, for the caller to do so when the lock is released.
    fn learn(&mut self, lesson: Lesson, free: usize) -> usize {
        let Lesson::Took { started, ended, given_up } = lesson else { return 0 };
        let in_flight = u32::try_from(self.permits().saturating_sub(free)).unwrap_or(u32::MAX);
        let before = self.gradient.limit() as usize;
        self.gradient.add(Sample { started, ended, in_flight, given_up });
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
