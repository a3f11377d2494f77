//! Locking, in one line.
//!
//! May use: nothing of this crate.

pub(crate) use std::sync::Mutex;
pub(crate) use std::sync::atomic::AtomicU64;
use std::sync::{MutexGuard, PoisonError};

/// Locks. Poison is ignored: nothing under our locks runs code of the user's, so nothing panics half-way through a change.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
