//! The cache without attributes.

use std::time::Duration;

use fastness::{Fastness, cacheable, scope};

use crate::{fresh, timed};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn values_are_set_found_replaced_and_expire() {
    let (fast, clock) = timed().await;
    let cache = fast.cache();
    cache.set("a:1", 1_u32, MINUTE).await.unwrap();
    assert_eq!(cache.get::<u32>("a:1").await.unwrap(), Some(1));
    assert_eq!(cache.get::<u64>("a:1").await.unwrap(), None, "of another type");
    cache.set("a:1", "one", MINUTE).await.unwrap();
    assert_eq!(cache.get::<u32>("a:1").await.unwrap(), None, "replaced as another type");
    assert_eq!(cache.get::<&str>("a:1").await.unwrap(), Some("one"));
    clock.advance(MINUTE);
    assert_eq!(cache.get::<&str>("a:1").await.unwrap(), None);
}

#[tokio::test]
async fn many_at_once_and_by_prefix_and_tag() {
    let cache = fresh().await.cache();
    cache.mset([("a:1", 1), ("a:2", 2), ("b:1", 3)], MINUTE).await.unwrap();
    cache.invalidate("a:*").await.unwrap();
    assert_eq!(cache.mget::<i32>(&["a:1", "b:1", "a:2"]).await.unwrap(), [None, Some(3), None]);
    cache.invalidate("b:1").await.unwrap();
    assert_eq!(cache.get::<i32>("b:1").await.unwrap(), None);
}

#[cacheable(ttl = 60, key = "city:{zip}", tags = ["region:{region}"], skip(region))]
async fn city(zip: u32, region: &str) -> u32 {
    zip
}

#[tokio::test]
async fn it_reaches_what_attributes_stored() {
    let fast = fresh().await;
    scope(&fast, async {
        city(1, "north").await;
        fast.cache().invalidate("city:*").await.unwrap();
        city(1, "north").await;
        fast.cache().invalidate_tags(&["region:south"]).await;
        city(1, "north").await;
        assert_eq!(fast.stats().total.loads, 2);
        fast.cache().invalidate_tags(&["region:north"]).await;
        city(1, "north").await;
        fast.clear();
        city(1, "north").await;
    })
    .await;
    assert_eq!(fast.stats().total.loads, 4);
}

#[tokio::test]
async fn get_or_load_loads_once() {
    let cache = fresh().await.cache();
    let load = |n: u32| async move { if n == 0 { Err("zero") } else { Ok(n) } };
    assert_eq!(cache.get_or_load("n", MINUTE, load(0)).await.unwrap(), Err("zero"));
    assert_eq!(cache.get_or_load("n", MINUTE, load(1)).await.unwrap(), Ok(1));
    assert_eq!(cache.get_or_load("n", MINUTE, load(2)).await.unwrap(), Ok(1));
}

#[tokio::test]
async fn malformed_keys_are_refused_with_a_reason_and_change_nothing() {
    let cache = fresh().await.cache();
    for bad in ["", "a*", "a:*:b", ":a", "a:"] {
        let error = cache.set(bad, 1, MINUTE).await.unwrap_err();
        assert!(error.is_bad_pattern() && error.to_string().contains("user:42"), "{error}");
        assert!(cache.get::<i32>(bad).await.is_err());
        assert!(cache.mset([("fine", 1), (bad, 2)], MINUTE).await.is_err());
        assert!(cache.get_or_load("a*", MINUTE, async { Ok::<_, ()>(1) }).await.is_err());
        assert!(cache.invalidate(bad).await.unwrap_err().to_string().contains("user:*"));
    }
    assert_eq!(cache.get::<i32>("fine").await.unwrap(), None, "nothing of the list was stored");
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    for builder in [Fastness::builder().capacity(0), Fastness::builder().max_entries(0)] {
        let error = builder.build().await.unwrap_err();
        assert!(error.is_bad_setting() && error.to_string().contains("at least one entry"), "{error}");
    }
}
