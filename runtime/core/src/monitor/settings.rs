//! Settings of a monitor, once it is built.

use std::time::Duration;

use super::alerts::{Callback, Thresholds};
use super::guard::MemoryGuard;
use super::probe::Probe;
use super::sources::Sources;

pub(super) struct Settings {
    pub(super) period: Duration,
    pub(super) window: Duration,
    pub(super) thresholds: Thresholds,
    pub(super) cache_required: bool,
    pub(super) memory_limit: Option<u64>,
    pub(super) guard: Option<MemoryGuard>,
    pub(super) database: Option<Probe>,
    pub(super) probes: Vec<Probe>,
    pub(super) sources: Sources,
    pub(super) told: Vec<Callback>,
}
