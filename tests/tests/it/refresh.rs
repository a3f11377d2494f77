//! Values that are refreshed by hand: they have expired, whatever their ttl, and are not invalid.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use fastness::{Fastness, Reach, cache_put, cacheable, with_cache, with_cache_sync};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, yield_now};

use crate::origin::{Fault, MINUTE, Origin, SECOND, just_before};
use crate::{fresh, timed};
use fastness_tests::names::reached;

#[cacheable(ttl = 60, negative_ttl = 60, key = "guest:{id}", handle = guests_entry, skip(origin))]
async fn guest(origin: &Origin, id: u32) -> Option<u32> {
    let call = origin.count();
    (call > 1).then_some(id)
}

#[cacheable(ttl = 60, cache_err = |_| true, err_ttl = 60, key = "frail", handle = frail_entry, skip(origin))]
async fn frail(origin: &Origin) -> Result<u32, Fault> {
    origin.next()
}

#[tokio::test]
async fn a_stored_absence_and_a_stored_error_are_refreshed_too() {
    let (fast, guests, origin) = (fresh(), Origin::default(), Origin::default());
    with_cache(&fast, async {
        assert_eq!((guest(&guests, 7).await, guest(&guests, 7).await), (None, None));
        assert_eq!(guests_entry(&8).refresh().await, Reach::Announced);
        assert_eq!((guest(&guests, 7).await, guests.calls()), (None, 1), "another's refresh is none of its own");
        guests_entry(&7).refresh().await;
        assert_eq!((guest(&guests, 7).await, guests.calls()), (Some(7), 2));

        origin.set_down(true);
        assert_eq!((frail(&origin).await, frail(&origin).await), (Err(Fault::Down), Err(Fault::Down)));
        origin.set_down(false);
        assert_eq!(frail(&origin).await, Err(Fault::Down));
        frail_entry().refresh().await;
        assert_eq!(frail(&origin).await, Ok(2));
    })
    .await;
}

#[cacheable(ttl = 60, key = "sum:{n}", handle = sums_entry, skip(origin))]
fn sum(origin: &Origin, n: u32) -> u32 {
    n + origin.count()
}

#[tokio::test]
async fn plain_functions_are_refreshed_too() {
    let (fast, origin) = (fresh(), Origin::default());
    assert_eq!(with_cache_sync(&fast, || [sum(&origin, 10), sum(&origin, 10)]), [11, 11]);
    with_cache(&fast, sums_entry(&10).refresh()).await;
    assert_eq!(with_cache_sync(&fast, || [sum(&origin, 10), sum(&origin, 10)]), [12, 12]);
}

/// An origin that changes, and gives its first answer late.
#[derive(Default)]
struct Source {
    truth: AtomicU32,
    loads: AtomicU32,
    is_quick: AtomicBool,
    gate: Notify,
}

impl Source {
    async fn read(&self) -> u32 {
        let read = self.truth.load(SeqCst);
        self.loads.fetch_add(1, SeqCst);
        if !self.is_quick.swap(true, SeqCst) {
            self.gate.notified().await;
        }
        read
    }

    fn change(&self) -> u32 {
        self.truth.fetch_add(1, SeqCst) + 1
    }
}

#[cacheable(ttl = 60, jitter = 0, early = off, key = "rate", handle = rate_entry, skip(source))]
async fn rate(source: Arc<Source>) -> u32 {
    source.read().await
}

#[cacheable(ttl = 60, jitter = 0, early = off, stale = "1m", refresh = background, key = "price", handle = price_entry, skip(source))]
async fn price(source: Arc<Source>) -> u32 {
    source.read().await
}

async fn begun(
    fast: &Fastness,
    source: &Arc<Source>,
    call: impl Future<Output = u32> + Send + 'static,
) -> JoinHandle<u32> {
    let fast = fast.clone();
    let load = tokio::spawn(async move { with_cache(&fast, call).await });
    while source.loads.load(SeqCst) == 0 {
        yield_now().await;
    }
    load
}

#[tokio::test]
async fn a_value_that_a_load_under_way_has_read_is_not_fresh() {
    let ((fast, clock), source) = (timed(), Arc::<Source>::default());
    let load = begun(&fast, &source, rate(source.clone())).await;
    source.change();
    with_cache(&fast, rate_entry().refresh()).await;
    assert_eq!(with_cache(&fast, rate(source.clone())).await, 1, "no later caller waits for it");
    source.gate.notify_one();
    assert_eq!(load.await.unwrap(), 0, "an earlier caller gets the value that was read before");
    clock.advance(SECOND);
    assert_eq!(with_cache(&fast, rate(source.clone())).await, 1, "it replaces no newer value");
    assert_eq!(source.loads.load(SeqCst), 2);
}

/// The value of such a load is stored as expired: it is loaded again, or served as stale where the function says so.
#[tokio::test]
async fn the_value_of_a_load_under_way_is_stored_as_expired() {
    for is_stale in [false, true] {
        let (fast, source) = (fresh(), Arc::<Source>::default());
        let call = || {
            let source = source.clone();
            async move { if is_stale { price(source).await } else { rate(source).await } }
        };
        let load = begun(&fast, &source, call()).await;
        source.change();
        with_cache(&fast, async {
            if is_stale { price_entry().refresh().await } else { rate_entry().refresh().await }
        })
        .await;
        source.gate.notify_one();
        assert_eq!(load.await.unwrap(), 0);
        if is_stale {
            assert_eq!(with_cache(&fast, call()).await, 0, "while one refreshes");
        }
        while with_cache(&fast, call()).await == 0 {
            assert!(is_stale);
            yield_now().await;
        }
        assert_eq!((with_cache(&fast, call()).await, source.loads.load(SeqCst)), (1, 2));
    }
}

/// Orders of events. `b`: a load begins, `e`: it ends, `r`: a refresh, `i`: an invalidation. The origin changes before a refresh and before
/// an invalidation.
const ORDERS: [&str; 12] =
    ["brie", "brei", "bire", "bier", "beri", "beir", "rbie", "rbei", "ribe", "ibre", "iber", "irbe"];

#[tokio::test]
async fn a_refresh_an_invalidation_and_a_load_end_right_in_every_order() {
    for (order, is_stale) in ORDERS.into_iter().flat_map(|order| [(order, false), (order, true)]) {
        let (fast, source) = (fresh(), Arc::<Source>::default());
        let call = || {
            let source = source.clone();
            async move { if is_stale { price(source).await } else { rate(source).await } }
        };
        let (mut load, mut invalidated) = (None, 0);
        for event in order.bytes() {
            match event {
                b'b' => load = Some(begun(&fast, &source, call()).await),
                b'e' => {
                    source.gate.notify_one();
                    load.take().unwrap().await.unwrap();
                }
                b'r' => {
                    source.change();
                    fast.cache().refresh(reached(if is_stale { "price" } else { "rate" })).await;
                }
                _ => {
                    invalidated = source.change();
                    fast.cache().invalidate(reached(if is_stale { "price" } else { "rate" })).await;
                }
            }
        }
        let answer = with_cache(&fast, call()).await;
        assert!(answer >= invalidated, "{order}: {answer}, and everything before {invalidated} is invalid");
        assert!(is_stale || answer == 2, "{order}: {answer} is not fresh");
        while with_cache(&fast, call()).await != 2 {
            yield_now().await;
        }
    }
}

/// A refresh that runs in the background may have read the value before the change that another refresh announces.
#[tokio::test]
async fn a_refresh_under_way_does_not_answer_the_next_one() {
    let (fast, source) = (fresh(), Arc::<Source>::default());
    source.is_quick.store(true, SeqCst);
    with_cache(&fast, price(source.clone())).await;
    source.is_quick.store(false, SeqCst);
    source.change();
    with_cache(&fast, price_entry().refresh()).await;
    assert_eq!(with_cache(&fast, price(source.clone())).await, 0);
    while source.loads.load(SeqCst) < 2 {
        yield_now().await;
    }
    source.change();
    with_cache(&fast, price_entry().refresh()).await;
    assert_eq!(with_cache(&fast, price(source.clone())).await, 0, "one more load begins, beside the waiting one");
    while with_cache(&fast, price(source.clone())).await != 2 {
        yield_now().await;
    }
    source.gate.notify_one();
    for _ in 0..100 {
        yield_now().await;
        assert_eq!(with_cache(&fast, price(source.clone())).await, 2, "the earlier one replaces no newer value");
    }
    assert_eq!(source.loads.load(SeqCst), 3);
}

#[cacheable(ttl = 60, jitter = 0, early = off, stale_if_error = "1m", key = "quote", handle = quote_entry, skip(origin))]
async fn quote(origin: &Origin) -> Result<u32, Fault> {
    origin.next()
}

/// A refresh does not prolong the ttl of an error.
#[tokio::test]
async fn a_refreshed_value_replaces_an_error_with_stale_if_error() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        assert_eq!(quote(&origin).await, Ok(1));
        clock.advance(SECOND * 30);
        quote_entry().refresh().await;
        origin.set_down(true);
        assert_eq!((quote_entry().get().await, quote(&origin).await, origin.calls()), (None, Ok(1), 2));
        assert_eq!((quote(&origin).await, origin.calls()), (Ok(1), 2), "the origin is left alone for a while");
        clock.advance(just_before(SECOND * 90));
        assert_eq!((quote(&origin).await, origin.calls()), (Ok(1), 3));
        clock.advance(MINUTE);
        assert_eq!(quote(&origin).await, Err(Fault::Down));
    })
    .await;
    assert_eq!(fast.stats().total.stale_served, 3);
}

#[cacheable(ttl = 60, key = "draft:{id}", handle = drafts_entry, skip(origin))]
async fn draft(origin: &Origin, id: u32) -> u32 {
    id + origin.count()
}

#[cache_put(key = "draft:{id}", ttl = 60)]
async fn save(id: u32, is_refreshed: bool) -> u32 {
    if is_refreshed {
        drafts_entry(&id).refresh().await;
    }
    id
}

/// The value of such a body may be older than the reason for the refresh.
#[tokio::test]
async fn a_put_whose_key_is_refreshed_meanwhile_is_not_stored() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache(&fast, async {
        save(10, false).await;
        assert_eq!((draft(&origin, 10).await, origin.calls()), (10, 0));
        save(10, true).await;
        assert_eq!(draft(&origin, 10).await, 11);
    })
    .await;
}

#[cacheable(ttl = 60, key = "piece:{ids}", batch(ids), skip(origin, asked))]
async fn pieces(origin: &Origin, asked: &Mutex<Vec<u32>>, ids: &[u32]) -> HashMap<u32, u32> {
    asked.lock().unwrap().extend(ids);
    ids.iter().map(|id| (*id, origin.count())).collect()
}

#[tokio::test]
async fn keys_and_prefixes_are_refreshed_without_a_handle() {
    let (fast, origin, list) = (fresh(), Origin::default(), Mutex::default());
    let taken = || std::mem::take(&mut *list.lock().unwrap());
    with_cache(&fast, async {
        pieces(&origin, &list, &[1, 2, 3]).await;
        assert_eq!(taken(), [1, 2, 3]);
        assert_eq!(fast.cache().refresh(reached("piece:2")).await, Reach::Announced);
        pieces(&origin, &list, &[1, 2, 3]).await;
        assert_eq!(taken(), [2]);
        fast.cache().refresh(reached("piece:*")).await;
        pieces(&origin, &list, &[3, 1]).await;
        assert_eq!(taken(), [3, 1]);
    })
    .await;
}
