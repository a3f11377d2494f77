//! Elements of a batch that have an old value: while they are refreshed, in place of an error, and shortly before they expire. Also the
//! options that bound or bypass a batch.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use fastness::{Clock, Fastness, cache_invalidate, cacheable, with_cache, with_cache_sync};
use tokio::sync::Semaphore;
use tokio::task::yield_now;

use crate::origin::{Fault, MINUTE, SECOND, just_before};
use crate::{poll_once, timed};

/// The ids of each run of the body, and a gate that lets each run end.
#[derive(Clone)]
struct Shelf(Arc<Inner>);

struct Inner {
    asked: Mutex<Vec<Vec<u32>>>,
    gate: Semaphore,
    is_down: AtomicBool,
    version: AtomicU32,
    /// The clock, and the time that each run takes by it.
    clock: Clock,
    takes_second: AtomicBool,
}

/// More runs than a test makes.
const MANY: usize = 1_000;

/// A cache with its clock, and a shelf whose gate lets this many runs end.
fn with_shelf(runs: usize) -> (Fastness, Clock, Shelf) {
    let (fast, clock) = timed();
    let shelf = Shelf(Arc::new(Inner {
        asked: Mutex::default(),
        gate: Semaphore::new(runs),
        is_down: AtomicBool::new(false),
        version: AtomicU32::new(1),
        clock: clock.clone(),
        takes_second: AtomicBool::new(false),
    }));
    (fast, clock, shelf)
}

impl Shelf {
    fn asked(&self) -> Vec<Vec<u32>> {
        std::mem::take(&mut *self.0.asked.lock().unwrap())
    }

    fn runs(&self) -> usize {
        self.0.asked.lock().unwrap().len()
    }

    fn set_down(&self, is_down: bool) {
        self.0.is_down.store(is_down, Ordering::SeqCst);
    }

    fn set_version(&self, version: u32) {
        self.0.version.store(version, Ordering::SeqCst);
    }

    /// A value for each id but 9: the id and the version.
    async fn load(&self, ids: &[u32]) -> Result<HashMap<u32, u32>, Fault> {
        let version = self.now(ids);
        yield_now().await;
        self.0.gate.acquire().await.unwrap().forget();
        assert!(!ids.contains(&13), "of bad luck");
        if self.0.is_down.load(Ordering::SeqCst) { Err(Fault::Down) } else { Ok(values(ids, version)) }
    }

    fn now(&self, ids: &[u32]) -> u32 {
        self.0.asked.lock().unwrap().push(ids.to_vec());
        if self.0.takes_second.load(Ordering::SeqCst) {
            self.0.clock.advance(SECOND);
        }
        self.0.version.load(Ordering::SeqCst)
    }
}

fn values(ids: &[u32], version: u32) -> HashMap<u32, u32> {
    ids.iter().filter(|id| **id != 9).map(|id| (*id, id * 100 + version)).collect()
}

impl Shelf {
    #[cacheable(ttl = 60, jitter = 0, early = off, stale = "1m", key = "old:{ids}", batch(ids), skip(self))]
    async fn stale(&self, ids: &[u32]) -> Result<HashMap<u32, u32>, Fault> {
        self.load(ids).await
    }

    #[cacheable(ttl = 60, jitter = 0, early = off, stale = "1m", refresh = background, key = "late:{ids}", batch(ids), skip(self))]
    async fn later(&self, ids: &[u32]) -> Result<HashMap<u32, u32>, Fault> {
        self.load(ids).await
    }

    #[cacheable(ttl = 60, jitter = 0, early = off, stale_if_error = "1m", key = "excused:{ids}", batch(ids), skip(self))]
    async fn excused(&self, ids: Vec<u32>) -> Result<HashMap<u32, u32>, Fault> {
        self.load(&ids).await
    }

    #[cacheable(ttl = 60, jitter = 0, key = "soon:{ids}", batch(ids), skip(self))]
    async fn soon(&self, ids: &[u32]) -> Result<HashMap<u32, u32>, Fault> {
        self.load(ids).await
    }

    #[cacheable(ttl = 60, jitter = 0, refresh = background, key = "sooner:{ids}", batch(ids), skip(self))]
    async fn sooner(&self, ids: &[u32]) -> Result<HashMap<u32, u32>, Fault> {
        self.load(ids).await
    }

    #[cacheable(ttl = 60, load_timeout = "1s", stale_if_error = "1m", key = "bounded:{ids}", batch(ids), skip(self))]
    async fn bounded(&self, ids: &[u32]) -> Result<HashMap<u32, u32>, Fault> {
        self.load(ids).await
    }

    #[cacheable(ttl = 60, condition = ids.len() < 3, key = "few:{ids}", batch(ids), skip(self))]
    async fn few(&self, ids: &[u32]) -> HashMap<u32, u32> {
        values(ids, self.now(ids))
    }

    #[cacheable(ttl = 60, jitter = 0, early = off, stale = "1m", key = "plain:{ids}", batch(ids), skip(self))]
    fn at_once(&self, ids: &[u32]) -> HashMap<u32, u32> {
        values(ids, self.now(ids))
    }
}

#[cache_invalidate("old:{id}")]
async fn change(id: u32) {}

#[tokio::test]
async fn one_batch_refreshes_a_stale_element_and_the_others_are_served() {
    let (fast, clock, shelf) = with_shelf(1);
    with_cache(&fast, async {
        shelf.stale(&[1, 2]).await.unwrap();
        clock.advance(MINUTE + SECOND);
        shelf.set_version(2);
        let mut refresh = Box::pin(shelf.stale(&[1, 2]));
        assert!(poll_once(refresh.as_mut()).await.is_none(), "the batch that notices refreshes");
        assert_eq!(shelf.stale(&[2, 1]).await.unwrap(), values(&[1, 2], 1));
        let mut partly = Box::pin(shelf.stale(&[2, 3]));
        assert!(poll_once(partly.as_mut()).await.is_none());
        assert_eq!(shelf.asked(), [&[1, 2][..], &[1, 2], &[3]], "2 is under way");
        shelf.0.gate.add_permits(2);
        assert_eq!(refresh.await.unwrap(), values(&[1, 2], 2));
        assert_eq!(partly.await.unwrap(), HashMap::from([(2, 201), (3, 302)]));
        assert_eq!(shelf.stale(&[1, 2, 3]).await.unwrap(), values(&[1, 2, 3], 2));
        assert_eq!(shelf.runs(), 0);
    })
    .await;
    assert_eq!(fast.stats().total.stale_served, 3);
}

#[tokio::test]
async fn stale_elements_are_refreshed_together_with_the_missing_ones_and_absences_remove_them() {
    let (fast, clock, shelf) = with_shelf(MANY);
    with_cache(&fast, async {
        shelf.later(&[1, 2]).await.unwrap();
        clock.advance(MINUTE + SECOND);
        shelf.set_version(2);
        assert_eq!(shelf.later(&[1, 3, 2, 9]).await.unwrap(), values(&[1, 2, 3], 2), "the call waits for 3 anyway");
        assert_eq!(shelf.asked(), [&[1, 2][..], &[1, 3, 2, 9]]);
        clock.advance(MINUTE * 2);
        assert_eq!(shelf.later(&[1]).await.unwrap(), values(&[1], 2), "beyond the bound it is loaded");
        assert_eq!(shelf.asked(), [[1]]);
    })
    .await;
    with_cache_sync(&fast, || {
        shelf.at_once(&[1, 2]);
        clock.advance(MINUTE + SECOND);
        shelf.set_version(3);
        assert_eq!(shelf.at_once(&[1, 2, 4]), values(&[1, 2, 4], 3));
        assert_eq!(shelf.asked(), [&[1, 2][..], &[1, 2, 4]], "a plain function does the same");
    });
}

#[tokio::test]
async fn a_background_refresh_is_one_run_for_all_stale_elements() {
    let (fast, clock, shelf) = with_shelf(1);
    with_cache(&fast, async {
        shelf.later(&[1, 2, 3]).await.unwrap();
        clock.advance(MINUTE + SECOND);
        shelf.set_version(2);
        for _ in 0..3 {
            assert_eq!(shelf.later(&[3, 1, 2]).await.unwrap(), values(&[1, 2, 3], 1));
        }
        while shelf.runs() < 2 {
            yield_now().await;
        }
        shelf.0.gate.add_permits(1);
        while shelf.later(&[1, 2, 3]).await.unwrap() != values(&[1, 2, 3], 2) {
            yield_now().await;
        }
        assert_eq!(shelf.asked(), [[1, 2, 3], [3, 1, 2]]);
    })
    .await;
    let total = fast.stats().total;
    assert_eq!((total.misses, total.loads, total.stale_served % 3), (3, 2, 0), "the refresh is no call");
}

#[test]
fn a_refresh_runs_in_its_caller_where_there_is_no_runtime() {
    let (fast, clock, shelf) = with_shelf(MANY);
    let ready = |future| {
        let mut future = Box::pin(with_cache(&fast, future));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        loop {
            if let std::task::Poll::Ready(out) = future.as_mut().poll(&mut context) {
                break out;
            }
        }
    };
    ready(shelf.later(&[1])).unwrap();
    clock.advance(MINUTE + SECOND);
    shelf.set_version(2);
    assert_eq!(ready(shelf.later(&[1])).unwrap(), values(&[1], 2));
}

#[tokio::test]
async fn a_refresh_that_fails_is_answered_with_old_values_and_the_origin_gets_a_rest() {
    let (fast, clock, shelf) = with_shelf(MANY);
    with_cache(&fast, async {
        shelf.excused(vec![1, 2]).await.unwrap();
        clock.advance(MINUTE);
        shelf.set_down(true);
        assert_eq!(shelf.excused(vec![1, 2]).await, Ok(values(&[1, 2], 1)));
        assert_eq!(shelf.excused(vec![2]).await, Ok(values(&[2], 1)));
        assert_eq!(shelf.asked(), [[1, 2], [1, 2]], "within five seconds the origin is left alone");
        assert_eq!(shelf.excused(vec![1, 3]).await, Err(Fault::Down), "there is no value of 3");
        clock.advance(SECOND * 5);
        assert_eq!(shelf.excused(vec![1, 3]).await, Err(Fault::Down));
        assert_eq!(shelf.excused(vec![1]).await, Ok(values(&[1], 1)), "an error for others takes nothing away");
        assert_eq!(shelf.asked(), [&[3][..], &[1, 3], &[1]]);
        clock.advance(MINUTE);
        assert_eq!(shelf.excused(vec![1, 2]).await, Err(Fault::Down), "beyond the bound nothing is served");
    })
    .await;
    assert_eq!(fast.stats().total.stale_served, 5);
}

#[tokio::test]
async fn waiters_get_the_fallbacks_of_the_batch_that_they_joined() {
    let (fast, clock, shelf) = with_shelf(1);
    with_cache(&fast, async {
        shelf.excused(vec![1, 2]).await.unwrap();
        clock.advance(MINUTE);
        shelf.set_down(true);
        let (mut first, mut second) = (Box::pin(shelf.excused(vec![1, 2])), Box::pin(shelf.excused(vec![2, 1])));
        assert!(poll_once(first.as_mut()).await.is_none() && poll_once(second.as_mut()).await.is_none());
        shelf.0.gate.add_permits(1);
        assert_eq!(tokio::join!(first, second), (Ok(values(&[1, 2], 1)), Ok(values(&[1, 2], 1))));
        assert_eq!(shelf.runs(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_invalidation_during_the_refresh_concerns_its_element_alone() {
    let (fast, clock, shelf) = with_shelf(1);
    with_cache(&fast, async {
        shelf.stale(&[1, 2]).await.unwrap();
        clock.advance(MINUTE + SECOND);
        shelf.set_version(2);
        let mut refresh = Box::pin(shelf.stale(&[1, 2]));
        assert!(poll_once(refresh.as_mut()).await.is_none());
        change(1).await;
        shelf.set_version(3);
        shelf.asked();
        let mut after = Box::pin(shelf.stale(&[1, 2]));
        assert!(poll_once(after.as_mut()).await.is_none());
        assert_eq!(shelf.asked(), [[1]], "1 is missing, and 2 is served while it is refreshed");
        shelf.0.gate.add_permits(2);
        refresh.await.unwrap();
        assert_eq!(after.await.unwrap(), HashMap::from([(1, 103), (2, 201)]));
        assert_eq!(shelf.stale(&[1, 2]).await.unwrap(), HashMap::from([(1, 103), (2, 202)]));
    })
    .await;
}

#[tokio::test]
async fn a_refresh_that_is_dropped_or_panics_is_claimed_by_the_next_batch() {
    let (fast, clock, shelf) = with_shelf(2);
    with_cache(&fast, async {
        shelf.stale(&[1, 2]).await.unwrap();
        shelf.later(&[1, 2]).await.unwrap();
        clock.advance(MINUTE + SECOND);
        let mut dropped = Box::pin(shelf.stale(&[1, 2]));
        assert!(poll_once(dropped.as_mut()).await.is_none());
        drop(dropped);
        shelf.set_version(2);
        shelf.0.gate.add_permits(1);
        assert_eq!(shelf.stale(&[1, 2]).await.unwrap(), values(&[1, 2], 2), "claimed anew");

        // The caller has gone, and its refresh goes on.
        shelf.set_version(3);
        let mut gone = Box::pin(shelf.later(&[1, 2]));
        assert_eq!(poll_once(gone.as_mut()).await.unwrap().unwrap(), values(&[1, 2], 1));
        drop(gone);
        shelf.0.gate.add_permits(1);
        while shelf.later(&[1, 2]).await.unwrap() != values(&[1, 2], 3) {
            yield_now().await;
        }
    })
    .await;
    assert_eq!(fast.stats().total.loads_abandoned, 1);
}

impl Shelf {
    #[cacheable(ttl = 60, jitter = 0, early = off, stale = "10m", key = "long:{ids}", batch(ids), skip(self))]
    async fn long(&self, ids: &[u32]) -> Result<HashMap<u32, u32>, Fault> {
        self.load(ids).await
    }
}

/// A refresh takes minutes and is polled: its claims last as long. One that is not polled gives them up after 30 s, as a load does.
#[tokio::test]
async fn a_refresh_that_is_polled_is_not_claimed_by_another_batch() {
    let (fast, clock, shelf) = with_shelf(1);
    with_cache(&fast, async {
        shelf.long(&[1, 2]).await.unwrap();
        clock.advance(MINUTE + SECOND);
        shelf.set_version(2);
        let mut refresh = Box::pin(shelf.long(&[1, 2]));
        for _ in 0..6 {
            assert!(poll_once(refresh.as_mut()).await.is_none());
            clock.advance(SECOND * 20);
            assert_eq!(shelf.long(&[2]).await.unwrap(), values(&[2], 1), "served while it is refreshed");
        }
        assert_eq!(shelf.asked(), [[1, 2], [1, 2]]);
        clock.advance(SECOND * 20);
        let mut next = Box::pin(shelf.long(&[2]));
        assert!(poll_once(next.as_mut()).await.is_none(), "the first is not polled any more");
        assert_eq!(shelf.asked(), [[2]]);
        shelf.0.gate.add_permits(2);
        assert_eq!(next.await.unwrap(), values(&[2], 2));
        assert_eq!(refresh.await.unwrap(), values(&[1, 2], 2));
        assert_eq!(shelf.long(&[1, 2]).await.unwrap(), values(&[1, 2], 2));
        assert_eq!(shelf.runs(), 0);
    })
    .await;
}

impl Shelf {
    #[cacheable(ttl = 60, jitter = 0, early = off, stale = "1m", refresh = background, key = "unlucky:{ids}", batch(ids), skip(self))]
    async fn unlucky(&self, ids: &[u32]) -> HashMap<u32, u32> {
        let version = self.now(ids);
        assert!(version != 2, "of bad luck");
        values(ids, version)
    }
}

#[tokio::test]
async fn a_background_refresh_that_panics_leaves_the_old_values() {
    let (fast, clock, shelf) = with_shelf(MANY);
    with_cache(&fast, async {
        shelf.unlucky(&[1, 2]).await;
        clock.advance(MINUTE + SECOND);
        shelf.set_version(2);
        assert_eq!(shelf.unlucky(&[1, 2]).await, values(&[1, 2], 1));
        while shelf.runs() < 2 {
            yield_now().await;
        }
        shelf.set_version(3);
        while shelf.unlucky(&[1, 2]).await != values(&[1, 2], 3) {
            yield_now().await;
        }
    })
    .await;
    assert_eq!(fast.stats().total.loads_abandoned, 1);
}

#[tokio::test]
async fn an_element_that_expires_soon_is_loaded_with_missing_ones_or_in_the_background() {
    let (fast, clock, shelf) = with_shelf(MANY);
    shelf.0.takes_second.store(true, Ordering::SeqCst);
    with_cache(&fast, async {
        shelf.soon(&[1]).await.unwrap();
        shelf.sooner(&[1]).await.unwrap();
        shelf.0.takes_second.store(false, Ordering::SeqCst);
        // The first expires in a nanosecond, and loads take a second: a draw fails once in a billion times. The other is a second younger.
        clock.advance(just_before(SECOND * 59));
        shelf.set_version(2);
        shelf.asked();
        assert_eq!(shelf.soon(&[1]).await.unwrap(), values(&[1], 1), "a hit, and not slower");
        assert_eq!(shelf.runs(), 0);
        assert_eq!(shelf.soon(&[1, 2]).await.unwrap(), values(&[1, 2], 2));
        assert_eq!(shelf.asked(), [[1, 2]], "2 was missing");
        clock.advance(SECOND);
        assert_eq!(shelf.sooner(&[1]).await.unwrap(), values(&[1], 1));
        while shelf.sooner(&[1]).await.unwrap() != values(&[1], 2) {
            yield_now().await;
        }
        assert_eq!(shelf.asked(), [[1]], "in the background");
    })
    .await;
    assert_eq!((fast.stats().total.early_refreshes, fast.stats().total.stale_served), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_too_long_ends_for_its_caller_and_its_waiters() {
    let (fast, clock, shelf) = with_shelf(0);
    with_cache(&fast, async {
        let (first, second) = (Box::pin(shelf.bounded(&[1, 2])), Box::pin(shelf.bounded(&[2, 1])));
        assert_eq!(tokio::join!(first, second), (Err(Fault::Timeout), Err(Fault::Timeout)));
        assert_eq!((shelf.asked().len(), fast.stats().total.load_timeouts), (1, 1));
        shelf.0.gate.add_permits(1);
        assert_eq!(shelf.bounded(&[1, 2]).await, Ok(values(&[1, 2], 1)), "nothing is left behind");
        clock.advance(MINUTE);
        let (first, second) = (Box::pin(shelf.bounded(&[1, 2])), Box::pin(shelf.bounded(&[2, 1])));
        let old = || Ok(values(&[1, 2], 1));
        assert_eq!(tokio::join!(first, second), (old(), old()), "old values instead of the timeout");
        assert_eq!(shelf.bounded(&[1, 3]).await, Err(Fault::Timeout), "3 has none");
    })
    .await;
    assert_eq!(fast.stats().total.load_timeouts, 3);
}

#[tokio::test]
async fn a_call_whose_condition_is_false_bypasses_the_cache() {
    let (fast, _, shelf) = with_shelf(MANY);
    with_cache(&fast, async {
        assert_eq!(shelf.few(&[1, 2]).await, values(&[1, 2], 1));
        shelf.set_version(2);
        assert_eq!(shelf.few(&[1, 2, 3]).await, values(&[1, 2, 3], 2), "neither read");
        assert_eq!(shelf.few(&[1, 2]).await, values(&[1, 2], 1), "nor stored");
        assert_eq!(shelf.few(&[3]).await, values(&[3], 2));
        assert_eq!(shelf.asked(), [&[1, 2][..], &[1, 2, 3], &[3]]);
    })
    .await;
    assert_eq!(fast.stats().total.bypassed, 3);
}
