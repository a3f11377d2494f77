//! Batches beside the function for one element, with many ids of every kind.

use std::collections::HashMap;

use fastness::{cacheable, with_cache, with_cache_sync};

use crate::fresh;
use crate::origin::Origin;
use fastness_tests::names::{reached, tagged};

#[cacheable(ttl = 60, key = "part:{id}", handle = parts_entry, skip(origin))]
async fn part(origin: &Origin, id: u32) -> u32 {
    origin.count() * 1_000 + id
}

#[cacheable(ttl = 60, key = "part:{ids}", batch(ids), tags = ["shelf:{shelf}"], skip(origin, shelf))]
async fn parts(origin: &Origin, shelf: &str, ids: &[u32]) -> HashMap<u32, u32> {
    let n = origin.count();
    ids.iter().map(|id| (*id, n * 1_000 + id)).collect()
}

#[tokio::test]
async fn a_batch_sees_changes_of_single_elements() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        let both = async || {
            let found = parts(&origin, "a", &[1, 2]).await;
            (found[&1], found[&2])
        };
        assert_eq!(both().await, (1_001, 1_002));
        parts_entry(&1).put(7).await;
        assert_eq!((both().await, part(&origin, 2).await), ((7, 1_002), 1_002));
        parts_entry(&1).refresh().await;
        assert_eq!(both().await, (2_001, 1_002), "a refresh");
        parts_entry(&2).invalidate().await;
        assert_eq!(both().await, (2_001, 3_002));
        fast.cache().invalidate(tagged("shelf:a")).await;
        assert_eq!(both().await, (4_001, 4_002), "a tag of the whole");
    })
    .await;
}

#[cacheable(ttl = 60, capacity = 5, key = "heap:{ids}", batch(ids), skip(origin))]
fn heap(origin: &Origin, ids: Vec<u32>) -> HashMap<u32, u32> {
    origin.count();
    ids.into_iter().map(|id| (id, id)).collect()
}

#[tokio::test]
async fn a_batch_that_is_larger_than_its_room_is_answered_in_full() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache_sync(&fast, || {
        for _ in 0..3 {
            let found = heap(&origin, (0..100).collect());
            assert!(found.len() == 100 && found.iter().all(|(id, value)| id == value));
        }
    });
    assert!(fast.stats().entries <= 5);
}

#[cacheable(ttl = 60, key = "path:{paths}", batch(paths), skip(origin))]
fn by_path(origin: &Origin, paths: &[String]) -> HashMap<String, usize> {
    origin.count();
    paths.iter().map(|path| (path.clone(), path.len())).collect()
}

#[cacheable(ttl = 60, key = "cell:{at}", batch(at), skip(origin))]
fn by_place(origin: &Origin, at: &[(u32, Option<String>)]) -> HashMap<(u32, Option<String>), u32> {
    origin.count();
    at.iter().map(|place| (place.clone(), place.0)).collect()
}

#[tokio::test]
async fn ids_of_any_text_and_of_several_parts_are_distinguished() {
    let (fast, origin) = (fresh(), Origin::default());
    let paths: Vec<String> = ["a:b", "a", "b", "*", "", "%", "%3A", "%_", " ", "ä"].map(String::from).into();
    let places = [(1, None), (1, Some(String::new())), (1, Some("None".into())), (11, None)];
    with_cache_sync(&fast, || {
        for _ in 0..2 {
            let found = by_path(&origin, &paths);
            assert!(paths.iter().all(|path| found[path] == path.len()));
            let found = by_place(&origin, &places);
            assert!(places.iter().all(|place| found[place] == place.0));
        }
        assert_eq!(origin.calls(), 2, "the second time all are there");
    });
    fast.cache().invalidate(reached("path:a")).await;
    with_cache_sync(&fast, || by_path(&origin, &paths[..1]));
    assert_eq!(origin.calls(), 2, "`a` is not `a:b`");
}
