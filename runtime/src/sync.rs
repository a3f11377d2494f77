//! Locking, in one line.
//!
//! May use: nothing of this crate.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the circuit breaker's state is made of: `--cfg shuttle` has its tests explore how threads interleave on it.
pub(crate) mod explored {
    #[cfg(all(test, shuttle))]
    pub(crate) use shuttle::sync::{Mutex, atomic::AtomicU64};
    #[cfg(not(all(test, shuttle)))]
    pub(crate) use std::sync::{Mutex, atomic::AtomicU64};
}

/// Locks. Poison is ignored: nothing under our locks runs code of the user's, so nothing panics half-way through a change.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
