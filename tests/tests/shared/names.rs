//! Instantiations for types of one name, and values of such types, in the shared tier.

use fastness::stats::observe;
use fastness::{cacheable, with_cache};
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
        fastness::with_cache(fast, super::kind::<M>(1))
    }
}

/// Two types of one name, in blocks of one function.
macro_rules! of_a_local_type {
    ($fast:expr, $number:literal) => {{
        struct M;
        impl Kind for M {
            const NUMBER: u64 = $number;
        }
        with_cache($fast, kind::<M>(1)).await
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
async fn values_that_closures_distinguish_stay_in_their_process() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let (a, b) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    assert_eq!(with_cache(&a, applied(|n| n + 1, 1)).await, 2);
    assert_eq!(with_cache(&a, kind_of_no_closure(1)).await, 1);
    stored(&a, 1).await;
    let keys = redis.command::<Vec<String>>(&["KEYS", &format!("{prefix}applied:*")]).await;
    assert_eq!(keys, Vec::<String>::new());
    assert_eq!(with_cache(&b, applied(|n| n + 2, 1)).await, 3);
    assert_eq!(b.stats().total.shared_hits, 0);
}

#[cacheable(ttl = 60, key = "plain:{n}")]
async fn kind_of_no_closure(n: u64) -> u64 {
    n
}

/// Functions without a `key` that have the same path.
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
    assert_eq!(with_cache(&a, one(1)).await, 2);
    stored(&a, 1).await;
    assert_eq!(with_cache(&b, two(1)).await, 3);
    assert_eq!(with_cache(&b, one(1)).await, 2);
    assert_eq!(b.stats().total.shared_hits, 1);
}

/// Two functions with one key, whose types of values have one name and the same fields.
macro_rules! notes {
    ($($of:ident: $number:literal),*) => {$(
        mod $of {
            use fastness::cacheable;
            use serde::{Deserialize, Serialize};

            #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
            pub(super) struct Note {
                pub(super) number: u64,
            }

            #[cacheable(ttl = 60, negative_ttl = 60, key = "note:{n}")]
            pub(super) async fn find(n: u64) -> Option<Note> {
                (n + $number > 200).then_some(Note { number: n + $number })
            }

            #[cacheable(ttl = 60, key = "noted:{n}")]
            pub(super) async fn get(n: u64) -> Note {
                Note { number: n + $number }
            }
        }
    )*};
}

notes!(hundred: 100, thousand: 1_000);

#[tokio::test]
async fn an_absence_counts_for_its_own_type_only() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let (a, b) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    assert_eq!(with_cache(&a, hundred::find(1)).await, None);
    stored(&a, 1).await;
    assert_eq!(with_cache(&b, thousand::find(1)).await, Some(thousand::Note { number: 1_001 }));
    stored(&b, 1).await;
    assert_eq!(with_cache(&b, hundred::find(1)).await, None);
    let stats = b.stats().total;
    assert_eq!((stats.shared_hits, stats.loads), (1, 1), "each type has its own value");
}

#[tokio::test]
async fn a_value_counts_for_its_own_type_only() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let (a, b) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    assert_eq!(with_cache(&a, hundred::get(1)).await, hundred::Note { number: 101 });
    stored(&a, 1).await;
    assert_eq!(with_cache(&b, thousand::get(1)).await, thousand::Note { number: 1_001 });
    assert_eq!(with_cache(&b, hundred::get(1)).await, hundred::Note { number: 101 });
    assert_eq!(b.stats().total.shared_hits, 1);
}

/// Functions with one key, whose types of values are declared in blocks of one function.
macro_rules! found_in_a_block {
    ($number:literal) => {{
        #[derive(Clone, serde::Serialize, serde::Deserialize)]
        struct Found {
            number: u64,
        }
        #[cacheable(ttl = 60, negative_ttl = 60, key = "found:{n}")]
        async fn find(n: u64) -> Option<Found> {
            (n + $number > 200).then_some(Found { number: n + $number })
        }
        |n| async move { find(n).await.map(|found| found.number) }
    }};
}

#[tokio::test]
async fn types_of_one_name_in_one_function_share_no_absence() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let (a, b) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let (hundred, thousand) = (found_in_a_block!(100), found_in_a_block!(1_000));
    assert_eq!(with_cache(&a, hundred(1)).await, None);
    stored(&a, 1).await;
    assert_eq!(with_cache(&b, thousand(1)).await, Some(1_001));
    stored(&b, 1).await;
    assert_eq!(with_cache(&b, hundred(1)).await, None);
    assert_eq!(b.stats().total.shared_hits, 1);
}
