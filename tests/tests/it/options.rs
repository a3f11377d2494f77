//! Every option does what its row in the documentation says.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use fastness::{LoadTimeout, cache_invalidate, cache_put, cacheable, scope};

use crate::{fresh, timed};

const MINUTE: Duration = Duration::from_secs(60);

/// An origin that counts, and fails on demand.
#[derive(Clone, Default)]
struct Origin {
    calls: std::sync::Arc<AtomicU32>,
    down: std::sync::Arc<AtomicBool>,
}

#[derive(Clone, Debug, PartialEq)]
enum Fault {
    Down,
    Timeout,
}

impl From<LoadTimeout> for Fault {
    fn from(_: LoadTimeout) -> Self {
        Self::Timeout
    }
}

impl Origin {
    fn next(&self) -> Result<u32, Fault> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        if self.down.load(Ordering::SeqCst) { Err(Fault::Down) } else { Ok(call) }
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }

    fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    #[cacheable(ttl = 60, jitter = 0, early = off, key = "a", skip(self))]
    async fn plain(&self) -> Result<u32, Fault> {
        self.next()
    }

    #[cacheable(ttl = MINUTE * 2, key = "b", skip(self))]
    async fn jittered(&self) -> Result<u32, Fault> {
        self.next()
    }

    #[cacheable(ttl = 60, jitter = 0, early = off, stale = "1m", key = "c", skip(self))]
    async fn stale(&self) -> Result<u32, Fault> {
        self.next()
    }

    #[cacheable(ttl = 60, jitter = 0, early = off, stale = "1m", refresh = background, key = "d", skip(self))]
    async fn refreshed(&self) -> Result<u32, Fault> {
        self.next()
    }

    #[cacheable(ttl = 60, jitter = 0, early = off, stale_if_error = "1m", key = "e", skip(self))]
    async fn excused(&self) -> Result<u32, Fault> {
        self.next()
    }

    #[cacheable(ttl = 60, jitter = 0, cache_err = |e| *e == Fault::Down, err_ttl = 10, key = "f", skip(self))]
    async fn error_cached(&self) -> Result<u32, Fault> {
        self.next()
    }

    #[cacheable(ttl = 60, unless = |n| *n == 1, condition = ask, key = "g", skip(self, ask))]
    async fn choosy(&self, ask: bool) -> Result<u32, Fault> {
        self.next()
    }

    #[cacheable(ttl = 60, jitter = 0, early = off, load_timeout = "1s", stale_if_error = "1m", key = "h", skip(self, slow))]
    async fn bounded(&self, slow: bool) -> Result<u32, Fault> {
        if slow {
            std::future::pending::<()>().await;
        }
        self.next()
    }

    #[cacheable(ttl = 60, single_flight = off, key = "i", skip(self))]
    async fn no_flight(&self) -> Result<u32, Fault> {
        let n = self.next();
        tokio::task::yield_now().await;
        n
    }

    #[cacheable(ttl = 60, jitter = 0, early = off, stale = "1m", refresh = background, key = "j", skip(self))]
    async fn refreshed_by_another(&self) -> Result<u32, Fault> {
        self.plain().await
    }

    #[cache_invalidate("e", skip(self))]
    async fn invalidate_excused(&self) {}
}

#[tokio::test]
async fn a_value_is_served_for_its_ttl() {
    let ((fast, clock), origin) = (timed().await, Origin::default());
    scope(&fast, async {
        assert_eq!((origin.plain().await, origin.plain().await), (Ok(1), Ok(1)));
        clock.advance(Duration::from_nanos(59_999_999_999));
        assert_eq!(origin.plain().await, Ok(1));
        clock.advance(Duration::from_nanos(1));
        assert_eq!(origin.plain().await, Ok(2));
        origin.set_down(true);
        clock.advance(MINUTE);
        assert_eq!((origin.plain().await, origin.plain().await), (Err(Fault::Down), Err(Fault::Down)));
        assert_eq!(origin.calls(), 4, "errors are not stored");
    })
    .await;
}

#[tokio::test]
async fn jitter_takes_off_a_tenth_at_most() {
    for _ in 0..50 {
        let ((fast, clock), origin) = (timed().await, Origin::default());
        scope(&fast, async {
            origin.jittered().await.unwrap();
            clock.advance(Duration::from_secs(107));
            assert_eq!(origin.jittered().await, Ok(1));
            clock.advance(Duration::from_secs(13));
            assert_eq!(origin.jittered().await, Ok(2));
        })
        .await;
    }
}

#[tokio::test]
async fn stale_is_served_to_others_while_one_caller_refreshes() {
    let ((fast, clock), origin) = (timed().await, Origin::default());
    scope(&fast, async {
        origin.stale().await.unwrap();
        clock.advance(MINUTE + Duration::from_secs(1));
        assert_eq!(origin.stale().await, Ok(2), "the caller who notices refreshes");
        clock.advance(MINUTE + Duration::from_secs(1));
        origin.set_down(true);
        assert_eq!(origin.stale().await, Ok(2), "a refresh that fails is answered with the old value");
        assert_eq!((origin.stale().await, origin.calls()), (Ok(2), 3), "and the origin is left alone");
        clock.advance(Duration::from_secs(5));
        assert_eq!((origin.stale().await, origin.calls()), (Ok(2), 4), "for five seconds");
        clock.advance(MINUTE);
        assert_eq!(origin.stale().await, Err(Fault::Down), "beyond the bound nothing is served");
    })
    .await;
    assert_eq!(fast.stats().total.stale_served, 3);
}

#[tokio::test]
async fn a_background_refresh_makes_nobody_wait() {
    let ((fast, clock), origin) = (timed().await, Origin::default());
    scope(&fast, async {
        origin.refreshed().await.unwrap();
        clock.advance(MINUTE + Duration::from_secs(1));
        assert_eq!(origin.refreshed().await, Ok(1));
        while origin.calls() < 2 {
            tokio::task::yield_now().await;
        }
        while origin.refreshed().await == Ok(1) {
            tokio::task::yield_now().await;
        }
        assert_eq!((origin.refreshed().await, origin.calls()), (Ok(2), 2));
    })
    .await;
}

#[tokio::test]
async fn a_background_refresh_stays_in_its_scope() {
    let ((fast, clock), origin) = (timed().await, Origin::default());
    scope(&fast, async {
        origin.refreshed_by_another().await.unwrap();
        clock.advance(MINUTE + Duration::from_secs(1));
        while origin.refreshed_by_another().await == Ok(1) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(fast.stats().total.loads, 4, "two of the outer function and two of the inner one");
}

#[tokio::test]
async fn stale_if_error_is_bounded_and_never_crosses_an_invalidation() {
    let ((fast, clock), origin) = (timed().await, Origin::default());
    scope(&fast, async {
        origin.excused().await.unwrap();
        clock.advance(MINUTE);
        origin.set_down(true);
        assert_eq!((origin.excused().await, origin.calls()), (Ok(1), 2));
        assert_eq!((origin.excused().await, origin.calls()), (Ok(1), 2), "left alone");
        clock.advance(Duration::from_secs(59));
        assert_eq!((origin.excused().await, origin.calls()), (Ok(1), 3), "an error does not renew the bound");
        clock.advance(Duration::from_secs(1));
        assert_eq!(origin.excused().await, Err(Fault::Down));
        origin.set_down(false);
        assert_eq!(origin.excused().await, Ok(5));
        origin.set_down(true);
        origin.invalidate_excused().await;
        assert_eq!(origin.excused().await, Err(Fault::Down), "what was invalidated excuses nothing");
    })
    .await;
}

#[tokio::test]
async fn errors_are_stored_where_asked() {
    let ((fast, clock), origin) = (timed().await, Origin::default());
    origin.set_down(true);
    scope(&fast, async {
        for _ in 0..3 {
            assert_eq!(origin.error_cached().await, Err(Fault::Down));
        }
        assert_eq!(origin.calls(), 1);
        clock.advance(Duration::from_secs(10));
        origin.set_down(false);
        assert_eq!(origin.error_cached().await, Ok(2));
    })
    .await;
}

#[tokio::test]
async fn unless_and_condition_leave_values_out() {
    let (fast, origin) = (fresh().await, Origin::default());
    scope(&fast, async {
        assert_eq!(origin.choosy(true).await, Ok(1), "not stored: unless");
        assert_eq!(origin.choosy(true).await, Ok(2));
        assert_eq!(origin.choosy(true).await, Ok(2));
        assert_eq!(origin.choosy(false).await, Ok(3), "not looked up: condition");
        assert_eq!(origin.choosy(true).await, Ok(2));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_load_that_takes_too_long_is_dropped() {
    let ((fast, clock), origin) = (timed().await, Origin::default());
    scope(&fast, async {
        let (a, b) = tokio::join!(origin.bounded(true), origin.bounded(true));
        assert_eq!((a, b), (Err(Fault::Timeout), Err(Fault::Timeout)), "who waited shares the fate");
        assert_eq!(origin.bounded(false).await, Ok(1));
        clock.advance(MINUTE);
        assert_eq!(origin.bounded(true).await, Ok(1), "the old value stands in");
    })
    .await;
    assert_eq!(fast.stats().total.load_timeouts, 2);
}

#[tokio::test]
async fn without_single_flight_everyone_loads() {
    let (fast, origin) = (fresh().await, Origin::default());
    scope(&fast, async { tokio::join!(origin.no_flight(), origin.no_flight(), origin.no_flight()) }).await.0.unwrap();
    assert_eq!(origin.calls(), 3);
}

#[cacheable(ttl = 60, key = "maybe:{id}", skip(origin))]
async fn maybe(origin: &Origin, id: u32) -> Option<u32> {
    origin.next().ok().filter(|_| id > 0)
}

#[cacheable(ttl = 60, jitter = 0, negative_ttl = 10, key = "absent:{id}", skip(origin))]
async fn absent(origin: &Origin, id: u32) -> Result<Option<u32>, Fault> {
    origin.next().map(|n| (id > 0).then_some(n))
}

#[tokio::test]
async fn none_is_stored_only_where_asked() {
    let ((fast, clock), origin) = (timed().await, Origin::default());
    scope(&fast, async {
        assert_eq!((maybe(&origin, 0).await, maybe(&origin, 0).await, origin.calls()), (None, None, 2));
        assert_eq!((absent(&origin, 0).await, absent(&origin, 0).await, origin.calls()), (Ok(None), Ok(None), 3));
        clock.advance(Duration::from_secs(10));
        assert_eq!((absent(&origin, 0).await, origin.calls()), (Ok(None), 4));
    })
    .await;
}

#[cacheable(ttl = 60, key = "price:{id}")]
fn price_in_euros(id: u32) -> u32 {
    id
}

#[cacheable(ttl = 60, key = "price:{id}", version = 2)]
fn price_in_cents(id: u32) -> u32 {
    id * 100
}

#[tokio::test]
async fn values_of_another_version_are_not_found() {
    let fast = fresh().await;
    fastness::scope_sync(&fast, || assert_eq!((price_in_euros(3), price_in_cents(3), price_in_euros(3)), (3, 300, 3)));
    assert_eq!(fast.stats().total.hits, 1);
}

#[cacheable(ttl = 60, capacity = 10)]
fn small(n: u32) -> u32 {
    n
}

#[tokio::test]
async fn capacity_bounds_and_the_total_can_shrink() {
    let fast = fresh().await;
    fastness::scope_sync(&fast, || (0..100).map(small).sum::<u32>());
    assert_eq!((fast.stats().entries, fast.stats().evictions), (10, 90));
    fast.set_max_entries(3);
    assert!(fast.stats().entries <= 3);
    fastness::scope_sync(&fast, || (0..100).map(small).sum::<u32>());
    assert!(fast.stats().entries <= 3);
}

#[cacheable(ttl = 60, key = "item:{id}", negative_ttl = 60, skip(origin))]
async fn item(origin: &Origin, id: u32) -> Result<Option<u32>, Fault> {
    origin.next().map(|_| (id != 9).then_some(id * 10))
}

#[cacheable(ttl = 60, key = "item:{ids}", negative_ttl = 60, batch(ids), skip(seen))]
async fn items(seen: &std::sync::Mutex<Vec<u32>>, ids: &[u32]) -> Result<HashMap<u32, u32>, Fault> {
    seen.lock().unwrap().extend(ids);
    if ids.contains(&666) {
        return Err(Fault::Down);
    }
    Ok(ids.iter().filter(|id| **id != 9).map(|id| (*id, id * 10)).collect())
}

#[tokio::test]
async fn a_batch_loads_only_what_is_missing_and_shares_with_the_scalar() {
    let (fast, origin, seen) = (fresh().await, Origin::default(), std::sync::Mutex::default());
    let taken = || std::mem::take(&mut *seen.lock().unwrap());
    scope(&fast, async {
        item(&origin, 2).await.unwrap();
        assert_eq!(items(&seen, &[1, 2, 3, 1, 9]).await.unwrap(), HashMap::from([(1, 10), (2, 20), (3, 30)]));
        assert_eq!(taken(), [1, 3, 9], "in order, once each, without what is there");
        assert_eq!(items(&seen, &[9, 3, 2]).await.unwrap().len(), 2);
        assert_eq!(items(&seen, &[]).await.unwrap().len(), 0);
        assert!(taken().is_empty(), "absences are remembered too");
        assert_eq!(
            (item(&origin, 3).await, origin.calls()),
            (Ok(Some(30)), 1),
            "the scalar finds what the batch loaded"
        );
        assert_eq!(items(&seen, &[1, 666]).await, Err(Fault::Down));
        assert_eq!(items(&seen, &[666]).await, Err(Fault::Down));
    })
    .await;
}

#[cacheable(ttl = 60, handle = SQUARES)]
async fn square(n: u32) -> u32 {
    n * n
}

#[cache_invalidate(SQUARES(n))]
async fn forget_square(n: u32) {}

#[tokio::test]
async fn a_handle_reaches_one_functions_entries() {
    let fast = fresh().await;
    scope(&fast, async {
        assert_eq!(SQUARES.get(&3).await, None);
        assert_eq!((square(3).await, SQUARES.get(&3).await), (9, Some(9)));
        SQUARES.put(&3, 10).await;
        assert_eq!(square(3).await, 10);
        forget_square(3).await;
        assert_eq!((SQUARES.get(&3).await, square(3).await), (None, 9));
        SQUARES.invalidate(&3).await;
        assert_eq!(SQUARES.get(&3).await, None);
        SQUARES.put(&3, 10).await;
        SQUARES.refresh(&3).await;
        assert_eq!(square(3).await, 9);
        assert!(SQUARES.key(&3).starts_with("square:it.options.square:3"), "{}", SQUARES.key(&3));
    })
    .await;
}

#[cacheable(ttl = 60, key = "doc:{id}", skip(origin))]
async fn doc(origin: &Origin, id: u32) -> Result<u32, Fault> {
    let _ = id;
    origin.next()
}

#[cache_put(key = "doc:{id}", ttl = 60)]
async fn save(id: u32, outcome: Result<u32, Fault>, hang: bool) -> Result<u32, Fault> {
    let _ = id;
    if hang {
        std::future::pending::<()>().await;
    }
    outcome
}

#[cache_invalidate("doc:{id}", when = ok)]
async fn edit(id: u32, outcome: Result<(), Fault>) -> Result<(), Fault> {
    let _ = id;
    assert_ne!(outcome, Err(Fault::Timeout), "panics in the middle");
    outcome
}

#[cache_invalidate("doc:{id}", when = always, before)]
async fn edit_always(id: u32, outcome: Result<(), Fault>) -> Result<(), Fault> {
    let _ = id;
    outcome
}

#[tokio::test]
async fn writes_leave_nothing_stale_however_they_end() {
    let (fast, origin) = (fresh().await, Origin::default());
    let read = || doc(&origin, 1);
    scope(&fast, async {
        assert_eq!(read().await, Ok(1));
        save(1, Ok(50), false).await.unwrap();
        assert_eq!(read().await, Ok(50), "a put is seen by the next read");
        save(1, Err(Fault::Down), false).await.unwrap_err();
        assert_eq!(read().await, Ok(2), "a failed put may have written");
        let cancelled = tokio::time::timeout(Duration::ZERO, save(1, Ok(60), true)).await;
        assert!(cancelled.is_err());
        assert_eq!(read().await, Ok(3), "so may a cancelled one");
        edit(1, Err(Fault::Down)).await.unwrap_err();
        assert_eq!(read().await, Ok(3), "`when = ok`");
        edit(1, Ok(())).await.unwrap();
        assert_eq!(read().await, Ok(4));
        edit_always(1, Err(Fault::Down)).await.unwrap_err();
        assert_eq!(read().await, Ok(5), "`when = always`");
    })
    .await;
    let inside = fast.clone();
    let panicked = tokio::spawn(async move { scope(&inside, edit(1, Err(Fault::Timeout))).await }).await;
    assert!(panicked.unwrap_err().is_panic());
    assert_eq!(scope(&fast, read()).await, Ok(6), "a panic may come after the write");
}
