//! Keys: calls that share a value, and the reach of invalidations by key and by prefix.

use fastness::{cacheable, with_cache, with_cache_sync};

use crate::fresh;
use crate::origin::{Fault, Origin};
use fastness_tests::names::{reached, tagged};

mod here {
    #[fastness::cacheable(ttl = 60)]
    pub(super) fn namesake(id: u32) -> String {
        format!("here {id}")
    }
}

mod there {
    #[fastness::cacheable(ttl = 60)]
    pub(super) fn namesake(id: u32) -> String {
        format!("there {id}")
    }
}

#[tokio::test]
async fn functions_of_one_name_in_two_modules_share_nothing() {
    with_cache_sync(&fresh(), || {
        for _ in 0..2 {
            assert_eq!((here::namesake(1), there::namesake(1)), ("here 1".into(), "there 1".into()));
        }
    });
}

#[cacheable(ttl = 60, key = "fee:{id}", skip(origin))]
fn fee(origin: &Origin, id: u32) -> u32 {
    origin.count() + id - 1
}

#[cacheable(ttl = 60, key = "fee:{id}", version = 2, skip(origin))]
fn fee_in_cents(origin: &Origin, id: u32) -> u32 {
    origin.count() + id - 1
}

#[tokio::test]
async fn one_pattern_reaches_every_version() {
    let (fast, origin) = (fresh(), Origin::default());
    let both = || with_cache_sync(&fast, || (fee(&origin, 1), fee_in_cents(&origin, 1)));
    assert_eq!((both(), both()), ((1, 2), (1, 2)));
    fast.cache().invalidate(reached("fee:*")).await;
    assert_eq!((both(), both()), ((3, 4), (3, 4)));
    fast.cache().invalidate(reached("fee:1")).await;
    assert_eq!(both(), (5, 6));
}

/// Returns a value, an absence or an error.
#[cacheable(
    ttl = 60, negative_ttl = 60, cache_err = |_| true, err_ttl = 60, key = "outcome:{id}", tags = ["outcomes:{of}"],
    skip(origin, of)
)]
async fn outcome(origin: &Origin, id: u32, of: &str) -> Result<Option<u32>, Fault> {
    origin.count();
    match id {
        0 => Err(Fault::Down),
        1 => Ok(None),
        _ => Ok(Some(id)),
    }
}

#[tokio::test]
async fn values_absences_and_errors_are_invalidated_in_every_way() {
    let (fast, origin) = (fresh(), Origin::default());
    let cache = fast.cache();
    let all = async || {
        for id in 0..3 {
            let _ = with_cache(&fast, outcome(&origin, id, "a")).await;
        }
        origin.calls()
    };
    assert_eq!((all().await, all().await), (3, 3), "all are kept");
    for id in 0..3 {
        cache.invalidate(reached(format!("outcome:{id}"))).await;
    }
    assert_eq!((all().await, all().await), (6, 6), "by key");
    cache.invalidate(reached("outcome:*")).await;
    assert_eq!((all().await, all().await), (9, 9), "by prefix");
    cache.invalidate(tagged("outcomes:b")).await;
    assert_eq!(all().await, 9, "another tag");
    cache.invalidate(tagged("outcomes:a")).await;
    assert_eq!((all().await, all().await), (12, 12), "by tag");
    fast.clear();
    assert_eq!((all().await, all().await), (15, 15), "by a clear");
}
