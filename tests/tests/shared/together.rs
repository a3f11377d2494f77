//! Reads that are made at once, and go to the server together.

use std::sync::Arc;

use fastness::{Fastness, cacheable, scope};
use fastness_tests::servers::{Redis, prefix, shared_redis, until};
use tokio::task::JoinSet;

use crate::{Origin, node, stored};

const KEYS: u64 = 200;

#[cacheable(ttl = 60, key = "far:{id}", tier = shared, skip(origin))]
async fn far(origin: Arc<Origin>, id: u64) -> String {
    format!("{id}, version {}", origin.load())
}

/// Starts a read of each key, before any of them can run.
fn read_all(fast: &Fastness, origin: &Arc<Origin>) -> JoinSet<(u64, String)> {
    let mut tasks = JoinSet::new();
    for id in 0..KEYS {
        let (fast, origin) = (fast.clone(), origin.clone());
        tasks.spawn(async move { (id, scope(&fast, far(origin, id)).await) });
    }
    tasks
}

async fn filled(fast: &Fastness, origin: &Arc<Origin>) {
    read_all(fast, origin).join_all().await;
    stored(fast, KEYS).await;
    assert_eq!(origin.loads() as u64, KEYS);
}

#[tokio::test]
async fn each_gets_its_own_value() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Arc::new(Origin::default()));
    let fast = node(&redis.url(), &prefix).await;
    filled(&fast, &origin).await;
    for (id, value) in read_all(&fast, &origin).join_all().await {
        assert_eq!(value, format!("{id}, version 0"));
    }
    assert_eq!(origin.loads() as u64, KEYS, "nothing was loaded again");
    assert_eq!(fast.shared().unwrap().hits, KEYS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_goes_away_takes_no_answer_from_the_others() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Arc::new(Origin::default()));
    let fast = node(&redis.url(), &prefix).await;
    filled(&fast, &origin).await;
    for _ in 0..20 {
        let mut all = read_all(&fast, &origin);
        let dropped = read_all(&fast, &origin);
        tokio::task::yield_now().await;
        // At whatever point of their way they are.
        drop(dropped);
        while let Some(read) = all.join_next().await {
            let (id, value) = read.unwrap();
            assert_eq!(value, format!("{id}, version 0"));
        }
    }
    assert_eq!(origin.loads() as u64, KEYS, "nothing was loaded again");
}

#[tokio::test]
async fn what_was_invalidated_before_is_not_among_them() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Arc::new(Origin::default()));
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    filled(&one, &origin).await;
    origin.change();
    two.cache().invalidate("far:7").await.unwrap();
    for (id, value) in read_all(&one, &origin).join_all().await {
        let version = u64::from(id == 7);
        assert_eq!(value, format!("{id}, version {version}"));
    }
}

#[tokio::test]
async fn a_server_that_is_gone_sends_all_of_them_to_the_origin() {
    let (mut server, prefix, origin) = (Redis::start().await, prefix(), Arc::new(Origin::default()));
    let fast = node(&server.url(), &prefix).await;
    filled(&fast, &origin).await;
    let reads = read_all(&fast, &origin);
    server.kill();
    assert_eq!(reads.join_all().await.len() as u64, KEYS);
    until("the loss is noticed", async || !fast.shared().unwrap().connected).await;
    let before = origin.loads() as u64;
    assert_eq!(read_all(&fast, &origin).join_all().await.len() as u64, KEYS);
    assert_eq!(origin.loads() as u64, before + KEYS);
}
