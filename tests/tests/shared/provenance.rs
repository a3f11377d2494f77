//! The origin of answers that come from Redis.

use std::collections::HashMap;
use std::time::Duration;

use fastness::stats::AnswerSource::{Load, Local, Shared};
use fastness::stats::{observe, provenance};
use fastness::{Clock, Fastness, Redis, cacheable, with_cache};
use fastness_tests::names::reached;
use fastness_tests::servers::{PATIENCE, prefix, shared_redis};

use crate::{MINUTE, connected, node, stored};

#[cacheable(ttl = 60, key = "message:{id}")]
async fn message(id: u64) -> Result<String, String> {
    Ok(format!("m{id}"))
}

#[cacheable(ttl = 60, key = "message:{ids}", batch(ids))]
async fn messages(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, format!("m{id}"))).collect()
}

#[cacheable(ttl = 600, jitter = 0.0, stale = 600, refresh = background, key = "article:{id}")]
async fn article(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn a_hit_from_redis_is_a_hit_and_says_how_old_it_is() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let (a, b) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    with_cache(&a, message(1)).await.unwrap();
    with_cache(&a, messages(&[2, 3])).await;
    stored(&a, 3).await;
    let calls = async {
        let ((_, origin), seen) = observe(provenance(message(1))).await;
        assert_eq!((seen.hits, seen.misses), (1, 0));
        let answer = &origin.answers()[0];
        assert_eq!((answer.source, answer.is_stale), (Shared, false));
        assert!(origin.is_hit() && answer.ttl_left.unwrap().as_secs() <= 60 && answer.age.as_secs() <= 60);
        let again = provenance(message(1)).await.1;
        assert_eq!(again.answers()[0].source, Local);
        let (_, batch) = provenance(messages(&[1, 2, 3, 4])).await;
        let sources: Vec<_> = batch.answers().iter().map(|answer| answer.source).collect();
        assert_eq!(sources, [Local, Shared, Shared, Load]);
    };
    with_cache(&b, calls).await;
}

#[tokio::test]
async fn a_stale_answer_from_redis_says_so_and_how_old_it_is() {
    let (redis, prefix, clock) = (shared_redis().await, prefix(), Clock::manual());
    let settings = Redis::single(&redis.url()).unwrap().prefix(prefix).command_timeout(PATIENCE);
    let [a, b] = [(); 2].map(|()| Fastness::builder().redis(settings.clone()).clock(clock.clone()).build().unwrap());
    for node in [&a, &b] {
        connected(node).await;
    }
    with_cache(&a, article(1)).await;
    stored(&a, 1).await;
    clock.advance(Duration::from_secs(5));
    a.cache().refresh(reached("article:1")).await;
    let ((value, origin), seen) = with_cache(&b, observe(provenance(article(1)))).await;
    let answer = &origin.answers()[0];
    assert_eq!((value, origin.len(), answer.source, answer.is_stale), (1, 1, Shared, true));
    // Their clocks agree with the server's to a millisecond or so.
    assert!((4..=5).contains(&answer.age.as_secs()), "{answer:?}");
    let stats = b.stats().total;
    assert_eq!((seen.hits, seen.misses), (1, 0));
    assert_eq!((stats.hits, stats.shared_hits, stats.stale_served, stats.misses), (0, 1, 1, 0));
}

#[cacheable(ttl = "2h", jitter = 0, early = off, negative_ttl = "2h", key = "letter:{id}")]
async fn letter(id: u64) -> Option<u64> {
    (id > 0).then_some(id)
}

/// The clock of the second node goes ahead of the server's, so that the values look old to it.
#[tokio::test]
async fn an_entry_that_came_from_redis_is_as_old_as_its_load() {
    let (redis, prefix, clock) = (shared_redis().await, prefix(), Clock::manual());
    let a = node(&redis.url(), &prefix).await;
    for id in 0..2 {
        with_cache(&a, letter(id)).await;
    }
    stored(&a, 2).await;
    let shared = Redis::single(&redis.url()).unwrap().prefix(&prefix).command_timeout(PATIENCE);
    let b = Fastness::builder().redis(shared).clock(clock.clone()).max_stale(MINUTE * 600).build().unwrap();
    connected(&b).await;
    let ask = async |id| {
        let (_, origin) = with_cache(&b, provenance(letter(id))).await;
        (origin.answers()[0].source, origin.age().unwrap().as_secs() / 60)
    };
    clock.advance(MINUTE * 30);
    for id in 0..2 {
        assert_eq!([ask(id).await, ask(id).await], [(Shared, 30), (Local, 30)], "{id}");
    }
    clock.advance(MINUTE * 31);
    assert_eq!([ask(0).await, ask(1).await], [(Local, 61); 2]);
    let keys = b.function("provenance::letter").unwrap().keys(2).keys;
    assert!(keys.len() == 2 && keys.iter().all(|info| info.age.as_secs() / 60 == 61), "{keys:?}");
}
