//! `batch(ids)`: the body runs for the missing elements, and each value is an entry of its own.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Waker};

use fastness::{cache_invalidate, cacheable, with_cache, with_cache_sync};

use crate::origin::{Fault, MINUTE, Origin, SECOND};
use crate::{fresh, poll_once, timed};

/// The ids that the bodies were called with.
#[derive(Default)]
struct Asked(Mutex<Vec<u32>>);

impl Asked {
    fn add(&self, ids: &[u32]) {
        self.0.lock().unwrap().extend(ids);
    }

    fn take(&self) -> Vec<u32> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[cacheable(ttl = 60, key = "item:{id}", negative_ttl = 60, skip(origin))]
async fn item(origin: &Origin, id: u32) -> Result<Option<u32>, Fault> {
    origin.next().map(|_| (id != 9).then_some(id * 10))
}

#[cacheable(ttl = 60, jitter = 0, key = "item:{ids}", negative_ttl = 10, batch(ids), tags = ["odd:{ids}"], skip(asked))]
async fn items(asked: &Asked, ids: &[u32]) -> Result<HashMap<u32, u32>, Fault> {
    asked.add(ids);
    if ids.contains(&666) {
        return Err(Fault::Down);
    }
    Ok(ids.iter().filter(|id| **id != 9).map(|id| (*id, id * 10)).collect())
}

#[cacheable(ttl = 60, key = "broken:{ids}", batch(ids))]
async fn broken(ids: &[u32]) -> HashMap<u32, u32> {
    assert!(!ids.contains(&13), "the body of a batch panics");
    std::future::pending().await
}

#[cacheable(ttl = 60, key = "broken_sync:{ids}", batch(ids))]
fn broken_sync(ids: &[u32]) -> HashMap<u32, u32> {
    panic!("the body of a batch of {} panics", ids.len())
}

#[cache_invalidate("item:{id}")]
async fn change(id: u32) {}

#[cache_invalidate(tags = ["odd:{id}"])]
async fn change_by_tag(id: u32) {}

#[tokio::test]
async fn a_load_that_is_dropped_or_panics_is_counted_as_abandoned() {
    let fast = fresh();
    let abandoned = || (fast.stats().total.loads, fast.stats().total.loads_abandoned);
    with_cache(&fast, async {
        assert!(poll_once(pin!(broken(&[1, 2]))).await.is_none());
        assert_eq!(abandoned(), (0, 1), "dropped where it waits");
        let mut panics = pin!(broken(&[13]));
        let poll = || panics.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(catch_unwind(AssertUnwindSafe(poll)).is_err());
        assert_eq!(abandoned(), (0, 2), "panicked");
    })
    .await;
    with_cache_sync(&fast, || assert!(catch_unwind(|| broken_sync(&[1])).is_err()));
    assert_eq!(abandoned(), (0, 3), "panicked in a sync function");
}

#[tokio::test]
async fn only_missing_elements_are_loaded() {
    let ((fast, clock), asked) = (timed(), Asked::default());
    with_cache(&fast, async {
        let all = HashMap::from([(1, 10), (2, 20), (3, 30)]);
        assert_eq!(items(&asked, &[2]).await.unwrap().len(), 1);
        assert_eq!(asked.take(), [2]);
        assert_eq!(items(&asked, &[1, 2, 3, 1, 9]).await.unwrap(), all);
        assert_eq!(asked.take(), [1, 3, 9], "in order, once each, without the cached ones");
        assert_eq!(items(&asked, &[9, 3, 2, 1]).await.unwrap(), all);
        assert_eq!(items(&asked, &[]).await.unwrap().len(), 0);
        assert!(asked.take().is_empty(), "absences are remembered too");
        clock.advance(SECOND * 10);
        assert_eq!(items(&asked, &[9, 3, 2, 1]).await.unwrap(), all);
        assert_eq!(asked.take(), [9], "for `negative_ttl`");
        clock.advance(MINUTE);
        assert_eq!(items(&asked, &[3]).await.unwrap().len(), 1);
        assert_eq!(asked.take(), [3]);
    })
    .await;
}

#[tokio::test]
async fn an_error_stores_nothing_and_removes_nothing() {
    let (fast, asked) = (fresh(), Asked::default());
    with_cache(&fast, async {
        items(&asked, &[1]).await.unwrap();
        assert_eq!(items(&asked, &[1, 2, 666]).await, Err(Fault::Down));
        assert_eq!(items(&asked, &[2, 666]).await, Err(Fault::Down));
        assert_eq!(items(&asked, &[1]).await.unwrap().len(), 1);
        assert_eq!(asked.take(), [1, 2, 666, 2, 666]);
    })
    .await;
}

#[tokio::test]
async fn elements_are_invalidated_one_by_one() {
    let (fast, asked) = (fresh(), Asked::default());
    with_cache(&fast, async {
        items(&asked, &[1, 2, 3, 9]).await.unwrap();
        change(2).await;
        change_by_tag(3).await;
        change(9).await;
        items(&asked, &[1, 2, 3, 9]).await.unwrap();
        assert_eq!(asked.take(), [1, 2, 3, 9, 2, 3, 9]);
    })
    .await;
}

#[tokio::test]
async fn the_function_of_one_element_shares_its_values() {
    let (fast, origin, asked) = (fresh(), Origin::default(), Asked::default());
    with_cache(&fast, async {
        item(&origin, 2).await.unwrap();
        items(&asked, &[1, 2]).await.unwrap();
        assert_eq!(asked.take(), [1], "the batch finds what the scalar loaded");
        assert_eq!(item(&origin, 1).await, Ok(Some(10)));
        assert_eq!(origin.calls(), 1, "the scalar finds what the batch loaded");
    })
    .await;
}

#[tokio::test]
async fn the_function_of_one_element_shares_its_absences() {
    let (fast, origin, asked) = (fresh(), Origin::default(), Asked::default());
    with_cache(&fast, async {
        items(&asked, &[9]).await.unwrap();
        assert_eq!((item(&origin, 9).await, origin.calls()), (Ok(None), 0), "the scalar knows it from the batch");
        change(9).await;
        item(&origin, 9).await.unwrap();
        asked.take();
        items(&asked, &[9]).await.unwrap();
        assert!(asked.take().is_empty(), "the batch knows it from the scalar");
    })
    .await;
}

struct Shelf(Asked);

impl Shelf {
    /// An owned list, an ordered map, text ids, another parameter, no error.
    #[cacheable(ttl = 60, key = "book:{lang}:{titles}", batch(titles), unless = |pages| *pages == 1, skip(self))]
    async fn books(&self, lang: &str, titles: Vec<String>) -> BTreeMap<String, u32> {
        let lengths: Vec<_> = titles.iter().map(|title| u32::try_from(title.len()).unwrap()).collect();
        self.0.add(&lengths);
        titles.into_iter().zip(lengths.into_iter().map(|length| length * u32::from(lang != "xx"))).collect()
    }

    #[cacheable(ttl = 60, batch(ids), skip(self))]
    fn at_once(&self, ids: &[u32]) -> HashMap<u32, u32> {
        self.0.add(ids);
        ids.iter().map(|id| (*id, *id)).collect()
    }

    #[cacheable(ttl = 60, batch(ids), skip(self))]
    async fn too_much(&self, ids: &[u32]) -> HashMap<u32, u32> {
        self.0.add(ids);
        (0..100).map(|id| (id, id)).collect()
    }
}

#[tokio::test]
async fn batches_take_lists_maps_and_ids_of_other_types() {
    let (fast, shelf) = (fresh(), Shelf(Asked::default()));
    let titles = |titles: &[&str]| titles.iter().map(|&title| title.to_owned()).collect::<Vec<_>>();
    with_cache(&fast, async {
        let found = shelf.books("en", titles(&["four", "a", "", "four"])).await;
        assert_eq!(found, BTreeMap::from([("four".into(), 4), ("a".into(), 1), (String::new(), 0)]));
        shelf.books("en", titles(&["four", "a", ""])).await;
        assert_eq!(shelf.0.take(), [4, 1, 0, 1], "`unless` holds for each element");
        assert_eq!(shelf.books("xx", titles(&["four"])).await, BTreeMap::from([("four".into(), 0)]));
        assert_eq!(shelf.0.take(), [4], "another parameter, another key");
        assert_eq!(shelf.too_much(&[1, 2]).await.len(), 100, "the body's answer is its own");
        assert_eq!(shelf.too_much(&[1, 2]).await.len(), 2);
        shelf.too_much(&[3]).await;
        assert_eq!(shelf.0.take(), [1, 2, 3], "values that were not asked for are not stored");
    })
    .await;
    with_cache_sync(&fast, || {
        shelf.at_once(&[1, 2]);
        assert_eq!((shelf.at_once(&[2, 3]).len(), shelf.0.take()), (2, vec![1, 2, 3]));
    });
}
