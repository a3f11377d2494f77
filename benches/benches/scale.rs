//! A long time: whether 64 tasks find the cache as quick and as small after a while as at first. `SCALE_SECONDS` is how long they run (60).

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
use fastness_benches::report::{Line, budget};
use fastness_benches::traffic::{SKEW, Zipf};
use tokio::runtime::Builder;

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
    budget(&endurance());
    ExitCode::SUCCESS
}
