//! Switches of a handle and of its functions.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use super::plain;

/// One switch. While it is off it is counted, so that hits of a process look at switches only then.
#[derive(Debug, Default)]
pub(crate) struct Switch(AtomicBool);

impl Switch {
    pub(crate) fn is_off(&self) -> bool {
        self.0.load(Relaxed)
    }

    pub(crate) fn set_off(&self, off: bool) {
        if self.0.swap(off, Relaxed) != off {
            plain::count_switch(off);
        }
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.set_off(false);
    }
}

/// The switches that a call site obeys: that of its handle, and that of its function.
#[derive(Clone, Debug)]
pub(crate) struct SiteSwitches {
    handle: Arc<Switch>,
    function: Arc<Switch>,
}

impl SiteSwitches {
    pub(super) fn new(handle: Arc<Switch>, function: Arc<Switch>) -> Self {
        Self { handle, function }
    }

    pub(crate) fn is_off(&self) -> bool {
        plain::has_switches() && (self.handle.is_off() || self.function.is_off())
    }
}
