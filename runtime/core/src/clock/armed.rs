//! The guard of an alarm.

use std::sync::Weak;

use super::Clock;
use super::alarm::Alarm;

/// The guard of an alarm that is set; dropping it cancels the alarm.
pub(crate) struct Armed {
    clock: Clock,
    id: u64,
}

impl Clock {
    /// Sets an alarm for a time in nanoseconds. It does not ring after its owner is dropped.
    pub(crate) fn set_alarm(&self, at: u64, alarm: Weak<dyn Alarm>) -> Armed {
        self.ensure_ticking();
        Armed { clock: self.clone(), id: self.ticker().alarms.insert(at, alarm) }
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        self.clock.ticker().alarms.remove(self.id);
    }
}
