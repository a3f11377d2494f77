//! Many entries, and a long time: what an entry takes in memory, and whether 64 tasks find the cache as quick and as small after a
//! while as at first.
//!
//! Memory is counted at the allocator, on the thread that fills; the values are shared `Arc`s, so what counts is what the cache
//! adds. What the process takes from the system is told beside it. `SCALE_MANY` is how many entries the last fill makes (10 million),
//! `SCALE_SECONDS` how long the tasks run (60).

// How long it takes is what is measured.
#![allow(clippy::disallowed_methods)]
// Counts of a run are far from where a cast would lose any of them.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use fastness::{cache_invalidate, cacheable};
use fastness_benches::measure::setting;
use fastness_benches::origin::{USERS, User, find};
use fastness_benches::peers::TTL;
use fastness_benches::report::{Line, budget};
use fastness_benches::traffic::{SKEW, Zipf};
use tokio::runtime::Builder;

const ENTRIES: u64 = 1_000_000;
/// Keys that the tasks ask for; the store has room for a tenth.
const KEYS: usize = 1_000_000;
const TASKS: u64 = 64;
/// Calls between two looks whether time is up, and yields to other tasks.
const TURN: usize = 256;
/// The number of calls of a task to one invalidation.
const INVALIDATIONS: usize = 1_000;

fn value(id: u64) -> Arc<User> {
    find(id % USERS as u64).expect("a user")
}

#[cacheable(ttl = 3600, capacity = 1_100_000)]
fn million(id: u64) -> Arc<User> {
    value(id)
}

#[cacheable(ttl = 3600, capacity = 11_000_000)]
fn many(id: u64) -> Arc<User> {
    value(id)
}

#[cacheable(ttl = 3600, key = "busy:{id}", capacity = 100_000)]
async fn busy(id: u64) -> Arc<User> {
    value(id)
}

#[cache_invalidate("busy:{id}")]
async fn change(id: u64) {
    let _ = id;
}

/// Bytes that the process has from the system.
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok()).map_or(f64::NAN, |pages| pages * 4_096.0)
}

/// Fills a cache; bytes per entry, as the allocator counts them.
fn fill(name: &str, entries: u64, put: impl Fn(u64)) -> f64 {
    let (before, began) = (resident(), Instant::now());
    let counted = allocation_counter::measure(|| (0..entries).for_each(&put));
    let nanos = began.elapsed().as_nanos() as f64 / entries as f64;
    let bytes = counted.bytes_current as f64 / entries as f64;
    let taken = (resident() - before) / entries as f64;
    println!("{name:<34} {entries:>10} {bytes:>9.0} {taken:>9.0} {nanos:>9.0}");
    bytes
}

fn memory() -> Vec<Line> {
    value(0);
    println!("{:<34} {:>10} {:>9} {:>9} {:>9}", "bytes per entry", "entries", "counted", "resident", "ns/fill");
    let ours = fill("fastness #[cacheable]", ENTRIES, |id| drop(million(id)));
    let moka = moka::sync::Cache::builder().max_capacity(ENTRIES + ENTRIES / 10).time_to_live(TTL).build();
    let of_moka = fill("moka", ENTRIES, |id| moka.insert(id, value(id)));
    moka.run_pending_tasks();
    drop(moka);
    let quick = quick_cache::sync::Cache::<u64, Arc<User>>::new((ENTRIES + ENTRIES / 10) as usize);
    fill("quick_cache, which has no ttl", ENTRIES, |id| quick.insert(id, value(id)));
    drop(quick);
    let more = setting("SCALE_MANY", 10_000_000) as u64;
    let of_many = fill("fastness #[cacheable]", more, |id| drop(many(id)));
    vec![
        Line::at_most("bytes per entry / moka's", 1.0, ours / of_moka),
        Line::at_most("bytes per entry of many / of a million", 1.1, of_many / ours),
    ]
}

/// Observations of one second.
struct Second {
    calls: f64,
    resident: f64,
}

async fn endure(seconds: u64) -> Vec<Second> {
    let (calls, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let keys: Arc<[u64]> = Zipf::over(KEYS, SKEW).take(KEYS, &mut fastrand::Rng::with_seed(7)).into();
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (calls, over, keys) = (calls.clone(), over.clone(), keys.clone());
            tokio::spawn(async move {
                let mut at = task as usize * 7_919;
                while !over.load(Relaxed) {
                    for _ in 0..TURN {
                        at += 1;
                        let id = keys[at % keys.len()];
                        if at.is_multiple_of(INVALIDATIONS) { change(id).await } else { drop(busy(id).await) }
                    }
                    calls.fetch_add(TURN as u64, Relaxed);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut seen = Vec::new();
    for _ in 0..seconds {
        let (before, began) = (calls.load(Relaxed), Instant::now());
        tokio::time::sleep(Duration::from_secs(1)).await;
        let passed = began.elapsed().as_secs_f64();
        seen.push(Second { calls: (calls.load(Relaxed) - before) as f64 / passed, resident: resident() });
    }
    over.store(true, Relaxed);
    for task in tasks {
        task.await.expect("a task panicked");
    }
    seen
}

fn mean(of: &[Second], what: fn(&Second) -> f64) -> f64 {
    of.iter().map(what).sum::<f64>() / of.len() as f64
}

fn endurance() -> Vec<Line> {
    let seconds = setting("SCALE_SECONDS", 60).max(8);
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let seen = runtime.block_on(endure(seconds as u64));
    println!(
        "\n{TASKS} tasks, 2 workers, {KEYS} keys, room for a tenth\n{:>8} {:>12} {:>9}",
        "second", "calls/s", "MiB"
    );
    for (second, Second { calls, resident }) in seen.iter().enumerate().step_by((seconds / 20).max(1)) {
        println!("{second:>8} {calls:>12.0} {:>9.1}", resident / f64::from(1 << 20));
    }
    // The first quarter fills.
    let quarter = seen.len() / 4;
    let (second, last) = (&seen[quarter..2 * quarter], &seen[3 * quarter..]);
    let ratio = |what: fn(&Second) -> f64| mean(last, what) / mean(second, what);
    vec![
        Line::at_least("calls per second, last quarter / second quarter", 0.9, ratio(|second| second.calls)),
        Line::at_most("resident memory, last quarter / second quarter", 1.05, ratio(|second| second.resident)),
    ]
}

fn main() -> ExitCode {
    let mut lines = endurance();
    lines.extend(memory());
    budget(&lines);
    ExitCode::SUCCESS
}
