//! Loads, waits and invalidations.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fastness::{
    CacheTransaction, Clock, Fastness, Key, Scope, cache_invalidate, cache_put, cacheable, reload, with_cache_sync,
};
use fastness_tests::servers::until;
use tokio::sync::Notify;
use tracing::{Instrument, info_span};

use crate::{Exported, Trace, exported};

#[cacheable(ttl = 60, key = "traced:{id}")]
async fn get(id: u64) -> Result<Option<u64>, std::io::Error> {
    tokio::task::yield_now().instrument(info_span!("query")).await;
    match id {
        0 => Err(std::io::Error::other("down")),
        1 => Ok(None),
        id => Ok(Some(id)),
    }
}

#[cacheable(ttl = 60, key = "traced-sync:{id}")]
fn get_sync(id: u64) -> Result<u64, std::io::Error> {
    let _query = info_span!("query").entered();
    if id == 0 { Err(std::io::Error::other("down")) } else { Ok(id) }
}

#[cacheable(ttl = 60, key = "traced:{ids}", batch(ids))]
async fn get_many(ids: &[u64]) -> HashMap<u64, u64> {
    tokio::task::yield_now().instrument(info_span!("query")).await;
    ids.iter().map(|id| (*id, *id)).collect()
}

#[cacheable(ttl = 60, key = "gated:{id}", skip(gate))]
async fn gated(id: u64, gate: &Notify) -> u64 {
    gate.notified().await;
    id
}

#[cacheable(ttl = 60, key = "timed:{id}", load_timeout = "10ms")]
async fn too_slow(id: u64) -> Result<u64, fastness::LoadTimeout> {
    std::future::pending::<()>().await;
    Ok(id)
}

#[cacheable(ttl = 60, key = "task:{id}", load = task)]
async fn in_a_task(id: u64) -> u64 {
    tokio::task::yield_now().instrument(info_span!("query")).await;
    id
}

static REFRESHED: AtomicUsize = AtomicUsize::new(0);

#[cacheable(ttl = 60, stale = 60, key = "refreshed:{id}")]
async fn refreshed(id: u64) -> u64 {
    id
}

#[cacheable(ttl = 60, stale = 60, refresh = background, key = "background:{id}")]
async fn in_the_background(id: u64) -> u64 {
    REFRESHED.fetch_add(1, Ordering::SeqCst);
    id
}

#[cache_invalidate("traced:{id}", "traced-sync:*")]
async fn rename(id: u64) {}

#[cache_put(key = "traced:{id}", ttl = 60)]
async fn put(id: u64) -> u64 {
    id
}

fn is_of(span: &Exported, function: &str) -> bool {
    let name = span.text("code.function.name");
    name.ends_with(function) && name.contains("traces")
}

#[tokio::test]
async fn a_load_has_a_span_around_its_body_and_a_hit_has_none() {
    let trace = Trace::begin();
    let calls = async {
        get(7).await.unwrap();
        let loaded = trace.names();
        get(7).await.unwrap();
        assert_eq!(trace.names(), loaded, "a hit has no span");
    };
    trace.run(calls).await;
    let (load, query) = (trace.span("fastness.load"), trace.span("query"));
    assert_eq!([load.parent(), query.parent()], [trace.root(), load.id()]);
    assert!(is_of(&load, ".get"), "{load:?}");
    let texts = ["fastness.kind", "fastness.reason", "fastness.outcome"].map(|key| load.text(key));
    assert_eq!(texts, ["function", "miss", "value"]);
    assert!(!load.is_failed() && load.get("error.type").is_none() && load.get("fastness.elements").is_none());
}

#[tokio::test]
async fn the_outcome_of_a_load_says_how_it_ended() {
    let trace = Trace::begin();
    let calls = async {
        assert!(get(0).await.is_err() && get(1).await.unwrap().is_none() && too_slow(1).await.is_err());
        let gate = Notify::new();
        let mut dropped = Box::pin(gated(1, &gate));
        assert!(tokio::time::timeout(Duration::ZERO, dropped.as_mut()).await.is_err());
        drop(dropped);
    };
    trace.run(calls).await;
    let loads = trace.spans("fastness.load");
    assert_eq!(loads.iter().map(Exported::outcome).collect::<Vec<_>>(), ["error", "absence", "timeout", "cancelled"]);
    assert_eq!(loads.iter().map(Exported::is_failed).collect::<Vec<_>>(), [true, false, true, false]);
    assert_eq!([loads[0].text("error.type"), loads[2].text("error.type")], ["std::io::error::Error", "timeout"]);
}

#[tokio::test]
async fn a_body_that_panics_leaves_its_span() {
    #[cacheable(ttl = 60, key = "panics:{id}")]
    async fn panics(id: u64) -> u64 {
        panic!("on purpose, {id}")
    }
    #[cacheable(ttl = 60, key = "panics-sync:{id}")]
    fn panics_sync(id: u64) -> u64 {
        panic!("on purpose, {id}")
    }
    let trace = Trace::begin();
    let fast = Fastness::builder().build().unwrap();
    let call = trace.run_on(&fast, panics(1)).await_panic().await;
    let sync = trace.root.in_scope(|| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| with_cache_sync(&fast, || panics_sync(1))))
    });
    assert!(call && sync.is_err() && tracing::Span::current().is_none(), "no span is left entered");
    let outcomes: Vec<_> = trace.spans("fastness.load").iter().map(Exported::outcome).collect();
    assert_eq!(outcomes, ["cancelled"; 2]);
}

/// Futures that panic.
trait Panics: Future + Sized {
    /// Returns whether the future panicked.
    async fn await_panic(self) -> bool {
        let mut future = pin!(self);
        let poll = |cx: &mut std::task::Context<'_>| {
            let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| future.as_mut().poll(cx)));
            std::task::Poll::Ready(polled.is_err())
        };
        std::future::poll_fn(poll).await
    }
}

impl<F: Future> Panics for F {}

#[tokio::test]
async fn a_wait_for_another_load_has_a_span() {
    let (trace, gate) = (Trace::begin(), Notify::new());
    // Polled last, when both calls wait: one for the gate, the other for the load.
    let open = async { gate.notify_one() };
    let calls = async { tokio::join!(gated(7, &gate), gated(7, &gate), open) };
    trace.run(calls).await;
    let (load, wait) = (trace.span("fastness.load"), trace.span("fastness.wait"));
    assert_eq!([load.parent(), wait.parent()], [trace.root(); 2]);
    assert!(is_of(&wait, ".gated"), "{wait:?}");
    let texts = ["fastness.kind", "fastness.leader", "fastness.outcome"].map(|key| wait.text(key));
    assert_eq!(texts, ["function", "process", "shared"]);
}

#[test]
fn a_sync_load_and_a_thread_that_waits_have_spans() {
    #[cacheable(ttl = 60, key = "threads:{id}", skip(gate))]
    fn slow(id: u64, gate: &std::sync::Barrier) -> u64 {
        gate.wait();
        id
    }
    let (trace, fast) = (Trace::begin(), Fastness::builder().build().unwrap());
    let call = |id| trace.root.in_scope(|| with_cache_sync(&fast, || get_sync(id)));
    assert!(call(7).is_ok() && call(7).is_ok() && call(0).is_err());
    let (loads, queries) = (trace.spans("fastness.load"), trace.spans("query"));
    let outcomes: Vec<_> = loads.iter().map(Exported::outcome).collect();
    assert_eq!(outcomes, ["value", "error"]);
    for (load, query) in loads.iter().zip(&queries) {
        assert_eq!([load.parent(), query.parent()], [trace.root(), load.id()]);
    }
    let gate = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| trace.root.in_scope(|| with_cache_sync(&fast, || slow(7, &gate))));
        }
        // One thread loads; the other waits for it, or comes when the value is there.
        gate.wait();
    });
    assert!(trace.spans("fastness.wait").iter().all(|wait| wait.outcome() == "shared"));
}

#[tokio::test]
async fn a_batch_says_how_many_elements_it_loads() {
    let trace = Trace::begin();
    let calls = async {
        get_many(&[1, 2, 3]).await;
        get_many(&[3, 4]).await;
        get_many(&[4, 1]).await;
    };
    trace.run(calls).await;
    let loads = trace.spans("fastness.load");
    let elements: Vec<_> = loads.iter().map(|load| load.number("fastness.elements")).collect();
    assert_eq!(elements, [Some(3), Some(1)]);
    assert!(loads.iter().all(|load| load.text("fastness.kind") == "batch" && load.outcome() == "value"));
    assert_eq!(trace.spans("query")[0].parent(), loads[0].id());
}

#[tokio::test]
async fn a_load_says_why_it_runs() {
    let (trace, clock) = (Trace::begin(), Clock::manual());
    let fast = Fastness::builder().clock(clock.clone()).build().unwrap();
    let calls = async {
        refreshed(1).await;
        in_the_background(1).await;
        clock.advance(Duration::from_secs(61));
        refreshed(1).await;
        in_the_background(1).await;
        reload(refreshed(1)).await;
        in_a_task(1).await;
    };
    trace.run_on(&fast, calls).await;
    let reasons: Vec<_> = trace.spans("fastness.load").iter().map(|load| load.text("fastness.reason")).collect();
    assert_eq!(reasons, ["miss", "miss", "refresh", "reload", "miss"]);
    let task = trace.spans("fastness.load").pop().unwrap();
    assert_eq!([task.parent(), trace.span("query").parent()], [trace.root(), task.id()], "of a load as a task");
    until("the refresh has ended", async || REFRESHED.load(Ordering::SeqCst) == 2 && linked(&trace).len() == 1).await;
    let background = linked(&trace).remove(0);
    let texts = ["fastness.reason", "fastness.outcome"].map(|key| background.text(key));
    assert_eq!(texts, ["refresh", "value"], "of the refresh in the background, a trace of its own");
}

/// The loads of other traces with a link to this one.
fn linked(trace: &Trace) -> Vec<Exported> {
    let is_linked = |span: &Exported| span.0.links.links.iter().any(|link| link.span_context.trace_id() == trace.id);
    exported().into_iter().filter(|span| span.0.name == "fastness.load" && is_linked(span)).collect()
}

#[tokio::test]
async fn an_invalidation_has_a_span_with_its_scopes_and_its_reach() {
    let (trace, fast) = (Trace::begin(), Fastness::builder().build().unwrap());
    let calls = async {
        rename(7).await;
        put(7).await;
        fast.cache().refresh(Scope::from_static("traced:*")).await;
        fast.clear();
        let transaction = CacheTransaction::new();
        transaction.run(fast.cache().invalidate(Key::from_static("traced:7"))).await;
        transaction.commit().await;
    };
    trace.run_on(&fast, calls).await;
    let spans = trace.spans("fastness.invalidate");
    let seen: Vec<_> = spans
        .iter()
        .map(|span| (span.number("fastness.scopes"), span.text("fastness.refresh"), span.outcome()))
        .collect();
    let row = |scopes, refresh: &str, outcome: &str| (scopes, refresh.to_owned(), outcome.to_owned());
    let expected = [
        row(Some(2), "false", "announced"),
        row(Some(1), "false", "announced"),
        row(Some(1), "true", "announced"),
        row(None, "false", "announced"),
        row(Some(1), "false", "deferred"),
        row(Some(1), "false", "announced"),
    ];
    assert_eq!(seen, expected);
}
