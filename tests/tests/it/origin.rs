//! The origin of the cached functions of these tests: it counts its calls, and fails on demand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use fastness::LoadTimeout;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
/// The smallest step of the clock.
pub(crate) const TICK: Duration = Duration::from_nanos(1);

pub(crate) fn just_before(time: Duration) -> Duration {
    time.saturating_sub(TICK)
}

#[derive(Clone, Default)]
pub(crate) struct Origin {
    calls: Arc<AtomicU32>,
    down: Arc<AtomicBool>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    Down,
    Timeout,
}

impl From<LoadTimeout> for Fault {
    fn from(_: LoadTimeout) -> Self {
        Self::Timeout
    }
}

impl Origin {
    /// Answers with the number of this call, or fails.
    pub(crate) fn next(&self) -> Result<u32, Fault> {
        let call = self.count();
        if self.down.load(Ordering::SeqCst) { Err(Fault::Down) } else { Ok(call) }
    }

    /// Answers with the number of this call.
    pub(crate) fn count(&self) -> u32 {
        self.calls.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }
}
