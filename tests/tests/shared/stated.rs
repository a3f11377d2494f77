//! Lifetimes that follow from the value, and those without end, between processes. The time that passes here is real, as Redis has a
//! clock of its own.

use std::collections::HashMap;
use std::time::Duration;

use fastness::{Key, cache_put, cacheable, with_cache};
use fastness_tests::servers::{Redis, prefix, shared_redis, until};

use crate::{Origin, node, node_with, stored};

/// A value that says how long it may be used.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Token {
    version: usize,
    millis: u64,
}

impl Token {
    fn lifetime(&self) -> Duration {
        Duration::from_millis(self.millis)
    }
}

/// The time for which the value of a key stays in Redis, in milliseconds; `None` if it is not there.
async fn left(redis: &Redis, prefix: &str, key: &str) -> Option<i64> {
    let found: Vec<String> = redis.command(&["KEYS", &format!("{prefix}{key}#*")]).await;
    Some(redis.command(&["PTTL", found.first()?]).await)
}

#[cacheable(ttl = Token::lifetime, jitter = 0, early = off, key = "token:{id}", skip(origin, millis))]
async fn token(origin: &Origin, id: u64, millis: u64) -> Token {
    let _ = id;
    Token { version: origin.load(), millis }
}

/// The same function in a program of another version, in which the lifetime was constant.
#[cacheable(ttl = 3_600, jitter = 0, early = off, key = "token:{id}", skip(origin, millis))]
async fn constant(origin: &Origin, id: u64, millis: u64) -> Token {
    let _ = id;
    Token { version: origin.load(), millis }
}

#[tokio::test]
async fn a_reader_from_redis_obeys_the_expiry_that_the_writer_computed() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    with_cache(&one, token(&origin, 1, 2_000)).await;
    stored(&one, 1).await;
    let in_redis = left(redis, &prefix, "token:1").await.expect("it is stored");
    assert!((1..=2_000).contains(&in_redis), "{in_redis}");
    // The argument of the reader, from which the lifetime of its own load would follow, is a minute.
    assert_eq!((with_cache(&two, token(&origin, 1, 60_000)).await.version, origin.loads()), (0, 1), "from Redis");
    origin.change();
    until("it expires there", async || left(redis, &prefix, "token:1").await.is_none()).await;
    until("and where it was found", async || with_cache(&two, token(&origin, 1, 60_000)).await.version == 1).await;
    assert_eq!(origin.loads(), 2);
}

#[tokio::test]
async fn a_process_of_a_former_version_obeys_the_expiry_and_its_own_ttl() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (new, old) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    with_cache(&new, token(&origin, 1, 2_000)).await;
    stored(&new, 1).await;
    assert_eq!((with_cache(&old, constant(&origin, 1, 0)).await.version, origin.loads()), (0, 1), "from Redis");
    origin.change();
    until("it expires, an hour too early for a constant", async || {
        with_cache(&old, constant(&origin, 1, 60_000)).await.version == 1
    })
    .await;
    // The other way round: what the former version has stored for an hour is served for as long.
    stored(&old, 1).await;
    let left = left(redis, &prefix, "token:1").await.expect("it is stored");
    assert!(left > 3_500_000, "{left}");
    assert_eq!(with_cache(&new, token(&origin, 1, 1)).await.version, 1);
    assert_eq!(origin.loads(), 2);
}

#[tokio::test]
async fn a_lifetime_of_zero_reaches_no_process() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    with_cache(&one, token(&origin, 1, 60_000)).await;
    stored(&one, 1).await;
    one.cache().refresh(&Key::from_static("token:1")).await;
    with_cache(&one, token(&origin, 1, 0)).await;
    until("the old value is removed", async || left(redis, &prefix, "token:1").await.is_none()).await;
    with_cache(&two, token(&origin, 1, 0)).await;
    assert_eq!(origin.loads(), 3);
    assert_eq!(one.stats().entries + two.stats().entries, 0);
}

#[cacheable(ttl = Token::lifetime, jitter = 0, key = "each:{ids}", batch(ids), skip(origin))]
async fn each(origin: &Origin, ids: &[u64]) -> HashMap<u64, Token> {
    ids.iter().map(|id| (*id, Token { version: origin.load(), millis: id * 1_000 })).collect()
}

#[tokio::test]
async fn each_element_of_a_batch_has_its_own_expiry_in_redis() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    with_cache(&one, each(&origin, &[0, 60, 600])).await;
    stored(&one, 2).await;
    assert_eq!(left(redis, &prefix, "each:0").await, None);
    for (key, longest) in [("each:60", 60_000), ("each:600", 600_000)] {
        let left = left(redis, &prefix, key).await.expect("it is stored");
        assert!((longest - 30_000..=longest).contains(&left), "{key} {left}");
    }
    assert_eq!(with_cache(&two, each(&origin, &[0, 60, 600])).await.len(), 3);
    assert_eq!(origin.loads(), 4, "the first element alone");
}

#[cacheable(
    ttl = Token::lifetime, jitter = 0, early = off, single_flight = fleet, key = "turns:{id}", skip(origin)
)]
async fn in_turns(origin: &Origin, id: u64) -> Token {
    Token { version: origin.load(), millis: id }
}

#[tokio::test]
async fn processes_that_load_in_turns_share_the_expiry_too() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let both = async |id| {
        let (first, second) =
            tokio::join!(with_cache(&one, in_turns(&origin, id)), with_cache(&two, in_turns(&origin, id)));
        assert_eq!(first.millis, second.millis);
    };
    both(2_000).await;
    assert_eq!(origin.loads(), 1);
    origin.change();
    until("it expires in both", async || {
        let versions =
            (with_cache(&one, in_turns(&origin, 2_000)).await, with_cache(&two, in_turns(&origin, 2_000)).await);
        versions.0.version == 1 && versions.1.version == 1
    })
    .await;
    assert_eq!(origin.loads(), 2);
    both(0).await;
    assert_eq!(origin.loads(), 4, "nothing is stored, so each has its turn");
}

#[cacheable(ttl = forever, key = "forever:{id}", skip(origin))]
async fn endless(origin: &Origin, id: u64) -> u64 {
    id + u64::try_from(origin.load()).unwrap()
}

#[tokio::test]
async fn what_never_expires_stays_in_redis_for_a_bounded_time_and_in_processes_for_longer() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let one = node(&redis.url(), &prefix).await;
    with_cache(&one, endless(&origin, 1)).await;
    stored(&one, 1).await;
    let longest = left(redis, &prefix, "forever:1").await.expect("it is stored");
    assert!((3_500_000..=3_600_000).contains(&longest), "{longest} is not the retention");

    let settings = fastness::Redis::single(&redis.url()).unwrap().prefix(&prefix).forever_ttl(Duration::from_secs(1));
    let (two, three) = (node_with(settings.clone()).await, node_with(settings).await);
    with_cache(&two, endless(&origin, 2)).await;
    stored(&two, 1).await;
    assert_eq!(with_cache(&three, endless(&origin, 2)).await, 2);
    assert!(left(redis, &prefix, "forever:2").await.is_none_or(|left| left <= 1_000));
    until("it has left Redis", async || left(redis, &prefix, "forever:2").await.is_none()).await;
    origin.change();
    assert_eq!([with_cache(&two, endless(&origin, 2)).await, with_cache(&three, endless(&origin, 2)).await], [2, 2]);
    assert_eq!(origin.loads(), 2);
    one.cache().invalidate(&Key::from_static("forever:2")).await;
    until("it is invalidated in all", async || with_cache(&three, endless(&origin, 2)).await == 3).await;
}

#[cache_put(ttl = Token::lifetime, jitter = 0, key = "token:{id}")]
async fn put(origin: &Origin, id: u64, millis: u64) -> Token {
    let _ = id;
    Token { version: origin.load(), millis }
}

#[tokio::test]
async fn a_put_value_states_its_expiry_in_redis() {
    let (redis, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    with_cache(&one, put(&origin, 1, 30_000)).await;
    stored(&one, 1).await;
    let left = left(redis, &prefix, "token:1").await.expect("it is stored");
    assert!((1..=30_000).contains(&left), "{left}");
    assert_eq!((with_cache(&two, token(&origin, 1, 0)).await.millis, origin.loads()), (30_000, 1));
}

/// Only a program that names both knows that the values outlive the log.
#[tokio::test]
async fn the_audit_names_functions_whose_ttl_exceeds_the_retention() {
    let redis = shared_redis().await;
    drop(node(&redis.url(), &prefix()).await);
    let report = fastness::registry::audit();
    let says = |name: &str, part: &str| report.notes().iter().any(|note| note.contains(name) && note.contains(part));
    assert!(says("stated::endless`", "never expire"), "{report}");
    assert!(!says("stated::token`", "ttl of"), "a value states it, so it is not known");
    assert!(!says("stated::constant`", "ttl of"), "an hour is the retention");
    assert!(says("stated::longer`", "the ttl of"), "{report}");
    assert!(!says("stated::longer_here`", "the ttl of"), "it does not go to Redis");
}

#[cacheable(ttl = "2h", key = "longer")]
async fn longer() -> u8 {
    1
}

#[cacheable(ttl = "2h", key = "longer_here", tier = local)]
async fn longer_here() -> u8 {
    1
}

#[tokio::test]
async fn functions_of_the_audit_can_be_called() {
    assert_eq!((longer().await, longer_here().await), (1, 1));
}
