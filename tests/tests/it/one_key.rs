//! Direct calls and functions of one key meet, without a shared tier.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fastness::{Cache, Fastness, cacheable, with_cache, with_cache_sync};
use fastness_tests::one_key;
use tokio::sync::{Mutex, Notify};

use crate::origin::{MINUTE, Origin, just_before};
use crate::{fresh, poll_once, timed};
use fastness_tests::names::named;

#[tokio::test]
async fn direct_calls_find_the_values_of_functions() {
    one_key::direct_calls_find_the_values_of_functions(&fresh()).await;
}

#[tokio::test]
async fn functions_find_the_values_of_direct_calls() {
    one_key::functions_find_the_values_of_direct_calls(&fresh()).await;
}

#[tokio::test]
async fn functions_and_direct_calls_replace_each_others_values() {
    one_key::functions_and_direct_calls_replace_each_others_values(&fresh()).await;
}

#[tokio::test]
async fn invalidations_reach_functions_and_direct_calls() {
    one_key::invalidations_reach_functions_and_direct_calls(&fresh()).await;
}

#[tokio::test]
async fn refreshes_reach_functions_and_direct_calls() {
    one_key::refreshes_reach_functions_and_direct_calls(&fresh()).await;
}

#[tokio::test]
async fn a_value_replaces_an_absence_that_direct_calls_do_not_find() {
    one_key::a_value_replaces_an_absence_that_direct_calls_do_not_find(&fresh()).await;
}

#[tokio::test]
async fn batches_share_entries_with_direct_calls() {
    one_key::batches_share_entries_with_direct_calls(&fresh()).await;
}

#[tokio::test]
async fn batches_find_a_direct_value_that_is_newer_than_an_absence() {
    one_key::batches_find_a_direct_value_that_is_newer_than_an_absence(&fresh()).await;
}

#[tokio::test]
async fn handles_share_entries_with_direct_calls() {
    one_key::handles_share_entries_with_direct_calls(&fresh()).await;
}

#[tokio::test]
async fn keys_of_all_kinds_are_found_by_their_text() {
    one_key::keys_of_all_kinds_are_found_by_their_text(&fresh()).await;
}

#[tokio::test]
async fn several_functions_share_an_entry_with_one_direct_call() {
    one_key::several_functions_share_an_entry_with_one_direct_call(&fresh()).await;
}

#[tokio::test]
async fn functions_of_the_local_tier_share_entries_with_direct_calls() {
    one_key::functions_of_the_local_tier_share_entries_with_direct_calls(&fresh()).await;
}

#[tokio::test]
async fn the_newest_load_wins() {
    one_key::the_newest_load_wins(&fresh()).await;
}

#[tokio::test]
async fn a_value_that_is_set_while_a_function_loads_stays() {
    one_key::a_value_that_is_set_while_a_function_loads_stays(&fresh()).await;
}

#[tokio::test]
async fn tags_concern_the_values_of_functions() {
    one_key::tags_concern_the_values_of_functions(&fresh()).await;
}

#[tokio::test]
async fn entries_that_differ_in_the_shared_tier_differ_in_the_process() {
    one_key::entries_that_differ_in_the_shared_tier_differ_in_the_process(&fresh(), &fresh()).await;
}

#[tokio::test]
async fn functions_of_the_shared_tier_share_entries_with_direct_calls() {
    one_key::functions_of_the_shared_tier_share_entries_with_direct_calls(&fresh(), async |_| {}).await;
}

#[cacheable(ttl = 60, jitter = 0, key = "stock:{id}", skip(origin))]
fn stock(id: u32, origin: &Origin) -> u32 {
    id + origin.count()
}

#[tokio::test]
async fn an_entry_is_fresh_for_the_time_that_its_writer_set() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    let cache = fast.cache();
    let call = |id| with_cache_sync(&fast, || stock(id, &origin));
    cache.set(&named("stock:1"), 10_u32, MINUTE * 10).await;
    assert_eq!((call(1), call(100)), (10, 101));
    clock.advance(MINUTE * 8);
    assert_eq!((call(1), cache.get::<u32>(&named("stock:1")).await), (10, Some(10)));
    assert_eq!((cache.get::<u32>(&named("stock:100")).await, call(100)), (None, 102));
    cache.set(&named("stock:1"), 20_u32, MINUTE / 2).await;
    assert_eq!(call(1), 20);
    clock.advance(MINUTE / 2);
    assert_eq!((cache.get::<u32>(&named("stock:1")).await, call(1)), (None, 4));
}

#[tokio::test]
async fn a_shared_entry_is_stored_once_in_the_room_of_its_function() {
    let (fast, origin) = (Fastness::builder().capacity(8).build().unwrap(), Origin::default());
    let cache = fast.cache();
    for id in 0..100_u32 {
        let key = format!("stock:{id}");
        cache.set(&named(&key), id, MINUTE).await;
        assert_eq!(with_cache_sync(&fast, || stock(id, &origin)), id);
        assert_eq!(cache.get::<u32>(&named(&key)).await, Some(id));
        assert!(fast.stats().entries <= 8, "it is stored twice");
    }
    assert_eq!((fast.stats().entries, origin.calls()), (8, 0));
    cache.set(&named("other:1"), 1_u32, MINUTE).await;
    assert_eq!(fast.stats().entries, 9, "direct calls have room of their own");
}

#[tokio::test]
async fn a_function_with_room_for_one_entry_finds_a_set_value() {
    let (fast, origin) = (Fastness::builder().max_entries(1).build().unwrap(), Origin::default());
    fast.cache().set(&named("stock:1"), 10_u32, MINUTE).await;
    for _ in 0..3 {
        assert_eq!(with_cache_sync(&fast, || stock(1, &origin)), 10);
        assert_eq!(fast.cache().get::<u32>(&named("stock:1")).await, Some(10));
    }
    assert_eq!(fast.stats().entries, 1);
}

#[tokio::test]
async fn a_direct_load_that_is_given_up_stores_nothing_and_fails_no_caller() {
    let (fast, origin) = (fresh(), Origin::default());
    let cache = fast.cache();
    {
        let gate = Notify::new();
        let load = async {
            gate.notified().await;
            Ok::<_, ()>(10_u32)
        };
        let key = named("stock:1");
        let mut load = pin!(cache.get_or_load(&key, MINUTE, load));
        assert!(poll_once(load.as_mut()).await.is_none());
        assert_eq!(with_cache_sync(&fast, || stock(1, &origin)), 2, "the call does not wait");
    }
    assert_eq!(cache.get::<u32>(&named("stock:1")).await, Some(2));
    let failed = cache.get_or_load(&named("stock:2"), MINUTE, async { Err::<u32, _>("down") }).await;
    assert_eq!((failed, with_cache_sync(&fast, || stock(2, &origin))), (Err("down"), 4));
}

#[cacheable(ttl = 60, local_ttl = 5, key = "fare:{id}", skip(origin))]
async fn fare(id: u32, origin: &Origin) -> u32 {
    id + origin.count()
}

#[tokio::test]
async fn a_set_value_outlives_the_copy_of_a_function_with_a_shorter_ttl() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    fast.cache().set(&named("fare:8"), 80_u32, MINUTE * 60).await;
    assert_eq!(with_cache(&fast, fare(8, &origin)).await, 80);
    clock.advance(MINUTE);
    assert_eq!(fast.cache().get::<u32>(&named("fare:8")).await, Some(80));
}

#[tokio::test]
async fn no_direct_load_is_made_where_a_function_has_a_value_near_its_expiry() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    let slow = |clock: &fastness::Clock| {
        #[cacheable(ttl = 60, jitter = 0, key = "soon:{id}", skip(origin, clock))]
        fn soon(id: u32, origin: &Origin, clock: &fastness::Clock) -> u32 {
            clock.advance(MINUTE * 10);
            id + origin.count()
        }
        with_cache_sync(&fast, || soon(1, &origin, clock))
    };
    assert_eq!(slow(&clock), 2);
    clock.advance(just_before(MINUTE));
    // A call of the function would refresh the value now; a failed load of another caller would be an error although there is a value.
    let loaded = fast.cache().get_or_load(&named("soon:1"), MINUTE, async { Err::<u32, _>("down") }).await;
    assert_eq!(loaded, Ok(2));
}

/// Rows of a database, each with the newest version whose write and invalidation have returned.
#[derive(Default)]
struct Rows {
    written: [AtomicU32; 4],
    told: [AtomicU32; 4],
    /// Writes of one row are made one after the other: of two at a time it is unknown which one is later.
    writers: [Mutex<()>; 4],
}

#[cacheable(ttl = 60, key = "row:{id}", skip(rows))]
async fn row(id: usize, rows: Arc<Rows>) -> u32 {
    read(id, &rows).await
}

async fn read(id: usize, rows: &Rows) -> u32 {
    tokio::task::yield_now().await;
    let version = rows.written[id].load(Ordering::SeqCst);
    tokio::task::yield_now().await;
    version
}

async fn work(seed: u64, fast: Fastness, rows: Arc<Rows>) {
    let (mut rng, cache): (_, Cache) = (fastrand::Rng::with_seed(seed), fast.cache());
    for _ in 0..2_000 {
        let id = rng.usize(..4);
        let (key, told) = (named(format!("row:{id}")), rows.told[id].load(Ordering::SeqCst));
        let version = match rng.u8(..10) {
            0..4 => with_cache(&fast, row(id, rows.clone())).await,
            4..7 => cache.get_or_load(&key, MINUTE, async { Ok::<_, ()>(read(id, &rows).await) }).await.unwrap(),
            7..9 => cache.get(&key).await.unwrap_or(told),
            _ => {
                let _writer = rows.writers[id].lock().await;
                let version = rows.written[id].fetch_add(1, Ordering::SeqCst) + 1;
                if rng.bool() {
                    cache.set(&key, version, MINUTE).await;
                } else {
                    cache.invalidate(&key).await;
                }
                rows.told[id].fetch_max(version, Ordering::SeqCst);
                version
            }
        };
        assert!(version >= told, "{key}: {version} was read after {told} had been told");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reader_gets_a_replaced_value() {
    let (fast, rows) = (fresh(), Arc::<Rows>::default());
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let tasks: Vec<_> = (0..8).map(|n| tokio::spawn(work(seed ^ n, fast.clone(), rows.clone()))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(fast.stats().entries <= 4, "each key is stored once");
}
