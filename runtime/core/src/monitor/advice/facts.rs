//! The figures that the rules judge.

use crate::monitor::probe::Pool;
use crate::monitor::process::{Memory, Process};
use crate::monitor::shared_tier::SharedTier;
use crate::monitor::sources::SlowQuery;
use crate::monitor::window::Interval;

/// All figures that the rules judge, of one sample.
#[derive(Clone, Debug, Default)]
pub(in crate::monitor) struct Facts {
    pub(in crate::monitor) window: Interval,
    pub(in crate::monitor) entries: usize,
    pub(in crate::monitor) process: Process,
    /// Mean of processor time over the window, in percent of what may be used; `None` with fewer than three samples.
    pub(in crate::monitor) cpu: Option<f64>,
    pub(in crate::monitor) memory: Option<Memory>,
    pub(in crate::monitor) shared: Option<SharedTier>,
    pub(in crate::monitor) pool: Option<Pool>,
    pub(in crate::monitor) slow_queries: Vec<SlowQuery>,
}
