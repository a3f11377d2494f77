//! Calls inside of `bypass`: they run their function, and the cache neither answers nor learns of it.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};

use fastness::resilience::Rejected;
use fastness::resilience::breaker::Breaker;
use fastness::stats::observe;
use fastness::{
    Fastness, bypass, bypass_sync, cache_invalidate, cache_put, cacheable, circuit_breaker, with_cache, with_cache_sync,
};
use tokio::sync::Semaphore;

use crate::origin::{MINUTE, Origin};
use crate::{fresh, poll_once};
use fastness_tests::names::named;

#[cacheable(ttl = 60, key = "row:{id}", handle = row_entry, skip(origin))]
async fn row(origin: &Origin, id: u32) -> u32 {
    let _ = id;
    origin.count()
}

#[cacheable(ttl = 60, key = "page:{id}", skip(origin))]
async fn page(origin: &Origin, id: u32) -> (u32, u32) {
    (origin.count(), row(origin, id).await)
}

#[cacheable(ttl = 60, key = "plain:{id}", skip(origin))]
fn plain(origin: &Origin, id: u32) -> u32 {
    let _ = id;
    origin.count()
}

#[cacheable(ttl = 60, key = "row:{ids}", batch(ids), skip(origin))]
async fn rows(origin: &Origin, ids: &[u32]) -> HashMap<u32, u32> {
    let call = origin.count();
    ids.iter().map(|id| (*id, call)).collect()
}

#[cacheable(ttl = 60, key = "plain:{ids}", batch(ids), skip(origin))]
fn plain_rows(origin: &Origin, ids: &[u32]) -> HashMap<u32, u32> {
    let call = origin.count();
    ids.iter().map(|id| (*id, call)).collect()
}

#[cacheable(ttl = 60, key = "slow:{id}", skip(origin, gate))]
async fn slow(origin: &Origin, gate: &Semaphore, id: u32) -> u32 {
    let (_, call) = (id, origin.count());
    gate.acquire().await.unwrap().forget();
    call
}

#[cacheable(ttl = 60, key = "row:{id}", on = fast, skip(fast, origin))]
async fn row_on(fast: &Fastness, origin: &Origin, id: u32) -> u32 {
    let _ = id;
    origin.count()
}

#[cache_put(key = "row:{id}", ttl = 60)]
async fn save(id: u32, value: u32) -> u32 {
    let _ = id;
    value
}

#[cache_invalidate("row:{id}")]
async fn change(id: u32) {}

#[tokio::test]
async fn a_bypassed_call_neither_reads_nor_stores() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        assert_eq!(bypass(row(&origin, 7)).await, 1);
        assert_eq!(fast.stats().entries, 0, "nothing was stored");
        assert_eq!(row(&origin, 7).await, 2);
        let (value, seen) = observe(bypass(row(&origin, 7))).await;
        assert_eq!((value, seen.bypassed, seen.hits + seen.misses), (3, 1, 0));
        assert_eq!(row(&origin, 7).await, 2, "the entry is as it was");
    })
    .await;
    let stats = fast.stats().total;
    assert_eq!((stats.bypassed, stats.loads, stats.hits, stats.calls()), (2, 1, 1, 4));
}

#[test]
fn so_does_one_of_a_plain_function() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache_sync(&fast, || {
        let calls = [plain(&origin, 7), bypass_sync(|| plain(&origin, 7)), plain(&origin, 7)];
        assert_eq!(calls, [1, 2, 1]);
    });
    assert_eq!((fast.stats().total.bypassed, fast.stats().total.loads), (1, 1));
}

#[tokio::test]
async fn it_reaches_all_calls_within_whatever_the_cache() {
    let (fast, other, origin) = (fresh(), fresh(), Origin::default());
    bypass(with_cache(&fast, async {
        assert_eq!(page(&origin, 7).await, (1, 2));
        assert_eq!(page(&origin, 7).await, (3, 4));
        assert_eq!((row_on(&other, &origin, 7).await, row_on(&other, &origin, 7).await), (5, 6));
        assert_eq!(fastness::reload(row(&origin, 7)).await, 7, "a reload within stores nothing");
    }))
    .await;
    assert_eq!((fast.stats().entries, other.stats().entries), (0, 0));
    assert_eq!((fast.stats().total.bypassed, other.stats().total.bypassed), (5, 2));
}

#[tokio::test]
async fn it_waits_for_no_load_and_no_call_waits_for_it() {
    let (fast, origin, gate) = (fresh(), Origin::default(), Semaphore::new(0));
    with_cache(&fast, async {
        let (mut leader, mut bypassed) = (pin!(slow(&origin, &gate, 7)), pin!(bypass(slow(&origin, &gate, 7))));
        assert!(poll_once(leader.as_mut()).await.is_none());
        assert!(poll_once(bypassed.as_mut()).await.is_none());
        assert_eq!(origin.calls(), 2, "both load");
        gate.add_permits(2);
        assert_eq!((bypassed.await, leader.await), (2, 1));
        assert_eq!(slow(&origin, &gate, 7).await, 1);
    })
    .await;
}

#[tokio::test]
async fn all_elements_of_a_batch_are_asked_for_and_none_is_stored() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        assert_eq!(row(&origin, 1).await, 1);
        let (found, seen) = observe(bypass(rows(&origin, &[1, 2, 1]))).await;
        assert_eq!(found, HashMap::from([(1, 2), (2, 2)]));
        assert_eq!((seen.bypassed, seen.hits + seen.misses), (2, 0));
        assert_eq!(rows(&origin, &[1, 2]).await, HashMap::from([(1, 1), (2, 3)]));
        assert_eq!(bypass_sync(|| plain_rows(&origin, &[1, 2])), HashMap::from([(1, 4), (2, 4)]));
        assert_eq!(bypass(rows(&origin, &[])).await, HashMap::new());
    })
    .await;
    assert_eq!(fast.stats().entries, 2, "the two of the batch that read and stored");
}

#[tokio::test]
async fn a_write_within_invalidates_and_stores_nothing() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        assert_eq!(row(&origin, 7).await, 1);
        assert_eq!(bypass(save(7, 40)).await, 40);
        assert_eq!(row(&origin, 7).await, 2, "what was saved is not stored, and the old value is gone");
        bypass(change(7)).await;
        assert_eq!(row(&origin, 7).await, 3);
        bypass(row_entry(&7).put(41)).await;
        assert_eq!(bypass(row_entry(&7).get()).await, None);
        assert_eq!(row(&origin, 7).await, 4);
        assert_eq!(bypass(row_entry(&7).get()).await, None, "there is an entry, which is not read");
        assert_eq!(row_entry(&7).get().await, Some(4));
    })
    .await;
}

#[tokio::test]
async fn so_do_direct_calls() {
    let (fast, origin) = (fresh(), Origin::default());
    let (cache, [one, two]) = (fast.cache(), ["n:1", "n:2"].map(named));
    cache.set(&one, 1_u32, MINUTE).await;
    assert_eq!(bypass(cache.get::<u32>(&one)).await, None);
    assert_eq!(bypass(cache.mget::<u32>(&[one.clone(), two.clone()])).await, [None, None]);
    let load = async || Ok::<_, ()>(origin.count() + 10);
    assert_eq!(bypass(cache.get_or_load(&one, MINUTE, load())).await, Ok(11));
    assert_eq!(cache.mget::<u32>(&[two.clone(), one.clone()]).await, [None, Some(1)]);
    bypass(cache.set(&one, 2_u32, MINUTE)).await;
    assert_eq!(cache.get::<u32>(&one).await, None, "the old value is gone, and the new one is not stored");
    cache.set(&one, 3_u32, MINUTE).await;
    bypass(cache.invalidate(&one)).await;
    assert_eq!(cache.get::<u32>(&one).await, None);
    assert_eq!(fast.stats().total.bypassed, 4);
}

#[cacheable(ttl = 60, key = "guarded:{id}", skip(origin))]
#[circuit_breaker(name = "bypassed origin")]
async fn guarded(origin: &Origin, id: u32) -> Result<u32, Rejected> {
    let _ = id;
    Ok(origin.count())
}

#[tokio::test]
async fn policies_apply() {
    let origin = Origin::default();
    with_cache(&fresh(), async {
        assert!(bypass(guarded(&origin, 7)).await.is_ok());
        Breaker::named("bypassed origin").force_open();
        assert!(bypass(guarded(&origin, 7)).await.is_err());
        assert_eq!(origin.calls(), 1);
    })
    .await;
}

#[cacheable(ttl = 60, key = "panics:{id}")]
async fn panics(id: u32) -> u32 {
    panic!("the body of {id} panics")
}

#[cacheable(ttl = 60, key = "panics:{id}")]
fn panics_plainly(id: u32) -> u32 {
    panic!("the body of {id} panics")
}

#[tokio::test]
async fn a_panic_ends_it() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        let mut bypassed = pin!(bypass(panics(7)));
        let poll = || bypassed.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(catch_unwind(AssertUnwindSafe(poll)).is_err());
        assert!(catch_unwind(|| bypass_sync(|| panics_plainly(7))).is_err());
        assert_eq!((row(&origin, 7).await, row(&origin, 7).await), (1, 1), "calls on this thread are cached again");
    })
    .await;
    let stats = fast.stats().total;
    assert_eq!((stats.bypassed, stats.hits, stats.loads_abandoned), (2, 1, 0));
}

#[tokio::test]
async fn it_ends_with_each_poll() {
    let (fast, origin, gate) = (fresh(), Origin::default(), Semaphore::new(0));
    with_cache(&fast, async {
        let mut bypassed = Box::pin(bypass(slow(&origin, &gate, 7)));
        assert!(poll_once(bypassed.as_mut()).await.is_none());
        assert_eq!((row(&origin, 1).await, row(&origin, 1).await), (2, 2), "beside a bypassed call that waits");
        drop(bypassed);
        assert_eq!(row(&origin, 1).await, 2);
    })
    .await;
    assert_eq!((fast.stats().total.bypassed, fast.stats().total.loads_abandoned), (1, 0));
}
