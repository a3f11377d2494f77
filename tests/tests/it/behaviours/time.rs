//! Lifetimes of values, and values that are not stored at all.

use std::pin::pin;

use fastness::{cacheable, with_cache, with_cache_sync};
use tokio::sync::Notify;

use crate::origin::{Fault, MINUTE, Origin, SECOND, TICK, just_before};
use crate::{fresh, poll_once, timed};
use fastness_tests::names::named;

#[cacheable(ttl = MINUTE * minutes, jitter = 0, early = off, key = "lease:{minutes}", skip(origin))]
fn lease(origin: &Origin, minutes: u32) -> u32 {
    origin.count()
}

#[tokio::test]
async fn a_ttl_may_depend_on_the_arguments() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache_sync(&fast, || {
        let both = || (lease(&origin, 1), lease(&origin, 3));
        assert_eq!(both(), (1, 2));
        for (later, expected) in
            [(just_before(MINUTE), (1, 2)), (TICK, (3, 2)), (just_before(MINUTE * 2), (4, 2)), (TICK, (4, 5))]
        {
            clock.advance(later);
            assert_eq!(both(), expected);
        }
    });
}

#[cacheable(ttl = 60, jitter = 0, early = off, key = "memo:{id}", handle = memos_entry, skip(origin))]
async fn memo(origin: &Origin, id: u32) -> u32 {
    origin.count() + id - 1
}

#[tokio::test]
async fn an_update_begins_a_new_ttl() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    let cache = fast.cache();
    with_cache(&fast, async {
        memo(&origin, 1).await;
        cache.set(&named("n:1"), 1_u32, MINUTE).await;
        clock.advance(SECOND * 50);
        memos_entry(&1).put(70).await;
        cache.set(&named("n:1"), 2_u32, MINUTE).await;
        clock.advance(SECOND * 50);
        assert_eq!((memo(&origin, 1).await, cache.get::<u32>(&named("n:1")).await), (70, Some(2)));
        clock.advance(SECOND * 10);
        assert_eq!((memo(&origin, 1).await, cache.get::<u32>(&named("n:1")).await), (2, None));
    })
    .await;
}

#[cacheable(ttl = 60, unless = |n| *n == 1, key = "not_the_first", skip(origin, gate))]
async fn all_but_the_first(origin: &Origin, gate: &Notify) -> u32 {
    let n = origin.count();
    gate.notified().await;
    n
}

#[tokio::test]
async fn a_value_that_is_not_stored_reaches_all_waiters() {
    let (fast, origin, gate) = (fresh(), Origin::default(), Notify::new());
    with_cache(&fast, async {
        let (mut first, mut second) =
            (pin!(all_but_the_first(&origin, &gate)), pin!(all_but_the_first(&origin, &gate)));
        assert!(poll_once(first.as_mut()).await.is_none() && poll_once(second.as_mut()).await.is_none());
        gate.notify_one();
        assert_eq!((first.await, second.await, origin.calls()), (1, 1, 1));
        gate.notify_one();
        assert_eq!(all_but_the_first(&origin, &gate).await, 2, "it was not stored");
        assert_eq!((all_but_the_first(&origin, &gate).await, origin.calls()), (2, 2));
    })
    .await;
}

#[cacheable(ttl = 60, condition = cached, key = "perhaps:{id}", skip(origin, cached))]
fn perhaps(origin: &Origin, id: u32, cached: bool) -> u32 {
    origin.count() + id - 1
}

#[tokio::test]
async fn a_call_that_bypasses_the_cache_neither_reads_nor_stores() {
    let (fast, origin) = (fresh(), Origin::default());
    with_cache_sync(&fast, || {
        assert_eq!((perhaps(&origin, 1, true), perhaps(&origin, 1, false)), (1, 2), "the call does not read");
        assert_eq!(perhaps(&origin, 1, true), 1, "it does not replace either");
        assert_eq!((perhaps(&origin, 2, false), perhaps(&origin, 2, true)), (4, 5), "it does not store either");
    });
}

#[cacheable(ttl = 60, cache_err = |_| true, err_ttl = 60, key = "either:{id}", skip(origin))]
async fn fails_in_one_way(origin: &Origin, id: u32) -> Result<u32, Fault> {
    origin.next().map(|n| n + id)
}

#[cacheable(ttl = 60, cache_err = |_| true, err_ttl = 60, key = "either:{id}", skip(origin))]
async fn fails_in_another(origin: &Origin, id: u32) -> Result<u32, String> {
    origin.next().map(|n| n + id).map_err(|_| "down".to_owned())
}

#[tokio::test]
async fn an_error_of_one_type_is_not_served_to_a_function_of_another() {
    let (fast, origin) = (fresh(), Origin::default());
    origin.set_down(true);
    with_cache(&fast, async {
        assert_eq!(fails_in_one_way(&origin, 1).await, Err(Fault::Down));
        assert_eq!(fails_in_another(&origin, 1).await, Err("down".to_owned()));
        assert_eq!(origin.calls(), 2, "each call asked for itself");
        assert_eq!((fails_in_another(&origin, 1).await, origin.calls()), (Err("down".to_owned()), 2));
    })
    .await;
}

#[cacheable(ttl = 60, jitter = 0, early = off, stale_if_error = "1m", cache_err = |_| true, err_ttl = 10, key = "both", skip(origin))]
async fn excused_then_kept(origin: &Origin) -> Result<u32, Fault> {
    origin.next()
}

#[tokio::test]
async fn an_error_is_stored_only_if_no_stale_value_replaces_it() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        excused_then_kept(&origin).await.unwrap();
        origin.set_down(true);
        clock.advance(MINUTE);
        assert_eq!((excused_then_kept(&origin).await, origin.calls()), (Ok(1), 2));
        clock.advance(MINUTE);
        let asked = origin.calls() + 1;
        for _ in 0..3 {
            assert_eq!((excused_then_kept(&origin).await, origin.calls()), (Err(Fault::Down), asked));
        }
        origin.set_down(false);
        clock.advance(SECOND * 10);
        assert_eq!(excused_then_kept(&origin).await, Ok(asked + 1));
    })
    .await;
}
