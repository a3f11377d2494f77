use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::Notify;

use super::super::reason::Reason;
use super::*;
use crate::clock::timer_now;

fn n(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

fn figures(bulkhead: &Bulkhead) -> (Vec<u64>, Vec<u64>) {
    let seen = bulkhead.0.snapshot();
    let numbers = |named: Vec<(_, u64)>| named.into_iter().map(|(_, count)| count).collect();
    (numbers(seen.outcomes), numbers(seen.levels))
}

#[tokio::test]
async fn no_more_calls_than_the_limit_are_under_way() {
    let bulkhead = Bulkhead::new("test", Settings::fixed(n(2)));
    let mut cx = Context::from_waker(Waker::noop());
    let forever = || Box::pin(bulkhead.run(std::future::pending::<()>()));
    let (mut first, mut second) = (forever(), forever());
    assert!(first.as_mut().poll(&mut cx).is_pending());
    assert!(second.as_mut().poll(&mut cx).is_pending());
    let rejected = bulkhead.run(async {}).await.unwrap_err();
    assert_eq!(rejected.to_string(), "bulkhead `test` is full; retry when calls have ended, or raise its `max`");
    assert_eq!(bulkhead.call_sync(|| Ok::<(), Rejected>(())), Err(rejected));
    drop(first);
    assert_eq!(bulkhead.run(async { 7 }).await, Ok(7));
    drop(second);
    assert_eq!(figures(&bulkhead), (vec![1, 2, 2, 0], vec![2, 0]));
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_its_turn_for_a_bounded_time() {
    let bulkhead = Arc::new(Bulkhead::new("test", Settings::fixed(n(1)).wait(Duration::from_secs(1))));
    let (holder, go) = (bulkhead.clone(), Arc::new(Notify::new()));
    let released = go.clone();
    let first = tokio::spawn(async move { holder.run(async { released.notified().await }).await });
    tokio::task::yield_now().await;
    let started = timer_now();
    assert_eq!(bulkhead.run(async {}).await.unwrap_err().reason(), Reason::Full);
    assert!(started.elapsed() >= Duration::from_secs(1));

    let waiting = bulkhead.clone();
    let second = tokio::spawn(async move { waiting.run(async { 2 }).await });
    tokio::task::yield_now().await;
    go.notify_one();
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (Ok(()), Ok(2)));
}

#[tokio::test]
async fn a_caller_that_stops_waiting_takes_no_turn() {
    let bulkhead = Bulkhead::new("test", Settings::fixed(n(1)).wait(Duration::from_secs(60)));
    let mut cx = Context::from_waker(Waker::noop());
    let mut first = Box::pin(bulkhead.run(std::future::pending::<()>()));
    assert!(first.as_mut().poll(&mut cx).is_pending());
    let mut second = Box::pin(bulkhead.run(async {}));
    assert!(second.as_mut().poll(&mut cx).is_pending());
    drop(second);
    drop(first);
    assert_eq!(bulkhead.run(async {}).await, Ok(()));
}

#[test]
fn a_panic_returns_the_permit() {
    let bulkhead = Bulkhead::new("test", Settings::fixed(n(1)));
    let panics = || bulkhead.run_sync(|| panic!("on purpose"));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
    assert_eq!(bulkhead.run_sync(|| 1), Ok(1));
    assert_eq!(figures(&bulkhead), (vec![1, 0, 0, 1], vec![1, 0]));
}

#[test]
fn a_panic_does_not_lower_an_adaptive_bound() {
    let clock = Clock::manual();
    let bulkhead = Bulkhead::new("test", Settings::adaptive(n(2), n(40))).with_clock(clock.clone());
    for _ in 0..45 {
        let slots: Vec<_> = std::iter::from_fn(|| bulkhead.0.shared().try_acquire().ok()).collect();
        clock.advance(Duration::from_millis(5));
        for slot in slots {
            slot.end(true);
        }
    }
    let grown = bulkhead.0.shared().state.in_use().0;
    for _ in 0..200 {
        let panics = || bulkhead.run_sync(|| panic!("on purpose"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
    }
    assert_eq!(bulkhead.0.shared().state.in_use().0, grown, "a panic says nothing about the duration of calls");
}

#[test]
fn the_semaphore_follows_the_gradient() {
    let clock = Clock::manual();
    let bulkhead = Bulkhead::new("test", Settings::adaptive(n(2), n(40))).with_clock(clock.clone());
    let shared = bulkhead.0.shared();
    // All calls take equally long, and use the whole bound.
    for _ in 0..45 {
        let slots: Vec<_> = std::iter::from_fn(|| shared.try_acquire().ok()).collect();
        assert_eq!(slots.len(), shared.state.in_use().0 as usize);
        clock.advance(Duration::from_millis(5));
        for slot in slots {
            slot.end(true);
        }
    }
    let grown = shared.state.in_use().0;
    assert!(grown > 20, "{grown}");

    // Then calls are given up, one after the other, while the whole bound is in use.
    let mut slots: Vec<_> = std::iter::from_fn(|| shared.try_acquire().ok()).collect();
    while shared.state.in_use().0 > 10 {
        drop(slots.pop());
        slots.extend(shared.try_acquire());
        clock.advance(Duration::from_millis(5));
    }
    for slot in slots {
        slot.end(false);
    }
    let slots: Vec<_> = std::iter::from_fn(|| shared.try_acquire().ok()).collect();
    assert_eq!(
        slots.len(),
        shared.state.in_use().0 as usize,
        "permits beyond the bound were removed when they were released"
    );
}

#[test]
fn the_bound_holds_between_threads() {
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering::SeqCst;
    let bulkhead = Bulkhead::new("test", Settings::adaptive(n(2), n(8)));
    let (now, most) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                for i in 0..500 {
                    let Ok(slot) = bulkhead.0.shared().try_acquire() else { continue };
                    most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                    std::thread::yield_now();
                    now.fetch_sub(1, SeqCst);
                    // Some calls are given up, so the bound moves both ways.
                    if i % 16 == 0 { drop(slot) } else { slot.end(true) }
                }
            });
        }
    });
    assert!(most.load(SeqCst) <= 8, "{most:?}");
    let shared = bulkhead.0.shared();
    let slots: Vec<_> = std::iter::from_fn(|| shared.try_acquire().ok()).collect();
    assert_eq!(slots.len(), shared.state.in_use().0 as usize);
}

#[tokio::test]
async fn a_call_that_waited_runs_once_there_is_room() {
    let bulkhead = Bulkhead::new("test", Settings::fixed(n(1)).wait(Duration::from_secs(60)));
    let mut cx = Context::from_waker(Waker::noop());
    let mut first = Box::pin(bulkhead.run(std::future::pending::<()>()));
    assert!(first.as_mut().poll(&mut cx).is_pending());
    let mut call = pin!(bulkhead.call(async { Ok::<_, Rejected>(5) }));
    assert!(call.as_mut().poll(&mut cx).is_pending());
    drop(first);
    assert_eq!(call.as_mut().poll(&mut cx), Poll::Ready(Ok(5)));
}

#[test]
fn a_wait_without_end_needs_no_timer() {
    let bulkhead = Bulkhead::new("test", Settings::fixed(n(1)).wait(Duration::MAX));
    let mut cx = Context::from_waker(Waker::noop());
    let mut first = Box::pin(bulkhead.run(std::future::pending::<()>()));
    assert!(first.as_mut().poll(&mut cx).is_pending());
    let mut second = pin!(bulkhead.run(async { 2 }));
    assert!(second.as_mut().poll(&mut cx).is_pending());
    drop(first);
    assert_eq!(second.as_mut().poll(&mut cx), Poll::Ready(Ok(2)));
}
