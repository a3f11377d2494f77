//! The cache without attributes.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use fastness::key::KeyNamespace;
use fastness::registry::Role;
use fastness::{Fastness, Key, Scope, cache_invalidate, cacheable, with_cache, with_cache_sync};
use tokio::sync::Notify;

use crate::origin::{MINUTE, Origin};
use crate::{fresh, poll_once, timed};
use fastness_tests::names::{entries, named, reached, tagged};

#[tokio::test]
async fn values_are_set_found_and_replaced_and_expire() {
    let (fast, clock) = timed();
    let cache = fast.cache();
    cache.set(&named("a:1"), 1_u32, MINUTE).await;
    assert_eq!(cache.get::<u32>(&named("a:1")).await, Some(1));
    assert_eq!(cache.get::<u64>(&named("a:1")).await, None, "of another type");
    cache.set(&named("a:1"), "one".to_owned(), MINUTE).await;
    assert_eq!(cache.get::<u32>(&named("a:1")).await, None, "replaced as another type");
    assert_eq!(cache.get::<String>(&named("a:1")).await.as_deref(), Some("one"));
    clock.advance(MINUTE);
    assert_eq!(cache.get::<String>(&named("a:1")).await, None);
}

#[tokio::test]
async fn a_ttl_of_zero_stores_nothing_and_removes_the_former_value() {
    let (fast, _stands_still) = timed();
    let cache = fast.cache();
    cache.mset(entries([("a:1", 1_u32), ("a:2", 2), ("a:3", 3)]), MINUTE).await;
    cache.set(&named("a:1"), 10_u32, Duration::ZERO).await;
    cache.set(&named("a:2"), "of another type".to_owned(), Duration::ZERO).await;
    assert_eq!(cache.mget::<u32>(&["a:1", "a:2", "a:3"].map(named)).await, [None, None, Some(3)]);
    assert_eq!(cache.get::<String>(&named("a:2")).await, None);
    cache.mset(entries([("a:3", 30_u32), ("a:4", 40)]), Duration::ZERO).await;
    assert_eq!(cache.mget::<u32>(&["a:3", "a:4"].map(named)).await, [None, None]);
    for n in 1..3 {
        let loaded = cache.get_or_load(&named("a:5"), Duration::ZERO, async { Ok::<_, ()>(n) }).await;
        assert_eq!(loaded, Ok(n), "loaded each time");
    }
}

#[tokio::test]
async fn many_entries_are_set_and_read_at_once_and_invalidated_by_prefix_and_key() {
    let cache = fresh().cache();
    cache.mset(entries([("a:1", 7), ("a:2", 2), ("b:1", 3), ("a:1", 1)]), MINUTE).await;
    cache.invalidate(reached("a:*")).await;
    assert_eq!(cache.mget::<i32>(&["a:1", "b:1", "a:2"].map(named)).await, [None, Some(3), None]);
    cache.invalidate(reached("b:1")).await;
    assert_eq!(cache.get::<i32>(&named("b:1")).await, None);
}

#[cacheable(ttl = 60, key = "city:{zip}", tags = ["region:{region}"], skip(region))]
async fn city(zip: u32, region: &str) -> u32 {
    zip
}

#[tokio::test]
async fn direct_calls_reach_the_entries_of_attributes() {
    let fast = fresh();
    with_cache(&fast, async {
        city(1, "north").await;
        fast.cache().invalidate(reached("city:*")).await;
        city(1, "north").await;
        fast.cache().invalidate(tagged("region:south")).await;
        city(1, "north").await;
        assert_eq!(fast.stats().total.loads, 2);
        fast.cache().invalidate(tagged("region:north")).await;
        city(1, "north").await;
        fast.clear();
        city(1, "north").await;
    })
    .await;
    assert_eq!(fast.stats().total.loads, 4);
}

#[tokio::test]
async fn get_or_load_loads_once() {
    let cache = fresh().cache();
    let load = |n: u32| async move { if n == 0 { Err("zero") } else { Ok(n) } };
    assert_eq!(cache.get_or_load(&named("n"), MINUTE, load(0)).await, Err("zero"));
    assert_eq!(cache.get_or_load(&named("n"), MINUTE, load(1)).await, Ok(1));
    assert_eq!(cache.get_or_load(&named("n"), MINUTE, load(2)).await, Ok(1));
}

#[test]
fn malformed_keys_and_scopes_are_refused_with_a_reason() {
    for bad in ["", "*", "a*", "a:*:b", ":a", "a:"] {
        let error = bad.parse::<Key>().unwrap_err();
        assert!(error.is_bad_key() && error.to_string().contains("user:42"), "{error}");
        assert!(bad.parse::<Scope>().unwrap_err().to_string().contains("user:*"));
    }
    assert!("a:*".parse::<Key>().is_err(), "a pattern is no key, and so no tag");
}

#[tokio::test]
async fn several_scopes_are_invalidated_at_once() {
    let fast = fresh();
    with_cache(&fast, async {
        city(1, "north").await;
        city(2, "south").await;
        fast.cache().set(&named("n:1"), 1, MINUTE).await;
        let before = fast.stats().invalidations;
        fast.cache().invalidate_many([tagged("region:north"), reached("n:*"), reached("city:9")]).await;
        assert_eq!(fast.stats().invalidations, before + 1, "one message");
        assert_eq!(fast.cache().get::<i32>(&named("n:1")).await, None);
        city(1, "north").await;
        city(2, "south").await;
        assert_eq!(fast.stats().total.loads, 3);
        fast.cache().invalidate_many([]).await;
    })
    .await;
}

/// A type without a serde form.
struct Parsed(fn() -> u32);

fn one() -> u32 {
    1
}

#[cacheable(ttl = 60, key = "parsed:{id}")]
async fn parsed(id: u32) -> Arc<Parsed> {
    Arc::new(Parsed(one))
}

#[tokio::test]
async fn a_local_cache_takes_values_without_serde() {
    let fast = fresh();
    let (cache, both) = (fast.cache().local(), fast.cache());
    let value = Arc::new(Parsed(one));
    cache.set(&named("parsed:1"), value.clone(), MINUTE).await;
    assert_eq!((cache.get::<Arc<Parsed>>(&named("parsed:1")).await.unwrap().0)(), 1);
    let loaded = cache.get_or_load(&named("parsed:2"), MINUTE, async { Ok::<_, ()>(value.clone()) }).await;
    assert!(Arc::ptr_eq(&loaded.unwrap(), &value));
    cache.mset(entries([("parsed:3", value.clone())]), MINUTE).await;
    assert_eq!(cache.mget::<Arc<Parsed>>(&["parsed:3", "parsed:4"].map(named)).await.iter().flatten().count(), 1);
    let found = with_cache(&fast, parsed(1)).await;
    assert!(Arc::ptr_eq(&found, &value), "a function of this key finds it");
    // There is one entry of a value that fits into both.
    cache.set(&named("n:1"), 1_u32, MINUTE).await;
    assert_eq!(both.get::<u32>(&named("n:1")).await, Some(1));
    both.invalidate(reached("parsed:*")).await;
    assert!(cache.get::<Arc<Parsed>>(&named("parsed:3")).await.is_none());
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    for builder in [Fastness::builder().capacity(0), Fastness::builder().max_entries(0)] {
        let error = builder.build().unwrap_err();
        assert!(error.is_bad_setting() && error.to_string().contains("at least one entry"), "{error}");
    }
}

#[tokio::test]
async fn concurrent_callers_wait_for_one_load_and_an_invalidation_overtakes_it() {
    let (cache, origin, gate) = (fresh().cache(), Origin::default(), Notify::new());
    let load = async || {
        let n = origin.next();
        gate.notified().await;
        n
    };
    let key = named("slow:1");
    let mut first = pin!(cache.get_or_load(&key, MINUTE, load()));
    let mut second = pin!(cache.get_or_load(&key, MINUTE, load()));
    assert!(poll_once(first.as_mut()).await.is_none() && poll_once(second.as_mut()).await.is_none());
    assert_eq!(origin.calls(), 1);
    cache.invalidate(reached("slow:*")).await;
    let mut third = pin!(cache.get_or_load(&key, MINUTE, load()));
    assert!(poll_once(third.as_mut()).await.is_none());
    assert_eq!(origin.calls(), 2, "a call joins no load that began before the invalidation");
    gate.notify_one();
    gate.notify_one();
    assert_eq!((first.await, second.await, third.await), (Ok(1), Ok(1), Ok(2)));
    assert_eq!(cache.get::<u32>(&named("slow:1")).await, Some(2));
}

struct Account(&'static str);

impl KeyNamespace for Account {
    type Namespace<'a> = &'a str;
    fn key_namespace(&self) -> &str {
        self.0
    }
}

impl Account {
    #[cacheable(ttl = 60, key = "bill:{id}", skip(origin))]
    fn bill(&self, origin: &Origin, id: &str) -> u32 {
        origin.count() + u32::from(id.is_empty())
    }
}

#[tokio::test]
async fn the_text_of_a_key_names_it() {
    let (fast, origin) = (fresh(), Origin::default());
    let (cache, account) = (fast.cache(), Account("a"));
    let read = || with_cache_sync(&fast, || account.bill(&origin, "x:1"));
    assert_eq!((read(), read()), (1, 1));
    for other in ["bill:x:1", "@b:bill:x%3A1", "@a:bill:x:1", "@a:bill", "@a:bill:x:*", "bill:*"] {
        cache.invalidate(reached(other)).await;
        assert_eq!(read(), 1, "{other}");
    }
    for (n, own) in (2..).zip(["@a:bill:x%3A1", "@a:bill:*", "@a:*"]) {
        cache.invalidate(reached(own)).await;
        assert_eq!(read(), n, "{own}");
    }
    cache.set(&named("@a:bill:x%3A1"), "a text".to_owned(), MINUTE).await;
    assert_eq!(read(), 5, "a set value replaces the former one, of any type");
}

#[tokio::test]
async fn statistics_are_kept_per_function_and_in_sum() {
    let (fast, origin) = (fresh(), Origin::default());
    assert_eq!(fast.stats().total.hit_rate(), None);
    with_cache_sync(&fast, || {
        for id in ["1", "1", "1", "2"] {
            Account("a").bill(&origin, id);
        }
    });
    fast.cache().set(&named("n:1"), 1, MINUTE).await;
    fast.cache().get::<i32>(&named("n:1")).await;
    fast.cache().get::<i32>(&named("n:2")).await;
    fast.cache().invalidate(reached("n:*")).await;
    let stats = fast.stats();
    assert_eq!((stats.total.hits, stats.total.misses, stats.total.loads), (3, 3, 2));
    assert_eq!(stats.total.hit_rate(), Some(0.5));
    assert_eq!((stats.entries, stats.evictions, stats.invalidations), (2, 0, 2), "a set is an invalidation, too");
    let bill = &stats.sites[0];
    assert_eq!((bill.name.as_str(), bill.key.as_str()), ("it.direct.Account.bill", "bill:{id}"));
    assert_eq!((bill.stats.hits, bill.stats.misses, bill.stats.hit_rate()), (2, 2, Some(0.5)));
}

#[tokio::test]
async fn after_a_clear_nothing_is_served() {
    let (fast, origin) = (fresh(), Origin::default());
    let cache = fast.cache();
    let key = named("c:1");
    let mut load = pin!(cache.get_or_load(&key, MINUTE, async {
        tokio::task::yield_now().await;
        origin.next()
    }));
    cache.set(&named("c:2"), 2, MINUTE).await;
    assert!(poll_once(load.as_mut()).await.is_none());
    fast.clear();
    load.await.unwrap();
    assert_eq!(cache.mget::<u32>(&["c:1"].map(named)).await, [None], "nor the value that was being loaded");
    assert_eq!(cache.mget::<i32>(&["c:2"].map(named)).await, [None]);
    cache.set(&named("c:2"), 3, MINUTE).await;
    assert_eq!(cache.get(&named("c:2")).await, Some(3));
}

#[cache_invalidate("bill:{id}", "city:*", tags = ["region:{region}"])]
#[allow(dead_code)]
async fn move_house(id: u32, region: &str) {}

#[test]
fn the_registry_lists_roles_keys_and_tags_in_the_order_of_the_source() {
    let all = fastness::registry::annotated();
    let ours: Vec<_> = all.iter().filter(|f| f.module == "it::direct").collect();
    assert_eq!(ours.iter().map(|f| f.name).collect::<Vec<_>>(), ["city", "parsed", "bill", "move_house"]);
    assert_eq!((ours[0].role, ours[3].role), (Role::Cacheable, Role::Invalidate));
    assert_eq!((&*ours[0].keys, &*ours[0].tags), (&["city:{zip}"][..], &["region:{region}"][..]));
    assert_eq!((&*ours[3].keys, &*ours[3].tags), (&["bill:{id}", "city:*"][..], &["region:{region}"][..]));
    assert!(ours.windows(2).all(|two| two[0].line < two[1].line) && ours.iter().all(|f| f.file.ends_with("direct.rs")));
    let role = |module, name| all.iter().find(|f| f.module == module && f.name == name).map(|f| f.role);
    assert_eq!(role("it::batch", "items"), Some(Role::Batch));
    assert_eq!(role("it::writes", "save"), Some(Role::Put));
    assert_eq!(role("it::writes", "square"), Some(Role::Cacheable), "behind a handle");
}
