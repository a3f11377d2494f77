//! The origin of answers that come from Redis.

use std::collections::HashMap;

use fastness::stats::AnswerSource::{Load, Local, Shared};
use fastness::stats::{observe, provenance};
use fastness::{cacheable, with_cache};
use fastness_tests::servers::{prefix, shared_redis};

use crate::{node, stored};

#[cacheable(ttl = 60, key = "message:{id}")]
async fn message(id: u64) -> Result<String, String> {
    Ok(format!("m{id}"))
}

#[cacheable(ttl = 60, key = "message:{ids}", batch(ids))]
async fn messages(ids: &[u64]) -> HashMap<u64, String> {
    ids.iter().map(|id| (*id, format!("m{id}"))).collect()
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
