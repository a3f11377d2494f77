//! Many callers at once: how often the origin is called, and how long all of them take.
//!
//! The origin takes 20 ms. Every caller is a task of its own on a runtime with two workers; all of them start together.
//! A scenario that takes too long is cut off: a load that runs one after another is told from one that is shared by then.

// Its sleeping origin and its stopwatch are what it measures with.
#![allow(clippy::disallowed_methods)]
// Counts of a run are far from where a cast would lose any of them.
#![allow(clippy::cast_precision_loss)]

use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use cached::macros::cached;
use fastness::cacheable;
use fastness_benches::report::{Line, budget};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const CALLERS: usize = 1_000;
const ORIGIN: Duration = Duration::from_millis(20);
const CUT_OFF: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug)]
struct Down;

static CALLS: AtomicUsize = AtomicUsize::new(0);

async fn origin(fails: bool) -> Result<u64, Down> {
    CALLS.fetch_add(1, Relaxed);
    tokio::time::sleep(ORIGIN).await;
    if fails { Err(Down) } else { Ok(42) }
}

#[cacheable(ttl = 60, skip(fails))]
async fn fastness_get(key: u64, fails: bool) -> Result<u64, Down> {
    origin(fails).await
}

#[cached(max_size = 10_000, ttl_secs = 60, key = "u64", convert = "{ key }")]
async fn cached_get(key: u64, fails: bool) -> Result<u64, Down> {
    let _ = key;
    origin(fails).await
}

#[cached(max_size = 10_000, ttl_secs = 60, key = "u64", convert = "{ key }", sync_writes = "by_key")]
async fn cached_by_key_get(key: u64, fails: bool) -> Result<u64, Down> {
    let _ = key;
    origin(fails).await
}

/// Observations of one scenario.
#[derive(Clone, Copy)]
struct Seen {
    calls: usize,
    wall: Duration,
    ended: bool,
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let more = if self.ended { "" } else { ">" };
        let text = format!("{} calls {more}{} ms", self.calls, self.wall.as_millis());
        f.pad(&text)
    }
}

struct Row {
    same: Seen,
    failing: Seen,
    distinct: Seen,
    cancelled: Seen,
}

/// A scenario's caller: reads a key through the cache; whether it got a value.
trait Read: Fn(u64, bool) -> BoxFuture<bool> + Clone + Send + 'static {}
impl<R: Fn(u64, bool) -> BoxFuture<bool> + Clone + Send + 'static> Read for R {}
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    println!(
        "{CALLERS} callers, origin {} ms\n{:<24} {:>20} {:>20} {:>20} {:>20}",
        ORIGIN.as_millis(),
        "",
        "one cold key",
        "one, origin fails",
        "distinct keys",
        "leader dropped, 100"
    );
    let moka =
        moka::future::Cache::<u64, u64>::builder().max_capacity(10_000).time_to_live(Duration::from_mins(1)).build();
    let quick = Arc::new(quick_cache::sync::Cache::<u64, u64>::new(10_000));
    let ours =
        show("fastness #[cacheable]", |key, fails| Box::pin(async move { fastness_get(key, fails).await.is_ok() }));
    let ours = ours.await;
    show("moka try_get_with", move |key, fails| {
        let moka = moka.clone();
        Box::pin(async move { moka.try_get_with(key, origin(fails)).await.is_ok() })
    })
    .await;
    show("quick_cache", move |key, fails| {
        let quick = quick.clone();
        Box::pin(async move { quick.get_or_insert_async(&key, origin(fails)).await.is_ok() })
    })
    .await;
    show("cached #[cached]", |key, fails| Box::pin(async move { cached_get(key, fails).await.is_ok() })).await;
    show("cached #[cached] by_key", |key, fails| Box::pin(async move { cached_by_key_get(key, fails).await.is_ok() }))
        .await;
    verdict(&ours)
}

async fn show(name: &str, read: impl Read) -> Row {
    let row = Row {
        same: together(CALLERS, |_| read(1, false)).await,
        failing: together(CALLERS, |_| read(2, true)).await,
        distinct: together(CALLERS, |caller| read(1_000 + caller, false)).await,
        cancelled: leader_dropped(&read).await,
    };
    println!("{name:<24} {:>20} {:>20} {:>20} {:>20}", row.same, row.failing, row.distinct, row.cancelled);
    row
}

/// All callers start at once.
async fn together(callers: usize, read: impl Fn(u64) -> BoxFuture<bool>) -> Seen {
    let start = Arc::new(Barrier::new(callers + 1));
    let mut tasks = JoinSet::new();
    for caller in 0..callers as u64 {
        let (start, read) = (start.clone(), read(caller));
        tasks.spawn(async move {
            start.wait().await;
            read.await
        });
    }
    CALLS.store(0, Relaxed);
    start.wait().await;
    seen(tasks).await
}

/// One caller loads, a hundred wait for it, and after 5 ms the first is dropped.
async fn leader_dropped(read: &impl Read) -> Seen {
    CALLS.store(0, Relaxed);
    let leader = tokio::spawn(read(3, false));
    tokio::time::sleep(Duration::from_millis(2)).await;
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        tasks.spawn(read(3, false));
    }
    tokio::time::sleep(Duration::from_millis(3)).await;
    leader.abort();
    seen(tasks).await
}

async fn seen(mut tasks: JoinSet<bool>) -> Seen {
    let began = Instant::now();
    let all = async { while tasks.join_next().await.is_some() {} };
    let ended = tokio::time::timeout(CUT_OFF, all).await.is_ok();
    Seen { calls: CALLS.load(Relaxed), wall: began.elapsed(), ended }
}

fn verdict(ours: &Row) -> ExitCode {
    let calls = |what: &str, limit: f64, seen: Seen| Line::at_most(what, limit, seen.calls as f64);
    let exact = [
        calls("origin calls, 1 000 callers, one cold key", 1.0, ours.same),
        calls("origin calls, the same when it fails", 1.0, ours.failing),
        calls("origin calls, leader dropped, 100 wait", 2.0, ours.cancelled),
        Line::at_least("everyone answered (1 = yes)", 1.0, f64::from(ours.all_ended())),
    ];
    let times = ours.distinct.wall.as_secs_f64() / ORIGIN.as_secs_f64();
    let good = budget(&exact);
    budget(&[Line::at_most("1 000 distinct keys / origin time", 1.5, times)]);
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Row {
    fn all_ended(&self) -> bool {
        [self.same, self.failing, self.distinct, self.cancelled].iter().all(|seen| seen.ended)
    }
}
