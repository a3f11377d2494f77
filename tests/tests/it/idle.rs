//! `idle`: an entry that is not read is no longer served, and its memory is given back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fastness::{Key, cache_put, cacheable, with_cache, with_cache_sync};

use crate::origin::{Fault, MINUTE, Origin, SECOND, just_before};
use crate::timed;

const HOUR: Duration = Duration::from_secs(3_600);
/// The longest time after a read for which an entry with `idle = "16m"` is served in any case.
const SURELY: Duration = Duration::from_secs(15 * 60);
const IDLE: Duration = Duration::from_secs(16 * 60);

#[cacheable(ttl = forever, idle = "16m", key = "idle_function:{id}", skip(origin))]
async fn unused_function(origin: &Origin, id: u32) -> u32 {
    id + origin.calls() - 1
}

impl Origin {
    #[cacheable(ttl = "10h", jitter = 0, early = off, idle = "16m", key = "idle:{id}", skip(self))]
    async fn unused(&self, id: u64) -> u64 {
        u64::from(self.count()) + id
    }

    #[cacheable(ttl = forever, idle = "16m", key = "idle_sync", skip(self))]
    fn unused_sync(&self) -> u32 {
        self.count()
    }

    #[cacheable(
        ttl = 60,
        jitter = 0,
        stale = "1h",
        stale_if_error = "1h",
        idle = "16m",
        key = "idle_stale",
        skip(self)
    )]
    async fn unused_stale(&self) -> Result<u32, Fault> {
        self.next()
    }

    #[cacheable(ttl = 60, jitter = 0, early = off, stale_if_error = "1h", idle = "16m", key = "idle_fallback", skip(self))]
    async fn unused_fallback(&self) -> Result<u32, Fault> {
        self.next()
    }

    #[cacheable(ttl = forever, negative_ttl = "1h", idle = "16m", key = "idle_absent", skip(self))]
    async fn unused_absence(&self) -> Option<u32> {
        self.count();
        None
    }

    #[cacheable(ttl = forever, idle = time, key = "idle_expr", skip(self, time))]
    async fn unused_for(&self, time: Duration) -> u32 {
        self.count()
    }

    #[cacheable(ttl = forever, idle = "16m", key = "idle_each:{ids}", batch(ids), skip(self))]
    async fn unused_each(&self, ids: &[u64]) -> HashMap<u64, u32> {
        ids.iter().map(|id| (*id, self.count())).collect()
    }

    #[cacheable(ttl = forever, idle = "16m", key = "idle_value", skip(self, value))]
    async fn unused_pointer(&self, value: &Arc<()>) -> Arc<()> {
        value.clone()
    }

    #[cache_put(ttl = forever, idle = "16m", key = "idle:{id}", skip(self))]
    async fn replace_unused(&self, id: u64) -> u64 {
        u64::from(self.count()) + id
    }
}

#[tokio::test]
async fn an_entry_is_served_while_it_is_read_and_not_after_that() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        assert_eq!(origin.unused(0).await, 1);
        for _ in 0..30 {
            clock.advance(just_before(SURELY));
            assert_eq!(origin.unused(0).await, 1, "it is read");
        }
        clock.advance(IDLE);
        assert_eq!(origin.unused(0).await, 2, "it was not read for that long");
        clock.advance(HOUR * 10);
        assert_eq!(origin.unused(0).await, 3, "reads do not prolong its ttl");
    })
    .await;
}

#[tokio::test]
async fn its_time_runs_from_the_last_read() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        for gap in [1, 30, 59, 60, 61, 300, 800] {
            origin.unused(0).await;
            clock.advance(SECOND * gap);
            let value = origin.unused(0).await;
            clock.advance(SURELY.saturating_sub(MINUTE));
            assert_eq!(origin.unused(0).await, value, "after {gap} s");
            clock.advance(IDLE);
            assert!(origin.unused(0).await > value, "after {gap} s");
        }
    })
    .await;
}

#[tokio::test]
async fn each_way_to_read_counts() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    let cache = fast.cache();
    with_cache(&fast, async {
        assert_eq!((origin.replace_unused(0).await, unused_function(&origin, 0).await), (1, 0));
        clock.advance(just_before(SURELY));
        assert_eq!(cache.get::<u32>(&Key::from_static("idle_function:0")).await, Some(0));
        assert_eq!(origin.unused(0).await, 1, "a put stores");
        clock.advance(just_before(SURELY));
        assert_eq!(unused_function(&origin, 0).await, 0, "the direct call was a read");
        assert_eq!(origin.unused_each(&[7, 8]).await[&7], 2);
        clock.advance(just_before(SURELY));
        assert_eq!(origin.unused_each(&[7]).await[&7], 2);
        clock.advance(SURELY);
        assert_eq!(origin.unused_each(&[7, 8]).await, HashMap::from([(7, 2), (8, 4)]), "each element has its own time");
        assert_eq!((origin.unused_for(MINUTE).await, origin.unused_for(MINUTE).await), (5, 5));
        clock.advance(MINUTE);
        assert_eq!(origin.unused_for(MINUTE).await, 6);
        assert_eq!((origin.unused_for(Duration::ZERO).await, origin.unused_for(Duration::MAX).await), (6, 6));
    })
    .await;
    with_cache_sync(&fast, || {
        let first = origin.unused_sync();
        clock.advance(just_before(SURELY));
        assert_eq!(origin.unused_sync(), first);
        clock.advance(IDLE);
        assert_eq!(origin.unused_sync(), first + 1);
    });
}

#[tokio::test]
async fn an_idle_entry_is_neither_stale_nor_a_fallback() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        assert_eq!(origin.unused_stale().await, Ok(1));
        clock.advance(MINUTE * 2);
        origin.set_down(true);
        assert_eq!(origin.unused_stale().await, Ok(1), "stale, within the time");
        clock.advance(IDLE);
        assert_eq!(origin.unused_stale().await, Err(Fault::Down));
    })
    .await;
}

#[tokio::test]
async fn a_fallback_is_served_while_it_is_read() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        assert_eq!(origin.unused_fallback().await, Ok(1));
        origin.set_down(true);
        for minute in 1..=58 {
            clock.advance(MINUTE);
            assert_eq!(origin.unused_fallback().await, Ok(1), "after {minute} minutes");
        }
        assert!(origin.calls() > 1, "it was stale");
        clock.advance(MINUTE * 4);
        assert_eq!(origin.unused_fallback().await, Err(Fault::Down), "reads do not prolong `stale_if_error`");
    })
    .await;
    with_cache(&fast, async {
        origin.set_down(false);
        let value = origin.unused_fallback().await;
        assert!(value.is_ok());
        origin.set_down(true);
        clock.advance(MINUTE * 2);
        assert_eq!(origin.unused_fallback().await, value);
        clock.advance(IDLE);
        assert_eq!(origin.unused_fallback().await, Err(Fault::Down), "it was not read");
    })
    .await;
}

#[tokio::test]
async fn an_absence_has_its_own_time() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        origin.unused_absence().await;
        clock.advance(just_before(HOUR * 9 / 10));
        origin.unused_absence().await;
        assert_eq!(origin.calls(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_invalidated_entry_is_not_served_however_often_it_is_read() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        origin.unused(0).await;
        clock.advance(MINUTE * 10);
        fast.clear();
        assert_eq!(origin.unused(0).await, 2);
        clock.advance(MINUTE * 10);
        let _ = fast.cache().refresh(fastness::Scope::from_static("idle:*")).await;
        assert_eq!(origin.unused(0).await, 3, "a refresh ends it too");
    })
    .await;
}

#[tokio::test]
async fn the_memory_of_an_idle_entry_is_given_back_without_traffic() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    let value = Arc::new(());
    with_cache(&fast, origin.unused_pointer(&value)).await;
    assert_eq!((Arc::strong_count(&value), fast.stats().entries), (2, 1));
    clock.advance(IDLE);
    assert_eq!(fast.stats().entries, 0);
    crate::memory::wait_until("the sweep", || Arc::strong_count(&value) == 1);
}
