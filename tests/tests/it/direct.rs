//! The cache without attributes.

use std::pin::pin;
use std::time::Duration;

use fastness::{Fastness, KeyScope, Role, cache_invalidate, cacheable, scope, scope_sync};
use tokio::sync::Notify;

use crate::origin::{MINUTE, Origin};
use crate::{fresh, poll_once, timed};

#[tokio::test]
async fn values_are_set_found_replaced_and_expire() {
    let (fast, clock) = timed();
    let cache = fast.cache();
    cache.set("a:1", 1_u32, MINUTE).await.unwrap();
    assert_eq!(cache.get::<u32>("a:1").await.unwrap(), Some(1));
    assert_eq!(cache.get::<u64>("a:1").await.unwrap(), None, "of another type");
    cache.set("a:1", "one".to_owned(), MINUTE).await.unwrap();
    assert_eq!(cache.get::<u32>("a:1").await.unwrap(), None, "replaced as another type");
    assert_eq!(cache.get::<String>("a:1").await.unwrap().as_deref(), Some("one"));
    clock.advance(MINUTE);
    assert_eq!(cache.get::<String>("a:1").await.unwrap(), None);
}

#[tokio::test]
async fn a_ttl_of_zero_stores_nothing_and_what_was_there_is_gone() {
    let (fast, _stands_still) = timed();
    let cache = fast.cache();
    cache.mset([("a:1", 1_u32), ("a:2", 2), ("a:3", 3)], MINUTE).await.unwrap();
    cache.set("a:1", 10_u32, Duration::ZERO).await.unwrap();
    cache.set("a:2", "of another type".to_owned(), Duration::ZERO).await.unwrap();
    assert_eq!(cache.mget::<u32>(&["a:1", "a:2", "a:3"]).await.unwrap(), [None, None, Some(3)]);
    assert_eq!(cache.get::<String>("a:2").await.unwrap(), None);
    cache.mset([("a:3", 30_u32), ("a:4", 40)], Duration::ZERO).await.unwrap();
    assert_eq!(cache.mget::<u32>(&["a:3", "a:4"]).await.unwrap(), [None, None]);
    for n in 1..3 {
        let loaded = cache.get_or_load("a:5", Duration::ZERO, async { Ok::<_, ()>(n) }).await.unwrap();
        assert_eq!(loaded, Ok(n), "loaded each time");
    }
}

#[tokio::test]
async fn many_at_once_and_by_prefix_and_tag() {
    let cache = fresh().cache();
    cache.mset([("a:1", 7), ("a:2", 2), ("b:1", 3), ("a:1", 1)], MINUTE).await.unwrap();
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
    let fast = fresh();
    scope(&fast, async {
        city(1, "north").await;
        fast.cache().invalidate("city:*").await.unwrap();
        city(1, "north").await;
        fast.cache().invalidate_tags(&["region:south"]).await.unwrap();
        city(1, "north").await;
        assert_eq!(fast.stats().total.loads, 2);
        fast.cache().invalidate_tags(&["region:north"]).await.unwrap();
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
    assert_eq!(cache.get_or_load("n", MINUTE, load(0)).await.unwrap(), Err("zero"));
    assert_eq!(cache.get_or_load("n", MINUTE, load(1)).await.unwrap(), Ok(1));
    assert_eq!(cache.get_or_load("n", MINUTE, load(2)).await.unwrap(), Ok(1));
}

#[tokio::test]
async fn malformed_keys_are_refused_with_a_reason_and_change_nothing() {
    let cache = fresh().cache();
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
async fn a_tag_is_no_pattern() {
    let fast = fresh();
    scope(&fast, async {
        city(1, "north").await;
        for bad in ["*", "region:*", "", " "] {
            let error = fast.cache().invalidate_tags(&["region:north", bad]).await.unwrap_err();
            assert!(error.is_bad_pattern() && error.to_string().contains("such as `team:7`"), "{error}");
        }
        city(1, "north").await;
        assert_eq!(fast.stats().total.loads, 1, "of a list with a bad one, nothing is invalidated");
        assert!(fast.cache().invalidate_tags(&[]).await.is_ok());
    })
    .await;
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
    let mut first = pin!(cache.get_or_load("slow:1", MINUTE, load()));
    let mut second = pin!(cache.get_or_load("slow:1", MINUTE, load()));
    assert!(poll_once(first.as_mut()).await.is_none() && poll_once(second.as_mut()).await.is_none());
    assert_eq!(origin.calls(), 1);
    cache.invalidate("slow:*").await.unwrap();
    let mut third = pin!(cache.get_or_load("slow:1", MINUTE, load()));
    assert!(poll_once(third.as_mut()).await.is_none());
    assert_eq!(origin.calls(), 2, "it joins no load that began before the invalidation");
    gate.notify_one();
    gate.notify_one();
    assert_eq!((first.await.unwrap(), second.await.unwrap(), third.await.unwrap()), (Ok(1), Ok(1), Ok(2)));
    assert_eq!(cache.get::<u32>("slow:1").await.unwrap(), Some(2));
}

struct Account(&'static str);

impl KeyScope for Account {
    type Scope<'a> = &'a str;
    fn key_scope(&self) -> &str {
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
    let read = || scope_sync(&fast, || account.bill(&origin, "x:1"));
    assert_eq!((read(), read()), (1, 1));
    for other in ["bill:x:1", "@b:bill:x%3A1", "@a:bill:x:1", "@a:bill", "@a:bill:x:*", "bill:*"] {
        cache.invalidate(other).await.unwrap();
        assert_eq!(read(), 1, "{other}");
    }
    for (n, own) in (2..).zip(["@a:bill:x%3A1", "@a:bill:*", "@a:*"]) {
        cache.invalidate(own).await.unwrap();
        assert_eq!(read(), n, "{own}");
    }
    cache.set("@a:bill:x%3A1", "a text".to_owned(), MINUTE).await.unwrap();
    assert_eq!(read(), 5, "what is set takes the place of what was there, as any type");
}

#[tokio::test]
async fn statistics_are_kept_per_function_and_in_sum() {
    let (fast, origin) = (fresh(), Origin::default());
    assert_eq!(fast.stats().total.hit_rate(), None);
    scope_sync(&fast, || {
        for id in ["1", "1", "1", "2"] {
            Account("a").bill(&origin, id);
        }
    });
    fast.cache().set("n:1", 1, MINUTE).await.unwrap();
    fast.cache().get::<i32>("n:1").await.unwrap();
    fast.cache().get::<i32>("n:2").await.unwrap();
    fast.cache().invalidate("n:*").await.unwrap();
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
    let mut load = pin!(cache.get_or_load("c:1", MINUTE, async {
        tokio::task::yield_now().await;
        origin.next()
    }));
    cache.set("c:2", 2, MINUTE).await.unwrap();
    assert!(poll_once(load.as_mut()).await.is_none());
    fast.clear();
    load.await.unwrap().unwrap();
    assert_eq!(cache.mget::<u32>(&["c:1"]).await.unwrap(), [None], "nor what was being loaded");
    assert_eq!(cache.mget::<i32>(&["c:2"]).await.unwrap(), [None]);
    cache.set("c:2", 3, MINUTE).await.unwrap();
    assert_eq!(cache.get("c:2").await.unwrap(), Some(3));
}

#[cache_invalidate("bill:{id}", "city:*", tags = ["region:{region}"])]
#[allow(dead_code)]
async fn move_house(id: u32, region: &str) {}

#[test]
fn the_registry_lists_roles_keys_and_tags_in_the_order_of_the_source() {
    let all = fastness::registry();
    let ours: Vec<_> = all.iter().filter(|f| f.module == "it::direct").collect();
    assert_eq!(ours.iter().map(|f| f.name).collect::<Vec<_>>(), ["city", "bill", "move_house"]);
    assert_eq!((ours[0].role, ours[2].role), (Role::Cacheable, Role::Invalidate));
    assert_eq!((&*ours[0].keys, &*ours[0].tags), (&["city:{zip}"][..], &["region:{region}"][..]));
    assert_eq!((&*ours[2].keys, &*ours[2].tags), (&["bill:{id}", "city:*"][..], &["region:{region}"][..]));
    assert!(ours.windows(2).all(|two| two[0].line < two[1].line) && ours.iter().all(|f| f.file.ends_with("direct.rs")));
    let role = |module, name| all.iter().find(|f| f.module == module && f.name == name).map(|f| f.role);
    assert_eq!(role("it::batch", "items"), Some(Role::Batch));
    assert_eq!(role("it::writes", "save"), Some(Role::Put));
    assert_eq!(role("it::writes", "square"), Some(Role::Cacheable), "behind a handle");
}
