//! Reads of a process's own puts: it finds them without Redis too, unless its own log says that they are invalid.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use fastness::{Fastness, Redis as Settings, cache_invalidate, cache_put, cacheable, with_cache, with_cache_sync};
use fastness_tests::servers::{PATIENCE, Redis, until};

use crate::{MINUTE, node_with};
use fastness_tests::names::{entries, named, reached};

#[cacheable(ttl = 60, key = "note:{k}", negative_ttl = 60, handle = notes_entry)]
async fn note(k: u32) -> Option<u32> {
    Some(k)
}

#[cache_put(key = "note:{k}", ttl = 60, negative_ttl = 60)]
async fn write(k: u32, value: Option<u32>) -> Option<u32> {
    tokio::task::yield_now().await;
    value
}

#[cache_put(key = "note:{k}", ttl = 60)]
fn write_sync(k: u32, value: u32) -> Option<u32> {
    Some(value)
}

#[cache_invalidate("note:{k}")]
async fn forget(k: u32) {}

/// A handle whose Redis address has no listener.
fn alone() -> Fastness {
    Fastness::builder().redis(Settings::single("redis://127.0.0.1:9").unwrap()).build().unwrap()
}

#[tokio::test]
async fn a_value_that_is_put_while_redis_is_away_is_read_by_its_process() {
    let fast = alone();
    let cache = fast.cache();
    with_cache(&fast, async {
        notes_entry(&2).put(Some(20)).await;
        cache.set(&named("plain"), 1_u32, MINUTE).await;
        cache.mset(entries([("many:1", 1_u32), ("many:2", 2)]), MINUTE).await;
        assert_eq!(notes_entry(&2).get().await, Some(Some(20)));
        assert_eq!(cache.get::<u32>(&named("plain")).await, Some(1));
        assert_eq!(cache.mget::<u32>(&["many:1", "many:2"].map(named)).await, [Some(1), Some(2)]);
        write(3, None).await;
        assert_eq!(notes_entry(&3).get().await, Some(None), "an absence too");
        write(2, Some(21)).await;
        assert_eq!(note(2).await, Some(21), "the later one");
        cache.invalidate(reached("note:*")).await;
        assert_eq!(notes_entry(&2).get().await, None);
    })
    .await;
    let written = with_cache_sync(&fast, || write_sync(4, 40));
    assert_eq!((written, with_cache(&fast, note(4)).await), (Some(40), Some(40)));
    assert_eq!(fast.stats().total.loads, 0);
}

#[tokio::test]
async fn an_overtaken_put_is_not_stored() {
    let fast = alone();
    with_cache(&fast, async {
        let mut put = pin!(write(1, Some(10)));
        let first = poll_fn(|cx| Poll::Ready(put.as_mut().poll(cx))).await;
        assert!(first.is_pending(), "its body runs");
        forget(1).await;
        assert_eq!((put.await, notes_entry(&1).get().await), (Some(10), None));
    })
    .await;
}

#[tokio::test]
async fn a_put_value_counts_as_older_than_its_own_record_once_redis_is_back() {
    let mut server = Redis::start().await;
    // The predecessor of the restarted server does not answer any more.
    let settings = Settings::single(&server.url()).unwrap().command_timeout(PATIENCE).takeover(Duration::ZERO);
    let fast = node_with(settings).await;
    server.kill();
    until("it is noticed", async || !fast.shared().unwrap().connected).await;
    with_cache(&fast, async {
        notes_entry(&1).put(Some(10)).await;
        assert_eq!(notes_entry(&1).get().await, Some(Some(10)));
    })
    .await;
    server.restart().await;
    until("what was in doubt is in the log", async || fast.shared().unwrap().in_doubt == 0).await;
    with_cache(&fast, async {
        assert_eq!(notes_entry(&1).get().await, None);
        notes_entry(&1).put(Some(11)).await;
        assert_eq!(notes_entry(&1).get().await, Some(Some(11)));
    })
    .await;
}
