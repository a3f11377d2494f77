use std::future::pending;
use std::pin::pin;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;

use super::*;

const LIMIT: Duration = Duration::from_secs(1);

/// A read, and another operation, with the time limit.
const READ: (Duration, ClosedEffect) = (LIMIT, ClosedEffect::Stops);
const WRITE: (Duration, ClosedEffect) = (LIMIT, ClosedEffect::GoesOn);

/// Two places.
fn tasks() -> DriverTasks {
    DriverTasks::new(2, 1, Arc::default(), Clock::manual())
}

async fn place(tasks: &DriverTasks) -> TaskPlace {
    tasks.place().await
}

async fn let_tasks_run() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_without_an_end_is_aborted_after_its_caller_or_its_time_limit_and_its_grace() {
    let early = Duration::from_millis(100);
    for (operation, goes_on) in [(READ, GRACE), (WRITE, LIMIT.saturating_sub(early) + GRACE)] {
        let tasks = tasks();
        {
            let mut call = pin!(tasks.run(place(&tasks).await, operation, pending::<u8>()));
            assert!(tokio::time::timeout(Duration::ZERO, &mut call).await.is_err());
            tasks.clock.advance(early);
        }
        let_tasks_run().await;
        tokio::time::advance(goes_on.saturating_sub(Duration::from_millis(1))).await;
        let_tasks_run().await;
        let seen = tasks.counters.snapshot();
        assert_eq!((seen.aborted, seen.abandoned, tasks.places.available_permits()), (0, 1, 1), "{operation:?}");
        tokio::time::advance(Duration::from_millis(2)).await;
        let_tasks_run().await;
        let seen = tasks.counters.snapshot();
        assert_eq!((seen.aborted, seen.abandoned, tasks.places.available_permits()), (1, 0, 2), "{operation:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_goes_on_without_its_caller_and_then_gives_its_place_back() {
    let tasks = tasks();
    let (answer, answered) = oneshot::channel();
    let done = Arc::new(AtomicBool::new(false));
    let ended = done.clone();
    let operation = async move {
        answered.await.unwrap();
        ended.store(true, Relaxed);
    };
    let call = tasks.run(place(&tasks).await, READ, operation);
    assert!(tokio::time::timeout(Duration::from_millis(1), call).await.is_err());
    let seen = tasks.counters.snapshot();
    assert_eq!((seen.abandoned, tasks.places.available_permits()), (1, 1));
    answer.send(()).unwrap();
    let_tasks_run().await;
    assert!(done.load(Relaxed));
    tokio::time::advance(GRACE * 2).await;
    let_tasks_run().await;
    let seen = tasks.counters.snapshot();
    assert_eq!((seen.aborted, seen.abandoned, tasks.places.available_permits()), (0, 0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_waits_for_a_place_is_counted_and_dropped_without_a_trace() {
    let tasks = tasks();
    let (first, second) = (place(&tasks).await, place(&tasks).await);
    {
        let mut third = pin!(place(&tasks));
        assert!(tokio::time::timeout(LIMIT, &mut third).await.is_err());
        assert_eq!(tasks.counters.snapshot().waiting, 1);
    }
    assert_eq!(tasks.counters.snapshot().waiting, 0);
    drop((first, second));
    assert_eq!(tasks.places.available_permits(), 2);
}

#[tokio::test]
async fn a_panic_goes_on_in_the_caller_and_gives_the_place_back() {
    let tasks = Arc::new(tasks());
    let panicking = tasks.clone();
    let call = tokio::spawn(async move {
        let place = place(&panicking).await;
        panicking.run(place, READ, async { panic!("on purpose") }).await
    });
    assert!(call.await.unwrap_err().is_panic());
    let seen = tasks.counters.snapshot();
    assert_eq!((seen.abandoned, seen.aborted, tasks.places.available_permits()), (0, 0, 2));
}

#[tokio::test]
async fn a_call_inside_of_a_task_takes_no_second_place() {
    let tasks = Arc::new(DriverTasks::new(1, 1, Arc::default(), Clock::manual()));
    let inner = tasks.clone();
    let nested = async move {
        let place = place(&inner).await;
        inner.run(place, READ, async { 7 }).await
    };
    assert_eq!(tasks.run(place(&tasks).await, READ, nested).await, Some(Some(7)));
}

#[test]
fn a_task_that_ends_with_its_runtime_has_no_outcome() {
    let tasks = tasks();
    let short = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let place = short.block_on(place(&tasks));
    let mut call = pin!(tasks.run(place, READ, pending::<u8>()));
    let entered = short.enter();
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(entered);
    short.shutdown_timeout(LIMIT);
    assert_eq!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(None));
    assert_eq!(tasks.places.available_permits(), 2);
}

#[test]
fn places_follow_the_pool_and_the_servers() {
    let places =
        |pool, servers| DriverTasks::new(pool, servers, Arc::default(), Clock::manual()).places.available_permits();
    assert_eq!((places(20, 1), places(20, 3), places(1, 0), places(0, 1)), (20, 60, 1, 1_000));
    assert_eq!(places(u32::MAX, usize::MAX), Semaphore::MAX_PERMITS);
}
