//! Elements of a batch with an old value, in both tiers.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fastness::{Fastness, cacheable, with_cache};
use fastness_tests::names::reached;
use fastness_tests::servers::{prefix, shared_redis, until};

use crate::{Origin, node, stored};

#[derive(Clone, Debug, PartialEq)]
struct Down;

/// The origin, and a flag that is set while it is down.
#[derive(Clone, Default)]
struct Frail(Arc<Origin>, Arc<AtomicBool>);

impl Frail {
    fn load(&self, ids: &[u64]) -> Result<HashMap<u64, usize>, Down> {
        let version = self.0.load();
        if self.1.load(Ordering::SeqCst) { Err(Down) } else { Ok(values(ids, version)) }
    }

    #[cacheable(ttl = 60, early = off, stale = "1m", refresh = background, key = "late:{ids}", batch(ids), skip(self))]
    async fn later(&self, ids: &[u64]) -> Result<HashMap<u64, usize>, Down> {
        self.load(ids)
    }

    #[cacheable(ttl = 60, stale = "1m", tier = shared, key = "far:{ids}", batch(ids), skip(self))]
    async fn far(&self, ids: &[u64]) -> Result<HashMap<u64, usize>, Down> {
        self.load(ids)
    }

    #[cacheable(ttl = 60, stale_if_error = "1m", key = "near:{ids}", batch(ids), skip(self))]
    async fn near(&self, ids: &[u64]) -> Result<HashMap<u64, usize>, Down> {
        self.load(ids)
    }
}

impl Frail {
    #[cacheable(ttl = 60, merge = "50ms", key = "met:{ids}", batch(ids), skip(self))]
    async fn met(&self, ids: &[u64]) -> Result<HashMap<u64, usize>, Down> {
        self.load(ids)
    }

    #[cacheable(
        ttl = 60,
        early = off,
        stale = "1m",
        refresh = background,
        merge = "50ms",
        tier = shared,
        key = "met_late:{ids}",
        batch(ids),
        skip(self)
    )]
    async fn met_late(&self, ids: &[u64]) -> Result<HashMap<u64, usize>, Down> {
        self.load(ids)
    }
}

fn values(ids: &[u64], version: usize) -> HashMap<u64, usize> {
    ids.iter().map(|id| (*id, version)).collect()
}

async fn nodes<const N: usize>() -> [Fastness; N] {
    let (server, prefix) = (shared_redis().await, prefix());
    let mut nodes = Vec::new();
    for _ in 0..N {
        nodes.push(node(&server.url(), &prefix).await);
    }
    nodes.try_into().unwrap()
}

#[tokio::test]
async fn a_stale_value_of_the_shared_tier_is_served_and_one_run_replaces_it_for_all_processes() {
    let ([one, two], shelf) = (nodes().await, Frail::default());
    with_cache(&one, shelf.later(&[1, 2])).await.unwrap();
    stored(&one, 2).await;
    let version = shelf.0.change();
    for id in [1, 2] {
        one.cache().refresh(reached(format!("late:{id}"))).await;
    }
    until("the other process has heard of both", async || {
        let old = with_cache(&two, shelf.later(&[1, 2])).await.unwrap();
        assert!(old == values(&[1, 2], 0) || old == values(&[1, 2], version), "both are of one run: {old:?}");
        old == values(&[1, 2], version)
    })
    .await;
    assert_eq!(shelf.0.loads(), 2, "one run for both elements");
    stored(&two, 2).await;
    assert_eq!(
        with_cache(&one, shelf.later(&[1, 2])).await.unwrap(),
        values(&[1, 2], version),
        "from the other process"
    );
    assert_eq!(shelf.0.loads(), 2);
    assert_eq!(one.stats().total.stale_served, 0);
}

#[tokio::test]
async fn old_values_of_either_tier_stand_in_for_a_run_that_fails() {
    let ([one], shelf) = (nodes().await, Frail::default());
    with_cache(&one, async {
        shelf.far(&[1, 2]).await.unwrap();
        shelf.near(&[1, 2]).await.unwrap();
        stored(&one, 4).await;
        shelf.1.store(true, Ordering::SeqCst);
        for name in ["far", "near"] {
            for id in [1, 2] {
                one.cache().refresh(reached(format!("{name}:{id}"))).await;
            }
        }
        assert_eq!(shelf.far(&[1, 2]).await, Ok(values(&[1, 2], 0)), "Redis has them");
        assert_eq!(shelf.far(&[1, 2, 3]).await, Err(Down), "nothing stands in for 3");
        assert_eq!(shelf.near(&[1, 2]).await, Ok(values(&[1, 2], 0)));
        one.cache().invalidate(reached("far:1")).await;
        assert_eq!(shelf.far(&[1, 2]).await, Err(Down), "an invalidated value excuses no error");
    })
    .await;
    assert_eq!(one.stats().total.load_errors, 4);
}

#[tokio::test]
async fn merged_calls_ask_redis_together_and_load_the_rest_in_one_run() {
    let ([one, two], shelf) = (nodes().await, Frail::default());
    with_cache(&one, shelf.met(&[1, 2])).await.unwrap();
    stored(&one, 2).await;
    let version = shelf.0.change();
    let calls = async { tokio::join!(shelf.met(&[1]), shelf.met(&[3]), shelf.met(&[2]), shelf.met(&[4])) };
    let found = with_cache(&two, Box::pin(calls)).await;
    let one_value = |id, version| Ok(values(&[id], version));
    assert_eq!(found, (one_value(1, 0), one_value(3, version), one_value(2, 0), one_value(4, version)));
    assert_eq!(shelf.0.loads(), 2);
    stored(&two, 2).await;
    let stats = two.stats().total;
    assert_eq!((stats.shared_hits, stats.coalesced, stats.loads), (1, 3, 1), "each call counts once");
    assert_eq!(with_cache(&one, shelf.met(&[3, 4])).await, Ok(values(&[3, 4], version)));
    assert_eq!(shelf.0.loads(), 2, "the run stored all elements in Redis");
}

#[tokio::test]
async fn a_merged_call_that_is_served_old_values_gets_those_of_its_own_ids() {
    let ([fast], shelf) = (nodes().await, Frail::default());
    with_cache(&fast, shelf.met_late(&[1, 2])).await.unwrap();
    stored(&fast, 2).await;
    let version = shelf.0.change();
    for id in [1, 2] {
        fast.cache().refresh(reached(format!("met_late:{id}"))).await;
    }
    let before = fast.stats().total;
    let call = async |id| with_cache(&fast, shelf.met_late(&[id])).await.unwrap();
    let (one, two) = tokio::join!(call(1), call(2));
    for (id, found) in [(1, one), (2, two)] {
        assert!(found == values(&[id], 0) || found == values(&[id], version), "{id}: {found:?}");
    }
    let after = fast.stats().total;
    assert_eq!(after.calls() - before.calls(), 2, "{after:?}");
    until("the run has replaced both", async || {
        with_cache(&fast, shelf.met_late(&[1, 2])).await.unwrap() == values(&[1, 2], version)
    })
    .await;
}
