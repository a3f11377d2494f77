//! The origin of answers: their source, their age, and the time for which they are fresh.

use std::collections::HashMap;
use std::panic::catch_unwind;
use std::time::Duration;

use fastness::http::{Visibility, provenance_headers};
use fastness::stats::{AnswerSource, CachedAnswer, Provenance, observe, provenance, provenance_sync};
use fastness::{Clock, Fastness, Key, bypass, cache_put, cacheable, reload, with_cache, with_cache_sync};
use tokio::sync::Notify;

use crate::origin::{MINUTE, SECOND};

#[cacheable(ttl = 60, jitter = 0.0, negative_ttl = 30, key = "origin:{id}")]
async fn row(id: u64) -> Option<u64> {
    (id > 0).then_some(id)
}

#[cacheable(ttl = 60, jitter = 0.0, key = "origin-sync:{id}")]
fn row_sync(id: u64) -> u64 {
    id
}

#[cacheable(ttl = 60, jitter = 0.0, negative_ttl = 30, key = "origin:{ids}", batch(ids))]
async fn rows(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, *id)).collect()
}

#[cacheable(ttl = 120, jitter = 0.0, key = "page:{id}")]
async fn page(id: u64) -> Option<u64> {
    row(id).await
}

#[cacheable(ttl = forever, key = "forever:{id}")]
async fn forever(id: u64) -> u64 {
    id
}

#[cacheable(ttl = 60, jitter = 0.0, stale = 600, key = "stale:{id}", skip(fails))]
async fn stale(id: u64, fails: bool) -> Result<u64, String> {
    if fails { Err("down".to_owned()) } else { Ok(id) }
}

#[cacheable(ttl = 60, jitter = 0.0, key = "gated:{id}", skip(gate))]
async fn gated(id: u64, gate: &Notify) -> u64 {
    gate.notified().await;
    id
}

#[cacheable(ttl = 60, jitter = 0.0, stale_if_error = 600, key = "kept:{id}", skip(gate))]
async fn kept(id: u64, gate: &Notify) -> Result<u64, String> {
    gate.notified().await;
    Ok(id)
}

#[cacheable(ttl = 60, jitter = 0.0, stale_if_error = 600, key = "panics:{id}", skip(panics))]
fn panics(id: u64, panics: bool) -> Result<u64, String> {
    assert!(!panics, "on purpose");
    Ok(id)
}

#[cacheable(ttl = 60, unless = |row: &u64| *row == 0, key = "unstored:{id}")]
async fn unstored(id: u64) -> u64 {
    id
}

#[cache_put(key = "origin:{id}", ttl = 60)]
async fn put(id: u64) -> u64 {
    id
}

/// A cache on a clock of its own.
fn fresh() -> (Fastness, Clock) {
    let clock = Clock::manual();
    (Fastness::builder().clock(clock.clone()).build().unwrap(), clock)
}

fn figures(answer: &CachedAnswer) -> (AnswerSource, u64, Option<u64>, bool) {
    (answer.source, answer.age.as_secs(), answer.ttl_left.map(|left| left.as_secs()), answer.is_stale)
}

fn all(provenance: &Provenance) -> Vec<(AnswerSource, u64, Option<u64>, bool)> {
    provenance.answers().iter().map(figures).collect()
}

#[tokio::test]
async fn an_answer_says_its_source_its_age_and_its_time_left() {
    use AnswerSource::{Load, Local};
    let (fast, clock) = fresh();
    let calls = async {
        assert_eq!(all(&provenance(row(7)).await.1), [(Load, 0, Some(60), false)]);
        clock.advance(SECOND * 20);
        let (value, hit) = provenance(row(7)).await;
        assert_eq!((value, all(&hit)), (Some(7), vec![(Local, 20, Some(40), false)]));
        assert!(hit.answers()[0].function.ends_with("provenance.row") && hit.is_hit());
        assert_eq!(all(&provenance(row(0)).await.1), [(Load, 0, Some(30), false)], "an absence");
        clock.advance(SECOND * 5);
        assert_eq!(all(&provenance(row(0)).await.1), [(Local, 5, Some(25), false)], "a stored absence");
        assert_eq!(all(&provenance(forever(7)).await.1), [(Load, 0, None, false)]);
        assert_eq!(all(&provenance(forever(7)).await.1), [(Local, 0, None, false)]);
        assert_eq!(all(&provenance(unstored(0)).await.1), [(Load, 0, Some(0), false)]);
    };
    with_cache(&fast, calls).await;
}

#[test]
fn a_sync_answer_says_the_same() {
    let (fast, clock) = fresh();
    let call = || with_cache_sync(&fast, || provenance_sync(|| row_sync(7)).1);
    assert_eq!(all(&call()), [(AnswerSource::Load, 0, Some(60), false)]);
    clock.advance(SECOND * 59);
    assert_eq!(all(&call()), [(AnswerSource::Local, 59, Some(1), false)]);
}

#[tokio::test]
async fn an_answer_that_is_made_of_others_has_their_times() {
    use AnswerSource::{Load, Local};
    let (fast, clock) = fresh();
    let calls = async {
        row(7).await;
        clock.advance(SECOND * 50);
        let (_, made) = provenance(page(7)).await;
        assert_eq!(all(&made), [(Local, 50, Some(10), false), (Load, 0, Some(120), false)]);
        assert_eq!((made.age(), made.ttl_left(), made.is_hit()), (Some(SECOND * 50), Some(SECOND * 10), false));
    };
    with_cache(&fast, calls).await;
}

#[tokio::test]
async fn stale_answers_say_so() {
    use AnswerSource::{Load, Local};
    let (fast, clock) = fresh();
    let calls = async {
        stale(7, false).await.unwrap();
        clock.advance(MINUTE * 2);
        let (value, fallback) = provenance(stale(7, true)).await;
        assert_eq!((value, all(&fallback)), (Ok(7), vec![(Load, 120, Some(0), true)]), "in place of its own error");
        let (_, served) = provenance(stale(7, true)).await;
        assert_eq!(all(&served), [(Local, 120, Some(0), true)], "while the next load is delayed");
        assert!(served.is_stale() && served.is_hit());
    };
    with_cache(&fast, calls).await;
}

#[tokio::test]
async fn a_call_that_waits_bypasses_or_reloads_says_so() {
    use AnswerSource::{Bypass, Joined, Load};
    let (fast, gate) = (fresh().0, Notify::new());
    let calls = async {
        let open = async { gate.notify_one() };
        let ((_, first), (_, second), ()) =
            tokio::join!(provenance(gated(7, &gate)), provenance(gated(7, &gate)), open);
        assert_eq!([all(&first), all(&second)], [[(Load, 0, Some(60), false)], [(Joined, 0, Some(60), false)]]);
        assert_eq!(all(&provenance(bypass(row(7))).await.1), [(Bypass, 0, Some(0), false)]);
        row(7).await;
        assert_eq!(all(&provenance(reload(row(7))).await.1), [(Load, 0, Some(60), false)]);
        let dropped = provenance(gated(8, &gate));
        assert!(tokio::time::timeout(Duration::ZERO, dropped).await.is_err());
        assert!(provenance(put(7)).await.1.is_empty(), "a write is no answer");
    };
    with_cache(&fast, calls).await;
}

#[tokio::test]
async fn each_element_of_a_batch_has_an_answer() {
    use AnswerSource::{Load, Local};
    let (fast, clock) = fresh();
    let calls = async {
        row(1).await;
        row(0).await;
        clock.advance(SECOND * 10);
        let (found, origin) = provenance(rows(&[0, 1, 2])).await;
        assert_eq!(found.len(), 2);
        let absence = (Local, 10, Some(20), false);
        assert_eq!(all(&origin), [absence, (Local, 10, Some(50), false), (Load, 0, Some(60), false)]);
        let ids: Vec<_> = (10..1_010).collect();
        let (_, many) = provenance(rows(&ids)).await;
        assert_eq!((many.len(), many.answers().len(), many.left_out()), (1_000, 100, 900));
    };
    with_cache(&fast, calls).await;
}

#[tokio::test]
async fn an_element_is_recorded_once_where_a_direct_value_is_newer_than_its_absence() {
    use AnswerSource::Local;
    let (fast, clock) = fresh();
    let (first, second) = (Key::from_static("origin:0"), Key::from_static("origin:3"));
    let calls = async {
        assert_eq!((row(0).await, row(4).await), (None, Some(4)));
        clock.advance(SECOND * 10);
        fast.cache().set(&second, 3_u64, MINUTE).await;
        let absence = provenance(rows(&[0])).await.1;
        assert_eq!(all(&absence), [(Local, 10, Some(20), false)]);
        fast.cache().set(&first, 5_u64, MINUTE).await;
        let (found, origin) = provenance(rows(&[0, 4])).await;
        assert_eq!((found[&0], origin.len()), (5, 2), "{origin:?}");
    };
    with_cache(&fast, calls).await;
}

#[tokio::test]
async fn a_load_that_is_cancelled_or_panics_is_no_answer() {
    let ((fast, clock), gate) = (fresh(), Notify::new());
    let calls = async {
        gate.notify_one();
        kept(7, &gate).await.unwrap();
        panics(7, false).unwrap();
        clock.advance(MINUTE * 2);
        let (ended, cancelled) = provenance(tokio::time::timeout(Duration::ZERO, kept(7, &gate))).await;
        assert!(ended.is_err() && cancelled.is_empty(), "{cancelled:?}");
        let (ended, panicked) = provenance_sync(|| catch_unwind(|| panics(7, true)));
        assert!(ended.is_err() && panicked.is_empty(), "{panicked:?}");
        gate.notify_one();
        let loaded = provenance(kept(7, &gate)).await.1;
        assert_eq!(all(&loaded), [(AnswerSource::Load, 0, Some(60), false)]);
    };
    with_cache(&fast, calls).await;
}

#[tokio::test]
async fn direct_calls_have_answers_too() {
    let (fast, clock) = fresh();
    let (cache, key) = (fast.cache(), Key::from_static("direct:1"));
    cache.set(&key, 7_u64, MINUTE).await;
    clock.advance(SECOND * 10);
    let (value, hit) = provenance(cache.get::<u64>(&key)).await;
    let answer = &hit.answers()[0];
    assert_eq!((value, answer.source, answer.age), (Some(7), AnswerSource::Local, SECOND * 10));
    let left = answer.ttl_left.unwrap();
    assert!(left <= SECOND * 50 && left >= SECOND * 44, "a tenth of the ttl may be jitter: {left:?}");
    assert!(provenance(cache.get::<u64>(&Key::from_static("direct:2"))).await.1.is_empty(), "nothing was found");
}

#[tokio::test]
async fn hits_outside_are_counted_as_before_and_inside_too() {
    let (fast, _) = fresh();
    let calls = async {
        row(7).await;
        let (((_, inner), _), outer) = observe(provenance(provenance(row(7)))).await;
        assert_eq!((inner.len(), outer.hits, outer.misses), (1, 1, 0), "the innermost has the answer");
        assert!(!provenance(row(7)).await.1.is_empty() && provenance(async {}).await.1.is_empty());
        row(7).await;
    };
    with_cache(&fast, calls).await;
    assert_eq!(fast.stats().total.hits, 3);
}

#[tokio::test]
async fn headers_follow_from_the_answers() {
    let (fast, clock) = fresh();
    let headers = |provenance: &Provenance| {
        let headers = provenance_headers(provenance, Visibility::Public);
        ["cache-control", "age", "cache-status"]
            .map(|name| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned())
    };
    let calls = async {
        let loaded = headers(&provenance(row(7)).await.1);
        assert_eq!(loaded, ["public, max-age=60", "0", "fastness-data; fwd=uri-miss; stored; ttl=60"]);
        clock.advance(SECOND * 20);
        let hit = headers(&provenance(row(7)).await.1);
        assert_eq!(hit, ["public, max-age=60", "20", "fastness-data; hit; ttl=40; detail=local"]);
        let bypassed = headers(&provenance(bypass(row(7))).await.1);
        assert_eq!(bypassed, ["public, no-cache", "0", "fastness-data; fwd=bypass"]);
        let endless = headers(&provenance(forever(7)).await.1);
        assert_eq!(endless[0], "public, max-age=31536000");
        assert_eq!(headers(&provenance(async {}).await.1), [""; 3]);
        let private = provenance_headers(&provenance(row(7)).await.1, Visibility::Private);
        assert_eq!(private["cache-control"], "private, max-age=60");
    };
    with_cache(&fast, calls).await;
}
