//! Work of a load beyond its permit: the body of a response that is still coming when the waiters have its head.

use std::sync::Arc;

use super::deadlock::{Inside, Waits};
use super::{Flight, LoadPermit};
use crate::sync::lock;

/// Reference to a load, which outlives its permit.
#[derive(Clone)]
pub(crate) struct FlightRef(Arc<Flight>);

/// Record of a caller that waits for work of a load, while it lives.
pub(crate) struct FlightWait {
    // Dropped in this order: the wait is recorded by the flight's address, which must stay valid until the record is gone.
    _waits: Waits,
    _flight: Arc<Flight>,
}

impl LoadPermit {
    /// Returns a reference to the load; `None` if its waiters have the outcome already.
    pub(crate) fn flight(&self) -> Option<FlightRef> {
        self.leading.as_ref().map(|leading| FlightRef(leading.flight.clone()))
    }
}

impl FlightRef {
    /// Marks this thread as running work of the load while the guard lives, as [`LoadPermit::enter`] does.
    pub(crate) fn enter(&self) -> Inside {
        Inside::enter(self.0.id())
    }

    /// Records that this caller waits for work of the load. `None` if it would wait for itself, directly or through other loads.
    pub(crate) fn wait(&self) -> Option<FlightWait> {
        Some(FlightWait { _waits: Waits::begin(self.0.id())?, _flight: self.0.clone() })
    }

    /// Returns whether a caller waits for the end of the load.
    pub(crate) fn has_waiters(&self) -> bool {
        lock(&self.0.waiters).waiting.iter().any(|waiter| !waiter.is_closed())
    }
}
