//! Wrong options of the attributes of resilience.
#![allow(dead_code, unused_variables)]

use fastness::resilience::{Rejected, TimedOut};
use fastness::{bulkhead, circuit_breaker, fallback, hedge, rate_limit, retry, timeout};

struct Error;
type Answer = Result<u8, Error>;

impl From<Rejected> for Error {
    fn from(_: Rejected) -> Self { Self }
}

impl From<TimedOut> for Error {
    fn from(_: TimedOut) -> Self { Self }
}

#[circuit_breaker(treshold = 5)]
fn unknown_option() -> Answer { Ok(1) }

#[circuit_breaker(failure_threshold = 0)]
fn no_threshold() -> Answer { Ok(1) }

#[circuit_breaker(failure_rate = 101)]
fn rate_over_the_top() -> Answer { Ok(1) }

#[circuit_breaker(failure_rate = 0)]
fn rate_of_none() -> Answer { Ok(1) }

#[circuit_breaker(slow_rate = 0.5, slow = "1s")]
fn rate_as_a_fraction() -> Answer { Ok(1) }

#[circuit_breaker(slow_rate = 50)]
fn rate_of_what_is_slow() -> Answer { Ok(1) }

#[circuit_breaker(slow = "1s")]
fn slow_without_a_rate() -> Answer { Ok(1) }

#[circuit_breaker(window = 10, min_calls = 20)]
fn window_below_min_calls() -> Answer { Ok(1) }

#[circuit_breaker(window = 0)]
fn window_of_none() -> Answer { Ok(1) }

#[circuit_breaker(probes = 0)]
fn no_probes() -> Answer { Ok(1) }

#[circuit_breaker(open_for = "2m", max_open = "1m")]
fn open_longer_than_at_most() -> Answer { Ok(1) }

#[circuit_breaker(failure_threshold = off, failure_rate = off)]
fn never_opens() -> Answer { Ok(1) }

#[circuit_breaker(cancelled = error)]
fn cancelled_as_what() -> Answer { Ok(1) }

#[circuit_breaker(ignore = |_| true, failure_if = |_| true)]
fn both_verdicts() -> Answer { Ok(1) }

#[circuit_breaker(ignore = true)]
fn no_function() -> Answer { Ok(1) }

#[circuit_breaker(keys = 10)]
fn keys_without_per() -> Answer { Ok(1) }

#[circuit_breaker(fallback = 7)]
fn fallback_is_no_function() -> Answer { Ok(1) }

#[circuit_breaker(name = "")]
fn name_is_empty() -> Answer { Ok(1) }

#[retry(attempts = 0)]
fn no_attempt() -> Answer { Ok(1) }

#[retry(attempts = 1)]
fn one_attempt() -> Answer { Ok(1) }

#[retry(wait = "5s", max_wait = "1s")]
fn waits_longer_than_at_most() -> Answer { Ok(1) }

#[retry(budget = 0)]
fn no_budget() -> Answer { Ok(1) }

#[retry(when = "temporary")]
fn when_is_no_function() -> Answer { Ok(1) }

#[timeout]
async fn no_timeout() -> Answer { Ok(1) }

#[timeout("0s")]
async fn timeout_of_zero() -> Answer { Ok(1) }

#[timeout("2 parsecs")]
async fn timeout_in_parsecs() -> Answer { Ok(1) }

#[timeout("1s", "2s")]
async fn two_timeouts() -> Answer { Ok(1) }

#[bulkhead]
async fn no_bound() -> Answer { Ok(1) }

#[bulkhead(max = 0)]
async fn bound_of_zero() -> Answer { Ok(1) }

#[bulkhead(max = 10, min = 4)]
async fn min_of_a_fixed_one() -> Answer { Ok(1) }

#[bulkhead(adaptive, max = 4, min = 10)]
async fn min_above_max() -> Answer { Ok(1) }

#[bulkhead(max = 10, wait = "1s")]
fn waits_on_a_thread() -> Result<u8, Error> { Ok(1) }

#[rate_limit(calls = 100)]
fn rate_without_a_time() -> Answer { Ok(1) }

#[rate_limit(calls = 0, per = "1s")]
fn rate_of_zero() -> Answer { Ok(1) }

#[rate_limit(calls = 10, per = "1s", keys = 5)]
fn keys_without_key() -> Answer { Ok(1) }

#[hedge]
async fn hedge_when() -> Answer { Ok(1) }

#[hedge(after = "1s", p95 = "1s")]
async fn hedge_when_twice() -> Answer { Ok(1) }

#[hedge(after = "1s", budget = 200)]
async fn hedge_of_all() -> Answer { Ok(1) }

#[fallback]
fn no_fallback() -> Answer { Ok(1) }

#[fallback(|| Ok(1))]
fn fallback_is_a_closure() -> Answer { Ok(1) }

#[circuit_breaker("supplier")]
fn breaker_without_its_name() -> Answer { Ok(1) }

#[circuit_breaker(failure_rate_threshold = 50, reset_timeout = "5s")]
fn breaker_as_elsewhere() -> Answer { Ok(1) }

#[retry(max_attempts = 5, delay = "1s")]
fn retry_as_elsewhere() -> Answer { Ok(1) }

#[bulkhead(64)]
fn bulkhead_without_its_name() -> Answer { Ok(1) }

#[bulkhead(max = "many")]
fn bulkhead_in_words() -> Answer { Ok(1) }

#[bulkhead(max = |_| 4)]
fn bulkhead_of_a_closure() -> Answer { Ok(1) }

#[bulkhead(max = limit)]
fn bulkhead_of_a_parameter(limit: u32) -> Answer { Ok(1) }

#[bulkhead(max = max(4, T::MAX))]
fn bulkhead_of_a_type<T: Bound>() -> Answer { Ok(1) }

#[retry(backoff = linear)]
fn retry_at_what_pace() -> Answer { Ok(1) }

#[rate_limit(calls = 1, per = "1s", key = "all", keys = vec![keys].len())]
fn keys_of_a_parameter(keys: usize) -> Answer { Ok(1) }

#[retry(failure_if = |_| true, when = |_| true)]
fn retry_after_what() -> Answer { Ok(1) }

#[retry(failure_if = true)]
fn retry_of_no_function() -> Answer { Ok(1) }

#[fallback(other, failure_if = 7)]
fn fallback_of_no_function() -> Answer { Ok(1) }

#[hedge(after = "1s", failure_if = "5xx")]
async fn hedge_of_no_function() -> Answer { Ok(1) }

struct Service;

impl Service {
    #[fallback(self.other)]
    fn fallback_of_self(&self) -> Answer { Ok(1) }

    #[circuit_breaker(name = "self", open_for = self.pauses[0])]
    async fn pause_of_self(&self) -> Answer { Ok(1) }

    #[circuit_breaker(name = "type", probes = Self::PROBES, failure_rate = share)]
    async fn probes_of_the_type(&self, share: u8) -> Answer { Ok(1) }
}

#[bulkhead(max = 4, frobnicate)]
fn unknown() -> Answer { Ok(1) }

fn main() {}
