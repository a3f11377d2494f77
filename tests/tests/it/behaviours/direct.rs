//! The cache without attributes: many keys at once, absences, and the effects of a read.

use fastness::{cacheable, with_cache, with_cache_sync};

use crate::fresh;
use crate::origin::{MINUTE, Origin};
use fastness_tests::names::{entries, named};

#[tokio::test]
async fn many_values_are_found_in_the_order_of_their_keys() {
    let cache = fresh().cache();
    cache.mset(entries([("n:1", 1_u32), ("n:2", 2), ("n:3", 3)]), MINUTE).await;
    assert_eq!(cache.mget::<u32>(&["n:3", "none", "n:1", "n:3"].map(named)).await, [Some(3), None, Some(1), Some(3)]);
    assert!(cache.mget::<u32>(&[]).await.is_empty());
    cache.mset::<u32>([], MINUTE).await;
    assert_eq!(cache.get::<u32>(&named("n:2")).await, Some(2));
}

#[tokio::test]
async fn a_stored_none_is_distinguished_from_no_entry() {
    let cache = fresh().cache();
    assert_eq!(cache.get::<Option<u32>>(&named("maybe")).await, None);
    cache.set(&named("maybe"), None::<u32>, MINUTE).await;
    assert_eq!(cache.get::<Option<u32>>(&named("maybe")).await, Some(None));
    cache.set(&named("maybe"), Some(1_u32), MINUTE).await;
    assert_eq!(cache.get::<Option<u32>>(&named("maybe")).await, Some(Some(1)));
}

#[tokio::test]
async fn a_direct_read_stores_nothing_and_a_load_replaces_nothing() {
    let cache = fresh().cache();
    let load = |n: u32| async move { Ok::<_, ()>(n) };
    assert_eq!(cache.get::<u32>(&named("n")).await, None);
    assert_eq!(cache.get_or_load(&named("n"), MINUTE, load(1)).await, Ok(1));
    assert_eq!(cache.get_or_load(&named("n"), MINUTE, load(2)).await, Ok(1));
    cache.set(&named("n"), 3_u32, MINUTE).await;
    assert_eq!(cache.get_or_load(&named("n"), MINUTE, load(4)).await, Ok(3));
}

#[tokio::test]
async fn a_value_of_another_type_is_not_converted() {
    let cache = fresh().cache();
    cache.set(&named("n"), 1_u32, MINUTE).await;
    assert_eq!(cache.get::<u64>(&named("n")).await, None);
    assert_eq!(cache.get::<String>(&named("n")).await, None);
    assert_eq!(cache.get::<u32>(&named("n")).await, Some(1), "and is still there");
}

#[cacheable(ttl = 60, key = "switched:{id}", skip(origin))]
fn switched(origin: &Origin, id: u32) -> u32 {
    origin.count() + id - 1
}

#[tokio::test]
async fn a_cache_is_off_while_it_may_hold_no_entries() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache_sync(&fast, || {
        assert_eq!((switched(&origin, 1), switched(&origin, 1)), (1, 1));
        fast.set_max_entries(0);
        assert_eq!((switched(&origin, 1), switched(&origin, 1)), (2, 3));
        fast.set_max_entries(usize::MAX);
        assert_eq!((switched(&origin, 1), switched(&origin, 1)), (4, 4));
    });
}

#[cacheable(ttl = 60, negative_ttl = 60, key = "thing:{id}", skip(origin))]
async fn thing(origin: &Origin, id: u32) -> Option<u32> {
    let n = origin.count();
    (id > 0).then_some(n)
}

#[tokio::test]
async fn a_stored_absence_is_a_hit() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        for _ in 0..3 {
            assert_eq!(thing(&origin, 0).await, None);
        }
    })
    .await;
    assert_eq!((fast.stats().total.hits, fast.stats().total.misses, origin.calls()), (2, 1, 1));
}
