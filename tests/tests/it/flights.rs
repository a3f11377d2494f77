//! Many callers of one cold key: one loads, the others wait, and each gets an answer however the load ends.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use fastness::{Fastness, cacheable, with_cache, with_cache_sync};
use tokio::sync::Notify;
use tokio::task::{JoinSet, yield_now};

use crate::fresh;

/// An origin that counts its calls and how many run at once.
#[derive(Default)]
struct Origin {
    calls: AtomicU32,
    running: AtomicU32,
    overlaps: AtomicU32,
    /// The task that entered last.
    loader: Mutex<Option<tokio::task::Id>>,
    gate: Notify,
}

struct Running<'a>(&'a Origin);

impl Origin {
    fn enter(&self) -> Running<'_> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        *self.loader.lock().unwrap() = tokio::task::try_id();
        if self.running.fetch_add(1, Ordering::SeqCst) > 0 {
            self.overlaps.fetch_add(1, Ordering::SeqCst);
        }
        Running(self)
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Down;

#[cacheable(ttl = 60, key = "value:{id}", skip(origin))]
async fn value(origin: &Origin, id: u64) -> Result<u64, Down> {
    let _running = origin.enter();
    origin.gate.notified().await;
    Ok(id)
}

#[cacheable(ttl = 60, key = "failing:{id}", skip(origin))]
async fn failing(origin: &Origin, id: u64) -> Result<u64, Down> {
    let _running = origin.enter();
    origin.gate.notified().await;
    let _ = id;
    Err(Down)
}

#[derive(Debug)]
struct NotClone;

#[cacheable(ttl = 60, key = "private:{id}", skip(origin))]
async fn private_error(origin: &Origin, id: u64) -> Result<u64, NotClone> {
    let _running = origin.enter();
    origin.gate.notified().await;
    let _ = id;
    Err(NotClone)
}

/// Starts `n` calls and waits until all calls that do not load wait.
async fn crowd<F, T>(n: usize, fast: &Fastness, call: impl Fn() -> F) -> JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let (mut set, polled) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
    for _ in 0..n {
        let (fast, call, polled) = (fast.clone(), call(), polled.clone());
        set.spawn(async move {
            let mut call = pin!(with_cache(&fast, call));
            // A call that was polled once waits, or loads; a call that was only counted as a miss may not wait yet.
            let first = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
            polled.fetch_add(1, Ordering::SeqCst);
            match first {
                Poll::Ready(done) => done,
                Poll::Pending => call.await,
            }
        });
    }
    while polled.load(Ordering::SeqCst) < n {
        yield_now().await;
    }
    assert_eq!(fast.stats().total.calls(), 0, "none has ended");
    set
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_callers_of_one_cold_key_make_one_load() {
    let (fast, origin) = (fresh(), Arc::new(Origin::default()));
    let mut set = crowd(1_000, &fast, || {
        let origin = origin.clone();
        async move { value(&origin, 7).await }
    })
    .await;
    origin.gate.notify_one();
    while let Some(done) = set.join_next().await {
        assert_eq!(done.unwrap(), Ok(7));
    }
    assert_eq!(origin.calls(), 1);
    assert_eq!(fast.stats().total.coalesced, 999);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_that_can_be_cloned_is_shared_by_all_waiters() {
    let (fast, origin) = (fresh(), Arc::new(Origin::default()));
    let mut set = crowd(1_000, &fast, || {
        let origin = origin.clone();
        async move { failing(&origin, 7).await }
    })
    .await;
    origin.gate.notify_one();
    while let Some(done) = set.join_next().await {
        assert_eq!(done.unwrap(), Err(Down));
    }
    assert_eq!(origin.calls(), 1);
    assert_eq!(fast.stats().total.load_errors, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_that_cannot_be_shared_sends_the_others_to_the_origin_side_by_side() {
    let (fast, origin) = (fresh(), Arc::new(Origin::default()));
    let mut set = crowd(50, &fast, || {
        let origin = origin.clone();
        async move { private_error(&origin, 7).await }
    })
    .await;
    assert_eq!(origin.calls(), 1);
    origin.gate.notify_one();
    while origin.running.load(Ordering::SeqCst) < 49 {
        yield_now().await;
    }
    origin.gate.notify_waiters();
    while let Some(done) = set.join_next().await {
        assert!(done.unwrap().is_err());
    }
    assert_eq!(origin.calls(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn distinct_keys_do_not_wait_for_each_other() {
    let (fast, origin) = (fresh(), Arc::new(Origin::default()));
    let mut set = JoinSet::new();
    for id in 0..1_000 {
        let (fast, origin) = (fast.clone(), origin.clone());
        set.spawn(async move { with_cache(&fast, value(&origin, id)).await });
    }
    while origin.running.load(Ordering::SeqCst) < 1_000 {
        yield_now().await;
    }
    origin.gate.notify_waiters();
    while let Some(done) = set.join_next().await {
        assert!(done.unwrap().is_ok());
    }
}

/// Cancels leaders at random moments of their loads, more than a thousand times: no caller hangs, no two loads of the key overlap,
/// and every remaining caller is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaders_cancelled_at_random_hand_over_without_overlap() {
    let mut abandoned = 0;
    for round in 0..400_u64 {
        let (fast, origin) = (fresh(), Arc::new(Origin::default()));
        let mut random = fastrand::Rng::with_seed(round);
        let mut callers: Vec<_> = (0..8)
            .map(|_| {
                let (fast, origin) = (fast.clone(), origin.clone());
                tokio::spawn(async move { with_cache(&fast, value(&origin, round)).await })
            })
            .collect();
        for _ in 0..random.usize(1..7) {
            cancel_leader(&origin, &mut callers, random.usize(0..4)).await;
        }
        while origin.running.load(Ordering::SeqCst) == 0 {
            yield_now().await;
        }
        origin.gate.notify_one();
        for caller in callers {
            let answer = tokio::time::timeout(Duration::from_secs(30), caller).await.expect("no caller hangs");
            assert_eq!(answer.unwrap(), Ok(round));
        }
        assert_eq!(origin.overlaps.load(Ordering::SeqCst), 0, "round {round}");
        let stats = fast.stats().total;
        assert_eq!(u64::from(origin.calls()), stats.loads_abandoned + stats.loads, "round {round}");
        assert_eq!(stats.loads, 1, "round {round}");
        abandoned += stats.loads_abandoned;
    }
    assert!(abandoned > 1_000, "only {abandoned} loads were really cut off");
}

/// Aborts the task that is inside the origin.
async fn cancel_leader<T>(origin: &Origin, callers: &mut Vec<tokio::task::JoinHandle<T>>, patience: usize) {
    while origin.running.load(Ordering::SeqCst) == 0 {
        yield_now().await;
    }
    for _ in 0..patience {
        yield_now().await;
    }
    let leader = origin.loader.lock().unwrap().expect("a caller loads");
    let index = callers.iter().position(|caller| caller.id() == leader).expect("it is one of ours");
    let cancelled = callers.swap_remove(index);
    cancelled.abort();
    assert!(cancelled.await.is_err_and(|error| error.is_cancelled()));
}

#[cacheable(ttl = 60, key = "panics:{id}", skip(origin, fuse))]
async fn panics_once(origin: &Origin, fuse: &AtomicUsize, id: u64) -> u64 {
    let _running = origin.enter();
    origin.gate.notified().await;
    assert!(fuse.fetch_add(1, Ordering::SeqCst) > 0, "the first load panics");
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panicking_leader_hands_over_to_one() {
    let (fast, origin, fuse) = (fresh(), Arc::new(Origin::default()), Arc::new(AtomicUsize::new(0)));
    let mut set = crowd(100, &fast, || {
        let (origin, fuse) = (origin.clone(), fuse.clone());
        async move { panics_once(&origin, &fuse, 3).await }
    })
    .await;
    origin.gate.notify_one();
    while origin.calls() < 2 {
        yield_now().await;
    }
    origin.gate.notify_one();
    let mut panicked = 0;
    while let Some(done) = set.join_next().await {
        match done {
            Ok(value) => assert_eq!(value, 3),
            Err(error) => panicked += u32::from(error.is_panic()),
        }
    }
    assert_eq!((panicked, origin.calls()), (1, 2));
    assert_eq!(fast.stats().total.loads_abandoned, 1);
}

#[cacheable(ttl = 60, key = "blocking:{id}", skip(origin, barrier))]
fn blocking(origin: &Origin, barrier: &std::sync::Barrier, id: u64) -> u64 {
    let _running = origin.enter();
    barrier.wait();
    id
}

#[test]
fn sync_callers_wait_for_one_load_too() {
    let (fast, origin, barrier) = (fresh(), Origin::default(), std::sync::Barrier::new(2));
    let arrived = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        let call = || {
            arrived.fetch_add(1, Ordering::SeqCst);
            with_cache_sync(&fast, || blocking(&origin, &barrier, 5))
        };
        let callers: Vec<_> = (0..64).map(|_| threads.spawn(call)).collect();
        while arrived.load(Ordering::SeqCst) < 64 {
            std::thread::yield_now();
        }
        barrier.wait();
        assert!(callers.into_iter().all(|caller| caller.join().unwrap() == 5));
    });
    assert_eq!(origin.calls(), 1);
    let stats = fast.stats().total;
    assert_eq!((stats.misses, stats.hits + stats.coalesced), (1, 63));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_function_may_wait_inside_a_runtime() {
    let (fast, origin) = (fresh(), Arc::new(Origin::default()));
    let barrier = Arc::new(std::sync::Barrier::new(2));
    let arrived = Arc::new(AtomicUsize::new(0));
    let calls: Vec<_> = (0..2)
        .map(|_| {
            let (fast, origin, barrier, arrived) = (fast.clone(), origin.clone(), barrier.clone(), arrived.clone());
            tokio::spawn(async move {
                arrived.fetch_add(1, Ordering::SeqCst);
                with_cache_sync(&fast, || blocking(&origin, &barrier, 6))
            })
        })
        .collect();
    let opened = barrier.clone();
    std::thread::spawn(move || {
        while arrived.load(Ordering::SeqCst) < 2 {
            std::thread::yield_now();
        }
        opened.wait();
    });
    for call in calls {
        assert_eq!(call.await.unwrap(), 6);
    }
    assert_eq!(origin.calls(), 1);
}

#[cacheable(ttl = 60, key = "deep:{n}", skip(depth))]
async fn needs_itself(n: u32, depth: u32) -> u32 {
    if depth == 0 { n } else { Box::pin(needs_itself(n, depth - 1)).await + 1 }
}

#[tokio::test]
async fn a_load_that_needs_its_own_key_does_not_wait_for_itself() {
    let fast = fresh();
    let answer = tokio::time::timeout(Duration::from_secs(10), with_cache(&fast, needs_itself(1, 3))).await;
    assert_eq!(answer.expect("no deadlock"), 4);
}

#[tokio::test]
async fn the_future_of_a_shared_load_may_be_dropped_before_it_is_polled() {
    let (fast, origin) = (fresh(), Origin::default());
    drop(with_cache(&fast, value(&origin, 1)));
    origin.gate.notify_one();
    assert_eq!(with_cache(&fast, value(&origin, 1)).await, Ok(1));
    assert_eq!(origin.calls(), 1);
}
