//! Locks and atomics: those of std, or under `--cfg fastness_loom` those of loom, which runs a test in every order that the memory
//! model admits.
//!
//! May use: nothing of this crate.

use std::sync::PoisonError;

#[cfg(fastness_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};
#[cfg(not(fastness_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic};

/// Locks. Poison is ignored: nothing under our locks runs code of the user's, so nothing panics half-way through a change.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Locks what is static, and so cannot be loom's.
pub(crate) fn lock_static<T>(mutex: &'static std::sync::Mutex<T>) -> std::sync::MutexGuard<'static, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
