//! Annotated functions that are called while a thread drops its thread-locals: they run or hit, and never abort the process.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::{Future, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fastness::{
    Fastness, cache_invalidate, cache_put, cacheable, circuit_breaker, rate_limit, retry, timed, with_cache_sync,
};

use crate::fresh;
use fastness_tests::names::{named, reached};

/// A value that runs a function when its thread ends.
struct AtEnd(Option<Box<dyn FnOnce()>>);

impl Drop for AtEnd {
    fn drop(&mut self) {
        if let Some(run) = self.0.take() {
            run();
        }
    }
}

thread_local! {
    static FIRST: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
}

/// The result of `last`, which runs after the drop of all thread-locals that `before` was the first to use.
fn at_end<T: Send + 'static>(before: impl FnOnce() + Send + 'static, last: impl FnOnce() -> T + Send + 'static) -> T {
    let (tell, told) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        FIRST.set(Some(AtEnd(Some(Box::new(move || tell.send(last()).unwrap())))));
        before();
    });
    thread.join().unwrap();
    told.recv().unwrap()
}

/// The result of a future that waits for nothing.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

static LOADS: AtomicU64 = AtomicU64::new(0);

#[cacheable(ttl = 600, key = "ending:{n}")]
fn ending(n: u64) -> u64 {
    LOADS.fetch_add(1, SeqCst);
    n
}

#[cacheable(ttl = 600, key = "ending_async:{n}", stale = 60, negative_ttl = 60)]
async fn ending_async(n: u64) -> Option<u64> {
    Some(n)
}

#[test]
fn a_cached_call_runs_its_body_at_the_end_of_a_thread() {
    let before = || {
        ending(1);
        now(ending_async(1));
    };
    let last = || (ending(1), ending(2), ending(2), now(ending_async(1)), now(ending_async(2)));
    assert_eq!(at_end(before, last), (1, 2, 2, Some(1), Some(2)));
    let loads = LOADS.load(SeqCst);
    assert_eq!(ending(1), 1);
    assert_eq!(LOADS.load(SeqCst), loads, "the cached value still is");
    // The first calls of a thread may also be its last.
    assert_eq!(at_end(|| {}, || (ending(1), ending(3))), (1, 3));
}

#[tokio::test]
async fn a_cache_may_be_cleared_at_the_end_of_a_thread() {
    type Step = fn(&Fastness);
    let fast = fresh();
    let (clear, shrink, call) = (
        |fast: &Fastness| fast.clear(),
        |fast: &Fastness| fast.set_max_entries(1),
        |fast: &Fastness| assert_eq!(with_cache_sync(fast, || (own(1), own(2))), (1, 2)),
    );
    let nothing = |_: &Fastness| {};
    let cases: [(Step, Step); 5] = [(call, clear), (call, shrink), (clear, call), (shrink, call), (nothing, clear)];
    for (before, last) in cases {
        call(&fast);
        let (first, second) = (fast.clone(), fast.clone());
        at_end(move || before(&first), move || last(&second));
    }
}

#[cacheable(ttl = 600, key = "ending_first:{n}")]
fn first(n: u64) -> u64 {
    n
}

#[test]
fn a_function_that_is_first_called_at_the_end_of_a_thread_is_in_the_statistics() {
    assert_eq!(at_end(|| assert_eq!(own(1), 1), || first(1)), 1);
    assert_eq!((first(1), first(1)), (1, 1));
    let site = Fastness::current().stats().sites.into_iter().find(|site| site.key == "ending_first:{n}");
    assert_eq!(site.map(|site| (site.stats.misses, site.stats.hits)), Some((1, 1)));
}

#[cacheable(ttl = 600, key = "ending_own:{n}")]
fn own(n: u64) -> u64 {
    n
}

#[tokio::test]
async fn a_cached_call_runs_its_body_on_a_handle_that_is_dropped_at_the_end_of_a_thread() {
    let fast = fresh();
    let (before, last) = (fast.clone(), fast.clone());
    let before = move || assert_eq!(with_cache_sync(&before, || own(1)), 1);
    let last = move || {
        let found = with_cache_sync(&last, || (own(1), own(2), Fastness::current().stats().sites.len()));
        drop(last);
        found
    };
    assert_eq!(at_end(before, last), (1, 2, 1), "and the scope is in force");
    drop(fast);
    let only = fresh();
    at_end(|| assert_eq!(ending(1), 1), move || drop(only));
}

static WRITES: AtomicU64 = AtomicU64::new(0);

#[cacheable(ttl = 600, key = "written:{n}")]
fn written(n: u64) -> u64 {
    n + WRITES.load(SeqCst)
}

#[cache_put(ttl = 600, key = "written:{n}")]
fn put(n: u64) -> u64 {
    n + WRITES.fetch_add(1, SeqCst) + 1
}

#[cache_invalidate("written:{n}")]
fn write(n: u64) {
    let _ = n;
    WRITES.fetch_add(1, SeqCst);
}

#[test]
fn writes_invalidate_at_the_end_of_a_thread() {
    assert_eq!(written(0), 0);
    at_end(|| assert_eq!(written(0), 0), || put(0));
    assert_eq!(written(0), 1);
    at_end(|| assert_eq!(written(0), 1), || write(0));
    assert_eq!(written(0), 2);
}

#[cacheable(ttl = 600, key = "ending_each:{ids}", batch(ids))]
fn each(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, *id)).collect()
}

#[test]
fn a_batch_loads_its_elements_at_the_end_of_a_thread() {
    assert_eq!(at_end(|| drop(each(&[1, 2])), || each(&[1, 2, 3])).len(), 3);
}

#[tokio::test]
async fn direct_calls_find_nothing_and_invalidate_at_the_end_of_a_thread() {
    let cache = fresh().cache();
    let minute = Duration::from_secs(60);
    cache.set(&named("n:1"), 1_u64, minute).await;
    let (before, last) = (cache.clone(), cache.clone());
    let before = move || assert_eq!(now(before.get::<u64>(&named("n:1"))), Some(1));
    let last = move || {
        let key = named("n:1");
        now(last.set(&key, 2_u64, minute));
        let got = now(last.get::<u64>(&key));
        let loaded = now(last.get_or_load(&key, minute, ready(Ok::<_, ()>(3_u64))));
        (got, loaded, now(last.invalidate(reached("n:*"))))
    };
    assert_eq!(at_end(before, last), (None, Ok(3), fastness::Reach::Announced));
    assert_eq!(cache.get::<u64>(&named("n:1")).await, None);
}

#[derive(Debug, PartialEq)]
struct Failed;

impl From<fastness::resilience::Rejected> for Failed {
    fn from(_: fastness::resilience::Rejected) -> Self {
        Self
    }
}

#[timed]
#[retry(attempts = 2, wait = "1ms")]
#[circuit_breaker(name = "ending")]
#[rate_limit(calls = 1_000, per = "1s", key = "{name}")]
fn guarded(name: &str) -> Result<usize, Failed> {
    Ok(name.len())
}

#[test]
fn policies_admit_calls_at_the_end_of_a_thread() {
    assert_eq!(at_end(|| drop(guarded("a")), || (guarded("a"), guarded("bc"))), (Ok(1), Ok(2)));
}
