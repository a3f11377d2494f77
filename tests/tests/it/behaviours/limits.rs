//! Rate limits and bulkheads.

use std::cell::{Cell, RefCell};
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fastness::Clock;
use fastness::resilience::bulkhead::{self, Bulkhead};
use fastness::resilience::rate_limit::{self, RateLimit};
use fastness::resilience::{CallError, Reason, Rejected};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::origin::{MINUTE, SECOND, TICK, just_before};
use crate::poll_once;

const MILLI: Duration = Duration::from_millis(1);

fn n(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

fn limit(calls: u32, per: Duration) -> (RateLimit, Clock) {
    let clock = Clock::manual();
    (RateLimit::new("peers", rate_limit::Settings::new(n(calls), per)).with_clock(clock.clone()), clock)
}

fn allowed(limit: &RateLimit) -> usize {
    std::iter::from_fn(|| limit.check().ok()).count()
}

#[test]
fn a_rejection_has_the_exact_time_until_the_next_permit() {
    let (limit, clock) = limit(1, MILLI * 250);
    assert!(limit.check().is_ok());
    for (later, left) in [(Duration::ZERO, MILLI * 250), (just_before(MILLI * 250), TICK)] {
        clock.advance(later);
        assert_eq!(limit.check().unwrap_err().retry_after(), Some(left));
    }
    clock.advance(TICK);
    assert_eq!(allowed(&limit), 1);
}

#[test]
fn unused_time_saves_up_no_more_than_the_burst() {
    let (one, clock) = limit(1, MILLI * 250);
    clock.advance(MILLI * 1_500);
    assert_eq!(allowed(&one), 1);
    let (ten, clock) = limit(10, MILLI * 500);
    for _ in 0..3 {
        assert_eq!(allowed(&ten), 10);
        clock.advance(MILLI * 500);
    }
}

/// A limiter that counted by periods would give nothing back within a period, and let twice as many calls pass across its end.
#[test]
fn permits_return_evenly_and_never_twice_as_many_at_once() {
    let (limit, clock) = limit(10, SECOND);
    assert_eq!(allowed(&limit), 10);
    clock.advance(SECOND / 2);
    assert_eq!(allowed(&limit), 5, "half of them after half of the time");
    clock.advance(MILLI * 499);
    let before = allowed(&limit);
    clock.advance(MILLI * 2);
    assert!(before + allowed(&limit) <= 10);
}

#[test]
fn a_rejected_call_uses_no_permit() {
    let (limit, clock) = limit(4, SECOND);
    assert_eq!(allowed(&limit), 4);
    for _ in 0..100 {
        clock.advance(MILLI);
        assert!(limit.check().is_err());
    }
    clock.advance(MILLI * 900);
    assert_eq!(allowed(&limit), 4);
}

#[test]
fn spread_out_calls_keep_their_distance() {
    let clock = Clock::manual();
    let settings = rate_limit::Settings::new(n(1), TICK * 100).burst(n(1));
    let limit = RateLimit::new("spread", settings).with_clock(clock.clone());
    for (later, passes) in [(0, true), (150, true), (60, false), (40, true)] {
        clock.advance(TICK * later);
        assert_eq!(limit.check().is_ok(), passes);
    }
}

#[test]
fn every_stretch_of_time_has_its_share_of_calls_under_pressure() {
    let (limit, clock) = limit(3, SECOND);
    let mut times: Vec<u32> = Vec::new();
    for milli in 0..30_000 {
        times.extend(limit.check().ok().map(|()| milli));
        clock.advance(MILLI);
    }
    assert!((90..=93).contains(&times.len()), "{} in 30 s", times.len());
    for first in &times {
        let within = times.iter().filter(|time| (*first..first + 1_000).contains(time)).count();
        assert!(within <= 6, "{within} in a second");
    }
}

fn bulkhead(max: u32, wait: Duration) -> Bulkhead {
    Bulkhead::new("peers", bulkhead::Settings::fixed(n(max)).wait(wait))
}

#[tokio::test]
async fn a_call_without_a_place_is_not_begun_and_a_failure_frees_its_place() {
    let bulkhead = Bulkhead::new("peers", bulkhead::Settings::fixed(n(2)));
    let mut held: Vec<_> = (0..2).map(|_| Box::pin(bulkhead.run(std::future::pending::<()>()))).collect();
    for call in &mut held {
        assert!(poll_once(call.as_mut()).await.is_none());
    }
    let begun = Cell::new(false);
    let third = bulkhead.run(async { begun.set(true) }).await;
    assert_eq!((third.unwrap_err().reason(), begun.get()), (Reason::Full, false));
    drop(held);
    for _ in 0..5 {
        let ended = bulkhead.try_call(async { Err::<(), _>("fails") }).await;
        assert!(matches!(ended, Err(CallError::Failed("fails"))), "{ended:?}");
    }
    assert_eq!(bulkhead.run(async { 1 }).await, Ok(1));
}

/// Records the caller's number once it has a place.
fn enters(
    bulkhead: &Bulkhead,
    order: &RefCell<Vec<u32>>,
    who: u32,
) -> Pin<Box<impl Future<Output = Result<(), Rejected>>>> {
    Box::pin(bulkhead.run(async move { order.borrow_mut().push(who) }))
}

#[tokio::test]
async fn places_are_given_in_turn_and_dropped_waiters_are_passed_over() {
    let (bulkhead, order) = (bulkhead(1, MINUTE), RefCell::new(Vec::new()));
    let mut first = Box::pin(bulkhead.run(std::future::pending::<()>()));
    assert!(poll_once(first.as_mut()).await.is_none());
    let mut waiting = Vec::new();
    for who in [2, 3, 4] {
        waiting.push(enters(&bulkhead, &order, who));
        assert!(poll_once(waiting.last_mut().unwrap().as_mut()).await.is_none());
    }
    drop(waiting.remove(1));
    drop(first);
    waiting.push(enters(&bulkhead, &order, 9));
    // The last caller is polled first, and the place still goes to the caller that has waited for longest.
    for round in 1..=3 {
        let mut left = Vec::new();
        for mut call in waiting.into_iter().rev() {
            if poll_once(call.as_mut()).await.is_none() {
                left.insert(0, call);
            }
        }
        waiting = left;
        assert_eq!(order.borrow().len(), round);
    }
    assert_eq!(order.take(), [2, 4, 9]);
}

#[tokio::test(start_paused = true)]
async fn waiters_that_time_out_take_no_place() {
    let (bulkhead, gate) = (Arc::new(bulkhead(1, SECOND)), Arc::new(Notify::new()));
    let (own, opens) = (bulkhead.clone(), gate.clone());
    let holder = tokio::spawn(async move { own.run(opens.notified()).await });
    tokio::task::yield_now().await;
    let mut waiting = JoinSet::new();
    for _ in 0..50 {
        let own = bulkhead.clone();
        waiting.spawn(async move { own.run(async {}).await });
    }
    assert!(waiting.join_all().await.iter().all(|ended| ended.as_ref().is_err_and(|e| e.reason() == Reason::Full)));
    gate.notify_one();
    assert_eq!(holder.await.unwrap(), Ok(()));
    assert_eq!(bulkhead.run(async { 1 }).await, Ok(1));
}

#[tokio::test]
async fn a_free_place_is_taken_even_with_the_shortest_wait() {
    assert_eq!(bulkhead(1, TICK).run(async { 1 }).await, Ok(1));
}
