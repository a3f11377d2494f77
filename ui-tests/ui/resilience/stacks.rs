//! Attributes in an order that makes no sense.

use fastness::resilience::{Rejected, TimedOut};
use fastness::{bulkhead, cacheable, circuit_breaker, fallback, hedge, rate_limit, retry, timeout};

struct Error;
type Answer = Result<u8, Error>;

impl From<Rejected> for Error {
    fn from(_: Rejected) -> Self { Self }
}

impl From<TimedOut> for Error {
    fn from(_: TimedOut) -> Self { Self }
}

#[circuit_breaker]
#[cacheable(ttl = 300)]
fn breaker_above_cacheable() -> Answer { Ok(1) }

#[circuit_breaker]
#[fallback(other)]
fn breaker_above_fallback() -> Answer { Ok(1) }

#[circuit_breaker]
#[circuit_breaker]
fn two_breakers() -> Answer { Ok(1) }

#[retry]
#[fallback(other)]
fn retry_above_fallback() -> Answer { Ok(1) }

#[retry]
#[cacheable(ttl = 300)]
fn retry_above_cacheable() -> Answer { Ok(1) }

#[retry]
#[hedge(after = "1s")]
async fn retry_above_hedge() -> Answer { Ok(1) }

#[retry]
#[retry]
fn two_retries() -> Answer { Ok(1) }

#[hedge(after = "1s")]
#[cacheable(ttl = 300)]
async fn hedge_above_cacheable() -> Answer { Ok(1) }

#[timeout("1s")]
#[cacheable(ttl = 300)]
async fn timeout_above_cacheable() -> Answer { Ok(1) }

#[timeout("1s")]
#[timeout("2s")]
async fn two_timeouts() -> Answer { Ok(1) }

#[timeout("1s")]
#[circuit_breaker]
#[timeout("2s")]
async fn two_timeouts_of_one_run() -> Answer { Ok(1) }

#[timeout("1s")]
#[retry]
#[timeout("2s")]
#[timeout("3s")]
async fn two_timeouts_of_each_attempt() -> Answer { Ok(1) }

#[bulkhead(max = 3)]
#[retry]
async fn bulkhead_above_retry() -> Answer { Ok(1) }

#[rate_limit(calls = 1, per = "1s")]
#[retry]
async fn rate_limit_above_retry() -> Answer { Ok(1) }

#[cacheable(ttl = 300)]
#[fallback(other)]
fn cacheable_above_fallback() -> Answer { Ok(1) }

fn main() {}
