//! Parameters under `#[cfg]`, which a function may have where none of them is in a key.

use std::cell::Cell;

use fastness::resilience::{Rejected, TimedOut};
use fastness::{
    bulkhead, cache_invalidate, cacheable, circuit_breaker, fallback, hedge, rate_limit, retry, timed, timeout,
    with_cache_sync,
};

use crate::fresh;

#[derive(Debug, PartialEq, Eq)]
enum Trouble {
    Down,
    Rejected,
    TimedOut,
}

impl From<Rejected> for Trouble {
    fn from(_: Rejected) -> Self {
        Self::Rejected
    }
}

impl From<TimedOut> for Trouble {
    fn from(_: TimedOut) -> Self {
        Self::TimedOut
    }
}

#[timed]
#[circuit_breaker]
#[retry(attempts = 2, wait = "1ms")]
#[timeout("1h")]
#[bulkhead(max = 8)]
#[rate_limit(calls = 100, per = "1s")]
async fn conditional(
    id: u64,
    #[cfg(any())] never: Never,
    #[cfg(not(any()))] mut always: String,
) -> Result<String, Trouble> {
    always.push('!');
    Ok(format!("{id}{always}"))
}

#[hedge(after = "1h")]
async fn conditional_twice(
    id: u64,
    #[cfg(any())] never: Never,
    #[cfg_attr(all(), cfg(all()))] text: String,
) -> Result<String, Trouble> {
    Ok(format!("{id}{text}"))
}

#[cache_invalidate("hidden:{id}")]
fn conditional_now(#[cfg(any())] never: Never, id: u64, #[cfg(not(any()))] calls: &Cell<u64>) {
    calls.set(calls.get() + id);
}

#[fallback(otherwise)]
async fn conditional_fallback(
    #[cfg(any())] never: Never,
    id: u64,
    #[cfg_attr(all(), cfg(all()))] text: String,
    #[cfg(not(any()))] more: &str,
) -> Result<String, Trouble> {
    Err(if id + text.len() as u64 + more.len() as u64 > 0 { Trouble::Down } else { Trouble::Rejected })
}

async fn otherwise(id: u64, text: String, more: &str, error: Trouble) -> Result<String, Trouble> {
    tokio::task::yield_now().await;
    Ok(format!("{id}{text}{more} {error:?}"))
}

#[cacheable(ttl = 60, key = "conditional:{id}", skip(never, calls))]
fn conditional_value(#[cfg(any())] never: Never, id: u64, #[cfg(not(any()))] calls: &Cell<u64>) -> u64 {
    calls.set(calls.get() + 1);
    id
}

#[tokio::test]
async fn a_parameter_outside_the_key_may_depend_on_a_condition() {
    assert_eq!(conditional_fallback(1, "a".to_owned(), "b").await.as_deref(), Ok("1ab Down"));
    let (fast, calls) = (fresh(), Cell::new(0));
    with_cache_sync(&fast, || assert_eq!([conditional_value(3, &calls), conditional_value(3, &calls)], [3, 3]));
    assert_eq!(calls.get(), 1);
    assert_eq!(conditional(1, "a".to_owned()).await.as_deref(), Ok("1a!"));
    assert_eq!(conditional_twice(1, "a".to_owned()).await.as_deref(), Ok("1a"));
    let calls = Cell::new(0);
    conditional_now(2, &calls);
    assert_eq!(calls.get(), 2);
}
