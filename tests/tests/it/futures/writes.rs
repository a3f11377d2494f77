//! Attributes that cache: values are stored and invalidated once the future has ended, and not before.

use std::pin::pin;
use std::sync::atomic::AtomicU64;

use fastness::{cache_invalidate, cache_put, cacheable, with_cache};

use super::*;
use crate::{fresh, poll_once};

ways!(cached(id), #[cacheable(ttl = 60, skip(work))]);

#[tokio::test]
async fn a_future_under_another_name_is_cached_by_its_output() {
    for (way, call) in cached::ALL {
        let fast = fresh();
        let work = Work::failing(1);
        with_cache(&fast, async {
            assert_eq!(call(work, 5).await, Err(Trouble::Down), "{way}");
            assert_eq!((call(work, 5).await, call(work, 5).await), (Ok(5), Ok(5)), "{way}");
            assert_eq!(call(work, 6).await, Ok(6), "{way}");
        })
        .await;
        assert_eq!(work.runs(), (3, 3), "{way}: an error is not kept, a value is");
    }
}

/// One of the callers of a key runs the body.
#[tokio::test]
async fn callers_of_a_future_under_another_name_share_its_load() {
    for (way, call) in cached::ALL {
        let fast = fresh();
        let work = Work::held();
        with_cache(&fast, async {
            let (mut leader, mut waiter) = (pin!(call(work, 5)), pin!(call(work, 5)));
            assert_eq!((poll_once(leader.as_mut()).await, poll_once(waiter.as_mut()).await), (None, None), "{way}");
            work.leave.add_permits(1);
            assert_eq!((leader.await, waiter.await), (Ok(5), Ok(5)), "{way}");
        })
        .await;
        assert_eq!(work.runs(), (1, 1), "{way}");
    }
}

thread_local! {
    /// The value that a load reads; each test has a thread of its own.
    static STORED: AtomicU64 = const { AtomicU64::new(0) };
}

#[cacheable(ttl = 60, key = "named:{id}")]
async fn stored(id: u64) -> u64 {
    let _ = id;
    STORED.with(|stored| stored.load(SeqCst))
}

ways!(invalidated(id), #[cache_invalidate("named:{id}")], methods: #[cache_invalidate("named:{id}", skip(self))]);

/// A caller reads while the write is under way, and that value must not outlive the write.
#[tokio::test]
async fn a_future_under_another_name_invalidates_after_its_write() {
    for (way, call) in invalidated::ALL {
        let fast = fresh();
        let work = Work::held();
        with_cache(&fast, async {
            STORED.with(|stored| stored.store(1, SeqCst));
            assert_eq!(stored(7).await, 1);
            let mut write = pin!(call(work, 7));
            assert_eq!(poll_once(write.as_mut()).await, None, "{way}");
            assert_eq!(stored(7).await, 1, "{way}");
            STORED.with(|stored| stored.store(2, SeqCst));
            work.leave.add_permits(1);
            assert_eq!(write.await, Ok(7), "{way}");
            assert_eq!(stored(7).await, 2, "{way}: what was read during the write is gone");
            STORED.with(|stored| stored.store(3, SeqCst));
            work.failing.store(1, SeqCst);
            work.leave.add_permits(1);
            assert_eq!(call(work, 7).await, Err(Trouble::Down), "{way}");
            assert_eq!(stored(7).await, 2, "{way}: nothing was written");
        })
        .await;
    }
}

/// The write may be done when the future is made.
#[tokio::test]
async fn a_future_that_is_dropped_invalidates() {
    for (way, call) in invalidated::ALL {
        let fast = fresh();
        with_cache(&fast, async {
            STORED.with(|stored| stored.store(1, SeqCst));
            assert_eq!(stored(7).await, 1);
            STORED.with(|stored| stored.store(2, SeqCst));
            drop(call(Work::held(), 7));
            assert_eq!(stored(7).await, 2, "{way}");
        })
        .await;
    }
}

ways!(put(id), #[cache_put(key = "named:{id}", ttl = 60)], methods: #[cache_put(key = "named:{id}", ttl = 60, skip(self))]);

#[tokio::test]
async fn a_future_under_another_name_stores_its_output() {
    for (way, call) in put::ALL {
        let fast = fresh();
        let work = Work::held();
        with_cache(&fast, async {
            STORED.with(|stored| stored.store(1, SeqCst));
            assert_eq!(stored(9).await, 1);
            let mut write = pin!(call(work, 9));
            assert_eq!(poll_once(write.as_mut()).await, None, "{way}");
            assert_eq!(stored(9).await, 1, "{way}");
            STORED.with(|stored| stored.store(2, SeqCst));
            work.leave.add_permits(1);
            assert_eq!(write.await, Ok(9), "{way}");
            // A trait's method has entries of its own, so here the old value is only removed.
            let expected = if way == "associated type" { 2 } else { 9 };
            assert_eq!(stored(9).await, expected, "{way}");
        })
        .await;
    }
}

#[cacheable(ttl = 60, stale = 60, refresh = background, load_timeout = "5s", key = "spawned:{id}:{name}", skip(work))]
fn spawned<'a>(id: u64, name: &'a str, work: &'static Work) -> BoxFuture<'a, Answer> {
    Box::pin(async move { work.run(id + name.len() as u64).await })
}

#[tokio::test]
async fn a_future_under_another_name_takes_the_options_that_need_one() {
    let (fast, clock) = crate::timed();
    let work = Work::failing(0);
    with_cache(&fast, async {
        assert_eq!(spawned(1, "abc", work).await, Ok(4));
        clock.advance(std::time::Duration::from_secs(70));
        assert_eq!(spawned(1, "abc", work).await, Ok(4), "stale, while a task refreshes it");
        while work.runs().1 < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
