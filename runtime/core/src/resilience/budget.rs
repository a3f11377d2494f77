//! The retry budget: bounds retries to a share of the calls, so that they do not turn a fault into a storm.
//!
//! A token bucket. Each call adds a share of a token, each retry takes one. The bucket never holds more than [`MOST`], so
//! quiet hours do not save up for a storm; and a few tokens come with time, so that a service with
//! one call a minute may retry too. Hence, in any time: retries <= share * calls + [`FLOOR`] + seconds.
//!
//! No clock and no lock: both numbers are arguments. Tokens are added only when one is taken.

use super::percent::Percent;

/// The tokens at the start, and the number up to which time alone adds them, one a second.
const FLOOR: u64 = 10;
/// The maximum number of tokens.
const MOST: u64 = 100;
/// The units of a token, so that a call's share in percent is a whole number.
const TOKEN: u64 = 100;

const SECOND: u64 = 1_000_000_000;

#[derive(Debug)]
pub(super) struct Budget {
    /// The tokens, in units of [`TOKEN`].
    tokens: u64,
    /// The calls whose share was added.
    calls: u64,
    /// The time up to which tokens were added, in nanoseconds.
    at: u64,
}

impl Budget {
    pub(super) fn new(now: u64) -> Self {
        Self { tokens: FLOOR * TOKEN, calls: 0, at: now }
    }

    /// Takes a token if there is one, after this number of calls since the start.
    pub(super) fn take(&mut self, share: Percent, calls: u64, now: u64) -> bool {
        self.fill(share, calls, now);
        let enough = self.tokens >= TOKEN;
        if enough {
            self.tokens -= TOKEN;
        }
        enough
    }

    fn fill(&mut self, share: Percent, calls: u64, now: u64) {
        let seconds = now.saturating_sub(self.at) / SECOND;
        self.at += seconds * SECOND;
        let by_time = (self.tokens + seconds.saturating_mul(TOKEN)).min(FLOOR * TOKEN);
        let by_calls = calls.saturating_sub(self.calls).saturating_mul(u64::from(share.get()));
        self.calls = calls.max(self.calls);
        self.tokens = self.tokens.max(by_time).saturating_add(by_calls).min(MOST * TOKEN);
    }
}
