//! Switches of a handle and of its functions.

use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

use super::plain;

/// One switch. While it is off it is counted, so that hits of a process look at switches only then.
#[derive(Debug, Default)]
pub(crate) struct Switch(AtomicU8);

/// Off by a call.
const BY_CALL: u8 = 1;
/// Off by settings, whatever calls say.
#[cfg(feature = "settings")]
const BY_SETTINGS: u8 = 2;

impl Switch {
    pub(crate) fn is_off(&self) -> bool {
        self.0.load(Relaxed) != 0
    }

    pub(crate) fn set_off(&self, off: bool) {
        self.set(BY_CALL, off);
    }

    #[cfg(feature = "settings")]
    pub(crate) fn set_off_by_settings(&self, off: bool) {
        self.set(BY_SETTINGS, off);
    }

    fn set(&self, reason: u8, off: bool) {
        let former = if off { self.0.fetch_or(reason, Relaxed) } else { self.0.fetch_and(!reason, Relaxed) };
        let (was_off, is_off) = (former != 0, off || former & !reason != 0);
        if was_off != is_off {
            plain::count_switch(is_off);
        }
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        if *self.0.get_mut() != 0 {
            plain::count_switch(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_off_while_there_is_a_reason() {
        let switch = Switch::default();
        for (reason, off, is_off) in [(1, true, true), (2, true, true), (1, false, true), (2, false, false)] {
            switch.set(reason, off);
            assert_eq!(switch.is_off(), is_off, "{reason} {off}");
        }
    }
}
