//! Plain calls: on the process default, outside of all overrides, while nothing is turned off. Most calls are plain, and a hit learns that
//! from one word.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// The bit that stays once an override was used.
const OVERRIDES: usize = 1;
/// The share of one switch that is off.
const SWITCH: usize = 2;

/// The reasons why a call may not be plain: whether an override was ever used, and how many switches are off.
static EXCEPTIONS: AtomicUsize = AtomicUsize::new(0);

/// Returns whether any call may not be plain.
#[inline]
pub(super) fn has_exceptions() -> bool {
    EXCEPTIONS.load(Relaxed) != 0
}

/// Returns whether any switch of this process is off.
pub(super) fn has_switches() -> bool {
    EXCEPTIONS.load(Relaxed) >= SWITCH
}

/// Returns whether an override was ever used.
pub(super) fn has_overrides() -> bool {
    EXCEPTIONS.load(Relaxed) & OVERRIDES != 0
}

/// Notes that an override is used.
pub(super) fn note_override() {
    // Written once, so that the line of memory that all hits read stays shared.
    if !has_overrides() {
        EXCEPTIONS.fetch_or(OVERRIDES, Relaxed);
    }
}

/// Counts a switch that was turned off, or on again.
pub(super) fn count_switch(is_off: bool) {
    if is_off {
        EXCEPTIONS.fetch_add(SWITCH, Relaxed);
    } else {
        EXCEPTIONS.fetch_sub(SWITCH, Relaxed);
    }
}
