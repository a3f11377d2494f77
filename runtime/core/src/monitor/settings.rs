//! Settings of a monitor, complete.

use std::time::Duration;

use super::alerts::{Callback, Thresholds};
use super::memory_guard::MemoryGuard;
use super::probe::Probe;
use super::sources::Sources;

/// Settings of a monitor, as its builder fills them in.
pub(super) struct Settings {
    /// Time between two samples.
    pub(super) period: Duration,
    pub(super) window: Duration,
    pub(super) thresholds: Thresholds,
    pub(super) shared_tier_required: bool,
    /// Bytes that this process may hold.
    pub(super) memory_limit: Option<u64>,
    pub(super) guard: Option<MemoryGuard>,
    pub(super) database: Option<Probe>,
    pub(super) probes: Vec<Probe>,
    pub(super) sources: Sources,
    pub(super) on_alert: Vec<Callback>,
}
