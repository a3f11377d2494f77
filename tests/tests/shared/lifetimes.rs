//! Lifetimes of values from Redis in the process that found them. Real time passes here, because Redis has a clock of its own.

use fastness::{cacheable, with_cache};
use fastness_tests::servers::{Redis, prefix, shared_redis, until};

use crate::{Origin, node, stored};

/// The time for which the value of a key stays in Redis, in milliseconds.
async fn left(redis: &Redis, prefix: &str, key: &str) -> i64 {
    let found: Vec<String> = redis.command(&["KEYS", &format!("{prefix}{key}#*")]).await;
    redis.command(&["PTTL", found.first().expect("it is stored")]).await
}

#[cacheable(ttl = 3, jitter = 0, early = off, key = "aged:{id}", skip(origin))]
async fn aged(origin: &Origin, id: u64) -> usize {
    let _ = id;
    origin.load()
}

#[tokio::test]
async fn a_value_from_redis_lives_for_the_time_it_has_left() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    assert_eq!(with_cache(&one, aged(&origin, 1)).await, 0);
    stored(&one, 1).await;
    origin.change();
    until("half of its life is over", async || left(redis, &prefix, "aged:1").await < 1_500).await;
    assert_eq!((with_cache(&two, aged(&origin, 1)).await, origin.loads()), (0, 1), "from Redis");
    until("it expires where it was loaded", async || with_cache(&one, aged(&origin, 1)).await == 1).await;
    // Otherwise the value may expire in the other process before the new one is stored, and that process would load one itself.
    stored(&one, 2).await;
    until("and where it was found", async || with_cache(&two, aged(&origin, 1)).await == 1).await;
    let since = 3_000 - left(redis, &prefix, "aged:1").await;
    assert!(since < 1_500, "{since} ms later: it had a whole life of its own");
    assert_eq!(origin.loads(), 2);
}

#[cacheable(ttl = 60, local_ttl = "200ms", early = off, key = "asked:{id}", skip(origin))]
async fn asked_again(origin: &Origin, id: u64) -> usize {
    let _ = id;
    origin.load()
}

#[tokio::test]
async fn a_process_asks_redis_after_its_local_ttl_and_not_the_origin() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let fast = node(&redis.url(), &prefix).await;
    with_cache(&fast, asked_again(&origin, 1)).await;
    stored(&fast, 1).await;
    for times in 1..=2 {
        until("it is read from Redis", async || {
            with_cache(&fast, asked_again(&origin, 1)).await;
            fast.stats().total.shared_hits >= times
        })
        .await;
    }
    assert_eq!(origin.loads(), 1);
}

#[cacheable(ttl = 1, jitter = 0, early = off, stale_if_error = "1m", key = "excused:{id}", skip(origin, down))]
async fn excused(origin: &Origin, id: u64, down: bool) -> Result<usize, String> {
    let loaded = origin.load();
    if down { Err(format!("{id} is down")) } else { Ok(loaded) }
}

#[tokio::test]
async fn an_old_value_in_redis_stands_in_for_an_error_of_a_process_that_never_had_it() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let one = node(&redis.url(), &prefix).await;
    assert_eq!(with_cache(&one, excused(&origin, 1, false)).await, Ok(0));
    stored(&one, 1).await;
    until("it has expired", async || left(redis, &prefix, "excused:1").await < 59_900).await;
    let two = node(&redis.url(), &prefix).await;
    for _ in 0..3 {
        assert_eq!(with_cache(&two, excused(&origin, 1, true)).await, Ok(0));
    }
    assert_eq!(origin.loads(), 2, "it was asked once, and then left alone");
    assert!(with_cache(&two, excused(&origin, 2, true)).await.is_err(), "there is nothing that could stand in");
}

#[cacheable(ttl = 600, idle = "200ms", early = off, key = "rested:{id}", skip(origin))]
async fn rested(origin: &Origin, id: u64) -> usize {
    let _ = id;
    origin.load()
}

#[tokio::test]
async fn a_process_finds_a_value_in_redis_that_was_idle_in_its_memory() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let fast = node(&redis.url(), &prefix).await;
    with_cache(&fast, rested(&origin, 1)).await;
    stored(&fast, 1).await;
    until("its memory is given back", async || fast.stats().entries == 0).await;
    assert_eq!(with_cache(&fast, rested(&origin, 1)).await, 0);
    assert_eq!((fast.stats().total.shared_hits, origin.loads()), (1, 1));
    assert!(left(redis, &prefix, "rested:1").await > 300_000, "its ttl in Redis is that of the function");
}
