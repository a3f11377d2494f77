//! How many retries a number of calls may cause: what keeps them from turning a fault into a storm.
//!
//! A token bucket. Each call puts in a share of a token, each retry takes one out. It never holds more than [`MOST`], so
//! quiet hours save up for no storm; and however few calls there are, a few tokens come with time, so that a service with
//! one call a minute may retry too. Hence, in any time: retries <= share * calls + [`FLOOR`] + seconds.
//!
//! No clock, no lock: both numbers come in as arguments. What was put in is worked out when something is taken out.

use super::percent::Percent;

/// Tokens that are there at first, and that time alone fills up to, at one a second.
const FLOOR: u64 = 10;
/// Tokens at most.
const MOST: u64 = 100;
/// A token is a hundred of these, so that a call's share is a whole number.
const TOKEN: u64 = 100;

const SECOND: u64 = 1_000_000_000;

#[derive(Debug)]
pub(super) struct Budget {
    /// In hundredths.
    tokens: u64,
    /// Calls whose share is in there.
    calls: u64,
    /// Up to when time is in there, in nanoseconds.
    at: u64,
}

impl Budget {
    pub(super) fn new(now: u64) -> Self {
        Self { tokens: FLOOR * TOKEN, calls: 0, at: now }
    }

    /// Takes a token out if there is one, after so many calls since the start.
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
