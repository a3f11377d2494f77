//! Policies and timings on functions that return futures: they see how the future ends, and bound its polling.

use std::pin::pin;

use fastness::{bulkhead, circuit_breaker, fallback, hedge, rate_limit, retry, timed, timeout};

use super::*;
use crate::poll_once;

ways!(broken(id), #[circuit_breaker(name = "named.futures", per = "{id}", failure_threshold = 2, open_for = "1h")]);

#[tokio::test]
async fn a_breaker_counts_the_ending_of_a_future_under_another_name() {
    for (id, (way, call)) in (100..).zip(broken::ALL) {
        let work = Work::failing(2);
        assert_eq!((call(work, id).await, call(work, id).await), (Err(Trouble::Down), Err(Trouble::Down)), "{way}");
        assert_eq!(call(work, id).await, Err(Trouble::Rejected), "{way}");
        assert_eq!(work.runs(), (2, 2), "{way}");
    }
}

ways!(tried(id), #[retry(attempts = 3, wait = "1ms", budget = off, when = |error| *error == Trouble::Down)]);

#[tokio::test(start_paused = true)]
async fn a_retry_makes_a_future_under_another_name_again() {
    for (way, call) in tried::ALL {
        let work = Work::failing(2);
        assert_eq!(call(work, 5).await, Ok(5), "{way}");
        assert_eq!(work.runs(), (3, 3), "{way}");
    }
}

ways!(bounded(id), #[timeout("1s")]);

#[tokio::test(start_paused = true)]
async fn a_timeout_bounds_a_future_under_another_name() {
    for (way, call) in bounded::ALL {
        let work = Work::held();
        assert_eq!(call(work, 5).await, Err(Trouble::TimedOut), "{way}");
        work.leave.add_permits(1);
        assert_eq!(call(work, 5).await, Ok(5), "{way}");
        assert_eq!(work.runs(), (2, 1), "{way}");
    }
}

ways!(breaker_times(id), #[circuit_breaker(name = "named.times", per = "{id}", timeout = "1s", failure_threshold = 1, open_for = "1h")]);

#[tokio::test(start_paused = true)]
async fn a_breaker_bounds_a_future_under_another_name() {
    for (id, (way, call)) in (200..).zip(breaker_times::ALL) {
        let work = Work::held();
        assert_eq!(call(work, id).await, Err(Trouble::TimedOut), "{way}");
        assert_eq!(call(work, id).await, Err(Trouble::Rejected), "{way}");
    }
}

ways!(one_at_a_time(id), #[bulkhead(max = 1)]);

#[tokio::test]
async fn a_bulkhead_holds_its_place_until_the_future_ends() {
    for (way, call) in one_at_a_time::ALL {
        let work = Work::held();
        let mut first = pin!(call(work, 5));
        assert_eq!(poll_once(first.as_mut()).await, None, "{way}");
        assert_eq!(call(work, 6).await, Err(Trouble::Rejected), "{way}");
        work.leave.add_permits(2);
        assert_eq!((first.await, call(work, 6).await), (Ok(5), Ok(6)), "{way}");
    }
}

ways!(rare(id), #[rate_limit(calls = 1, per = "1h", key = "{id}")]);

#[tokio::test]
async fn a_rate_limit_refuses_a_future_under_another_name() {
    for (id, (way, call)) in (0..).zip(rare::ALL) {
        let work = Work::failing(0);
        assert_eq!((call(work, id).await, call(work, id).await), (Ok(id), Err(Trouble::Rejected)), "{way}");
        assert_eq!(work.runs(), (1, 1), "{way}");
    }
}

ways!(hedged(id), #[hedge(after = "10ms", budget = 100)]);

#[tokio::test(start_paused = true)]
async fn a_hedge_makes_a_second_future_under_another_name() {
    for (way, call) in hedged::ALL {
        let work = Work::held();
        let mut both = pin!(call(work, 5));
        assert_eq!(poll_once(both.as_mut()).await, None, "{way}");
        tokio::time::advance(std::time::Duration::from_millis(20)).await;
        assert_eq!(poll_once(both.as_mut()).await, None, "{way}");
        assert_eq!(work.runs(), (2, 0), "{way}");
        work.leave.add_permits(1);
        assert_eq!(both.await, Ok(5), "{way}");
    }
}

#[allow(clippy::needless_pass_by_value)] // as a fallback is called
fn other(id: u64, _: &Work, error: Trouble) -> BoxFuture<'static, Answer> {
    assert_eq!(error, Trouble::Down);
    Box::pin(async move { Ok(id + 1_000) })
}

ways!(secured(id), #[fallback(other)]);

#[tokio::test]
async fn a_fallback_answers_for_a_future_under_another_name() {
    for (way, call) in secured::ALL {
        let work = Work::failing(1);
        assert_eq!((call(work, 5).await, call(work, 5).await), (Ok(1_005), Ok(5)), "{way}");
    }
}

ways!(measured(id), #[timed(name = "named.futures", labels(odd = id % 2 == 1), slow = "1h")]);

/// The counts of `named.futures`: ok, error, cancelled.
fn counts() -> [u64; 3] {
    let all = fastness::timing::snapshots().into_iter().filter(|stats| stats.name == "named.futures");
    all.fold([0; 3], |sum, stats| {
        let own = [stats.ok.count(), stats.error.count(), stats.cancelled.count()];
        std::array::from_fn(|outcome| sum[outcome] + own[outcome])
    })
}

#[tokio::test]
async fn a_timing_lasts_from_the_first_poll_to_the_end() {
    for (way, call) in measured::ALL {
        let before = counts();
        let since = || std::array::from_fn::<_, 3, _>(|outcome| counts()[outcome] - before[outcome]);
        let work = Work::failing(1);
        assert_eq!((call(work, 5).await, call(work, 6).await), (Err(Trouble::Down), Ok(6)), "{way}");
        assert_eq!(since(), [1, 1, 0], "{way}");
        drop(call(work, 5));
        assert_eq!(since(), [1, 1, 0], "{way}: it was never polled");
        let held = Work::held();
        let mut dropped = Box::pin(call(held, 5));
        assert_eq!(poll_once(dropped.as_mut()).await, None, "{way}");
        drop(dropped);
        assert_eq!(since(), [1, 1, 1], "{way}");
    }
}
