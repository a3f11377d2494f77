//! Numbers as reports show them: percentages, rates and times, rounded.

use std::time::Duration;

/// Converts a count; exact up to 2^53.
#[allow(clippy::cast_precision_loss)]
pub(super) fn real(count: u64) -> f64 {
    count as f64
}

/// Returns `part` of `whole` in percent; 0 if `whole` is 0.
pub(super) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * real(part) / real(whole) }
}

/// Rounds to two decimal places.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// Returns a time in milliseconds, rounded to the microsecond.
pub(super) fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// Returns a time in whole milliseconds, rounded down.
pub(super) fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Returns the rate per second of `count` events in `nanos` nanoseconds; 0 for no time.
pub(super) fn per_second(count: u64, nanos: u64) -> f64 {
    if nanos == 0 { 0.0 } else { rounded(real(count) * 1e9 / real(nanos)) }
}
