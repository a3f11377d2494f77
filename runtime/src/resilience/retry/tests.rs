use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};

use proptest::prelude::*;

use super::super::breaker::{Breaker, BreakerSettings, Percent};
use super::super::error::Rejected;
use super::*;
use crate::clock::timer_now;

const SETTINGS: RetrySettings = RetrySettings::new();

fn made(settings: RetrySettings) -> (Retry, Clock) {
    let clock = Clock::manual();
    (Retry::new("test", settings).clock(clock.clone()), clock)
}

fn outcomes(retry: &Retry) -> Vec<u64> {
    retry.state().snapshot().outcomes.into_iter().map(|(_, count)| count).collect()
}

#[test]
fn it_tries_as_often_as_it_may_and_returns_the_last_error() {
    let (retry, clock) = made(SETTINGS);
    let calls = Cell::new(0);
    let call = || {
        calls.set(calls.get() + 1);
        Err::<(), _>(calls.get())
    };
    assert_eq!(retry.call_sync(call, |_| true), Err(3));
    assert!(clock.now() <= 300_000_001, "up to 100 ms and up to 200 ms");
    assert_eq!(retry.call_sync(|| Ok::<_, ()>(()), |()| true), Ok(()));
    assert_eq!(retry.call_sync(|| Err::<(), _>("bad request"), |_| false), Err("bad request"));
    assert_eq!(outcomes(&retry), [3, 1, 0, 2, 0, 0, 2]);
}

#[tokio::test(start_paused = true)]
async fn async_it_is_the_same() {
    let (retry, _) = made(SETTINGS);
    let calls = Cell::new(0);
    let call = || async {
        calls.set(calls.get() + 1);
        if calls.get() < 3 { Err(()) } else { Ok(calls.get()) }
    };
    assert_eq!(retry.call(call, |()| true).await, Ok(3));
    assert_eq!(outcomes(&retry), [1, 0, 1, 0, 0, 0, 2]);
}

#[test]
fn waits_double_up_to_the_longest() {
    let bound = |attempts| SETTINGS.wait(attempts, None, 1.0).unwrap();
    let seconds: Vec<_> = [1, 2, 3, 7, 8, 32, 33, 1_000].map(|attempts| bound(attempts).as_secs_f64()).into();
    assert_eq!(seconds, [0.1, 0.2, 0.4, 6.4, 10.0, 10.0, 10.0, 10.0]);
    assert_eq!(SETTINGS.wait(5, None, 0.0), Some(Duration::ZERO));
}

/// An error in which nobody finds the rejection.
#[derive(Debug, PartialEq)]
struct Opaque;

impl From<Rejected> for Opaque {
    fn from(_: Rejected) -> Self {
        Self
    }
}

#[test]
fn it_waits_for_what_a_rejection_asked_for_though_it_never_sees_it() {
    let (retry, clock) = made(SETTINGS);
    let breaker = Breaker::new("down", BreakerSettings::new(), clock.clone());
    let calls = Cell::new(0);
    let failing = || {
        breaker.call_sync(|| {
            calls.set(calls.get() + 1);
            if calls.get() <= 5 { Err(Opaque) } else { Ok(()) }
        })
    };
    for _ in 0..5 {
        assert_eq!(failing(), Err(Opaque));
    }
    let due = clock.now() + 5_000_000_000;
    // Rejected, then a probe once the breaker's time is up.
    assert_eq!(retry.call_sync(failing, |_| true), Ok(()));
    assert!(clock.now() >= due);
    assert_eq!((calls.get(), outcomes(&retry)[RETRIES]), (6, 1));
}

#[tokio::test(start_paused = true)]
async fn a_retry_around_a_retry_hears_it_too() {
    let clock = Clock::manual();
    let breaker = Breaker::new("down", BreakerSettings::new(), clock);
    for _ in 0..5 {
        let _ = breaker.call_sync(|| Err::<(), _>(Opaque));
    }
    let (inner, outer) = (made(SETTINGS.max_wait(Duration::from_secs(1))).0, made(SETTINGS).0);
    // Five seconds are too long for the inner one.
    let call = || inner.call(|| breaker.call(async { Ok::<(), Opaque>(()) }), |_| true);
    let started = timer_now();
    assert_eq!(outer.call(call, |_| true).await, Err(Opaque));
    assert!(started.elapsed() >= Duration::from_secs(10), "two waits of five seconds");
    assert_eq!((outcomes(&inner)[RETRIES], outcomes(&outer)[RETRIES]), (0, 2));
}

#[test]
fn who_is_asked_to_wait_too_long_does_not_try_again() {
    let (retry, clock) = made(SETTINGS);
    let again = |(): &()| Again::After(Duration::from_secs(11));
    assert_eq!(retry.call_sync(|| Err::<(), _>(()), again), Err(()));
    assert_eq!((clock.now(), outcomes(&retry)[FAILED]), (1, 1));
}

#[test]
fn a_hint_is_forgotten_when_an_attempt_panics() {
    let ((inner, _), (outer, clock)) = (made(SETTINGS), made(SETTINGS));
    let panics = || {
        inner.call_sync(
            || -> Result<(), ()> {
                hint::note(Some(Duration::from_secs(7)));
                panic!("on purpose")
            },
            |()| true,
        )
    };
    let caught = || {
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        Err::<(), _>(())
    };
    assert_eq!(outer.call_sync(caught, |()| true), Err(()));
    assert!(clock.now() <= 300_000_001, "nobody asked the outer one to wait");
    assert_eq!(outcomes(&inner)[CANCELLED], 3);
}

#[tokio::test(start_paused = true)]
async fn it_may_be_dropped_at_each_await() {
    let (retry, _) = made(SETTINGS);
    let mut cx = Context::from_waker(Waker::noop());
    // While the call is under way, and while it waits.
    let polled = pin!(retry.call(std::future::pending::<Result<(), ()>>, |()| true)).poll(&mut cx);
    assert!(polled.is_pending());
    let polled = pin!(retry.call(|| async { Err::<(), _>(()) }, |()| true)).poll(&mut cx);
    assert!(polled.is_pending());
    assert_eq!(outcomes(&retry)[CANCELLED], 2);
}

#[test]
fn a_storm_stays_within_the_budget() {
    let (retry, _) = made(SETTINGS.first_wait(Duration::ZERO));
    let made = Cell::new(0_u64);
    let mut draws = fastrand::Rng::with_seed(7);
    for _ in 0..10_000 {
        let call = || {
            made.set(made.get() + 1);
            if draws.bool() { Err(()) } else { Ok(()) }
        };
        let _ = retry.call_sync(call, |()| true);
    }
    assert!(made.get() <= 10_000 + 2_000 + 10, "{made:?} calls");
    assert!(made.get() >= 10_000 + 1_990, "{made:?} calls: the budget is there to be used");
    let [calls, first, later, failed, over, cancelled, retries] = outcomes(&retry)[..] else { panic!() };
    assert_eq!((calls, retries), (10_000, made.get() - 10_000));
    assert_eq!(first + later + failed + over + cancelled, calls);
}

#[test]
fn without_a_budget_only_the_attempts_count() {
    let (retry, _) = made(SETTINGS.no_budget().first_wait(Duration::ZERO));
    for _ in 0..1_000 {
        let _ = retry.call_sync(|| Err::<(), _>(()), |()| true);
    }
    assert_eq!(outcomes(&retry)[RETRIES], 2_000);
}

#[test]
fn time_alone_allows_a_few_retries() {
    let mut budget = Budget::new(0);
    let mut take = |millis: u64| budget.take(Percent::new(20), 0, millis * 1_000_000);
    assert_eq!((0..100).filter(|_| take(0)).count(), 10);
    // However often it is asked meanwhile.
    assert_eq!((0..=50).filter(|step| take(step * 100)).count(), 5);
    assert_eq!((0..100).filter(|_| take(1_000_000)).count(), 10, "and no more than ten");
}

proptest! {
    /// Whatever happens when, the bound of the module's head holds from every moment to every later one.
    #[test]
    fn the_budget_keeps_its_bound(
        share in 1_u8..=100,
        steps in prop::collection::vec((0_u64..50, 0_u64..3_000_000_000), 1..200),
    ) {
        let share = Percent::new(share);
        let (mut budget, mut calls, mut now) = (Budget::new(0), 0, 0);
        let mut taken = 0_u64;
        for (more, nanos) in steps {
            calls += more;
            now += nanos;
            while budget.take(share, calls, now) {
                taken += 1;
            }
            let bound = calls * u64::from(share.get()) / 100 + 10 + now / 1_000_000_000;
            prop_assert!(taken <= bound, "{taken} of {bound}");
        }
    }

    #[test]
    fn quiet_hours_save_up_for_no_storm(calls in 0_u64..1_000_000, hours in 0_u64..100) {
        let mut budget = Budget::new(0);
        let now = hours * 3_600_000_000_000;
        let taken = std::iter::repeat_with(|| budget.take(Percent::new(20), calls, now)).take_while(|took| *took);
        prop_assert!(taken.count() <= 100);
    }
}
