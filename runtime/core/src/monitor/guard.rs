//! Figures of a [`MemoryGuard`](super::MemoryGuard).

use serde::Serialize;

use super::pressure::Pressure;

/// Figures of a [`MemoryGuard`](super::MemoryGuard) at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Snapshot {
    /// Level of pressure on memory.
    pub pressure: Pressure,
    /// Memory in use, in whole percent, without `reusable`; 0 where the system does not report it.
    pub percentage: u64,
    /// Entries that the local tier could give up.
    pub entries: usize,
    /// Bytes that the allocator holds and the program does not use; `None` unless the guard was given a source for them.
    pub reusable: Option<u64>,
    /// Milliseconds for which requests have been rejected with nothing left to give up; `None` otherwise.
    pub exhausted: Option<u64>,
}
