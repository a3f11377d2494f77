//! Functions that write, however they end, and the values that are served after them.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use fastness::{cache_invalidate, cache_put, cacheable, with_cache};
use fastness_tests::names::tagged;

use tokio::sync::Notify;

use crate::origin::{Fault, Origin};
use crate::{fresh, poll_once};

#[cacheable(ttl = 60, handle = squares_entry)]
async fn square(n: u32) -> u32 {
    n * n
}

#[cache_invalidate(squares_entry(n))]
async fn forget_square(n: u32) {}

#[tokio::test]
async fn a_handle_reaches_one_functions_entries() {
    let fast = fresh();
    with_cache(&fast, async {
        assert_eq!(squares_entry(&3).get().await, None);
        assert_eq!((square(3).await, squares_entry(&3).get().await), (9, Some(9)));
        squares_entry(&3).put(10).await;
        assert_eq!(square(3).await, 10);
        forget_square(3).await;
        assert_eq!((squares_entry(&3).get().await, square(3).await), (None, 9));
        squares_entry(&3).invalidate().await;
        assert_eq!(squares_entry(&3).get().await, None);
        squares_entry(&3).put(10).await;
        squares_entry(&3).refresh().await;
        assert_eq!(square(3).await, 9);
        assert!(
            squares_entry(&3).key().as_str().starts_with("square:it.writes.square:3"),
            "{}",
            squares_entry(&3).key()
        );
    })
    .await;
}

#[cacheable(ttl = 60, key = "doc:{id}", skip(origin))]
async fn doc(origin: &Origin, id: u32) -> Result<u32, Fault> {
    let _ = id;
    origin.next()
}

#[cache_put(key = "doc:{id}", ttl = 60)]
async fn save(id: u32, outcome: Result<u32, Fault>, hang: bool) -> Result<u32, Fault> {
    let _ = id;
    if hang {
        pending::<()>().await;
    }
    outcome
}

#[cache_invalidate("doc:{id}", when = ok)]
async fn edit(id: u32, outcome: Result<(), Fault>) -> Result<(), Fault> {
    let _ = id;
    assert_ne!(outcome, Err(Fault::Timeout), "panics in the middle");
    outcome
}

#[cache_invalidate("doc:{id}", when = always, before)]
async fn edit_always(id: u32, outcome: Result<(), Fault>) -> Result<(), Fault> {
    let _ = id;
    outcome
}

#[tokio::test]
async fn writes_leave_nothing_stale_however_they_end() {
    let (fast, origin) = (fresh(), Origin::default());
    let read = || doc(&origin, 1);
    with_cache(&fast, async {
        assert_eq!(read().await, Ok(1));
        save(1, Ok(50), false).await.unwrap();
        assert_eq!(read().await, Ok(50), "a put is seen by the next read");
        save(1, Err(Fault::Down), false).await.unwrap_err();
        assert_eq!(read().await, Ok(2), "a failed put may have written");
        let cancelled = tokio::time::timeout(Duration::ZERO, save(1, Ok(60), true)).await;
        assert!(cancelled.is_err());
        assert_eq!(read().await, Ok(3), "a cancelled put may have written too");
        edit(1, Err(Fault::Down)).await.unwrap_err();
        assert_eq!(read().await, Ok(3), "`when = ok`");
        edit(1, Ok(())).await.unwrap();
        assert_eq!(read().await, Ok(4));
        edit_always(1, Err(Fault::Down)).await.unwrap_err();
        assert_eq!(read().await, Ok(5), "`when = always`");
    })
    .await;
    let inside = fast.clone();
    let panicked = tokio::spawn(async move { with_cache(&inside, edit(1, Err(Fault::Timeout))).await }).await;
    assert!(panicked.unwrap_err().is_panic());
    assert_eq!(with_cache(&fast, read()).await, Ok(6), "a panic may come after the write");
}

#[cache_put(key = "doc:{id}", ttl = 60, condition = id != 7, unless = |n| *n == 13)]
fn save_some(id: u32, value: u32) -> u32 {
    value
}

#[tokio::test]
async fn a_put_that_is_not_stored_still_removes_the_old_value() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        doc(&origin, 1).await.unwrap();
        save_some(1, 13);
        assert_eq!(doc(&origin, 1).await, Ok(2), "`unless`");
        save_some(1, 14);
        assert_eq!(doc(&origin, 1).await, Ok(14));
        doc(&origin, 7).await.unwrap();
        save_some(7, 14);
        assert_eq!(doc(&origin, 7).await, Ok(4), "`condition` is about storing: the body has written all the same");
    })
    .await;
}

#[cacheable(ttl = 60, negative_ttl = 60, key = "note:{id}", skip(origin))]
async fn note(origin: &Origin, id: u32) -> Option<u32> {
    Some(origin.count() + id)
}

#[cache_put(ttl = 60, negative_ttl = 60, key = "note:{id}")]
async fn write_note(id: u32, text: Option<u32>) -> Option<u32> {
    text
}

#[cache_put(ttl = 60, key = "note:{id}")]
async fn write_note_plainly(id: u32, text: Option<u32>) -> Option<u32> {
    text
}

#[tokio::test]
async fn a_put_of_an_absence_removes_the_old_value() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        write_note(1, Some(40)).await;
        assert_eq!((note(&origin, 1).await, origin.calls()), (Some(40), 0));
        write_note_plainly(1, None).await;
        assert_eq!(note(&origin, 1).await, Some(2));
    })
    .await;
}

#[tokio::test]
async fn a_put_absence_is_stored_for_negative_ttl() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        write_note(1, None).await;
        assert_eq!((note(&origin, 1).await, origin.calls()), (None, 0));
    })
    .await;
}

#[cacheable(ttl = 60, key = "slow:{id}", tags = ["team:{team}"], skip(origin, gate, team))]
async fn slow(origin: &Origin, gate: &Notify, id: u32, team: &str) -> u32 {
    let n = origin.count() + id - 1;
    gate.notified().await;
    n
}

#[cache_put(key = "slow:{id}", ttl = 60, tags = ["team:{team}"])]
async fn put_slowly(gate: &Notify, id: u32, value: u32, team: String) -> u32 {
    gate.notified().await;
    drop(team);
    value
}

#[cache_invalidate("slow:{id}", "doc:*", "note:{id}", tags = ["team:{team}"], before)]
async fn rename(gate: &Notify, id: u32, team: &str) {
    gate.notified().await;
}

/// A gate that lets one call pass.
fn open() -> Notify {
    let gate = Notify::new();
    gate.notify_one();
    gate
}

#[tokio::test]
async fn the_values_of_overlapping_writes_are_not_stored() {
    let (fast, origin, gate) = (fresh(), Origin::default(), Notify::new());
    with_cache(&fast, async {
        let mut first = pin!(put_slowly(&gate, 1, 100, "a".into()));
        assert!(poll_once(first.as_mut()).await.is_none());
        assert_eq!(put_slowly(&open(), 1, 200, "a".into()).await, 200);
        assert_eq!(slow(&origin, &open(), 1, "a").await, 200);
        gate.notify_one();
        assert_eq!(first.await, 100);
        assert_eq!(slow(&origin, &open(), 1, "a").await, 1, "loaded: it is unknown which write was the last");
    })
    .await;
}

#[tokio::test]
async fn a_load_that_a_write_overtakes_does_not_replace_its_value() {
    let (fast, origin, gate) = (fresh(), Origin::default(), Notify::new());
    with_cache(&fast, async {
        let mut load = pin!(slow(&origin, &gate, 1, "a"));
        assert!(poll_once(load.as_mut()).await.is_none());
        put_slowly(&open(), 1, 100, "a".into()).await;
        gate.notify_one();
        assert_eq!(load.await, 1);
        assert_eq!((slow(&origin, &open(), 1, "a").await, origin.calls()), (100, 1));
    })
    .await;
    assert_eq!(fast.stats().total.overtaken, 1);
}

#[tokio::test]
async fn every_target_of_one_write_is_reached_before_and_after() {
    let (fast, origin, gate) = (fresh(), Origin::default(), Notify::new());
    let read_all = async || {
        slow(&origin, &open(), 1, "x").await;
        slow(&origin, &open(), 2, "a").await;
        doc(&origin, 5).await.unwrap();
        note(&origin, 1).await;
        slow(&origin, &open(), 3, "b").await;
        origin.calls()
    };
    with_cache(&fast, async {
        assert_eq!((read_all().await, read_all().await), (5, 5));
        let mut write = pin!(rename(&gate, 1, "a"));
        assert!(poll_once(write.as_mut()).await.is_none());
        assert_eq!((read_all().await, read_all().await), (9, 9), "all but the last");
        gate.notify_one();
        write.await;
        assert_eq!((read_all().await, read_all().await), (13, 13));
        drop(rename(&gate, 1, "a"));
        assert_eq!(read_all().await, 13, "a future that was never polled has done nothing");
    })
    .await;
}

#[cacheable(ttl = 60, key = "page:{shop.id}:{page}", tags = ["shop:{shop.id}"], handle = pages_entry, skip(origin))]
fn page(origin: &Origin, shop: &Shop, page: Option<u32>) -> Result<Option<u32>, Fault> {
    let n = origin.next()?;
    Ok(page.map(|page| n + page))
}

struct Shop {
    id: String,
}

#[cache_invalidate(pages_entry(shop, Some(2)), pages_entry(&Shop { id: "other".into() }, page), when = always)]
fn change_pages(shop: &Shop, page: Option<u32>) -> Result<(), Fault> {
    let _ = (shop, page);
    Err(Fault::Down)
}

#[tokio::test]
async fn a_handle_of_several_arguments_behaves_like_its_function() {
    let (fast, origin) = (fresh(), Origin::default());
    let [shop, other] = ["a:b", "other"].map(|id| Shop { id: id.into() });
    with_cache(&fast, async {
        assert_eq!(pages_entry(&shop, &Some(2)).key().as_str(), "page:a%3Ab:2");
        assert_ne!(pages_entry(&shop, &None).key(), pages_entry(&shop, &Some(0)).key());
        pages_entry(&shop, &Some(2)).put(Ok(Some(50))).await;
        pages_entry(&other, &Some(9)).put(Ok(Some(60))).await;
        pages_entry(&shop, &None).put(Ok(None)).await;
        pages_entry(&shop, &Some(3)).put(Err(Fault::Down)).await;
        assert_eq!((page(&origin, &shop, Some(2)), page(&origin, &other, Some(9))), (Ok(Some(50)), Ok(Some(60))));
        assert_eq!((pages_entry(&shop, &None).get().await, pages_entry(&shop, &Some(3)).get().await), (None, None));
        change_pages(&shop, Some(9)).unwrap_err();
        assert_eq!((pages_entry(&shop, &Some(2)).get().await, pages_entry(&other, &Some(9)).get().await), (None, None));
        pages_entry(&shop, &Some(2)).put(Ok(Some(50))).await;
        fast.cache().invalidate(tagged("shop:a%3Ab")).await;
        assert_eq!(pages_entry(&shop, &Some(2)).get().await, None, "a value that a handle puts has its tags");
    })
    .await;
    assert_eq!(origin.calls(), 0);
}

#[cacheable(ttl = 60, key = "fragile", handle = fragile_entry, skip(origin))]
async fn fragile(origin: &Origin) -> Result<u32, Fault> {
    origin.next()
}

/// The value was expired by a refresh, and the function has no `stale_if_error`.
#[tokio::test]
async fn a_refreshed_entry_is_loaded_by_the_next_call_which_may_fail() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        assert_eq!(fragile(&origin).await, Ok(1));
        fragile_entry().refresh().await;
        assert_eq!((fragile_entry().get().await, fragile(&origin).await, fragile(&origin).await), (None, Ok(2), Ok(2)));
        fragile_entry().refresh().await;
        origin.set_down(true);
        assert_eq!(fragile(&origin).await, Err(Fault::Down));
    })
    .await;
}
