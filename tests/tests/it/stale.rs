//! Values that are served after their ttl: while they are refreshed, and in place of an error.

use std::future::pending;
use std::pin::pin;

use fastness::{cache_invalidate, cacheable, with_cache, with_cache_sync};
use tokio::sync::Notify;
use tokio::task::yield_now;

use crate::origin::{Fault, MINUTE, Origin, SECOND, just_before};
use crate::{poll_once, timed};

impl Origin {
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

    #[cacheable(ttl = 60, jitter = 0, early = off, stale = "1m", refresh = background, key = "j", skip(self))]
    async fn refreshed_by_another(&self) -> Result<u32, Fault> {
        self.stale().await
    }

    #[cache_invalidate("e", skip(self))]
    async fn invalidate_excused(&self) {}
}

#[tokio::test]
async fn stale_is_served_to_others_while_one_caller_refreshes() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        origin.stale().await.unwrap();
        clock.advance(MINUTE + SECOND);
        assert_eq!(origin.stale().await, Ok(2), "the caller who notices refreshes");
        clock.advance(MINUTE + SECOND);
        origin.set_down(true);
        assert_eq!(origin.stale().await, Ok(2), "a refresh that fails is answered with the old value");
        assert_eq!((origin.stale().await, origin.calls()), (Ok(2), 3), "and the origin is left alone");
        clock.advance(SECOND * 5);
        assert_eq!((origin.stale().await, origin.calls()), (Ok(2), 4), "the origin is asked again after five seconds");
        clock.advance(MINUTE);
        assert_eq!(origin.stale().await, Err(Fault::Down), "beyond the bound nothing is served");
    })
    .await;
    assert_eq!(fast.stats().total.stale_served, 3);
}

#[tokio::test]
async fn a_background_refresh_makes_no_caller_wait() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        origin.refreshed().await.unwrap();
        clock.advance(MINUTE + SECOND);
        assert_eq!(origin.refreshed().await, Ok(1));
        while origin.calls() < 2 {
            yield_now().await;
        }
        while origin.refreshed().await == Ok(1) {
            yield_now().await;
        }
        assert_eq!((origin.refreshed().await, origin.calls()), (Ok(2), 2));
    })
    .await;
}

#[tokio::test]
async fn a_background_refresh_stays_in_its_scope() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        origin.refreshed_by_another().await.unwrap();
        clock.advance(MINUTE + SECOND);
        while origin.refreshed_by_another().await == Ok(1) {
            yield_now().await;
        }
    })
    .await;
    assert_eq!(fast.stats().total.loads, 4, "two of the outer function and two of the inner one");
}

#[tokio::test]
async fn stale_if_error_is_bounded_and_never_crosses_an_invalidation() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        origin.excused().await.unwrap();
        clock.advance(MINUTE);
        origin.set_down(true);
        assert_eq!((origin.excused().await, origin.calls()), (Ok(1), 2));
        assert_eq!((origin.excused().await, origin.calls()), (Ok(1), 2), "left alone");
        clock.advance(SECOND * 59);
        assert_eq!((origin.excused().await, origin.calls()), (Ok(1), 3), "an error does not renew the bound");
        clock.advance(SECOND);
        assert_eq!(origin.excused().await, Err(Fault::Down));
        origin.set_down(false);
        assert_eq!(origin.excused().await, Ok(5));
        origin.set_down(true);
        clock.advance(MINUTE);
        assert_eq!((origin.excused().await, origin.calls()), (Ok(5), 6));
        origin.invalidate_excused().await;
        assert_eq!(origin.excused().await, Err(Fault::Down), "an invalidated value excuses no error");
    })
    .await;
}

impl Origin {
    #[cacheable(ttl = 60, jitter = 0, early = off, stale = "1m", key = "gated", skip(self, gate))]
    async fn gated(&self, gate: &Notify) -> Result<u32, Fault> {
        let n = self.next();
        gate.notified().await;
        n
    }

    #[cacheable(ttl = 60, jitter = 0, early = off, stale = "1m", key = "hanging", skip(self))]
    async fn hanging(&self) -> u32 {
        let n = self.count();
        if n == 2 {
            pending::<()>().await;
        }
        n
    }

    #[cacheable(ttl = 60, jitter = 0, early = off, stale = "1m", key = "now", skip(self))]
    fn stale_now(&self) -> Option<u32> {
        self.next().ok()
    }

    #[cache_invalidate("gated", skip(self))]
    async fn invalidate_gated(&self) {}
}

#[tokio::test]
async fn no_caller_waits_for_a_refresh_under_way_and_an_invalidation_overtakes_it() {
    let ((fast, clock), origin, gate) = (timed(), Origin::default(), Notify::new());
    with_cache(&fast, async {
        gate.notify_one();
        origin.gated(&gate).await.unwrap();
        clock.advance(MINUTE);
        let mut refresh = pin!(origin.gated(&gate));
        assert!(poll_once(refresh.as_mut()).await.is_none(), "it waits for the origin");
        for _ in 0..3 {
            assert_eq!((origin.gated(&gate).await, origin.calls()), (Ok(1), 2));
        }
        origin.invalidate_gated().await;
        let mut reload = pin!(origin.gated(&gate));
        assert!(poll_once(reload.as_mut()).await.is_none(), "an invalidated value is not served, even a fresh one");
        gate.notify_one();
        assert_eq!(refresh.await, Ok(2));
        gate.notify_one();
        assert_eq!(reload.await, Ok(3));
        assert_eq!(origin.gated(&gate).await, Ok(3), "the refresh began before the invalidation");
    })
    .await;
    assert_eq!(fast.stats().total.overtaken, 1);
}

#[tokio::test]
async fn an_abandoned_refresh_is_made_by_the_next_caller() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        assert_eq!(origin.hanging().await, 1);
        clock.advance(MINUTE);
        assert!(poll_once(pin!(origin.hanging())).await.is_none());
        assert_eq!((origin.hanging().await, origin.calls()), (3, 3));
    })
    .await;
    assert_eq!(fast.stats().total.loads_abandoned, 1);
}

#[tokio::test]
async fn a_refresh_may_find_an_absence() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache_sync(&fast, || {
        assert_eq!(origin.stale_now(), Some(1));
        clock.advance(just_before(MINUTE * 2));
        origin.set_down(true);
        assert_eq!(origin.stale_now(), None, "the origin has spoken");
        assert_eq!((origin.stale_now(), origin.calls()), (None, 3), "and the old value is gone");
    });
}

#[tokio::test]
async fn a_background_refresh_that_fails_leaves_the_old_value_within_its_bound() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        origin.refreshed().await.unwrap();
        origin.set_down(true);
        clock.advance(MINUTE);
        assert_eq!(origin.refreshed().await, Ok(1));
        while fast.stats().total.load_errors == 0 {
            yield_now().await;
        }
        assert_eq!((origin.refreshed().await, origin.calls()), (Ok(1), 2));
        clock.advance(MINUTE);
        assert_eq!(origin.refreshed().await, Err(Fault::Down));
    })
    .await;
}
