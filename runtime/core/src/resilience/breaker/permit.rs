//! The right to make one call, and how it ended.

use std::mem::ManuallyDrop;
use std::thread;

use super::super::guarded::{Early, Ends};
use super::super::noted::Mark;
use super::cell::Cell;
use super::gate::Gate;

/// How a call ended, as far as a breaker is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// What is called works.
    Success,
    /// It does not.
    Failure,
    /// It tells nothing: a caller's own mistake, say.
    Ignored,
}

impl Verdict {
    /// `Ok` is a success and `Err` a failure.
    pub fn of<T, E>(result: &Result<T, E>) -> Self {
        if result.is_ok() { Self::Success } else { Self::Failure }
    }
}

/// The right to make one call, from [`Breaker::try_acquire`](super::Breaker::try_acquire). Say how it ended with
/// [`settle`](Self::settle).
///
/// Dropped without that, the call was cancelled, which counts as nothing unless the settings say
/// [`cancelled_is_failure`](super::BreakerSettings::cancelled_is_failure); dropped while its thread panics, it failed.
/// However it goes, what it reserved of a half-open breaker is given back. If the breaker has changed its state since, how
/// the call ended changes nothing.
///
/// ```
/// use fastness::resilience::{Rejected, Verdict, breaker};
///
/// # fn main() -> Result<(), Rejected> {
/// let printer = breaker("printer");
/// let permit = printer.try_acquire()?;
/// // .. print ..
/// permit.settle(Verdict::Success);
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "a permit that is dropped at once is a cancelled call"]
pub struct Permit<'a> {
    cell: &'a Cell,
    gate: Gate,
    started: u64,
}

impl<'a> Permit<'a> {
    #[inline]
    pub(super) fn new(cell: &'a Cell, gate: Gate) -> Self {
        Self { cell, gate, started: cell.started(gate) }
    }

    /// Says how the call ended.
    #[inline]
    pub fn settle(self, verdict: Verdict) {
        let this = ManuallyDrop::new(self);
        this.cell.settle(this.gate, this.started, verdict);
    }
}

impl Mark {
    /// What a call tells that began at this moment and has this output, of which `verdict` is said.
    ///
    /// One that failed because a policy within rejected it was not made, and tells nothing of what it was to call.
    #[inline]
    pub(crate) fn verdict<T>(self, verdict: Verdict) -> Verdict {
        if verdict == Verdict::Failure && self.rejection::<T>().is_some() { Verdict::Ignored } else { verdict }
    }
}

impl Ends for Permit<'_> {
    fn end_early(self, how: Early) {
        let this = ManuallyDrop::new(self);
        match how {
            Early::Panicked => this.cell.settle(this.gate, this.started, Verdict::Failure),
            Early::Cancelled => this.cell.cancel(this.gate, this.started),
            Early::NotMade => this.cell.cancel_unmade(this.gate),
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.cell.settle(self.gate, self.started, Verdict::Failure);
        } else {
            self.cell.cancel(self.gate, self.started);
        }
    }
}
