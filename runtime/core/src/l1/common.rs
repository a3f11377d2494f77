//! Clock, log and bounds of all stores of one handle.

use std::sync::Arc;

use super::budget::Budget;
use crate::clock::Clock;
use crate::log::Log;
use crate::sync::atomic::AtomicU64;

/// What all stores of one handle share.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    pub(crate) clock: Clock,
    pub(crate) log: Arc<Log>,
    pub(crate) budget: Arc<Budget>,
    /// The number of loads that have begun: one order for all stores, as an entry may go from one to another.
    pub(crate) loads: Arc<AtomicU64>,
    pub(crate) hasher: foldhash::fast::RandomState,
}
