//! The findings of the last look at the database, and the changes that are followed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fastness::mongo::changes::WatcherTask;
use serde_json::Value;

/// The reports that were read last, and the changes that are followed.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Plain locks: they are held to put, take or copy a value, never across an `.await`.
    pub(super) seen: Mutex<Seen>,
    pub(super) changes: Mutex<Option<WatcherTask>>,
}

/// The indexes and the profiling of the database as they were read last; null before the first read.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) indexes: Value,
    pub(super) profiling: Value,
}

pub(super) fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
