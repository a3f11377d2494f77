//! The right to make one call, and how it ended.

use std::mem::ManuallyDrop;
use std::thread;

use super::super::guarded::{Early, Ends};
use super::cell::Cell;
use super::gate::Gate;
use super::verdict::Verdict;

/// The right to make one call, from [`Breaker::try_acquire`](super::Breaker::try_acquire). Say how it ended with
/// [`settle`](Self::settle).
///
/// Dropped without that, the call was cancelled, which counts as nothing unless the settings say
/// [`cancelled_is_failure`](super::Settings::cancelled_is_failure); dropped while its thread panics, it failed.
/// However it goes, what it reserved of a half-open breaker is given back. If the breaker has changed its state since, how
/// the call ended changes nothing.
///
/// ```
/// use fastness::resilience::Rejected;
/// use fastness::resilience::breaker::{Breaker, Verdict};
///
/// # fn main() -> Result<(), Rejected> {
/// let printer = Breaker::named("printer");
/// let permit = printer.try_acquire()?;
/// // .. print ..
/// permit.settle(Verdict::Success);
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "a permit that is dropped at once is a cancelled call"]
pub struct Permit<'a> {
    cell: &'a Cell,
    admitted: Admitted,
}

/// A call that may be made, as the breaker that admitted it knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted {
    gate: Gate,
    started: u64,
}

impl Admitted {
    #[inline]
    pub(super) fn new(cell: &Cell, gate: Gate) -> Self {
        Self { gate, started: cell.started(gate) }
    }

    #[inline]
    fn settle(self, cell: &Cell, verdict: Verdict) {
        cell.settle(self.gate, self.started, verdict);
    }

    fn end_early(self, cell: &Cell, how: Early) {
        match how {
            Early::Panicked => cell.settle(self.gate, self.started, Verdict::Failure),
            Early::Cancelled => cell.cancel(self.gate, self.started),
            Early::NotMade => cell.cancel_unmade(self.gate),
        }
    }
}

impl<'a> Permit<'a> {
    #[inline]
    pub(super) fn new(cell: &'a Cell, gate: Gate) -> Self {
        Self::resume(cell, Admitted::new(cell, gate))
    }

    #[inline]
    pub(super) fn resume(cell: &'a Cell, admitted: Admitted) -> Self {
        Self { cell, admitted }
    }

    /// Says how the call ended.
    #[inline]
    pub fn settle(self, verdict: Verdict) {
        let this = ManuallyDrop::new(self);
        this.admitted.settle(this.cell, verdict);
    }
}

impl Ends for Permit<'_> {
    fn end_early(self, how: Early) {
        let this = ManuallyDrop::new(self);
        this.admitted.end_early(this.cell, how);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let how = if thread::panicking() { Early::Panicked } else { Early::Cancelled };
        self.admitted.end_early(self.cell, how);
    }
}
