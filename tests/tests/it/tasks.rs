//! `load = task`: a load goes on when its caller has timed out or was dropped.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use fastness::{Fastness, cacheable, with_cache};
use tokio::sync::Semaphore;
use tokio::task::yield_now;

use crate::origin::{Fault, MINUTE, Origin, SECOND};
use crate::{fresh, poll_once, timed};

/// An origin whose answers come when a gate is opened.
#[derive(Clone)]
struct Slow {
    origin: Origin,
    gate: Arc<Semaphore>,
    panics: Arc<AtomicU32>,
}

#[derive(Debug, PartialEq)]
struct NotClone;

impl Slow {
    fn shut() -> Self {
        Self { origin: Origin::default(), gate: Arc::new(Semaphore::new(0)), panics: Arc::default() }
    }

    async fn answer(&self) -> Result<u32, Fault> {
        let call = self.origin.next();
        self.gate.acquire().await.unwrap().forget();
        let panics = self.panics.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        assert!(panics.is_err(), "asked to panic");
        call
    }

    fn calls(&self) -> u32 {
        self.origin.calls()
    }

    #[cacheable(ttl = 60, load = task, load_timeout = "20ms", key = "report", skip(self))]
    async fn report(&self) -> Result<u32, Fault> {
        self.answer().await
    }

    #[cacheable(ttl = 60, load = task, key = "patient:{id}", skip(self))]
    async fn patient(&self, id: u32) -> Result<u32, Fault> {
        self.answer().await.map(|_| id)
    }

    #[cacheable(ttl = 60, jitter = 0, early = off, stale = "1m", load = task, load_timeout = "20ms", key = "soft", skip(self))]
    async fn soft(&self) -> Result<u32, Fault> {
        self.answer().await
    }

    #[cacheable(ttl = 60, jitter = 0, early = off, stale = "1m", refresh = background, load = task, key = "both", skip(self))]
    async fn both(&self) -> Result<u32, Fault> {
        self.answer().await
    }

    #[cacheable(ttl = 60, load = task, key = "outer", skip(self))]
    async fn outer(&self) -> Result<u32, Fault> {
        self.patient(7).await
    }

    #[cacheable(ttl = 60, load = task, key = "private:{tell}", skip(self))]
    async fn private(&self, tell: &str) -> Result<u32, NotClone> {
        self.answer().await.map_err(|_| NotClone)?;
        assert_eq!(tell, "it is owned");
        Err(NotClone)
    }
}

async fn called(slow: &Slow, calls: u32) {
    while slow.calls() < calls {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_that_timed_out_goes_on_and_is_stored() {
    let (fast, slow) = (fresh(), Slow::shut());
    with_cache(&fast, async {
        for _ in 0..5 {
            assert_eq!(slow.report().await, Err(Fault::Timeout));
        }
        slow.gate.add_permits(1);
        while slow.report().await != Ok(1) {
            yield_now().await;
        }
        assert_eq!((slow.calls(), fast.stats().total.loads, fast.stats().total.loads_abandoned), (1, 1, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_caller_has_its_own_time_limit() {
    let (fast, slow) = (fresh(), Slow::shut());
    with_cache(&fast, async {
        let mut early = pin!(slow.report());
        assert!(poll_once(early.as_mut()).await.is_none());
        called(&slow, 1).await;
        tokio::time::advance(std::time::Duration::from_millis(15)).await;
        let mut late = pin!(slow.report());
        assert!(poll_once(late.as_mut()).await.is_none());
        tokio::time::advance(std::time::Duration::from_millis(10)).await;
        assert_eq!(poll_once(early.as_mut()).await, Some(Err(Fault::Timeout)));
        assert!(poll_once(late.as_mut()).await.is_none(), "the call goes on waiting");
        slow.gate.add_permits(1);
        assert_eq!((late.await, slow.calls()), (Ok(1), 1));
    })
    .await;
}

#[tokio::test]
async fn a_load_whose_caller_left_goes_on_for_present_and_later_waiters() {
    let (fast, slow) = (fresh(), Slow::shut());
    with_cache(&fast, async {
        let mut left = Box::pin(slow.patient(1));
        let mut waits = pin!(slow.patient(1));
        assert!(poll_once(left.as_mut()).await.is_none() && poll_once(waits.as_mut()).await.is_none());
        drop(left);
        called(&slow, 1).await;
        slow.gate.add_permits(1);
        assert_eq!(waits.await, Ok(1));
        let mut left = Box::pin(slow.patient(2));
        assert!(poll_once(left.as_mut()).await.is_none());
        drop(left);
        slow.gate.add_permits(1);
        assert_eq!((slow.patient(2).await, slow.calls()), (Ok(2), 2));
        assert_eq!(fast.stats().total.loads_abandoned, 0);
    })
    .await;
}

/// A timeout is answered with a stale value, if there is one.
#[tokio::test(start_paused = true)]
async fn a_stale_value_is_served_when_the_time_is_up_and_the_load_goes_on() {
    let ((fast, clock), slow) = (timed(), Slow::shut());
    with_cache(&fast, async {
        slow.gate.add_permits(1);
        assert_eq!(slow.soft().await, Ok(1));
        clock.advance(MINUTE + SECOND);
        let mut call = pin!(slow.soft());
        assert!(poll_once(call.as_mut()).await.is_none(), "it waits for the new one");
        assert_eq!((call.await, slow.calls()), (Ok(1), 2));
        assert_eq!(
            (slow.soft().await, slow.calls()),
            (Ok(1), 2),
            "other callers do not wait while the load is under way"
        );
        slow.gate.add_permits(1);
        while slow.soft().await != Ok(2) {
            yield_now().await;
        }
        assert_eq!(slow.calls(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_background_refresh_and_a_load_in_a_task_work_together() {
    let ((fast, clock), slow) = (timed(), Slow::shut());
    with_cache(&fast, async {
        let mut left = Box::pin(slow.both());
        assert!(poll_once(left.as_mut()).await.is_none());
        drop(left);
        slow.gate.add_permits(1);
        assert_eq!(slow.both().await, Ok(1));
        clock.advance(MINUTE + SECOND);
        assert_eq!(poll_once(pin!(slow.both())).await, Some(Ok(1)), "no caller waits for a refresh");
        called(&slow, 2).await;
        slow.gate.add_permits(1);
        while slow.both().await != Ok(2) {
            yield_now().await;
        }
        assert_eq!(slow.calls(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_task_that_panics_gives_its_caller_the_panic_and_hands_over() {
    let (fast, slow) = (fresh(), Slow::shut());
    slow.panics.store(1, Ordering::SeqCst);
    let call = || {
        let (fast, slow) = (fast.clone(), slow.clone());
        tokio::spawn(async move { with_cache(&fast, slow.patient(1)).await })
    };
    let (first, second) = (call(), call());
    called(&slow, 1).await;
    slow.gate.add_permits(1);
    called(&slow, 2).await;
    slow.gate.add_permits(1);
    assert!(first.await.is_err_and(|error| error.is_panic()));
    assert_eq!(second.await.unwrap(), Ok(1));
    assert_eq!(fast.stats().total.loads_abandoned, 1);
}

#[tokio::test]
async fn an_error_that_cannot_be_shared_goes_to_its_own_caller() {
    let (fast, slow) = (fresh(), Slow::shut());
    slow.gate.add_permits(2);
    with_cache(&fast, async {
        let both = tokio::join!(slow.private("it is owned"), slow.private("it is owned"));
        assert_eq!((both, slow.calls()), ((Err(NotClone), Err(NotClone)), 2), "each waiter loads alone");
    })
    .await;
}

#[tokio::test]
async fn a_load_stays_in_its_scope() {
    let (fast, slow) = (fresh(), Slow::shut());
    slow.gate.add_permits(1);
    assert_eq!(with_cache(&fast, slow.outer()).await, Ok(7));
    assert_eq!(fast.stats().total.loads, 2, "one of the outer function and one of the inner one");
}

/// A load runs in its caller when 64 of its function run as tasks.
#[tokio::test]
async fn a_bounded_number_of_loads_runs_as_tasks() {
    let (fast, slow) = (fresh(), Slow::shut());
    with_cache(&fast, async {
        for id in 0..65 {
            let mut left = Box::pin(slow.patient(id));
            assert!(poll_once(left.as_mut()).await.is_none());
        }
        assert_eq!(fast.stats().total.loads_abandoned, 1, "the last one was its caller's, and dropped");
        slow.gate.add_permits(65);
        for id in 0..64 {
            assert_eq!(slow.patient(id).await, Ok(id));
        }
        assert_eq!(slow.calls(), 65);
        let mut left = Box::pin(slow.patient(99));
        assert!(poll_once(left.as_mut()).await.is_none());
        drop(left);
        assert_eq!((slow.patient(99).await, slow.calls()), (Ok(99), 66), "places are given back");
    })
    .await;
}

#[test]
fn a_load_without_a_runtime_runs_in_its_caller() {
    let fast = fresh();
    let slow = Slow::shut();
    let mut cx = Context::from_waker(Waker::noop());
    let mut left = Box::pin(with_cache(&fast, slow.patient(1)));
    assert!(left.as_mut().poll(&mut cx).is_pending());
    drop(left);
    assert_eq!(fast.stats().total.loads_abandoned, 1);
    slow.gate.add_permits(1);
    assert_eq!(pin!(with_cache(&fast, slow.patient(1))).poll(&mut cx), Poll::Ready(Ok(1)));
}

/// A runtime in which a load has begun.
fn begun(call: &mut (impl Future<Output = Result<u32, Fault>> + Unpin)) -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    runtime.block_on(async { assert!(poll_once(std::pin::Pin::new(call)).await.is_none()) });
    runtime
}

fn cache() -> Fastness {
    fresh()
}

#[test]
fn a_waiter_takes_over_a_load_whose_runtime_ends() {
    let (fast, slow) = (cache(), Slow::shut());
    let mut first = Box::pin(with_cache(&fast, slow.patient(1)));
    let ends = begun(&mut first);
    let goes_on = tokio::runtime::Builder::new_current_thread().build().unwrap();
    goes_on.block_on(async {
        let mut waits = pin!(with_cache(&fast, slow.patient(1)));
        assert!(poll_once(waits.as_mut()).await.is_none());
        ends.shutdown_background();
        slow.gate.add_permits(1);
        assert_eq!(waits.await, Ok(1));
    });
}

#[test]
fn a_caller_beyond_the_end_of_the_runtime_gets_the_error_of_a_timeout() {
    let (fast, slow) = (cache(), Slow::shut());
    let mut call = Box::pin(with_cache(&fast, slow.report()));
    begun(&mut call).shutdown_timeout(MINUTE);
    assert_eq!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Err(Fault::Timeout)));
}

#[test]
#[should_panic(expected = "the runtime was shut down while")]
fn a_caller_beyond_the_end_of_the_runtime_panics_without_a_timeout_error() {
    let (fast, slow) = (cache(), Slow::shut());
    let mut call = Box::pin(with_cache(&fast, slow.patient(1)));
    begun(&mut call).shutdown_timeout(MINUTE);
    let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
}
