//! Exponential backoff.

use std::time::Duration;

/// Returns `time` doubled `doublings` times, and at most `longest`. Zero stays zero.
pub(super) fn doubled(time: Duration, doublings: u32, longest: Duration) -> Duration {
    let factor = 2_u32.checked_pow(doublings);
    let doubled = factor.and_then(|factor| time.checked_mul(factor));
    if time.is_zero() { time } else { doubled.map_or(longest, |doubled| doubled.min(longest)) }
}
