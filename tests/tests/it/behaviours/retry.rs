//! Retries: the number of attempts, and the results after which they stop.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::time::Duration;

use fastness::Clock;
use fastness::resilience::breaker::{self, Breaker, State};
use fastness::resilience::bulkhead::{self, Bulkhead};
use fastness::resilience::retry::{self, Again, Retry};
use fastness::resilience::{CallError, Rejected};

use crate::origin::SECOND;
use crate::poll_once;

fn n(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

/// A policy with this many attempts and no budget, on a clock that `call_sync` moves.
fn retry(attempts: u32) -> Retry {
    let settings = retry::Settings::new().attempts(n(attempts)).no_budget();
    Retry::new("peers", settings).with_clock(Clock::manual())
}

/// A call that fails, and the number of times that it was made.
#[derive(Default)]
struct Failing(Cell<u32>);

impl Failing {
    fn call(&self) -> Result<(), &'static str> {
        self.0.set(self.0.get() + 1);
        Err("fails")
    }
}

#[test]
fn the_configured_number_of_attempts_is_made() {
    for attempts in [1, 2, 3, 13, 2_049] {
        let failing = Failing::default();
        assert_eq!(retry(attempts).call_sync(|| failing.call(), |_| true), Err("fails"));
        assert_eq!(failing.0.get(), attempts);
    }
}

#[test]
fn no_attempt_follows_a_success_or_a_refusing_predicate() {
    let calls = Cell::new(0);
    let succeeds = || {
        calls.set(calls.get() + 1);
        if calls.get() == 2 { Ok(calls.get()) } else { Err("fails") }
    };
    assert_eq!((retry(5).call_sync(succeeds, |_| true), calls.get()), (Ok(2), 2));
    let failing = Failing::default();
    assert_eq!((retry(5).call_sync(|| failing.call(), |_| false), failing.0.get()), (Err("fails"), 1));
    assert_eq!((retry(5).call_sync(|| failing.call(), |_| Again::No), failing.0.get()), (Err("fails"), 2));
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_cancelled_while_it_waits_makes_no_further_attempt() {
    let failing = Failing::default();
    let retry = Retry::new("cancelled", retry::Settings::new().first_wait(SECOND));
    let again = |_: &&str| Again::After(SECOND);
    drop(retry.call(|| async { failing.call() }, again));
    assert_eq!(failing.0.get(), 0, "never polled, never made");
    {
        let mut call = pin!(retry.call(|| async { failing.call() }, again));
        assert!(poll_once(call.as_mut()).await.is_none());
    }
    let _ = tokio::time::timeout(SECOND * 60, std::future::pending::<()>()).await;
    assert_eq!(failing.0.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_retry_waits_for_the_delay_of_its_predicate() {
    let failing = Failing::default();
    let settings = retry::Settings::new().first_wait(Duration::ZERO);
    let retry = Retry::new("steady", settings);
    let started = tokio::time::Instant::now();
    let delay = Duration::from_millis(120);
    assert_eq!(retry.call(|| async { failing.call() }, |_| Again::After(delay)).await, Err("fails"));
    let passed = started.elapsed();
    assert!((delay * 2..delay * 2 + Duration::from_millis(3)).contains(&passed), "{passed:?}");
}

#[test]
fn a_predicate_that_panics_ends_the_call() {
    let failing = Failing::default();
    let retry = retry(3);
    let call = || retry.call_sync(|| failing.call(), |_| -> bool { panic!("on purpose") });
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
    assert_eq!(failing.0.get(), 1);
}

#[test]
fn a_call_that_panics_is_not_made_again() {
    let (retry, calls) = (retry(3), Cell::new(0));
    let panics = || -> Result<(), ()> {
        calls.set(calls.get() + 1);
        panic!("on purpose")
    };
    assert!(catch_unwind(AssertUnwindSafe(|| retry.call_sync(panics, |()| true))).is_err());
    assert_eq!(calls.get(), 1);
}

#[test]
fn nested_retries_multiply_their_attempts() {
    let failing = Failing::default();
    let (outer, inner) = (retry(3), retry(3));
    assert_eq!(outer.call_sync(|| inner.call_sync(|| failing.call(), |_| true), |_| true), Err("fails"));
    assert_eq!(failing.0.get(), 9);
}

#[test]
fn a_breaker_around_a_retry_counts_a_call_with_its_attempts_once() {
    let failing = Failing::default();
    let breaker = Breaker::new("around", breaker::Settings::new().failure_threshold(n(2))).with_clock(Clock::manual());
    let retry = retry(3);
    let call = || breaker.try_call_sync(|| retry.call_sync(|| failing.call(), |_| true));
    assert!(matches!(call(), Err(CallError::Failed("fails"))));
    assert_eq!((breaker.snapshot().calls.failures, failing.0.get(), breaker.state()), (1, 3, State::Closed));
    assert!(call().is_err());
    assert!(matches!(call(), Err(CallError::Rejected(_))));
    assert_eq!((breaker.state(), failing.0.get()), (State::Open, 6));
}

#[tokio::test]
async fn attempts_above_a_full_bulkhead_are_made_and_their_calls_are_not() {
    let bulkhead = Bulkhead::new("full", bulkhead::Settings::fixed(n(1)));
    let mut held = pin!(bulkhead.run(std::future::pending::<()>()));
    assert!(poll_once(held.as_mut()).await.is_none());
    let (attempts, calls) = (Cell::new(0), Cell::new(0));
    let ended = retry(7).call_sync(
        || {
            attempts.set(attempts.get() + 1);
            bulkhead.call_sync(|| {
                calls.set(calls.get() + 1);
                Ok::<(), Rejected>(())
            })
        },
        |_| true,
    );
    assert!(ended.is_err());
    assert_eq!((attempts.get(), calls.get()), (7, 0));
}
