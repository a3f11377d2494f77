//! Locking, in one line.
//!
//! May use: nothing of this crate.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. Poison is ignored: nothing under our locks runs code of the user's, so nothing panics half-way through a change.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
