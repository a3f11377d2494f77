//! The clock, the log and the bounds that all stores of one handle share.

use std::sync::Arc;

use super::budget::EntryBudget;
use crate::clock::Clock;
use crate::log::Log;
use crate::sync::atomic::AtomicU64;

/// The parts of a handle that its stores use.
#[derive(Clone, Debug)]
pub(crate) struct StoreContext {
    pub(crate) clock: Clock,
    pub(crate) log: Arc<Log>,
    pub(crate) budget: Arc<EntryBudget>,
    /// The number of loads so far. All stores use one sequence, because an entry may move from one store to another.
    pub(crate) loads: Arc<AtomicU64>,
    pub(crate) hasher: foldhash::fast::RandomState,
}
