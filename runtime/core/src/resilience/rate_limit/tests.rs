use std::num::NonZeroU32;
use std::time::Duration;

use super::*;
use crate::resilience::reason::Reason;

const SECOND: Duration = Duration::from_secs(1);

fn n(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

fn allowed(check: impl Fn() -> Result<(), Rejected>) -> usize {
    std::iter::from_fn(|| check().ok()).count()
}

#[test]
fn a_burst_is_admitted_and_permits_return_evenly() {
    let clock = Clock::manual();
    let limit = RateLimit::new("test", Settings::new(n(10), SECOND)).with_clock(clock.clone());
    assert_eq!(allowed(|| limit.check()), 10);
    let rejected = limit.check().unwrap_err();
    assert_eq!((rejected.reason(), rejected.retry_after()), (Reason::Limited, Some(SECOND / 10)));
    clock.advance(SECOND / 10 * 3);
    assert_eq!(allowed(|| limit.check()), 3);
    clock.advance(SECOND * 100);
    assert_eq!(allowed(|| limit.check()), 10);
}

#[test]
fn calls_are_spread_out_without_a_burst() {
    let clock = Clock::manual();
    let settings = Settings::new(n(4), SECOND).burst(n(1));
    let limit = RateLimit::new("test", settings).with_clock(clock.clone());
    for _ in 0..4 {
        assert_eq!(allowed(|| limit.check()), 1);
        clock.advance(SECOND / 4);
    }
}

#[test]
fn absurd_settings_do_not_panic() {
    for (calls, per) in [(u32::MAX, Duration::from_nanos(1)), (1, Duration::MAX), (u32::MAX, Duration::MAX)] {
        let limit = RateLimit::new("test", Settings::new(n(calls), per)).with_clock(Clock::manual());
        assert!(limit.check().is_ok());
    }
}

#[test]
fn after_a_change_of_rate_one_burst_is_waited_for_once() {
    let clock = Clock::manual();
    let paid = RateLimit::new("test", Settings::new(n(100), SECOND * 60)).with_clock(clock.clone());
    let free = paid.with_settings(Settings::new(n(1), SECOND));
    assert_eq!(allowed(|| paid.check()), 100);
    for left in [SECOND, SECOND / 2] {
        assert_eq!(free.check().unwrap_err().retry_after(), Some(left));
        clock.advance(SECOND / 2);
    }
    assert_eq!(allowed(|| free.check()), 1);
    clock.advance(SECOND);
    assert_eq!(allowed(|| free.check()), 1);
    assert_eq!(allowed(|| paid.check()), 98, "a call counts for 0.6 s, and the last one is 1 s ahead");
}

#[test]
fn a_period_of_zero_allows_every_call_without_time() {
    let limit = RateLimit::new("test", Settings::new(n(1), SECOND)).with_clock(Clock::manual());
    let open = |burst| limit.with_settings(crate::resilience::expansion::rate(n(2), Duration::ZERO).burst(n(burst)));
    for limit in [open(1), open(5)] {
        assert!((0..1_000).all(|_| limit.check().is_ok()));
    }
    assert_eq!(allowed(|| limit.check()), 1, "they counted none");
}

#[test]
fn several_threads_get_no_more_permits() {
    let limit = RateLimit::new("test", Settings::new(n(1_000), SECOND)).with_clock(Clock::manual());
    let through: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| allowed(|| limit.check()))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(through, 1_000);
}

#[test]
fn unused_keys_are_dropped_over_the_cap() {
    let clock = Clock::manual();
    let settings = Settings::new(n(1), SECOND * 100);
    let limit = KeyedRateLimit::new("test", settings).with_max_keys(100).with_clock(clock.clone());
    for i in 0..50 {
        assert!(limit.check(&format!("old-{i}")).is_ok());
    }
    clock.advance(SECOND * 101);
    for i in 0..50 {
        assert!(limit.check(&format!("used-{i}")).is_ok());
    }
    for i in 0..50 {
        clock.advance(SECOND / 100);
        assert!(limit.check(&format!("new-{i}")).is_ok());
    }
    for i in 0..50 {
        assert!(limit.check(&format!("used-{i}")).is_err(), "{i} was forgotten");
    }
    for i in 0..10_000 {
        let _ = limit.check(&i.to_string());
    }
    assert_eq!(limit.0.shared().state.len(), 100);
    assert_eq!(limit.check("9999").unwrap_err().name(), "test[9999]");
}
