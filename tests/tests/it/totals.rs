//! Bounds on the number of entries: of one function, and of all together.

use std::collections::HashSet;

use fastness::{Fastness, cacheable, with_cache_sync};

use crate::fresh;
use crate::origin::Origin;

#[cacheable(ttl = 60, capacity = 10)]
fn small(n: u32) -> u32 {
    n
}

#[cacheable(ttl = 60, capacity = 5_000)]
fn large(n: u32) -> u32 {
    n
}

#[cacheable(ttl = 60)]
fn default_size(n: u32) -> u32 {
    n
}

#[tokio::test]
async fn capacity_bounds_the_entries_of_a_function_exactly() {
    let fast = fresh();
    with_cache_sync(&fast, || (0..100).map(small).sum::<u32>());
    assert_eq!((fast.stats().entries, fast.stats().evictions), (10, 90));
    let fast = fresh();
    with_cache_sync(&fast, || {
        for n in 0..50_000 {
            large(n);
        }
    });
    let entries = fast.stats().entries;
    assert!((4_900..=5_000).contains(&entries), "{entries} entries of 5 000");
    let fast = Fastness::builder().capacity(7).build().unwrap();
    with_cache_sync(&fast, || {
        for n in 0..100 {
            default_size(n);
        }
    });
    assert_eq!(fast.stats().entries, 7, "the handle's, where the attribute says nothing");
}

#[tokio::test]
async fn the_total_can_shrink_and_grow() {
    let fast = fresh();
    let fill = || {
        with_cache_sync(&fast, || {
            for n in 0..100 {
                default_size(n);
            }
        });
    };
    fill();
    assert_eq!(fast.stats().entries, 100);
    fast.set_max_entries(3);
    assert!(fast.stats().entries <= 3, "at once");
    fill();
    assert!(fast.stats().entries <= 3, "later entries keep to the bound");
    fast.set_max_entries(usize::MAX);
    fill();
    assert_eq!(fast.stats().entries, 100);
}

#[cacheable(ttl = 60, key = "user:{id}", skip(origin))]
fn latecomer(origin: &Origin, id: u32) -> u32 {
    origin.count() + id
}

/// A function that is first called when the total is used up gets a share; otherwise its values would never be cached.
#[tokio::test]
async fn a_total_that_is_used_up_starves_no_function() {
    let (fast, origin) = (Fastness::builder().max_entries(20).build().unwrap(), Origin::default());
    with_cache_sync(&fast, || {
        for n in 0..1_000 {
            default_size(n);
        }
        assert_eq!(fast.stats().entries, 20);
        let answers: HashSet<_> = (0..50).map(|_| latecomer(&origin, 1)).collect();
        assert!(answers.len() < 10, "loaded {} times in 50 calls", answers.len());
    });
    assert!(fast.stats().entries <= 20);
}

#[cacheable(ttl = 60, key = "absent:{id}", negative_ttl = 60, skip(origin))]
fn absent(origin: &Origin, id: u32) -> Option<u32> {
    origin.count();
    (id > 1_000).then_some(id)
}

/// Cached absences take memory like any other entry.
#[tokio::test]
async fn cached_absences_are_counted_and_can_be_shed() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache_sync(&fast, || {
        for id in 0..100 {
            absent(&origin, id);
        }
        assert_eq!((fast.stats().entries, origin.calls()), (100, 100));
        fast.set_max_entries(10);
        assert!(fast.stats().entries <= 10, "{} are left", fast.stats().entries);
        for id in 0..100 {
            absent(&origin, id);
        }
        assert!(origin.calls() >= 190, "{} of 100 were shed", origin.calls() - 100);
    });
}

#[tokio::test]
async fn cached_absences_do_not_keep_values_out() {
    let (fast, origin) = (Fastness::builder().max_entries(20).build().unwrap(), Origin::default());
    with_cache_sync(&fast, || {
        for id in 0..1_000 {
            absent(&origin, id);
        }
        let before = origin.calls();
        for _ in 0..50 {
            absent(&origin, 2_000);
        }
        assert!(origin.calls() - before < 10, "loaded {} times in 50 calls", origin.calls() - before);
    });
}
