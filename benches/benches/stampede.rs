//! Many callers at once: how often the origin is called, and how long all of them take.
//!
//! The origin takes 20 ms. Every caller is a task of its own on a runtime with two workers; all of them start together.
//! A scenario that takes too long is cut off: a load that runs one after another is told from one that is shared by then.

// Its sleeping origin and its stopwatch are what it measures with.
#![allow(clippy::disallowed_methods)]

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
    origin(fails).await
}

#[cached(max_size = 10_000, ttl_secs = 60, key = "u64", convert = "{ key }", sync_writes = "by_key")]
async fn cached_by_key_get(key: u64, fails: bool) -> Result<u64, Down> {
    origin(fails).await
}

/// What happened in one scenario.
#[derive(Clone, Copy)]
struct Seen {
    calls: usize,
    wall: Duration,
    ended: bool,
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let more = if self.ended { "" } else { ">" };
        write!(f, "{:>5} calls {more:>1}{:>5} ms", self.calls, self.wall.as_millis())
    }
}

struct Row {
    same: Seen,
    failing: Seen,
    distinct: Seen,
    cancelled: Seen,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    println!(
        "{CALLERS} callers, origin {} ms\n{:<26} {:>20} {:>20} {:>20} {:>20}",
        ORIGIN.as_millis(),
        "",
        "one cold key",
        "it fails",
        "distinct keys",
        "leader dropped, 100"
    );
    let moka = moka::future::Cache::<u64, u64>::builder()
        .max_capacity(10_000)
        .time_to_live(Duration::from_secs(60))
        .build();
    let quick = Arc::new(quick_cache::sync::Cache::<u64, u64>::new(10_000));
    let ours = show("fastness #[cacheable]", async |key, fails| fastness_get(key, fails).await.is_ok()).await;
    show("moka try_get_with", async move |key, fails| moka.try_get_with(key, origin(fails)).await.is_ok()).await;
    show("cached #[cached]", async |key, fails| cached_get(key, fails).await.is_ok()).await;
    show("cached #[cached] by_key", async |key, fails| cached_by_key_get(key, fails).await.is_ok()).await;
    show("quick_cache", async move |key, fails| quick.get_or_insert_async(&key, origin(fails)).await.is_ok()).await;
    verdict(&ours)
}
