//! An origin that fails, hangs or is slow while there is an old value.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use fastness::{Fastness, cacheable, with_cache};
use tokio::sync::Notify;
use tokio::task::yield_now;

use crate::origin::{Fault, MINUTE, Origin, SECOND};
use crate::{poll_once, timed};
use fastness_tests::names::reached;

#[cacheable(ttl = 60, jitter = 0, early = off, stale_if_error = "1m", key = "news", handle = news_entry, skip(origin))]
async fn news(origin: &Origin) -> Result<u32, Fault> {
    origin.next()
}

#[tokio::test]
async fn a_direct_read_finds_no_stale_value_even_after_it_replaced_an_error() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        assert!(news_entry().get().await.is_none());
        news(&origin).await.unwrap();
        assert!(news_entry().get().await.is_some());
        clock.advance(MINUTE);
        origin.set_down(true);
        assert!(news_entry().get().await.is_none(), "before");
        assert_eq!(news(&origin).await, Ok(1));
        assert!(news_entry().get().await.is_none(), "and after it stood in for an error");
    })
    .await;
}

#[tokio::test]
async fn a_value_that_was_refreshed_by_hand_still_replaces_an_error() {
    let ((fast, _), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        news(&origin).await.unwrap();
        news_entry().refresh().await;
        origin.set_down(true);
        assert_eq!((news(&origin).await, origin.calls()), (Ok(1), 2), "it was asked");
    })
    .await;
}

#[tokio::test]
async fn an_invalidated_value_replaces_no_error() {
    for way in 0..4 {
        let ((fast, clock), origin) = (timed(), Origin::default());
        with_cache(&fast, async {
            news(&origin).await.unwrap();
            clock.advance(MINUTE);
            origin.set_down(true);
            assert_eq!(news(&origin).await, Ok(1));
            match way {
                0 => fast.clear(),
                1 => {
                    let _ = news_entry().invalidate().await;
                }
                2 => {
                    let _ = fast.cache().invalidate(reached("news")).await;
                }
                _ => news_entry().put(Err(Fault::Timeout)).await,
            }
            clock.advance(SECOND * 5);
            assert_eq!(news(&origin).await, Err(Fault::Down), "{way}");
        })
        .await;
    }
}

/// An origin whose next answer depends on a number.
#[derive(Clone, Default)]
struct Moody(Origin, Arc<AtomicU8>);

impl Moody {
    fn is(&self, mood: u8) {
        self.1.store(mood, Ordering::SeqCst);
    }

    #[cacheable(
        ttl = 60, jitter = 0, early = off, stale = "1m", refresh = background, load_timeout = "1s", key = "moody", skip(self)
    )]
    async fn ask(&self) -> Result<u32, Fault> {
        let n = self.0.next();
        match self.1.load(Ordering::SeqCst) {
            1 => Err(Fault::Down),
            2 => panic!("on purpose"),
            3 => pending().await,
            _ => n,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_background_refresh_may_end_in_any_way_and_the_next_one_works() {
    for mood in 1..=3 {
        let ((fast, clock), moody) = (timed(), Moody::default());
        with_cache(&fast, async {
            moody.ask().await.unwrap();
            clock.advance(MINUTE + SECOND);
            moody.is(mood);
            assert_eq!(moody.ask().await, Ok(1));
            // Long enough for a hanging load to time out.
            let _ = tokio::time::timeout(SECOND * 2, pending::<()>()).await;
            assert_eq!((moody.ask().await, moody.0.calls()), (Ok(1), 2), "{mood}: the old value, and it was asked");
            moody.is(0);
            clock.advance(SECOND * 5);
            while moody.ask().await == Ok(1) {
                yield_now().await;
            }
            assert!(moody.ask().await.is_ok_and(|n| n > 2), "{mood}");
        })
        .await;
    }
}

/// An origin that answers once a gate is open.
#[derive(Clone, Default)]
struct Gated(Origin, Arc<Notify>);

impl Gated {
    #[cacheable(ttl = 60, jitter = 0, early = off, stale = "10s", refresh = background, key = "behind_a_gate", skip(self))]
    async fn ask(&self) -> Result<u32, Fault> {
        let n = self.0.next();
        self.1.notified().await;
        n
    }

    /// Makes an origin whose value was loaded once, has expired, and is being refreshed in the background for a caller that has left.
    async fn refreshed_for_one_who_left(&self, fast: &Fastness, clock: &fastness::Clock) {
        self.1.notify_one();
        with_cache(fast, self.ask()).await.unwrap();
        clock.advance(MINUTE + SECOND);
        let (fast, own) = (fast.clone(), self.clone());
        let caller = tokio::spawn(async move { with_cache(&fast, own.ask()).await });
        assert_eq!(caller.await.unwrap(), Ok(1));
        while self.0.calls() < 2 {
            yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_background_refresh_goes_on_when_its_caller_has_left() {
    let ((fast, clock), gated) = (timed(), Gated::default());
    gated.refreshed_for_one_who_left(&fast, &clock).await;
    gated.1.notify_one();
    with_cache(&fast, async {
        while gated.ask().await == Ok(1) {
            yield_now().await;
        }
        assert_eq!((gated.ask().await, gated.0.calls()), (Ok(2), 2));
    })
    .await;
}

#[tokio::test]
async fn past_the_bound_of_staleness_callers_join_the_refresh_under_way() {
    let ((fast, clock), gated) = (timed(), Gated::default());
    gated.refreshed_for_one_who_left(&fast, &clock).await;
    clock.advance(SECOND * 10);
    with_cache(&fast, async {
        let (mut one, mut other) = (pin!(gated.ask()), pin!(gated.ask()));
        assert!(poll_once(one.as_mut()).await.is_none() && poll_once(other.as_mut()).await.is_none());
        gated.1.notify_one();
        assert_eq!((one.await, other.await, gated.0.calls()), (Ok(2), Ok(2), 2));
    })
    .await;
}

#[cacheable(ttl = 60, cache_err = |_| true, err_ttl = 60, key = "verdict", skip(origin, gate))]
async fn verdict(origin: &Origin, gate: &Notify) -> Result<u32, Fault> {
    let n = origin.next();
    gate.notified().await;
    n
}

#[tokio::test]
async fn the_error_of_an_overtaken_load_is_not_stored() {
    let ((fast, _), origin, gate) = (timed(), Origin::default(), Notify::new());
    with_cache(&fast, async {
        origin.set_down(true);
        let mut load = pin!(verdict(&origin, &gate));
        assert!(poll_once(load.as_mut()).await.is_none());
        fast.cache().invalidate(reached("verdict")).await;
        origin.set_down(false);
        gate.notify_one();
        assert_eq!(load.await, Err(Fault::Down));
        gate.notify_one();
        assert_eq!(verdict(&origin, &gate).await, Ok(2));
    })
    .await;
}
