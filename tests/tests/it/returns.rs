//! Results that a function may return: those that are stored, and those that are not.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fastness::{Fastness, cacheable, with_cache, with_cache_sync};
use tokio::task::yield_now;

use crate::origin::{Fault, Origin, SECOND, TICK, just_before};
use crate::{fresh, timed};

mod aliases {
    pub(super) type Result<T> = std::result::Result<T, super::Fault>;
    pub(super) type Maybe<T> = Option<T>;
    pub(super) type Found<T> = Result<Maybe<T>>;
}

/// The number of body runs of three calls each, for a value and for an absence or error.
async fn bodies<F: Future>(call: impl Fn(Origin, bool) -> F) -> (u32, u32) {
    let (fast, some, none) = (fresh(), Origin::default(), Origin::default());
    with_cache(&fast, async {
        for _ in 0..3 {
            call(some.clone(), true).await;
            call(none.clone(), false).await;
        }
    })
    .await;
    (some.calls(), none.calls())
}

#[cacheable(ttl = 60, skip(origin))]
async fn plain(origin: Origin, good: bool) -> String {
    format!("{}{good}", origin.count())
}

#[cacheable(ttl = 60, skip(origin))]
async fn maybe(origin: Origin, good: bool) -> Option<Arc<u32>> {
    Some(Arc::new(origin.count())).filter(|_| good)
}

#[cacheable(ttl = 60, skip(origin))]
async fn fallible(origin: Origin, good: bool) -> Result<Arc<str>, Fault> {
    origin.count();
    if good { Ok("fine".into()) } else { Err(Fault::Down) }
}

#[cacheable(ttl = 60, skip(origin))]
async fn fallible_maybe(origin: Origin, good: bool) -> Result<Option<u32>, Fault> {
    Ok(Some(origin.next()?).filter(|_| good))
}

#[cacheable(ttl = 60, skip(origin))]
async fn alias(origin: Origin, good: bool) -> aliases::Result<u32> {
    origin.next().and_then(|n| if good { Ok(n) } else { Err(Fault::Down) })
}

#[cacheable(ttl = 60, skip(origin))]
async fn alias_of_option(origin: Origin, good: bool) -> aliases::Maybe<u32> {
    Some(origin.count()).filter(|_| good)
}

#[cacheable(ttl = 60, skip(origin))]
async fn alias_of_both(origin: Origin, good: bool) -> aliases::Found<u32> {
    Ok(Some(origin.next()?).filter(|_| good))
}

#[cacheable(ttl = 60, skip(origin))]
async fn with_anyhow(origin: Origin, good: bool) -> anyhow::Result<Option<Arc<u64>>> {
    origin.count();
    anyhow::ensure!(good, "not good");
    Ok(Some(Arc::new("7".parse()?)))
}

/// A value that is neither `Clone` nor `Send`.
struct Local(#[allow(dead_code)] Rc<str>);

#[cacheable(ttl = 60, skip(origin))]
async fn local_error(origin: Origin, good: bool) -> Result<u32, Local> {
    yield_now().await;
    Some(origin.count()).filter(|_| good).ok_or_else(|| Local("bad".into()))
}

#[cacheable(ttl = 60, skip(origin))]
fn boxed_error(origin: &Origin, good: bool) -> Result<u32, Box<dyn std::error::Error>> {
    origin.count();
    if good { Ok("7".parse()?) } else { Err("bad")? }
}

/// The outer `Option` decides whether a result is cached.
#[cacheable(ttl = 60, skip(origin))]
async fn result_in_option(origin: Origin, good: bool) -> Option<Result<u32, Fault>> {
    let n = origin.next();
    Some(if good { n } else { Err(Fault::Down) })
}

#[tokio::test]
async fn values_are_stored_and_errors_and_absences_are_not() {
    assert_eq!(bodies(plain).await, (1, 1));
    assert_eq!(bodies(maybe).await, (1, 3));
    assert_eq!(bodies(fallible).await, (1, 3));
    assert_eq!(bodies(fallible_maybe).await, (1, 3));
    assert_eq!(bodies(alias).await, (1, 3), "an alias counts as what it stands for");
    assert_eq!(bodies(alias_of_option).await, (1, 3));
    assert_eq!(bodies(alias_of_both).await, (1, 3));
    assert_eq!(bodies(with_anyhow).await, (1, 3));
    assert_eq!(bodies(local_error).await, (1, 3));
    assert_eq!(bodies(|origin, good| async move { boxed_error(&origin, good).is_ok() }).await, (1, 3));
    assert_eq!(bodies(result_in_option).await, (1, 1));
}

#[cacheable(ttl = 60, jitter = 0, negative_ttl = 10, key = "option:{id}", skip(origin))]
async fn absence(origin: &Origin, id: u32) -> Option<u32> {
    origin.next().ok().filter(|_| id > 0)
}

#[cacheable(ttl = 60, jitter = 0, negative_ttl = 10, key = "absent:{id}", skip(origin))]
async fn absence_or_error(origin: &Origin, id: u32) -> Result<Option<u32>, Fault> {
    origin.next().map(|n| (id > 0).then_some(n))
}

#[cacheable(ttl = 60, negative_ttl = 60, key = "two_types:{id}")]
fn name(id: u32) -> Option<String> {
    (id > 0).then(|| id.to_string())
}

#[cacheable(ttl = 60, negative_ttl = 60, key = "two_types:{id}")]
fn age(id: u32) -> Option<u32> {
    Some(id)
}

#[tokio::test]
async fn an_absence_of_one_type_is_none_of_another_under_the_same_key() {
    let fast = fresh();
    with_cache_sync(&fast, || {
        for _ in 0..2 {
            assert_eq!((name(0), age(0)), (None, Some(0)));
        }
    });
    assert_eq!(fast.stats().total.loads, 2, "and both are stored");
}

#[tokio::test]
async fn absences_are_stored_for_negative_ttl() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        assert_eq!((absence(&origin, 0).await, absence(&origin, 0).await, origin.calls()), (None, None, 1));
        assert_eq!(absence_or_error(&origin, 0).await, Ok(None));
        assert_eq!((absence_or_error(&origin, 0).await, origin.calls()), (Ok(None), 2));
        assert_eq!((absence(&origin, 1).await, absence_or_error(&origin, 1).await), (Some(3), Ok(Some(4))));
        clock.advance(SECOND * 10);
        assert_eq!(
            (absence(&origin, 0).await, absence_or_error(&origin, 0).await, origin.calls()),
            (None, Ok(None), 6)
        );
        assert_eq!((absence(&origin, 1).await, absence_or_error(&origin, 1).await), (Some(3), Ok(Some(4))));
        origin.set_down(true);
        clock.advance(SECOND * 10);
        assert_eq!(absence_or_error(&origin, 0).await, Err(Fault::Down), "an error is no absence");
        fast.clear();
        assert_eq!((absence(&origin, 0).await, origin.calls()), (None, 8), "invalidated like any value");
    })
    .await;
}

#[cacheable(ttl = 60, jitter = 0, cache_err = |e| *e == Fault::Down, err_ttl = 10, key = "error:{id}", skip(origin))]
async fn error(origin: &Origin, id: u32) -> Result<u32, Fault> {
    if id == 0 { origin.next().and(Err(Fault::Timeout)) } else { origin.next() }
}

#[tokio::test]
async fn errors_are_stored_for_error_ttl() {
    let ((fast, clock), origin) = (timed(), Origin::default());
    with_cache(&fast, async {
        assert_eq!((error(&origin, 0).await, error(&origin, 0).await), (Err(Fault::Timeout), Err(Fault::Timeout)));
        assert_eq!(origin.calls(), 2, "not the kind that is asked for");
        origin.set_down(true);
        for _ in 0..3 {
            assert_eq!((error(&origin, 1).await, origin.calls()), (Err(Fault::Down), 3));
        }
        assert_eq!((error(&origin, 2).await, origin.calls()), (Err(Fault::Down), 4), "per key");
        origin.set_down(false);
        clock.advance(just_before(SECOND * 10));
        assert_eq!(error(&origin, 1).await, Err(Fault::Down));
        clock.advance(TICK);
        assert_eq!(error(&origin, 1).await, Ok(5));
    })
    .await;
}

#[cacheable(ttl = 60, share_error = |error| anyhow::anyhow!("{error:#}"), cache_err = |_| true, err_ttl = 10, skip(calls))]
async fn anyhow_shared(calls: &AtomicU32, id: u64) -> anyhow::Result<u64> {
    calls.fetch_add(1, Ordering::Relaxed);
    yield_now().await;
    anyhow::bail!("no {id}")
}

fn copied(error: &NotClone) -> NotClone {
    NotClone(error.0)
}

#[derive(Debug, PartialEq)]
struct NotClone(u32);

#[cacheable(ttl = 60, share_error = copied, skip(origin))]
async fn copied_by_function(origin: &Origin) -> Result<Option<u32>, NotClone> {
    yield_now().await;
    Err(NotClone(origin.count()))
}

#[tokio::test]
async fn errors_that_are_not_clone_are_shared_by_the_named_function() {
    let (fast, calls, origin) = (fresh(), AtomicU32::new(0), Origin::default());
    with_cache(&fast, async {
        let (a, b) = tokio::join!(anyhow_shared(&calls, 1), anyhow_shared(&calls, 1));
        assert_eq!((a.unwrap_err().to_string(), b.unwrap_err().to_string()), ("no 1".into(), "no 1".into()));
        assert_eq!(anyhow_shared(&calls, 1).await.unwrap_err().to_string(), "no 1");
        assert_eq!(calls.load(Ordering::Relaxed), 1, "shared, then stored");
        let (a, b) = tokio::join!(copied_by_function(&origin), copied_by_function(&origin));
        assert_eq!((a, b), (Err(NotClone(1)), Err(NotClone(1))));
        assert_eq!(copied_by_function(&origin).await, Err(NotClone(2)), "shared, and not stored");
    })
    .await;
}

#[cacheable(ttl = 60, unless = Vec::is_empty, skip(origin))]
fn unless_by_path(origin: &Origin, n: usize) -> Vec<u32> {
    vec![origin.count(); n]
}

#[cacheable(ttl = 60, negative_ttl = 60, unless = |n| *n == 1, condition = id != 9, skip(origin))]
fn unless_within(origin: &Origin, id: u32) -> Result<Option<u32>, Fault> {
    origin.next().map(|n| (id > 0).then_some(n))
}

#[tokio::test]
async fn unless_is_called_for_values_and_condition_before_everything() {
    let (fast, origin): (Fastness, _) = (fresh(), Origin::default());
    with_cache_sync(&fast, || {
        assert_eq!((unless_by_path(&origin, 0), unless_by_path(&origin, 0), origin.calls()), (vec![], vec![], 2));
        assert_eq!((unless_by_path(&origin, 1), unless_by_path(&origin, 1)), (vec![3], vec![3]));
        let origin = Origin::default();
        assert_eq!((unless_within(&origin, 5), unless_within(&origin, 5)), (Ok(Some(1)), Ok(Some(2))));
        assert_eq!((unless_within(&origin, 5), unless_within(&origin, 0)), (Ok(Some(2)), Ok(None)));
        assert_eq!((unless_within(&origin, 0), origin.calls()), (Ok(None), 3), "absences are not asked about");
        assert_eq!((unless_within(&origin, 9), unless_within(&origin, 9)), (Ok(Some(4)), Ok(Some(5))));
    });
    let stats = fast.stats().total;
    assert_eq!((stats.misses, stats.bypassed, stats.calls()), (6, 2, 11), "a call that bypasses the cache is no miss");
}
