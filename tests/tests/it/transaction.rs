//! `CacheTransaction`: invalidations that wait for the end of a transaction, and loads inside of it.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use fastness::stats::observe;
use fastness::{
    CacheTransaction, Fastness, Reach, Scope, cache_invalidate, cache_put, cacheable, reload, with_cache,
    with_cache_sync,
};
use tokio::sync::Notify;

use crate::origin::{MINUTE, SECOND};
use crate::{fresh, poll_once, timed};
use fastness_tests::names::{named, reached};

/// A row of a database: the committed value, and that of a transaction.
#[derive(Default)]
struct Row {
    committed: AtomicU32,
    uncommitted: AtomicU32,
    loads: AtomicU32,
}

impl Row {
    fn commit(&self) {
        self.committed.store(self.uncommitted.load(SeqCst), SeqCst);
    }
}

#[cacheable(ttl = 600, key = "row:{id}", handle = row_entry, skip(row))]
async fn read(row: &Row, id: u32) -> u32 {
    row.loads.fetch_add(id, SeqCst);
    row.committed.load(SeqCst)
}

/// A read over the connection of the transaction.
#[cacheable(ttl = 600, key = "row:{id}", skip(row))]
async fn read_uncommitted(row: &Row, id: u32) -> u32 {
    let _ = id;
    row.uncommitted.load(SeqCst)
}

#[cacheable(ttl = 600, key = "row:{ids}", batch(ids), skip(row))]
async fn read_many(row: &Row, ids: &[u32]) -> HashMap<u32, u32> {
    ids.iter().map(|id| (*id, row.uncommitted.load(SeqCst))).collect()
}

#[cacheable(ttl = 600, key = "plain:{id}", skip(row))]
fn read_plain(row: &Row, id: u32) -> u32 {
    let _ = id;
    row.uncommitted.load(SeqCst)
}

#[cache_invalidate("row:{id}", before)]
async fn write(row: &Row, id: u32, value: u32) {
    row.uncommitted.store(value, SeqCst);
}

#[cache_invalidate("plain:{id}")]
fn write_plain(row: &Row, id: u32, value: u32) {
    row.uncommitted.store(value, SeqCst);
}

#[cache_put(key = "row:{id}", ttl = 600)]
async fn save(row: &Row, id: u32, value: u32) -> u32 {
    let _ = id;
    row.uncommitted.store(value, SeqCst);
    value
}

#[cache_invalidate("row:{id}")]
async fn write_and_wait(row: &Row, id: u32, value: u32, goes_on: &Notify) {
    row.uncommitted.store(value, SeqCst);
    goes_on.notified().await;
}

#[tokio::test]
async fn a_commit_sends_what_was_collected_and_a_reader_before_it_sees_the_old_value() {
    let (fast, row) = (fresh(), Row::default());
    with_cache(&fast, async {
        assert_eq!(read(&row, 1).await, 0);
        let cached = CacheTransaction::new();
        cached.run(write(&row, 1, 7)).await;
        assert_eq!((read(&row, 1).await, fast.stats().invalidations), (0, 0), "nothing is sent yet");
        row.commit();
        assert_eq!(read(&row, 1).await, 0, "nor by the commit of the database");
        assert_eq!(cached.commit().await, Reach::Announced);
        assert_eq!((read(&row, 1).await, fast.stats().invalidations), (7, 1), "one record for both invalidations");
    })
    .await;
}

#[tokio::test]
async fn a_rollback_sends_nothing() {
    let (fast, row) = (fresh(), Row::default());
    with_cache(&fast, async {
        assert_eq!(read(&row, 1).await, 0);
        let cached = CacheTransaction::new();
        cached.run(write(&row, 1, 7)).await;
        cached.rollback();
        assert_eq!((read(&row, 1).await, row.loads.load(SeqCst), fast.stats().invalidations), (0, 1, 0));
    })
    .await;
}

#[tokio::test]
async fn each_way_to_invalidate_is_collected() {
    let (fast, row) = (fresh(), Row::default());
    let cache = fast.cache();
    with_cache(&fast, async {
        let cached = CacheTransaction::new();
        let reaches = cached.run(async {
            write(&row, 1, 1).await;
            write_plain(&row, 1, 1);
            save(&row, 2, 1).await;
            row_entry(&3).put(1).await;
            cache.set(&named("direct:1"), 1, MINUTE).await;
            cache.mset([(named("direct:2"), 1), (named("direct:3"), 2)], MINUTE).await;
            let tags = [Scope::from_tag(named("team:1")), reached("users:*")];
            [
                row_entry(&4).invalidate().await,
                row_entry(&5).refresh().await,
                cache.invalidate(reached("user:*")).await,
                cache.refresh(reached("rate:*")).await,
                cache.invalidate_many(tags).await,
            ]
        });
        assert_eq!(reaches.await, [Reach::Deferred; 5]);
        assert_eq!((fast.stats().invalidations, fast.stats().entries), (0, 0));
        assert_eq!(cached.commit().await, Reach::Announced);
        assert_eq!(fast.stats().invalidations, 2, "one record of invalidations, and one of refreshes");
    })
    .await;
}

#[tokio::test]
async fn a_collected_clear_is_sent_by_the_commit() {
    let (fast, row) = (fresh(), Row::default());
    with_cache(&fast, async {
        read(&row, 1).await;
        let cached = CacheTransaction::new();
        cached.run(async { fast.clear() }).await;
        assert!(observe(read(&row, 1)).await.1.hits == 1, "the entry is there until the commit");
        cached.commit().await;
        assert!(observe(read(&row, 1)).await.1.misses == 1);
    })
    .await;
}

#[tokio::test]
async fn calls_inside_neither_read_nor_store_nor_are_joined() {
    let (fast, row) = (fresh(), Row::default());
    with_cache(&fast, async {
        assert_eq!(read(&row, 1).await, 0);
        let cached = CacheTransaction::new();
        let inside = cached.run(async {
            write(&row, 1, 7).await;
            let one = (read_uncommitted(&row, 1).await, reload(read_uncommitted(&row, 1)).await);
            let many = read_many(&row, &[1, 2]).await;
            assert_eq!(fast.cache().get::<u32>(&named("row:1")).await, None, "a transaction reads no entry");
            (one, many[&1], many[&2], read_plain(&row, 3))
        });
        assert_eq!(inside.await, ((7, 7), 7, 7, 7));
        assert_eq!((read(&row, 1).await, read(&row, 2).await), (0, 0), "what is not committed was not stored");
        cached.rollback();
        assert_eq!(fast.stats().entries, 2);
    })
    .await;
}

#[tokio::test]
async fn a_load_of_the_old_value_that_is_under_way_is_not_stored() {
    let (fast, row, goes_on) = (fresh(), Row::default(), Notify::new());
    let slow = async || {
        let seen = row.committed.load(SeqCst);
        goes_on.notified().await;
        Ok::<_, std::io::Error>(seen)
    };
    let cache = fast.cache();
    with_cache(&fast, async {
        let key = named("row:1");
        let mut reader = pin!(cache.get_or_load(&key, MINUTE, slow()));
        assert!(poll_once(reader.as_mut()).await.is_none());
        let cached = CacheTransaction::new();
        cached.run(write(&row, 1, 7)).await;
        row.commit();
        cached.commit().await;
        goes_on.notify_one();
        assert_eq!(reader.await.unwrap(), 0);
        assert_eq!(read(&row, 1).await, 7);
    })
    .await;
}

#[tokio::test]
async fn what_is_dropped_without_an_outcome_is_invalidated_now_and_once_more_in_a_minute() {
    let ((fast, clock), row) = (timed(), Row::default());
    with_cache(&fast, async {
        assert_eq!(read(&row, 1).await, 0);
        let cached = CacheTransaction::new();
        cached.run(write(&row, 1, 7)).await;
        drop(cached);
        assert_eq!(fast.stats().invalidations, 1);
        assert_eq!(read(&row, 1).await, 0, "the commit is still under way");
        row.commit();
        clock.advance(MINUTE);
        assert_eq!((read(&row, 1).await, fast.stats().invalidations), (7, 2));
        clock.advance(10 * MINUTE);
        assert_eq!(fast.stats().invalidations, 2);
    })
    .await;
}

#[tokio::test]
async fn an_unknown_outcome_is_sent_at_once_and_once_more() {
    let ((fast, clock), row) = (timed(), Row::default());
    with_cache(&fast, async {
        let cached = CacheTransaction::new();
        cached.run(write(&row, 1, 7)).await;
        assert_eq!(cached.unknown().await, Reach::Announced);
        assert_eq!(fast.stats().invalidations, 1);
        clock.advance(MINUTE.saturating_sub(SECOND));
        assert_eq!(fast.stats().invalidations, 1);
        clock.advance(SECOND);
        assert_eq!(fast.stats().invalidations, 2);
    })
    .await;
}

#[tokio::test]
async fn a_future_that_is_dropped_inside_leaves_its_invalidation_to_the_transaction() {
    let (fast, row, goes_on) = (fresh(), Row::default(), Notify::new());
    with_cache(&fast, async {
        let cached = CacheTransaction::new();
        {
            let mut writer = pin!(cached.run(write_and_wait(&row, 1, 7, &goes_on)));
            assert!(poll_once(writer.as_mut()).await.is_none());
        }
        assert_eq!(fast.stats().invalidations, 0, "the transaction is still open, and may commit");
        cached.commit().await;
        assert_eq!(fast.stats().invalidations, 1);
    })
    .await;
}

#[tokio::test]
async fn a_panic_inside_ends_the_transaction_in_doubt() {
    let (fast, row) = (fresh(), Row::default());
    let panics = async {
        let cached = CacheTransaction::new();
        let inside = cached.run(async {
            write(&row, 1, 7).await;
            panic!("the body panicked");
        });
        inside.await;
        cached.commit().await;
    };
    let panicked = CatchUnwind(Box::pin(with_cache(&fast, panics))).await;
    assert!(panicked.is_err());
    assert_eq!(fast.stats().invalidations, 1);
    with_cache(&fast, async {
        read(&row, 1).await;
        assert!(observe(read(&row, 1)).await.1.hits == 1, "this thread is in no transaction any more");
    })
    .await;
}

struct CatchUnwind<F>(std::pin::Pin<Box<F>>);

impl<F: Future> Future for CatchUnwind<F> {
    type Output = Result<F::Output, Box<dyn std::any::Any + Send>>;

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        match std::panic::catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(cx))) {
            Ok(polled) => polled.map(Ok),
            Err(panic) => std::task::Poll::Ready(Err(panic)),
        }
    }
}

#[tokio::test]
async fn a_savepoint_hands_its_invalidations_to_the_transaction_or_drops_its_own() {
    let fast = fresh();
    let cache = fast.cache();
    let outer = CacheTransaction::new();
    outer.run(cache.invalidate(reached("outer:1"))).await;
    let (committed, rolled_back, dropped) = (outer.savepoint(), outer.savepoint(), outer.savepoint());
    for (savepoint, key) in [(&committed, "a:1"), (&rolled_back, "b:1"), (&dropped, "c:1")] {
        outer.run(savepoint.run(cache.invalidate(reached(key)))).await;
    }
    assert_eq!(committed.commit().await, Reach::Deferred);
    rolled_back.rollback();
    drop(dropped);
    let ttl = MINUTE;
    for key in ["outer:1", "a:1", "b:1", "c:1"] {
        cache.set(&named(key), 1, ttl).await;
    }
    assert_eq!(outer.commit().await, Reach::Announced);
    let found = cache.mget::<i32>(&["outer:1", "a:1", "b:1", "c:1"].map(named)).await;
    assert_eq!(found, [None, None, Some(1), None]);
}

#[tokio::test]
async fn a_transaction_inside_of_another_is_independent() {
    let fast = fresh();
    let cache = fast.cache();
    let outer = CacheTransaction::new();
    let inner = CacheTransaction::new();
    let reach = outer.run(async {
        inner.run(cache.invalidate(reached("inner:1"))).await;
        inner.commit().await
    });
    assert_eq!(reach.await, Reach::Announced);
    assert_eq!(fast.stats().invalidations, 1);
    outer.rollback();
    assert_eq!(fast.stats().invalidations, 1);
}

#[tokio::test]
async fn a_spawned_task_takes_part_only_through_run() {
    let fast = fresh();
    let cached = CacheTransaction::new();
    let (one, two) = (fast.cache(), fast.cache());
    let inside = cached.run(async { tokio::spawn(async move { one.invalidate(reached("a:1")).await }).await.unwrap() });
    assert_eq!(inside.await, Reach::Announced, "a task of its own is in no transaction");
    let passed = tokio::spawn(cached.run(async move { two.invalidate(reached("b:1")).await }));
    assert_eq!(passed.await.unwrap(), Reach::Deferred);
    assert_eq!(fast.stats().invalidations, 1);
    cached.commit().await;
    assert_eq!(fast.stats().invalidations, 2);
}

#[tokio::test]
async fn what_comes_after_the_end_is_sent_at_once() {
    let fast = fresh();
    let (cached, goes_on, cache) = (CacheTransaction::new(), Notify::new(), fast.cache());
    let mut late = pin!(cached.run(async {
        goes_on.notified().await;
        cache.invalidate(reached("a:1")).await
    }));
    assert!(poll_once(late.as_mut()).await.is_none());
    cached.rollback();
    goes_on.notify_one();
    assert_eq!(late.await, Reach::Announced);
    assert_eq!(fast.stats().invalidations, 1, "it belongs to no transaction that was rolled back");
}

#[tokio::test]
async fn what_comes_after_the_end_of_a_savepoint_waits_for_the_transaction() {
    let fast = fresh();
    let (cache, outer) = (fast.cache(), CacheTransaction::new());
    let savepoint = outer.savepoint();
    let (within, later) = (savepoint.savepoint(), savepoint.run(cache.invalidate(reached("a:1"))));
    within.run(cache.invalidate(reached("b:1"))).await;
    assert_eq!(savepoint.commit().await, Reach::Deferred);
    assert_eq!((later.await, within.commit().await), (Reach::Deferred, Reach::Deferred));
    assert_eq!(fast.stats().invalidations, 0);
    assert_eq!(outer.commit().await, Reach::Announced);
    assert_eq!(fast.stats().invalidations, 1);
}

#[tokio::test]
async fn a_savepoint_that_outlives_its_transaction_sends_what_it_has() {
    let fast = fresh();
    let (cache, outer) = (fast.cache(), CacheTransaction::new());
    let savepoint = outer.savepoint();
    savepoint.run(cache.invalidate(reached("a:1"))).await;
    outer.rollback();
    assert_eq!(savepoint.commit().await, Reach::Announced);
    assert_eq!(fast.stats().invalidations, 1);
}

#[tokio::test]
async fn each_handle_gets_its_own() {
    let (one, two, row) = (fresh(), fresh(), Row::default());
    let cached = CacheTransaction::new();
    let inside = cached.run(async {
        with_cache(&one, write(&row, 1, 1)).await;
        with_cache(&two, write(&row, 2, 1)).await;
        with_cache(&two, write(&row, 3, 1)).await;
    });
    inside.await;
    assert_eq!((one.stats().invalidations, two.stats().invalidations), (0, 0));
    cached.commit().await;
    assert_eq!((one.stats().invalidations, two.stats().invalidations), (1, 1));
}

#[test]
fn plain_functions_take_part() {
    let (fast, row) = (fresh(), Row::default());
    with_cache_sync(&fast, || {
        let cached = CacheTransaction::new();
        cached.run_sync(|| write_plain(&row, 1, 7));
        assert_eq!(cached.run_sync(|| read_plain(&row, 1)), 7);
        assert_eq!((fast.stats().invalidations, fast.stats().entries), (0, 0));
        cached.commit_sync();
        assert_eq!(fast.stats().invalidations, 1);
    });
}

#[tokio::test]
async fn a_transaction_of_many_keys_is_sent_in_parts() {
    const KEYS: u32 = 10_000;
    let fast: Fastness = Fastness::builder().build().unwrap();
    let cache = fast.cache();
    let cached = CacheTransaction::new();
    let collect = cached.run(async {
        for id in (0..KEYS).chain(0..KEYS) {
            cache.invalidate(&fastness::Key::from_static("row").join(id)).await;
        }
    });
    collect.await;
    cache.set(&named("row:9999"), 1, Duration::from_secs(60)).await;
    let before = fast.stats().invalidations;
    cached.commit().await;
    assert_eq!(fast.stats().invalidations - before, 3, "of at most 4 096 scopes each");
    assert_eq!(cache.get::<i32>(&named("row:9999")).await, None);
}
