//! Instantiations for types of one name, in the tier.

use fastness::{cacheable, observe, scope};
use fastness_tests::servers::{prefix, shared_redis};

use crate::{node, stored};

trait Kind: Send + Sync + 'static {
    const NUMBER: u64;
}

#[cacheable(ttl = 60, key = "kind:{n}")]
async fn kind<T: Kind>(n: u64) -> u64 {
    T::NUMBER + n
}

mod one {
    pub(super) fn of(fast: &fastness::Fastness) -> impl Future<Output = u64> {
        struct M;
        impl super::Kind for M {
            const NUMBER: u64 = 100;
        }
        fastness::scope(fast, super::kind::<M>(1))
    }
}

/// Two types of one name, in blocks of one function.
macro_rules! of_a_local_type {
    ($fast:expr, $number:literal) => {{
        struct M;
        impl Kind for M {
            const NUMBER: u64 = $number;
        }
        scope($fast, kind::<M>(1)).await
    }};
}

#[tokio::test]
async fn types_of_one_name_share_nothing_between_processes() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let (a, b) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    assert_eq!(of_a_local_type!(&a, 100), 101);
    stored(&a, 1).await;
    assert_eq!(of_a_local_type!(&b, 200), 201);
}

#[tokio::test]
async fn one_type_is_shared_between_processes() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let (a, b) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    assert_eq!(one::of(&a).await, 101);
    stored(&a, 1).await;
    let (value, seen) = observe(one::of(&b)).await;
    assert_eq!((value, seen.hits, seen.misses), (101, 1, 0), "a hit of the shared tier is a hit");
    let stats = b.stats().total;
    assert_eq!((stats.hits, stats.shared_hits, stats.misses, stats.loads), (0, 1, 0, 0));
    assert_eq!(stats.hit_rate(), Some(1.0));
}

#[cacheable(ttl = 60, key = "applied:{n}", skip(function))]
async fn applied<F: Fn(u64) -> u64 + Send>(function: F, n: u64) -> u64 {
    function(n)
}

#[tokio::test]
async fn what_closures_tell_apart_stays_in_its_process() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let (a, b) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    assert_eq!(scope(&a, applied(|n| n + 1, 1)).await, 2);
    assert_eq!(scope(&a, kind_of_no_closure(1)).await, 1);
    stored(&a, 1).await;
    let keys = redis.command::<Vec<String>>(&["KEYS", &format!("{prefix}applied:*")]).await;
    assert_eq!(keys, Vec::<String>::new());
    assert_eq!(scope(&b, applied(|n| n + 2, 1)).await, 3);
    assert_eq!(b.stats().total.shared_hits, 0);
}

#[cacheable(ttl = 60, key = "plain:{n}")]
async fn kind_of_no_closure(n: u64) -> u64 {
    n
}

/// Functions without a key, of one path.
macro_rules! in_a_block {
    ($by:literal) => {{
        #[cacheable(ttl = 60)]
        async fn add(n: u64) -> u64 {
            n + $by
        }
        add
    }};
}

#[tokio::test]
async fn functions_of_one_path_share_nothing_between_processes() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let (a, b) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let (one, two) = (in_a_block!(1), in_a_block!(2));
    assert_eq!(scope(&a, one(1)).await, 2);
    stored(&a, 1).await;
    assert_eq!(scope(&b, two(1)).await, 3);
    assert_eq!(scope(&b, one(1)).await, 2);
    assert_eq!(b.stats().total.shared_hits, 1);
}
