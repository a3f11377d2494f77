use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use proptest::prelude::*;

use super::super::backoff::doubled;
use super::super::breaker::{self, Breaker, Verdict};
use super::super::budget::Budget;
use super::super::error::Rejected;
use super::super::fallback::Fallback;
use super::super::percent::Percent;
use super::attempts::{CANCELLED, FAILED, PANICKED, RETRIES};
use super::*;
use crate::clock::timer_now;

const SETTINGS: Settings = Settings::new();

fn made(settings: Settings) -> (Retry, Clock) {
    let clock = Clock::manual();
    (Retry::new("test", settings).with_clock(clock.clone()), clock)
}

fn outcomes(retry: &Retry) -> Vec<u64> {
    retry.0.outcomes()
}

#[test]
fn a_retry_makes_all_attempts_and_returns_the_last_error() {
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
    assert_eq!(outcomes(&retry), [3, 1, 0, 2, 0, 0, 0, 2]);
}

#[tokio::test(start_paused = true)]
async fn an_async_retry_makes_all_attempts_too() {
    let (retry, _) = made(SETTINGS);
    let calls = Cell::new(0);
    let call = || async {
        calls.set(calls.get() + 1);
        if calls.get() < 3 { Err(()) } else { Ok(calls.get()) }
    };
    assert_eq!(retry.call(call, |()| true).await, Ok(3));
    assert_eq!(outcomes(&retry), [1, 0, 1, 0, 0, 0, 0, 2]);
}

#[test]
fn waits_double_up_to_the_longest() {
    let bound = |attempts| SETTINGS.wait(attempts, None, 1.0).unwrap();
    let seconds: Vec<_> = [1, 2, 3, 7, 8, 32, 33, 1_000].map(|attempts| bound(attempts).as_secs_f64()).into();
    assert_eq!(seconds, [0.1, 0.2, 0.4, 6.4, 10.0, 10.0, 10.0, 10.0]);
    assert_eq!(SETTINGS.wait(5, None, 0.0), Some(Duration::ZERO));
}

/// An error in which the rejection cannot be found.
#[derive(Debug, PartialEq)]
struct Opaque;

impl From<Rejected> for Opaque {
    fn from(_: Rejected) -> Self {
        Self
    }
}

#[test]
fn a_retry_waits_for_a_rejection_that_an_opaque_error_hides() {
    let (retry, clock) = made(SETTINGS);
    let breaker = Breaker::new("down", breaker::Settings::new()).with_clock(clock.clone());
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
    // The first attempt is rejected, the second is a probe once the breaker's time is up.
    assert_eq!(retry.call_sync(failing, |_| true), Ok(()));
    assert!(clock.now() >= due);
    assert_eq!((calls.get(), outcomes(&retry)[RETRIES]), (6, 1));
}

#[tokio::test(start_paused = true)]
async fn an_outer_retry_waits_for_the_inner_rejection_too() {
    let clock = Clock::manual();
    let breaker = Breaker::new("down", breaker::Settings::new()).with_clock(clock);
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
fn a_retry_ends_if_a_rejection_asks_for_too_long_a_wait() {
    let (retry, clock) = made(SETTINGS);
    let again = |(): &()| Again::After(Duration::from_secs(11));
    assert_eq!(retry.call_sync(|| Err::<(), _>(()), again), Err(()));
    assert_eq!((clock.now(), outcomes(&retry)[FAILED]), (1, 1));
}

/// A breaker that is open for five seconds and a little more.
fn down(clock: &Clock) -> Breaker {
    let breaker = Breaker::new("down", breaker::Settings::new()).with_clock(clock.clone());
    for _ in 0..5 {
        breaker.try_acquire().unwrap().settle(Verdict::Failure);
    }
    breaker
}

/// Returns the time that the attempts of a retry take, the last of which succeeds unless it is rejected.
fn waited<E>(attempt: impl Fn(&Breaker) -> Result<(), E>) -> (Result<(), E>, Duration) {
    let (retry, clock) = made(SETTINGS.first_wait(Duration::from_millis(10)));
    let breaker = down(&clock);
    let calls = Cell::new(0);
    let ended = retry.call_sync(
        || {
            calls.set(calls.get() + 1);
            if calls.get() == 1 { attempt(&breaker) } else { Ok(()) }
        },
        |_| true,
    );
    (ended, Duration::from_nanos(clock.now()))
}

#[test]
fn a_rejection_that_an_attempt_recovered_from_does_not_set_the_wait() {
    static OTHER: Fallback = Fallback::new("recovers");
    let soon = |(ended, waited): (Result<(), _>, Duration)| ended.is_ok() && waited < Duration::from_millis(11);
    assert!(soon(waited(|breaker| {
        let _optional = breaker.try_acquire().is_ok();
        Err("reset".to_owned())
    })));
    // The rejection is stored elsewhere, not in the error, which cannot hold it.
    let kept = Cell::new(None);
    let (ended, took) = waited(|breaker| {
        kept.set(breaker.try_acquire().err());
        Err("reset")
    });
    assert!(ended.is_ok() && took < Duration::from_millis(11) && kept.take().is_some());
    // A policy recovers from an error in which the rejection was lost, and another call of the same attempt does.
    let (ended, took) = waited(|breaker| {
        OTHER.call_sync(|| breaker.call_sync(|| Ok::<(), Opaque>(())), |Opaque| Err("the other is reset".to_owned()))
    });
    assert!(ended.is_ok() && took < Duration::from_millis(11));
    let inner = made(SETTINGS.first_wait(Duration::ZERO)).0;
    let again = |error: &Opaque| if *error == Opaque { Again::Yes } else { Again::No };
    let (ended, took) = waited(|breaker| {
        let tries = Cell::new(0);
        let call = || {
            tries.set(tries.get() + 1);
            // No error holds the rejection, and it is judged only once.
            if tries.get() == 1 { breaker.try_acquire().map(drop).map_err(|_| Opaque) } else { Ok(()) }
        };
        inner.call_sync(call, again).map_err(|_| "inner".to_owned()).and(Err("reset".to_owned()))
    });
    assert!(ended.is_ok() && took < Duration::from_millis(11), "{ended:?} after {took:?}");
}

#[test]
fn a_rejection_that_ended_an_attempt_sets_the_wait() {
    fn five<E>((ended, waited): (Result<(), E>, Duration)) -> bool {
        ended.is_ok() && waited >= Duration::from_secs(5)
    }
    assert!(five(waited(|breaker| breaker.try_acquire().map(drop))), "the error is the rejection");
    assert!(five(waited(|breaker| breaker.try_acquire().map(drop).map_err(|rejected| Box::new(rejected.clone())))));
    let all = waited(|breaker| breaker.call_sync(|| Ok::<(), Opaque>(())));
    assert!(all.0.is_ok() && all.1 >= Duration::from_secs(5), "a policy made an error of it");
    let elsewhere =
        |breaker: &Breaker| std::thread::scope(|scope| scope.spawn(|| breaker.try_acquire().map(drop)).join().unwrap());
    assert!(five(waited(elsewhere)), "on another thread");
}

#[test]
fn a_rejection_that_is_dropped_by_a_panic_sets_no_wait() {
    let (outer, clock) = made(SETTINGS);
    let (inner, breaker) = (made(SETTINGS).0, down(&clock));
    let panics = || {
        inner.call_sync(
            || -> Result<(), ()> {
                let _held = breaker.try_acquire();
                panic!("on purpose")
            },
            |()| true,
        )
    };
    let caught = || {
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        Err::<(), _>("caught".to_owned())
    };
    assert_eq!(outer.call_sync(caught, |_| true), Err("caught".to_owned()));
    assert!(clock.now() <= 300_000_001, "the outer retry was not asked to wait");
    assert_eq!((outcomes(&inner)[CANCELLED], outcomes(&inner)[PANICKED]), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn a_rejection_before_the_future_or_in_a_task_sets_the_wait() {
    let started = timer_now();
    let (retry, clock) = made(SETTINGS.max_wait(Duration::from_secs(7)));
    let breaker = down(&clock);
    let early = retry.call(
        || {
            let checked = breaker.try_acquire().map(drop);
            async { checked }
        },
        |_| true,
    );
    assert!(early.await.is_err());
    assert!(started.elapsed() >= Duration::from_secs(10), "two waits of five seconds: {:?}", started.elapsed());

    let started = timer_now();
    let spawned = || {
        let breaker = breaker.clone();
        async { tokio::spawn(async move { breaker.try_acquire().map(drop) }).await.unwrap() }
    };
    assert!(retry.call(spawned, |_| true).await.is_err());
    assert!(started.elapsed() >= Duration::from_secs(10));
}

#[test]
fn a_wait_that_only_the_dropped_error_shows_to_be_too_long_ends_the_attempts() {
    let (retry, clock) = made(SETTINGS.max_wait(Duration::from_secs(1)));
    let breaker = down(&clock);
    let calls = Cell::new(0);
    let elsewhere = || {
        calls.set(calls.get() + 1);
        std::thread::scope(|scope| scope.spawn(|| breaker.try_acquire().map(drop)).join().unwrap())
    };
    assert!(retry.call_sync(elsewhere, |_| true).is_err());
    assert_eq!((calls.get(), clock.now()), (2, 1), "at once, because its error is what is returned");
    let here = || {
        calls.set(calls.get() + 1);
        breaker.try_acquire().map(drop)
    };
    assert!(retry.call_sync(here, |_| true).is_err());
    assert_eq!((calls.get(), clock.now()), (3, 1), "and here it is known before");
}

#[test]
fn no_wait_exceeds_the_longest_and_a_wait_of_zero_stays_zero() {
    let second = Duration::from_secs(1);
    for asked in [None, Some(second * 9), Some(second * 10)] {
        let wait = |attempts, draw| SETTINGS.first_wait(second * 10).wait(attempts, asked, draw).unwrap();
        assert_eq!((wait(1, 0.0), wait(1, 1.0), wait(99, 1.0)), (asked.unwrap_or_default(), second * 10, second * 10));
    }
    let (retry, clock) = made(SETTINGS.first_wait(Duration::ZERO).attempts(40.try_into().unwrap()).no_budget());
    assert_eq!(retry.call_sync(|| Err::<(), ()>(()), |()| true), Err(()));
    assert_eq!((clock.now(), outcomes(&retry)[RETRIES]), (1, 39));
    assert_eq!(doubled(Duration::ZERO, u32::MAX, Duration::MAX), Duration::ZERO);
}

#[test]
fn waits_of_zero_need_no_timer_and_yield() {
    let (retry, _) = made(SETTINGS.first_wait(Duration::ZERO));
    let calls = Cell::new(0);
    let call = || async {
        calls.set(calls.get() + 1);
        if calls.get() < 3 { Err(()) } else { Ok(calls.get()) }
    };
    let mut call = pin!(retry.call(call, |()| true));
    let mut cx = Context::from_waker(Waker::noop());
    let polls: Vec<_> = (0..3).map(|_| call.as_mut().poll(&mut cx)).collect();
    assert_eq!(polls, [Poll::Pending, Poll::Pending, Poll::Ready(Ok(3))]);
}

#[test]
fn outputs_of_any_type_may_be_retried() {
    let (retry, clock) = made(SETTINGS);
    let answers = |answers: &'static [u16]| {
        let left = Cell::new(answers);
        move || {
            let (first, rest) = left.get().split_first().unwrap();
            left.set(rest);
            *first
        }
    };
    let failed = |status: &u16| *status >= 500;
    assert_eq!(retry.call_judged_sync(answers(&[200]), failed), 200);
    assert_eq!(retry.call_judged_sync(answers(&[500, 404]), failed), 404);
    assert_eq!(retry.call_judged_sync(answers(&[500, 501, 502, 200]), failed), 502, "the last one");
    let after = |status: &u16| if *status == 429 { Again::After(Duration::from_secs(3)) } else { Again::No };
    assert_eq!(retry.call_judged_sync(answers(&[429, 200]), after), 200);
    assert!(clock.now() >= 3_000_000_000);
    assert_eq!(outcomes(&retry), [4, 1, 2, 1, 0, 0, 0, 4]);
}

#[tokio::test(start_paused = true)]
async fn any_panic_counts_once_and_calls_dropped_by_it_do_not() {
    let (retry, _) = made(SETTINGS);
    let caught = async |call: Pin<Box<dyn Future<Output = Result<(), ()>> + Send>>| {
        assert!(tokio::spawn(call).await.unwrap_err().is_panic());
    };
    let retry: &'static Retry = Box::leak(Box::new(retry));
    caught(Box::pin(retry.call(|| async { panic!("on purpose") }, |()| true))).await;
    let unmade = || -> std::future::Ready<Result<(), ()>> { panic!("on purpose") };
    caught(Box::pin(retry.call(unmade, |()| true))).await;
    let when = |()| -> bool { panic!("on purpose") };
    caught(Box::pin(retry.call(|| async { Err(()) }, move |()| when(())))).await;
    assert_eq!((outcomes(retry)[CANCELLED], outcomes(retry)[PANICKED]), (0, 3));
    // The retry waits beside a future that panics, and is dropped with it.
    let waits = retry.call(std::future::pending::<Result<(), ()>>, |()| true);
    let beside = async { tokio::join!(waits, async { panic!("on purpose") as Result<(), ()> }).0 };
    caught(Box::pin(beside)).await;
    assert_eq!((outcomes(retry)[CANCELLED], outcomes(retry)[PANICKED]), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_retry_may_be_dropped_at_each_await() {
    let (retry, _) = made(SETTINGS);
    let mut cx = Context::from_waker(Waker::noop());
    // The future is dropped while the call is in flight, and while the retry waits.
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
    let [calls, first, later, failed, over, cancelled, _, retries] = outcomes(&retry)[..] else { panic!() };
    assert_eq!((calls, retries), (10_000, made.get() - 10_000));
    assert_eq!(first + later + failed + over + cancelled, calls);
}

#[test]
fn only_the_attempts_are_limited_without_a_budget() {
    let (retry, _) = made(SETTINGS.no_budget().first_wait(Duration::ZERO));
    for _ in 0..1_000 {
        let _ = retry.call_sync(|| Err::<(), _>(()), |()| true);
    }
    assert_eq!(outcomes(&retry)[RETRIES], 2_000);
}

#[test]
fn the_budget_grows_slowly_with_time_alone() {
    let mut budget = Budget::new(0);
    let mut take = |millis: u64| budget.take(Percent::new(20), 0, millis * 1_000_000);
    assert_eq!((0..100).filter(|_| take(0)).count(), 10);
    // The number of questions in between does not matter.
    assert_eq!((0..=50).filter(|step| take(step * 100)).count(), 5);
    assert_eq!((0..100).filter(|_| take(1_000_000)).count(), 10, "and no more than ten");
}

proptest! {
    /// The bound in the head of the module holds between any two moments.
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
    fn quiet_hours_do_not_raise_the_budget_above_its_bound(calls in 0_u64..1_000_000, hours in 0_u64..100) {
        let mut budget = Budget::new(0);
        let now = hours * 3_600_000_000_000;
        let taken = std::iter::repeat_with(|| budget.take(Percent::new(20), calls, now)).take_while(|took| *took);
        prop_assert!(taken.count() <= 100);
    }
}
