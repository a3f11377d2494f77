//! Options of the attributes: each works as the documentation describes.

use std::time::Duration;

use fastness::{Clock, Fastness, cache_invalidate, cacheable, with_cache, with_cache_sync};

use crate::origin::{Fault, MINUTE, Origin, SECOND, TICK, just_before};
use crate::{fresh, timed};

impl Origin {
    #[cacheable(ttl = 60, jitter = 0, early = off, key = "a", skip(self))]
    async fn plain(&self) -> Result<u32, Fault> {
        self.next()
    }

    #[cacheable(ttl = MINUTE * 2, jitter = 0, early = off, key = "b", skip(self))]
    async fn by_expression(&self) -> Result<u32, Fault> {
        self.next()
    }

    #[cacheable(ttl = "1m30s", jitter = 0, early = off, key = "f", skip(self))]
    async fn by_text(&self) -> Result<u32, Fault> {
        self.next()
    }

    #[cacheable(ttl = 60, jitter = 0, key = "k", skip(self, clock, takes))]
    async fn early(&self, clock: &Clock, takes: Duration) -> Result<u32, Fault> {
        clock.advance(takes);
        self.next()
    }

    #[cacheable(ttl = 60, jitter = 0, early = off, key = "l", skip(self, clock, takes))]
    async fn never_early(&self, clock: &Clock, takes: Duration) -> Result<u32, Fault> {
        clock.advance(takes);
        self.next()
    }

    #[cacheable(ttl = 60, key = "m", on = elsewhere, skip(self, elsewhere))]
    async fn elsewhere(&self, elsewhere: &Fastness) -> Result<u32, Fault> {
        self.next()
    }

    #[cache_invalidate("m", on = elsewhere, skip(self))]
    async fn invalidate_elsewhere(&self, elsewhere: &Fastness) {}

    #[cacheable(ttl = 60, jitter = 0, early = off, load_timeout = "1s", stale_if_error = "1m", key = "h", skip(self, slow))]
    async fn bounded(&self, slow: bool) -> Result<u32, Fault> {
        if slow {
            std::future::pending::<()>().await;
        }
        self.next()
    }

    #[cacheable(ttl = ttl, key = "z", skip(self, ttl))]
    async fn kept_for(&self, ttl: Duration) -> Result<u32, Fault> {
        self.next()
    }

    #[cacheable(ttl = 60, single_flight = off, key = "i", skip(self))]
    async fn no_flight(&self) -> Result<u32, Fault> {
        let n = self.next();
        tokio::task::yield_now().await;
        n
    }
}

#[tokio::test]
async fn durations_are_accepted_in_every_form() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        origin.by_expression().await.unwrap();
        origin.by_text().await.unwrap();
        clock.advance(just_before(SECOND * 90));
        assert_eq!((origin.by_expression().await, origin.by_text().await), (Ok(1), Ok(2)));
        clock.advance(TICK);
        assert_eq!((origin.by_expression().await, origin.by_text().await), (Ok(1), Ok(3)));
        clock.advance(SECOND * 30);
        assert_eq!(origin.by_expression().await, Ok(4));
    })
    .await;
}

/// A ttl of zero turns the cache off: the value has expired at once, even while the clock stands still.
#[tokio::test]
async fn a_ttl_of_zero_at_run_time_makes_every_call_a_load() {
    let ((fast, _stands_still), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        assert_eq!(origin.kept_for(Duration::ZERO).await, Ok(1));
        assert_eq!(origin.kept_for(Duration::ZERO).await, Ok(2));
        origin.set_down(true);
        assert_eq!(origin.kept_for(Duration::ZERO).await, Err(Fault::Down));
    })
    .await;
    assert_eq!(fast.stats().total.hits, 0);
}

/// A value whose load takes ten seconds is almost surely refreshed in the last nanosecond of its ttl, and never in the first minute.
#[tokio::test]
async fn a_slow_value_is_refreshed_early_by_default() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        origin.early(&clock, SECOND * 10).await.unwrap();
        clock.advance(just_before(MINUTE));
        assert_eq!(origin.early(&clock, Duration::ZERO).await, Ok(2), "refreshed, though it was fresh");
        origin.never_early(&clock, SECOND * 10).await.unwrap();
        clock.advance(just_before(MINUTE));
        assert_eq!(origin.early(&clock, Duration::ZERO).await, Ok(4), "expired ten seconds ago");
        assert_eq!(origin.never_early(&clock, Duration::ZERO).await, Ok(3), "served to its last nanosecond");
        clock.advance(TICK);
        assert_eq!(origin.never_early(&clock, Duration::ZERO).await, Ok(5));
        clock.advance(just_before(just_before(MINUTE)));
        assert_eq!(
            origin.early(&clock, Duration::ZERO).await,
            Ok(4),
            "a value whose load takes no time is not refreshed early"
        );
    })
    .await;
    assert_eq!(fast.stats().total.early_refreshes, 1);
}

/// The origin is down at the early refresh, and the value is still served.
#[tokio::test]
async fn an_early_refresh_that_fails_harms_no_caller() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        origin.early(&clock, SECOND * 10).await.unwrap();
        origin.set_down(true);
        clock.advance(just_before(SECOND * 60));
        assert_eq!(origin.early(&clock, Duration::ZERO).await, Ok(1));
        assert_eq!((origin.early(&clock, Duration::ZERO).await, origin.calls()), (Ok(1), 2), "and it is left alone");
        clock.advance(TICK);
        assert_eq!(origin.early(&clock, Duration::ZERO).await, Err(Fault::Down), "a ttl is a ttl");
    })
    .await;
}

#[tokio::test]
async fn an_explicit_handle_wins_over_the_scope() {
    let (fast, other, origin) = (fresh(), fresh(), Origin::default());
    with_cache(&fast, async {
        assert_eq!((origin.elsewhere(&other).await, origin.elsewhere(&other).await), (Ok(1), Ok(1)));
        assert_eq!(origin.elsewhere(&fast).await, Ok(2), "each handle has its own");
        origin.invalidate_elsewhere(&other).await;
        assert_eq!((origin.elsewhere(&other).await, origin.elsewhere(&fast).await), (Ok(3), Ok(2)));
    })
    .await;
    assert_eq!((fast.stats().invalidations, other.stats().invalidations), (0, 1));
}

#[tokio::test]
async fn a_value_is_served_for_its_ttl() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        assert_eq!((origin.plain().await, origin.plain().await), (Ok(1), Ok(1)));
        clock.advance(just_before(MINUTE));
        assert_eq!(origin.plain().await, Ok(1));
        clock.advance(TICK);
        assert_eq!(origin.plain().await, Ok(2));
        origin.set_down(true);
        clock.advance(MINUTE);
        assert_eq!((origin.plain().await, origin.plain().await), (Err(Fault::Down), Err(Fault::Down)));
        assert_eq!(origin.calls(), 4, "errors are not stored");
    })
    .await;
}

type Cached = fn(&Origin, u32) -> u32;

/// The number of entries that are left after this time, of many that were stored at once.
fn left(after: Duration, cached: Cached) -> u32 {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache_sync(&fast, || {
        (0..200).map(|id| cached(&origin, id)).for_each(drop);
        clock.advance(after);
        (0..200).map(|id| cached(&origin, id)).for_each(drop);
    });
    400 - origin.calls()
}

#[cacheable(ttl = 100, skip(origin))]
fn jittered_by_default(origin: &Origin, id: u32) -> u32 {
    origin.count() + id
}

#[cacheable(ttl = 100, jitter = "50%", skip(origin))]
fn jittered_by_half(origin: &Origin, id: u32) -> u32 {
    origin.count() + id
}

#[cacheable(ttl = 100, jitter = 0, skip(origin))]
fn exact(origin: &Origin, id: u32) -> u32 {
    origin.count() + id
}

#[tokio::test]
async fn jitter_shortens_by_its_share_at_most_and_spreads_expiries() {
    let cases: [(Cached, _, _); 2] = [(jittered_by_default, 90, 95), (jittered_by_half, 50, 75)];
    for (cached, all, half) in cases {
        assert_eq!(left(SECOND * all, cached), 200, "never by more than asked");
        assert!((60..140).contains(&left(SECOND * half, cached)), "evenly");
        assert_eq!(left(SECOND * 100, cached), 0, "never longer than the ttl");
    }
    assert_eq!(left(just_before(SECOND * 100), exact), 200);
}

#[tokio::test(start_paused = true)]
async fn a_load_that_takes_too_long_is_dropped() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        let (a, b) = tokio::join!(origin.bounded(true), origin.bounded(true));
        assert_eq!((a, b), (Err(Fault::Timeout), Err(Fault::Timeout)), "the waiter shares the error");
        assert_eq!(origin.bounded(false).await, Ok(1));
        clock.advance(MINUTE);
        assert_eq!(origin.bounded(true).await, Ok(1), "the old value stands in");
    })
    .await;
    assert_eq!(fast.stats().total.load_timeouts, 2);
}

#[tokio::test]
async fn every_caller_loads_without_single_flight() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async { tokio::join!(origin.no_flight(), origin.no_flight(), origin.no_flight()) })
        .await
        .0
        .unwrap();
    assert_eq!(origin.calls(), 3);
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
    let fast = fresh();
    fastness::with_cache_sync(&fast, || {
        assert_eq!((price_in_euros(3), price_in_cents(3), price_in_euros(3)), (3, 300, 3));
    });
    assert_eq!(fast.stats().total.hits, 1);
}
