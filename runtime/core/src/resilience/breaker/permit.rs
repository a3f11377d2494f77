//! Permits: the right to make one call, and its end.

use std::mem::ManuallyDrop;
use std::thread;

use super::super::guarded::{Early, Ends};
use super::cell::Cell;
use super::published::PublishedState;
use super::verdict::Verdict;

/// The right to make one call, from [`Breaker::try_acquire`](super::Breaker::try_acquire). Report its end by
/// [`settle`](Self::settle).
///
/// A permit that is dropped without that counts as cancelled, which is ignored unless the settings say
/// [`cancelled_is_failure`](super::Settings::cancelled_is_failure); dropped while its thread panics, it counts as failed.
/// In each case the place that it reserved in a half-open breaker is released. If the breaker has changed its state since, the
/// end of the call counts in the totals alone.
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

/// An admitted call, without a borrow of its breaker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted {
    state: PublishedState,
    started: u64,
}

impl Admitted {
    #[inline]
    pub(super) fn new(cell: &Cell, state: PublishedState) -> Self {
        Self { state, started: cell.started(state) }
    }

    #[inline]
    fn settle(self, cell: &Cell, verdict: Verdict) {
        cell.settle(self.state, self.started, verdict);
    }

    fn end_early(self, cell: &Cell, how: Early) {
        match how {
            Early::Panicked => cell.settle(self.state, self.started, Verdict::Failure),
            Early::Cancelled => cell.cancel(self.state, self.started),
            Early::NotMade => cell.cancel_unmade(self.state),
        }
    }
}

impl<'a> Permit<'a> {
    #[inline]
    pub(super) fn new(cell: &'a Cell, state: PublishedState) -> Self {
        Self::resume(cell, Admitted::new(cell, state))
    }

    #[inline]
    pub(super) fn resume(cell: &'a Cell, admitted: Admitted) -> Self {
        Self { cell, admitted }
    }

    /// Reports the end of the call.
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
