//! Memory of dead entries: they give up their room at once and their memory soon, with traffic and without, whatever the `Drop` of values
//! does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fastness::http::CacheLayer;
use fastness::{Clock, Fastness, cacheable, with_cache, with_cache_sync};
use fastness_tests::servers::PATIENCE;
use http::{Request, Response};
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use tower::{ServiceBuilder, ServiceExt};

use crate::origin::{MINUTE, SECOND};
use crate::timed;
use fastness_tests::names::{named, reached, tagged};

const HOUR: Duration = Duration::from_secs(3_600);

/// A counter of the living values of a test.
#[derive(Clone, Copy)]
struct Living(&'static AtomicUsize);

impl Living {
    /// The counter of a test.
    fn of(test: &'static str) -> Self {
        static ALL: LazyLock<Mutex<HashMap<&'static str, &'static AtomicUsize>>> = LazyLock::new(Mutex::default);
        Self(ALL.lock().unwrap().entry(test).or_insert_with(|| Box::leak(Box::default())))
    }

    fn value(self) -> Counted {
        self.value_that(|| {})
    }

    fn value_that(self, on_drop: fn()) -> Counted {
        self.0.fetch_add(1, SeqCst);
        Counted { living: self.0, on_drop }
    }

    fn count(self) -> usize {
        self.0.load(SeqCst)
    }

    /// Waits for the sweep.
    fn wait_until(self, count: usize) {
        wait_until("the sweep", || self.count() == count);
    }
}

/// Waits until this condition holds, or fails: a test that waits for ever would delay the sweep of the other tests.
pub(crate) fn wait_until(what: &str, holds: impl Fn() -> bool) {
    #[expect(clippy::disallowed_methods, reason = "the sweep goes by the machine's clock")]
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain for this: {what}");
        std::thread::yield_now();
    }
}

/// A value that is counted while it lives.
struct Counted {
    living: &'static AtomicUsize,
    on_drop: fn(),
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.living.fetch_sub(1, SeqCst);
        (self.on_drop)();
    }
}

static LOADS: AtomicUsize = AtomicUsize::new(0);

#[cacheable(ttl = "1h", jitter = 0, early = off, key = "report:{hour}:{id}", capacity = 1_000)]
async fn report(hour: u32, id: u32) -> u32 {
    LOADS.fetch_add(1, SeqCst);
    hour + id
}

/// Reads the 600 reports of each hour ten times: those of the hour before are dead, and take no room.
#[tokio::test]
async fn expired_entries_give_up_their_room() {
    let (fast, clock) = timed();
    with_cache(&fast, async {
        for hour in 0..5 {
            let before = LOADS.load(SeqCst);
            for _ in 0..10 {
                for id in 0..600 {
                    report(hour, id).await;
                }
            }
            assert_eq!(LOADS.load(SeqCst) - before, 600, "each once in hour {hour}");
            clock.advance(HOUR);
        }
    })
    .await;
    assert_eq!(fast.stats().evictions, 0);
}

#[cacheable(ttl = "1h", early = off, key = "page:{book}:{id}", tags = ["book:{book}"], capacity = 1_000)]
async fn page(book: u32, id: u32) -> u32 {
    book + id
}

#[tokio::test]
async fn invalidated_entries_give_up_their_room() {
    let (fast, _) = timed();
    let cache = fast.cache();
    with_cache(&fast, async {
        for book in 0..6 {
            for _ in 0..10 {
                for id in 0..600 {
                    page(book, id).await;
                }
            }
            match book % 3 {
                0 => fast.clear(),
                1 => drop(cache.invalidate(reached(format!("page:{book}:*"))).await),
                _ => drop(cache.invalidate(tagged(format!("book:{book}"))).await),
            }
        }
    })
    .await;
    let stats = fast.stats();
    assert_eq!((stats.total.loads, stats.evictions), (6 * 600, 0));
}

#[cacheable(ttl = 60, jitter = 0, early = off, stale = "1m", key = "old:{id}", capacity = 10)]
async fn old(id: u32) -> u32 {
    id
}

/// Each value is removed once it may not be served any more.
#[tokio::test]
async fn entries_that_may_be_served_stale_are_not_dead() {
    let (fast, clock) = timed();
    with_cache(&fast, async {
        for id in 0..10 {
            old(id).await;
        }
        clock.advance(MINUTE + SECOND);
        assert_eq!(fast.stats().entries, 10);
        clock.advance(MINUTE);
        assert_eq!(fast.stats().entries, 0, "the dead do not count");
    })
    .await;
    assert_eq!(fast.stats().total.loads, 10);
}

#[cacheable(ttl = 60, jitter = 0, early = off, key = "blob:{test}:{id}")]
async fn blob(test: &'static str, id: u32) -> Arc<Counted> {
    let _ = id;
    Arc::new(Living::of(test).value())
}

async fn fill(test: &'static str) -> Living {
    for id in 0..3_000 {
        blob(test, id).await;
    }
    let living = Living::of(test);
    assert_eq!(living.count(), 3_000);
    living
}

#[tokio::test]
async fn expired_values_are_dropped_without_traffic() {
    let (fast, clock) = timed();
    with_cache(&fast, async {
        let living = fill("expired").await;
        clock.advance(MINUTE);
        living.wait_until(0);
    })
    .await;
}

/// Most of the store's entries live on.
#[tokio::test]
async fn invalidated_values_are_dropped_without_traffic() {
    // The table of invalidations has room for each.
    let fast = Fastness::builder().clock(Clock::manual()).build().unwrap();
    with_cache(&fast, async {
        let living = fill("invalidated").await;
        for id in 0..700 {
            fast.cache().invalidate(reached(format!("blob:invalidated:{id}"))).await;
        }
        living.wait_until(2_300);
        fast.cache().invalidate(reached("blob:invalidated:*")).await;
        living.wait_until(0);
    })
    .await;
    assert_eq!(fast.stats().entries, 0);
}

#[tokio::test]
async fn cleared_values_are_dropped_at_once() {
    let (fast, _) = timed();
    with_cache(&fast, async {
        let living = fill("cleared").await;
        fast.clear();
        // A thread of another test may be reading just then.
        living.wait_until(0);
        assert_eq!(fast.stats().entries, 0);
    })
    .await;
}

#[tokio::test]
async fn evicted_and_replaced_values_are_dropped_without_traffic() {
    #[cacheable(ttl = 60, key = "evicted:{id}", capacity = 100)]
    async fn evicted(id: u32) -> Arc<Counted> {
        let _ = id;
        Arc::new(Living::of("evicted").value())
    }
    #[fastness::cache_put(ttl = 60, key = "evicted:{id}", capacity = 100)]
    async fn replace(id: u32) -> Arc<Counted> {
        let _ = id;
        Arc::new(Living::of("evicted").value())
    }
    let (fast, _) = timed();
    with_cache(&fast, async {
        for id in 0..1_000 {
            evicted(id).await;
        }
        Living::of("evicted").wait_until(100);
        for _ in 0..50 {
            replace(999).await;
        }
        Living::of("evicted").wait_until(100);
        fast.set_max_entries(10);
        Living::of("evicted").wait_until(10);
    })
    .await;
}

#[tokio::test]
async fn the_entries_of_a_dropped_handle_are_freed() {
    let (fast, _) = timed();
    let living = with_cache(&fast, fill("handle")).await;
    drop(fast);
    living.wait_until(0);
}

#[tokio::test]
async fn absences_and_errors_are_swept() {
    #[derive(Clone)]
    struct Failed(#[allow(dead_code)] Arc<Counted>);
    #[cacheable(ttl = 600, jitter = 0, cache_err = |_| true, err_ttl = 10, stale = 600, key = "failing:{id}")]
    async fn failing(id: u32) -> Result<u32, Failed> {
        if id == u32::MAX { Ok(id) } else { Err(Failed(Arc::new(Living::of("errors").value()))) }
    }
    #[cacheable(ttl = 600, jitter = 0, negative_ttl = 10, key = "absent:{id}")]
    async fn absent(id: u32) -> Option<u32> {
        (id == u32::MAX).then_some(id)
    }
    let (fast, clock) = timed();
    with_cache(&fast, async {
        for id in 0..100 {
            assert!(failing(id).await.is_err());
            assert_eq!(absent(id).await, None);
        }
        assert_eq!((fast.stats().entries, Living::of("errors").count()), (200, 100));
        clock.advance(SECOND * 10);
        assert_eq!(fast.stats().entries, 0);
        Living::of("errors").wait_until(0);
    })
    .await;
}

/// A type whose values and key texts are long.
#[derive(Clone, Serialize, Deserialize)]
struct Text(String);

impl Drop for Text {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, SeqCst);
    }
}

static DROPPED: AtomicUsize = AtomicUsize::new(0);

#[tokio::test]
async fn direct_entries_are_swept() {
    let (fast, clock) = timed();
    for id in 0..100 {
        fast.cache().set(&named(format!("text:{id}")), Text("x".repeat(1_000)), SECOND).await;
    }
    assert_eq!(fast.stats().entries, 100);
    let before = DROPPED.load(SeqCst);
    clock.advance(SECOND);
    wait_until("all are dropped", || DROPPED.load(SeqCst) >= before + 100);
    assert_eq!(fast.stats().entries, 0);
}

/// Bytes that are counted while they live.
struct Page(#[allow(dead_code)] Counted);

impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        b"a page"
    }
}

#[tokio::test]
async fn responses_are_swept() {
    async fn page(_: Request<String>) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
        let mut response = Response::new(Full::from(Bytes::from_owner(Page(Living::of("pages").value()))));
        response.headers_mut().insert("cache-control", "max-age=60".parse().unwrap());
        Ok(response)
    }
    let (fast, clock) = timed();
    let site = ServiceBuilder::new().layer(CacheLayer::new().on(&fast)).service(tower::service_fn(page));
    for id in 0..50 {
        let request = Request::get(format!("/pages/{id}")).body(String::new()).unwrap();
        drop(site.clone().oneshot(request).await.unwrap());
    }
    let living = Living::of("pages");
    assert_eq!(fast.stats().entries, 50);
    clock.advance(MINUTE);
    assert_eq!(fast.stats().entries, 50, "a client may ask for them stale");
    clock.advance(MINUTE);
    living.wait_until(0);
    assert_eq!(fast.stats().entries, 0);
}

/// Stores 100 values that run `on_drop` when they are dropped, in a new handle, and lets them expire.
async fn dropped_by_the_sweep(test: &'static str, on_drop: fn()) -> (Fastness, Living) {
    #[cacheable(ttl = 60, jitter = 0, early = off, key = "does:{test}:{id}", skip(on_drop))]
    async fn does(test: &'static str, id: u32, on_drop: fn()) -> Arc<Counted> {
        let _ = id;
        Arc::new(Living::of(test).value_that(on_drop))
    }
    let (fast, clock) = timed();
    let living = Living::of(test);
    with_cache(&fast, async {
        for id in 0..100 {
            does(test, id, on_drop).await;
        }
    })
    .await;
    clock.advance(MINUTE);
    (fast, living)
}

#[tokio::test]
async fn a_drop_that_panics_does_not_end_the_sweep() {
    let (_fast, living) =
        dropped_by_the_sweep("panics", || panic!("a value's own panic, which the test expects")).await;
    living.wait_until(0);
    let (_fast, living) = dropped_by_the_sweep("panics", || {}).await;
    living.wait_until(0);
}

#[tokio::test]
async fn a_drop_may_call_the_cache() {
    static OWN: LazyLock<Fastness> = LazyLock::new(|| Fastness::builder().clock(Clock::manual()).build().unwrap());
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    #[cacheable(ttl = 60, key = "called:{id}", capacity = 3)]
    fn called(id: usize) -> Arc<Vec<usize>> {
        Arc::new(vec![id])
    }
    let (_fast, living) = dropped_by_the_sweep("calls", || {
        let id = BEGUN.fetch_add(1, SeqCst);
        with_cache_sync(&OWN, || assert_eq!(*called(id % 7), [id % 7]));
        OWN.set_max_entries(2 + id % 3);
        OWN.clear();
        ENDED.fetch_add(1, SeqCst);
    })
    .await;
    living.wait_until(0);
    wait_until("all calls have ended", || ENDED.load(SeqCst) == 100);
}

/// Blocks the sweep in the `Drop` of a value, until the returned guard is dropped.
async fn hold_up_the_sweep() -> (Gate, Fastness, Living) {
    // The guard exists from here on, so that the gate opens where a wait fails.
    let gate = Gate;
    let (fast, living) = dropped_by_the_sweep("blocks", || {
        while CLOSED.load(SeqCst) {
            std::thread::yield_now();
        }
    })
    .await;
    wait_until("the sweep is held up", || living.count() < 100);
    (gate, fast, living)
}

static CLOSED: AtomicBool = AtomicBool::new(true);

struct Gate;

impl Drop for Gate {
    fn drop(&mut self) {
        CLOSED.store(false, SeqCst);
    }
}

/// A value whose second clone, which is its first read, ends once its test allows that.
struct Slow(#[allow(dead_code)] Arc<Counted>);

static CLONES: AtomicUsize = AtomicUsize::new(0);
static MAY_END: AtomicBool = AtomicBool::new(false);

impl Clone for Slow {
    fn clone(&self) -> Self {
        if CLONES.fetch_add(1, SeqCst) == 1 {
            wait_until("a clone may end", || MAY_END.load(SeqCst));
        }
        Self(self.0.clone())
    }
}

#[cacheable(ttl = 60, key = "slow:{test}")]
fn slow(test: &'static str) -> Slow {
    Slow(Arc::new(Living::of(test).value()))
}

/// The dead entries of another store give up their room all the same. The next thread that stores or clears frees them, as soon as no
/// thread reads.
#[tokio::test]
async fn a_drop_that_blocks_delays_the_sweep_and_nothing_else() {
    let (gate, _fast, living) = hold_up_the_sweep().await;
    let (fast, clock) = timed();
    with_cache(&fast, async {
        let others = fill("beside one that blocks").await;
        clock.advance(MINUTE);
        assert_eq!(fast.stats().entries, 0);
        for id in 10_000..40_000 {
            blob("beside one that blocks", id).await;
        }
        // 33 000 entries were stored, and the capacity is 10 000.
        assert!(others.count() < 25_000, "{}", others.count());
        let reader = std::thread::spawn({
            let fast = fast.clone();
            move || with_cache_sync(&fast, || drop((slow("read"), slow("read"))))
        });
        wait_until("a value is read", || CLONES.load(SeqCst) > 1);
        fast.clear();
        MAY_END.store(true, SeqCst);
        reader.join().unwrap();
        // Another test's thread may be reading just when this one frees.
        for living in [others, Living::of("read")] {
            wait_until("what was cleared is freed", || {
                fast.clear();
                living.count() == 0
            });
        }
    })
    .await;
    drop(gate);
    living.wait_until(0);
}
