//! Timeouts, hedges and fallbacks, alone and around each other.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::num::NonZeroU32;
use std::pin::pin;
use std::time::Duration;

use fastness::Clock;
use fastness::resilience::breaker::{self, Breaker, State};
use fastness::resilience::fallback::Fallback;
use fastness::resilience::hedge::{self, Hedge};
use fastness::resilience::retry::{self, Retry};
use fastness::resilience::timeout::Timeout;
use fastness::resilience::{CallError, Percent, TimedOut};

use crate::origin::SECOND;
use crate::poll_once;

const MILLI: Duration = Duration::from_millis(1);

fn n(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

fn no_waits(attempts: u32) -> Retry {
    Retry::new("no waits", retry::Settings::new().attempts(n(attempts)).first_wait(Duration::ZERO).no_budget())
}

/// Ends after this time.
async fn lasts(time: Duration) {
    let _ = tokio::time::timeout(time, pending::<()>()).await;
}

/// A value that sets its flag when it is dropped.
struct Noted<'a>(&'a Cell<bool>);

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_dropped_before_its_caller_gets_the_error() {
    let (timeout, gone) = (Timeout::new("gone", SECOND), Cell::new(false));
    let call = timeout.run(async {
        let _noted = Noted(&gone);
        pending::<()>().await;
    });
    assert!(call.await.is_err() && gone.get());
}

#[tokio::test(start_paused = true)]
async fn the_shorter_of_two_timeouts_is_named_in_the_error() {
    let (short, long) = (Timeout::new("short", SECOND), Timeout::new("long", SECOND * 2));
    let hangs = pending::<Result<(), TimedOut>>;
    assert_eq!(long.call(short.call(hangs())).await.unwrap_err().name(), "short");
    assert_eq!(short.call(long.call(hangs())).await.unwrap_err().name(), "short");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_bounds_each_attempt_below_a_retry_and_all_of_them_above_it() {
    let (each, all) = (Timeout::new("each", SECOND), Timeout::new("all", SECOND * 3 / 2));
    let calls = Cell::new(0);
    let third_answers = || async {
        calls.set(calls.get() + 1);
        if calls.get() < 3 {
            pending::<()>().await;
        }
        Ok::<_, TimedOut>(calls.get())
    };
    assert_eq!(no_waits(3).call(|| each.call(third_answers()), |_| true).await, Ok(3), "two hung");

    calls.set(0);
    let thrice = no_waits(3);
    let both = all.call(thrice.call(|| each.call(third_answers()), |_| true));
    assert_eq!((both.await.unwrap_err().name(), calls.get()), ("all", 2), "in the second attempt");

    calls.set(0);
    let slow = Retry::new("slow", retry::Settings::new().no_budget());
    let fails = || async {
        calls.set(calls.get() + 1);
        Err::<(), _>(each.run(pending::<()>()).await.unwrap_err())
    };
    let again = |_: &TimedOut| fastness::resilience::retry::Again::After(SECOND * 5);
    assert_eq!((all.call(slow.call(fails, again)).await.unwrap_err().name(), calls.get()), ("all", 1), "in a wait");
}

#[tokio::test(start_paused = true)]
async fn a_breaker_counts_calls_that_an_inner_timeout_ended_and_not_those_that_an_outer_one_dropped() {
    let settings = || breaker::Settings::new().failure_threshold(n(2));
    let made = |settings| Breaker::new("bounds", settings).with_clock(Clock::manual());
    let timeout = Timeout::new("bounds", SECOND);
    let hangs = pending::<Result<(), TimedOut>>;

    let around = made(settings());
    for _ in 0..2 {
        assert!(matches!(around.try_call(timeout.call(hangs())).await, Err(CallError::Failed(_))));
    }
    assert_eq!(around.state(), State::Open);

    for (within, failures) in [(made(settings()), 0), (made(settings().cancelled_is_failure()), 2)] {
        for _ in 0..2 {
            assert!(timeout.run(within.try_call(hangs())).await.is_err());
        }
        assert_eq!(within.snapshot().calls.failures, failures);
        assert_eq!(within.state() == State::Open, failures == 2);
    }
}

fn hedge() -> Hedge {
    Hedge::new("peers", hedge::Settings::after(MILLI * 10).budget(Percent::new(100))).with_clock(Clock::manual())
}

#[tokio::test(start_paused = true)]
async fn a_second_try_may_call_another_server() {
    let tries = Cell::new(0);
    let read = || {
        let server = ["near", "far"][tries.replace(tries.get() + 1)];
        async move {
            if server == "near" {
                pending::<()>().await;
            }
            Ok::<_, ()>(server)
        }
    };
    assert_eq!(hedge().call(read).await, Ok("far"));
}

#[tokio::test(start_paused = true)]
async fn each_attempt_of_a_retry_is_hedged() {
    let (hedge, calls) = (hedge(), Cell::new(0));
    let slow_failure = || async {
        calls.set(calls.get() + 1);
        lasts(MILLI * 50).await;
        Err::<(), _>("fails")
    };
    assert_eq!(no_waits(3).call(|| hedge.call(slow_failure), |_| true).await, Err("fails"));
    assert_eq!(calls.get(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_try_that_lost_is_neither_success_nor_failure_of_a_breaker_within() {
    let breaker = Breaker::new("hedged", breaker::Settings::new()).with_clock(Clock::manual());
    let (hedge, tries) = (hedge(), Cell::new(0));
    let call = || {
        let first = tries.replace(tries.get() + 1) == 0;
        breaker.try_call(async move {
            lasts(MILLI * if first { 90 } else { 5 }).await;
            Ok::<_, ()>(first)
        })
    };
    assert!(matches!(hedge.call(call).await, Ok(false)));
    let calls = breaker.snapshot().calls;
    assert_eq!((calls.successes, calls.failures, calls.cancelled), (1, 0, 1));
}

#[tokio::test]
async fn fallbacks_follow_each_other_and_are_not_asked_after_a_success() {
    let (nearest, last) = (Fallback::new("nearest"), Fallback::new("last"));
    let asked = RefCell::new(Vec::new());
    let ask = async |who: &'static str, answers: bool| {
        asked.borrow_mut().push(who);
        if answers { Ok(who) } else { Err(who) }
    };
    for (answering, expected, others) in [
        (0, Ok("first"), &["first"][..]),
        (1, Ok("second"), &["first", "second"][..]),
        (2, Ok("third"), &["first", "second", "third"][..]),
        (9, Err("third"), &["first", "second", "third"][..]),
    ] {
        let inner = nearest.call(ask("first", answering == 0), |_| ask("second", answering == 1));
        let ended: Result<_, &str> = last.call(inner, |_| ask("third", answering == 2)).await;
        assert_eq!(ended, expected);
        assert_eq!(asked.take(), others);
    }
}

#[tokio::test]
async fn a_fallback_is_not_asked_for_a_call_that_was_dropped() {
    let (fallback, asked) = (Fallback::new("dropped"), Cell::new(false));
    {
        let mut call = pin!(fallback.call(pending::<Result<(), ()>>(), |()| {
            asked.set(true);
            async { Ok::<_, ()>(()) }
        }));
        assert!(poll_once(call.as_mut()).await.is_none());
    }
    assert!(!asked.get());
}
