//! Two loads of one key: the value of the later one stays, and a load that began earlier and ends later replaces nothing.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fastness::{cache_put, cacheable, with_cache};
use tokio::sync::Notify;
use tokio::task::yield_now;

use crate::origin::{Fault, MINUTE, SECOND};
use crate::{poll_once, timed};

/// A row of a database. A load reads it when the load begins.
#[derive(Default)]
struct Row {
    value: AtomicU32,
    loads: AtomicU32,
    gate: Notify,
}

/// The value that stands for an absence.
const NONE: u32 = 0;
const DOWN: u32 = u32::MAX;

type Answer = Result<Option<u32>, Fault>;

fn answer(value: u32) -> Answer {
    match value {
        NONE => Ok(None),
        DOWN => Err(Fault::Down),
        value => Ok(Some(value)),
    }
}

impl Row {
    fn set(&self, value: u32) {
        self.value.store(value, Ordering::SeqCst);
    }

    fn read(&self) -> Answer {
        self.loads.fetch_add(1, Ordering::SeqCst);
        answer(self.value.load(Ordering::SeqCst))
    }

    async fn read_slowly(&self) -> Answer {
        let read = self.read();
        self.gate.notified().await;
        read
    }

    fn loads(&self) -> u32 {
        self.loads.load(Ordering::SeqCst)
    }
}

type Rows = Result<HashMap<u32, u32>, Fault>;

fn rows(ids: &[u32], read: Answer) -> Rows {
    let value = read?;
    Ok(ids.iter().filter_map(|id| Some((*id, value?))).collect())
}

#[cacheable(
    ttl = 60, jitter = 0, early = off, negative_ttl = 300, cache_err = |_| true, err_ttl = 300,
    key = "row:{id}", skip(row)
)]
async fn slow(row: &Row, id: u32) -> Answer {
    let _ = id;
    row.read_slowly().await
}

#[cacheable(
    ttl = 60, jitter = 0, early = off, negative_ttl = 300, cache_err = |_| true, err_ttl = 300,
    key = "row:{id}", skip(row)
)]
async fn quick(row: &Row, id: u32) -> Answer {
    let _ = id;
    row.read()
}

#[cacheable(ttl = 60, jitter = 0, negative_ttl = 300, key = "row:{ids}", batch(ids), skip(row))]
async fn slow_batch(row: &Row, ids: &[u32]) -> Rows {
    rows(ids, row.read_slowly().await)
}

#[cacheable(ttl = 60, jitter = 0, negative_ttl = 300, key = "row:{ids}", batch(ids), skip(row))]
async fn quick_batch(row: &Row, ids: &[u32]) -> Rows {
    rows(ids, row.read())
}

#[tokio::test]
async fn an_older_load_replaces_no_newer_result_of_any_kind() {
    for older in [NONE, DOWN, 1] {
        for newer in [NONE, DOWN, 2] {
            for (old_batch, new_batch) in [(false, false), (true, false), (false, true), (true, true)] {
                let case = format!("{older} then {newer}, batches {old_batch} {new_batch}");
                if new_batch && newer == DOWN {
                    continue; // A batch stores no errors.
                }
                let ((fast, clock), row) = (timed(), Row::default());
                with_cache(&fast, async {
                    row.set(older);
                    let mut old = pin!(async {
                        if old_batch {
                            drop(slow_batch(&row, &[1]).await);
                        } else {
                            drop(slow(&row, 1).await);
                        }
                    });
                    assert!(poll_once(old.as_mut()).await.is_none(), "{case}");
                    clock.advance(SECOND);
                    row.set(newer);
                    if new_batch {
                        quick_batch(&row, &[1]).await.unwrap();
                    } else {
                        assert_eq!(quick(&row, 1).await, answer(newer), "{case}");
                    }
                    row.gate.notify_one();
                    old.await;
                    row.set(3);
                    assert_eq!(quick(&row, 1).await, answer(newer), "{case}");
                    assert_eq!(row.loads(), 2, "{case}");
                    clock.advance(MINUTE);
                    let later = if newer == NONE || newer == DOWN { newer } else { 3 };
                    assert_eq!(quick(&row, 1).await, answer(later), "{case}: nothing older comes back");
                })
                .await;
            }
        }
    }
}

#[cacheable(ttl = 60, jitter = 0, early = off, stale = 600, refresh = background, key = "row:{id}", skip(row))]
async fn refreshed(row: Arc<Row>, id: u32) -> Answer {
    let _ = id;
    row.read_slowly().await
}

#[tokio::test]
async fn a_refresh_in_the_background_replaces_nothing_newer() {
    for older in [NONE, DOWN, 1] {
        let ((fast, clock), row) = (timed(), Arc::<Row>::default());
        with_cache(&fast, async {
            row.set(9);
            assert_eq!(quick(&row, 1).await, answer(9));
            clock.advance(MINUTE);
            row.set(older);
            assert_eq!(refreshed(row.clone(), 1).await, answer(9), "the old value, while it is refreshed");
            while row.loads() < 2 {
                yield_now().await;
            }
            row.set(2);
            assert_eq!(quick_batch(&row, &[1]).await.unwrap()[&1], 2);
            row.gate.notify_one();
            let ended = || fast.stats().total.loads + fast.stats().total.load_errors;
            while ended() < 3 {
                yield_now().await;
            }
            assert_eq!(quick(&row, 1).await, answer(2), "{older}");
        })
        .await;
    }
}

#[cache_put(key = "row:{id}", ttl = 60, jitter = 0)]
async fn put(row: &Row, id: u32, value: u32) -> Answer {
    row.set(value + id - id);
    Ok(Some(value))
}

#[tokio::test]
async fn a_put_is_newer_than_every_load_under_way() {
    let ((fast, _), row) = (timed(), Row::default());
    with_cache(&fast, async {
        for older in [NONE, DOWN, 1] {
            row.set(older);
            fast.clear();
            let mut old = pin!(slow(&row, 1));
            assert!(poll_once(old.as_mut()).await.is_none());
            put(&row, 1, 2).await.unwrap();
            row.gate.notify_one();
            drop(old.await);
            row.set(3);
            assert_eq!(quick(&row, 1).await, answer(2), "{older}");
        }
    })
    .await;
}

#[cacheable(ttl = ttl, jitter = 0, early = off, negative_ttl = negative, key = "row:{id}", skip(row, ttl, negative))]
async fn brief(row: &Row, id: u32, ttl: Duration, negative: Duration) -> Answer {
    let _ = id;
    row.read()
}

#[cacheable(ttl = ttl, negative_ttl = negative, key = "row:{ids}", batch(ids), skip(row, ttl, negative))]
async fn brief_batch(row: &Row, ids: &[u32], ttl: Duration, negative: Duration) -> Rows {
    rows(ids, row.read())
}

#[cacheable(ttl = 60, key = "row:{id}", unless = |_| true, skip(row))]
async fn unkept(row: &Row, id: u32) -> Answer {
    let _ = id;
    row.read()
}

/// Cases: a ttl of zero, `unless`, and a function whose absences are not stored.
#[tokio::test]
async fn a_load_that_stores_nothing_leaves_nothing_older() {
    for before in [NONE, DOWN, 1] {
        for (now, how) in [(2, "zero"), (NONE, "zero"), (2, "batch"), (NONE, "batch"), (2, "unless")] {
            let ((fast, clock), row) = (timed(), Row::default());
            with_cache(&fast, async {
                row.set(before);
                assert_eq!(quick(&row, 1).await, answer(before));
                // The value expires, so that a load is made at all; the absence and the error do not expire.
                clock.advance(MINUTE);
                row.set(now);
                match how {
                    "zero" => assert_eq!(brief(&row, 1, Duration::ZERO, Duration::ZERO).await, answer(now)),
                    "batch" => drop(brief_batch(&row, &[1], Duration::ZERO, Duration::ZERO).await.unwrap()),
                    _ => assert_eq!(unkept(&row, 1).await, answer(now)),
                }
                let kept = usize::from(before == NONE && now == NONE);
                assert_eq!((row.loads(), fast.stats().entries), (2, kept), "{before}, then {now} by {how}");
                row.set(3);
                // A later load of the same absence does not remove the stored one.
                let last = if kept == 1 { NONE } else { 3 };
                assert_eq!(quick(&row, 1).await, answer(last), "{before}, then {now} by {how}");
            })
            .await;
        }
    }
}

#[tokio::test]
async fn the_reader_of_an_absence_or_error_decides_how_long_it_counts() {
    for found in [NONE, DOWN] {
        let ((fast, clock), row) = (timed(), Row::default());
        with_cache(&fast, async {
            row.set(found);
            quick(&row, 1).await.unwrap_or_default();
            assert_eq!(unkept(&row, 1).await, answer(found), "the function does not store absences and errors");
            assert_eq!(row.loads(), 2, "the function asks the origin");
            assert_eq!(strict(&row, 1).await, answer(found));
            assert_eq!(row.loads(), 2, "the ttl of one second has not passed");
            clock.advance(SECOND);
            assert_eq!(strict(&row, 1).await, answer(found));
            assert_eq!(row.loads(), 3, "the ttl of one second has passed");
            assert_eq!((quick(&row, 1).await, row.loads()), (answer(found), 3), "five minutes");
        })
        .await;
    }
}

#[cacheable(
    ttl = 60, jitter = 0, negative_ttl = 1, cache_err = |_| true, err_ttl = 1,
    key = "row:{id}", skip(row)
)]
async fn strict(row: &Row, id: u32) -> Answer {
    let _ = id;
    row.read()
}

#[cacheable(ttl = 60, jitter = 0, cache_err = |fault| *fault == Fault::Timeout, err_ttl = 300, key = "row:{id}", skip(row))]
async fn of_timeouts(row: &Row, id: u32) -> Answer {
    let _ = id;
    row.read()
}

#[cacheable(ttl = 60, jitter = 0, negative_ttl = 1, key = "row:{ids}", batch(ids), skip(row))]
async fn strict_batch(row: &Row, ids: &[u32]) -> Rows {
    rows(ids, row.read())
}

#[tokio::test]
async fn an_error_that_this_function_would_not_store_is_not_served_by_it() {
    let ((fast, _), row) = (timed(), Row::default());
    row.set(DOWN);
    with_cache(&fast, async {
        assert_eq!(quick(&row, 1).await, answer(DOWN));
        row.set(4);
        assert_eq!(of_timeouts(&row, 1).await, answer(4), "other values are stored");
        assert_eq!(quick(&row, 1).await, answer(4), "and the value is newer than the error");
    })
    .await;
}

#[tokio::test]
async fn a_batch_judges_absences_by_its_own_ttl() {
    let ((fast, clock), row) = (timed(), Row::default());
    with_cache(&fast, async {
        assert_eq!(quick(&row, 1).await, Ok(None));
        assert_eq!((strict_batch(&row, &[1]).await.unwrap().len(), row.loads()), (0, 1));
        clock.advance(SECOND);
        assert_eq!((strict_batch(&row, &[1]).await.unwrap().len(), row.loads()), (0, 2));
    })
    .await;
}
