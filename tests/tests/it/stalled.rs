//! A leader that goes unpolled, or waits for its own key elsewhere: other callers wait for `load_timeout`, or for 30 s, and then load
//! the value.

use std::pin::{Pin, pin};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use bytes::Bytes;
use fastness::http::CoalesceLayer;
use fastness::{Clock, Fastness, LoadTimeout, cacheable, with_cache, with_cache_sync};
use http::{Request, Response};
use http_body_util::Full;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, yield_now};
use tower::{ServiceBuilder, ServiceExt};

use crate::{fresh, poll_once, timed};

const PATIENCE: Duration = Duration::from_secs(31);

/// Answers with the number of the load, once a gate is open.
struct Origin {
    loads: AtomicU64,
    gate: Semaphore,
}

impl Origin {
    fn new() -> Arc<Self> {
        Arc::new(Self { loads: AtomicU64::new(0), gate: Semaphore::new(0) })
    }

    fn begin(&self) -> u64 {
        self.loads.fetch_add(1, SeqCst) + 1
    }

    async fn load(&self) -> u64 {
        let load = self.begin();
        self.gate.acquire().await.unwrap().forget();
        load
    }

    fn loads(&self) -> u64 {
        self.loads.load(SeqCst)
    }
}

#[cacheable(ttl = 600, key = "rested:{id}", early = off, skip(origin))]
async fn rested(origin: &Origin, id: u64) -> u64 {
    let _ = id;
    origin.load().await
}

/// Starts a call in a task of its own, and waits until the call waits for the load that is under way.
async fn waiting<T: Send + 'static>(call: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    let waits = Arc::new(AtomicBool::new(false));
    let told = waits.clone();
    let task = tokio::spawn(async move {
        let mut call = pin!(call);
        let first = poll_once(call.as_mut()).await;
        told.store(true, SeqCst);
        match first {
            Some(done) => done,
            None => call.await,
        }
    });
    while !waits.load(SeqCst) {
        yield_now().await;
    }
    task
}

async fn waiters(fast: &Fastness, origin: &Arc<Origin>) -> [JoinHandle<u64>; 3] {
    let one = || {
        let (fast, origin) = (fast.clone(), origin.clone());
        waiting(async move { with_cache(&fast, rested(&origin, 1)).await })
    };
    [one().await, one().await, one().await]
}

#[tokio::test]
async fn a_waiter_loads_instead_and_its_value_stays() {
    let ((fast, clock), origin) = (timed(), Origin::new());
    let mut first = Box::pin(with_cache(&fast, rested(&origin, 1)));
    assert!(poll_once(first.as_mut()).await.is_none(), "the call leads, and is not polled any more");
    let waiters = waiters(&fast, &origin).await;
    clock.advance(PATIENCE);
    while origin.loads() < 2 {
        yield_now().await;
    }
    // One permit is for the resting leader: permits are given in the order of the requests.
    origin.gate.add_permits(2);
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), 2);
    }
    assert_eq!((origin.loads(), fast.stats().total.loads_stalled), (2, 1));
    assert_eq!(first.await, 1, "the leader gets its own value");
    assert_eq!(with_cache(&fast, rested(&origin, 1)).await, 2, "which replaces no newer one");
}

#[tokio::test]
async fn a_late_value_is_stored_if_there_is_no_newer_one() {
    let ((fast, clock), origin) = (timed(), Origin::new());
    let mut first = Box::pin(with_cache(&fast, rested(&origin, 1)));
    assert!(poll_once(first.as_mut()).await.is_none());
    clock.advance(PATIENCE);
    let mut second = Box::pin(with_cache(&fast, rested(&origin, 1)));
    assert!(poll_once(second.as_mut()).await.is_none());
    assert_eq!(origin.loads(), 2, "no caller had to wait");
    drop(second);
    origin.gate.add_permits(1);
    assert_eq!(first.await, 1);
    assert_eq!(with_cache(&fast, rested(&origin, 1)).await, 1);
}

#[tokio::test]
async fn another_waiter_loads_if_the_second_leader_is_dropped() {
    let ((fast, clock), origin) = (timed(), Origin::new());
    let mut first = Box::pin(with_cache(&fast, rested(&origin, 1)));
    assert!(poll_once(first.as_mut()).await.is_none());
    let waiters = waiters(&fast, &origin).await;
    clock.advance(PATIENCE);
    for expected in 2..4 {
        while origin.loads() < expected {
            yield_now().await;
        }
        let loading = &waiters[usize::try_from(expected).unwrap() - 2];
        loading.abort();
    }
    while origin.loads() < 4 {
        yield_now().await;
    }
    origin.gate.add_permits(2);
    let [_, _, last] = waiters;
    assert_eq!(last.await.unwrap(), 4);
}

#[cacheable(ttl = 600, key = "none:{id}", negative_ttl = 600, skip(origin))]
async fn perhaps(origin: &Origin, id: u64) -> Option<u64> {
    let _ = id;
    let load = origin.load().await;
    (load == 1).then_some(load)
}

#[tokio::test]
async fn a_late_value_does_not_hide_a_newer_absence() {
    let ((fast, clock), origin) = (timed(), Origin::new());
    let mut first = Box::pin(with_cache(&fast, perhaps(&origin, 1)));
    assert!(poll_once(first.as_mut()).await.is_none());
    clock.advance(PATIENCE);
    origin.gate.add_permits(2);
    assert_eq!(with_cache(&fast, perhaps(&origin, 1)).await, None);
    assert_eq!(first.await, Some(1));
    assert_eq!(with_cache(&fast, perhaps(&origin, 1)).await, None);
    assert_eq!(origin.loads(), 2);
}

#[cacheable(ttl = 600, key = "nothing:{id}", negative_ttl = 600, skip(origin))]
async fn nothing(origin: &Origin, id: u64) -> Option<u64> {
    let load = origin.load().await;
    (load == id).then_some(load)
}

#[tokio::test]
async fn a_waiter_of_a_load_that_was_given_up_checks_again_before_it_loads() {
    let ((fast, clock), origin) = (timed(), Origin::new());
    let mut first = Box::pin(with_cache(&fast, nothing(&origin, 9)));
    assert!(poll_once(first.as_mut()).await.is_none());
    let mut second = Box::pin(with_cache(&fast, nothing(&origin, 9)));
    assert!(poll_once(second.as_mut()).await.is_none());
    clock.advance(PATIENCE);
    origin.gate.add_permits(1);
    assert_eq!(first.await, None, "late, and before the other has run");
    assert_eq!(poll_once(second.as_mut()).await, Some(None), "which finds that there is none");
    assert_eq!(origin.loads(), 1);
}

#[cacheable(ttl = 60, key = "refreshed:{id}", stale = 3600, early = off, skip(origin))]
async fn refreshed(origin: &Origin, id: u64) -> u64 {
    let _ = id;
    origin.load().await
}

#[tokio::test]
async fn a_resting_refresh_is_made_by_another_caller() {
    let ((fast, clock), origin) = (timed(), Origin::new());
    origin.gate.add_permits(1);
    assert_eq!(with_cache(&fast, refreshed(&origin, 1)).await, 1);
    clock.advance(Duration::from_secs(61));
    let mut refresh = Box::pin(with_cache(&fast, refreshed(&origin, 1)));
    assert!(poll_once(refresh.as_mut()).await.is_none());
    assert_eq!(with_cache(&fast, refreshed(&origin, 1)).await, 1, "stale, while it is refreshed");
    clock.advance(PATIENCE);
    origin.gate.add_permits(2);
    assert_eq!(with_cache(&fast, refreshed(&origin, 1)).await, 3);
    assert_eq!(refresh.await, 2);
    assert_eq!(with_cache(&fast, refreshed(&origin, 1)).await, 3);
}

#[derive(Clone, Debug, PartialEq)]
struct Slow;

impl From<LoadTimeout> for Slow {
    fn from(_: LoadTimeout) -> Self {
        Self
    }
}

#[cacheable(ttl = 60, key = "rate:{n}", load_timeout = "100ms", skip(origin))]
async fn rate(origin: &Origin, n: u64) -> Result<u64, Slow> {
    let load = origin.begin();
    yield_now().await;
    Ok(load + n)
}

/// Takes 150 ms on the system's clock.
#[tokio::test]
async fn no_caller_waits_longer_than_a_load_timeout() {
    let (fast, origin) = (fresh(), Origin::new());
    let mut first = Box::pin(with_cache(&fast, rate(&origin, 0)));
    assert!(poll_once(first.as_mut()).await.is_none());
    let second = tokio::time::timeout(Duration::from_secs(20), with_cache(&fast, rate(&origin, 0))).await;
    assert_eq!(second, Ok(Ok(2)));
    assert_eq!(fast.stats().total.loads_stalled, 1);
}

#[cacheable(ttl = 60, key = "blocked:{id}", skip(origin, gate))]
fn blocked(origin: &Origin, gate: &Barrier, id: u64) -> u64 {
    let load = origin.begin();
    if load == 1 {
        gate.wait();
    }
    load + id
}

#[tokio::test]
async fn a_sync_function_whose_leader_hangs_is_run_by_a_waiter() {
    let ((fast, clock), origin) = (timed(), Origin::new());
    let gate = Arc::new(Barrier::new(2));
    let arrived = Arc::new(AtomicU64::new(0));
    let call = || {
        let (fast, origin, gate, arrived) = (fast.clone(), origin.clone(), gate.clone(), arrived.clone());
        std::thread::spawn(move || {
            arrived.fetch_add(1, SeqCst);
            with_cache_sync(&fast, || blocked(&origin, &gate, 0))
        })
    };
    let first = call();
    while origin.loads() < 1 {
        yield_now().await;
    }
    let waiters = [call(), call()];
    while arrived.load(SeqCst) < 3 {
        yield_now().await;
    }
    clock.advance(PATIENCE);
    assert_eq!(waiters.map(|waiter| waiter.join().unwrap()), [2, 2]);
    gate.wait();
    assert_eq!(first.join().unwrap(), 1);
    assert_eq!(with_cache_sync(&fast, || blocked(&origin, &gate, 0)), 2);
}

#[cacheable(ttl = 60, key = "tree:{n}", skip(fast, origin), on = fast)]
async fn tree(fast: &Fastness, origin: &Arc<Origin>, n: u64) -> u64 {
    if origin.begin() == 3 {
        return n;
    }
    tokio::spawn(branch(fast.clone(), origin.clone(), n)).await.unwrap()
}

fn branch(fast: Fastness, origin: Arc<Origin>, n: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move { tree(&fast, &origin, n).await })
}

#[cacheable(ttl = 60, key = "plain:{n}", skip(fast, origin), on = fast)]
fn plain(fast: &Fastness, origin: &Origin, n: u64) -> u64 {
    if origin.begin() == 3 {
        return n;
    }
    std::thread::scope(|threads| threads.spawn(|| plain(fast, origin, n)).join().unwrap())
}

/// Advances the clock until this future is ready.
async fn hurry<T>(clock: &Clock, task: tokio::task::JoinHandle<T>) -> T {
    let hurry = async {
        while !task.is_finished() {
            clock.advance(PATIENCE);
            yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), hurry).await.expect("an end");
    task.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_needs_its_own_key_in_another_task_or_thread_ends() {
    let ((fast, clock), origin) = (timed(), Origin::new());
    let task = tokio::spawn(branch(fast.clone(), origin, 7));
    assert_eq!(hurry(&clock, task).await, 7);
    let origin = Origin::new();
    let task = tokio::task::spawn_blocking(move || plain(&fast, &origin, 8));
    assert_eq!(hurry(&clock, task).await, 8);
}

#[tokio::test]
async fn a_request_whose_leader_rests_is_handled_on_its_own() {
    let ((fast, clock), origin) = (timed(), Origin::new());
    let handler = {
        let origin = origin.clone();
        move |_: Request<String>| {
            let origin = origin.clone();
            async move {
                let load = origin.load().await;
                Ok::<_, std::convert::Infallible>(Response::new(Full::from(Bytes::from(load.to_string()))))
            }
        }
    };
    let service = ServiceBuilder::new().layer(CoalesceLayer::new().on(&fast)).service(tower::service_fn(handler));
    let get = || service.clone().oneshot(Request::get("/report").body(String::new()).unwrap());
    let mut first = Box::pin(get());
    assert!(poll_once(first.as_mut()).await.is_none());
    let mut second = Box::pin(get());
    assert!(poll_once(second.as_mut()).await.is_none());
    assert_eq!(origin.loads(), 1, "it waits for the first");
    clock.advance(PATIENCE);
    assert!(poll_once(second.as_mut()).await.is_none());
    assert_eq!(origin.loads(), 2, "the caller then asks the origin itself");
    origin.gate.add_permits(2);
    for response in [second.await, first.await] {
        assert_eq!(response.unwrap().status(), 200);
    }
}

#[cacheable(ttl = 60, key = "panics:{id}", skip(origin))]
async fn panics(origin: &Origin, id: u64) -> u64 {
    let load = origin.load().await;
    assert!(load != 2, "the second load panics, as a test wants it");
    load + id
}

#[tokio::test]
async fn a_panic_of_the_second_leader_lets_the_next_waiter_load() {
    let ((fast, clock), origin) = (timed(), Origin::new());
    let mut first = Box::pin(with_cache(&fast, panics(&origin, 0)));
    assert!(poll_once(first.as_mut()).await.is_none());
    let call = || {
        let (fast, origin) = (fast.clone(), origin.clone());
        waiting(async move { with_cache(&fast, panics(&origin, 0)).await })
    };
    let (second, third) = (call().await, call().await);
    clock.advance(PATIENCE);
    origin.gate.add_permits(3);
    let ended = [second.await, third.await];
    assert_eq!(ended.iter().filter(|ended| ended.is_err()).count(), 1);
    assert!(ended.into_iter().any(|ended| ended.is_ok_and(|load| load == 3)));
}
