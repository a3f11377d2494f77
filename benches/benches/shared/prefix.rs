//! Invalidation of everything below a prefix, with few values on the server and with a million.

use std::time::{Duration, Instant};

use fastness::Reach;
use fastness_benches::measure::setting;
use fastness_benches::report::{Line, round_trips};
use fastness_benches::tasks::{self, Case, Plan};
use redis::aio::MultiplexedConnection;

use crate::rig::{Clients, PREFIX, Rig, command, user};
use fastness_tests::names::reached;

const BARE: &str = "redis GET, 300 bytes";
const OURS: &str = "fastness, invalidate(\"user:*\")";

const MANY: u64 = 1_000_000;
const VALUE: usize = 200;
/// Commands in one pipeline.
const PIPELINE: usize = 10_000;

/// Times, and what is exact.
pub(crate) fn run(rig: &Rig) -> (Vec<Line>, Vec<Line>) {
    let Clients { fast, bare, .. } = rig.clients;
    let suffix = rig.suffix("user:0");
    let key: &str = format!("{PREFIX}user:0{suffix}").leak();
    let cases = [
        Case::new(BARE, move |_| async move { command::<Vec<u8>>(bare, redis::cmd("GET").arg(key)).await }),
        Case::new(OURS, |_| async { fast.cache().invalidate(reached("user:*")).await }),
    ];
    let plan = Plan { rounds: setting("SHARED_ROUNDS", 31), tasks: 1, calls: 200 };
    let measure = |title: &str| {
        let times = rig.runtime.block_on(tasks::run(plan, &cases));
        round_trips(title, &times, BARE);
        times.ratio(OURS, BARE)
    };
    let few = measure("invalidation, some thousand values");
    rig.runtime.block_on(fill(bare, suffix));
    let many = measure("invalidation, a million values of 200 bytes below the prefix");
    let calls = rig.commands(async { assert_eq!(fast.cache().invalidate(reached("user:*")).await, Reach::Announced) });
    println!("commands of one invalidation, those within its script too: {calls:?}");
    let stale = rig.runtime.block_on(async { is_loaded_again(rig).await });
    let removal = rig.runtime.block_on(scan_and_unlink(bare));
    println!("SCAN COUNT 1000 and UNLINK over the same million: {:.0} ms", removal.as_secs_f64() * 1e3);
    let times = vec![
        Line::ratio("invalidate(user:*) of some thousand / bare GET", 3.0, few),
        Line::ratio("invalidate(user:*) of a million / bare GET", 3.0, many),
    ];
    let scripts = calls.get("evalsha").copied().unwrap_or(0);
    let searches = ["scan", "keys", "unlink", "del"].iter().filter_map(|name| calls.get(*name)).sum::<u64>();
    let exact = vec![
        Line::at_most("round trips of an invalidation of a million", 1.0, scripts as f64),
        Line::at_most("searches and removals of keys in it", 0.0, searches as f64),
        Line::at_least("values loaded anew after it (1 = yes)", 1.0, f64::from(stale)),
    ];
    (times, exact)
}

/// Values of other users, of which fastness need not know that they are there.
async fn fill(bare: &MultiplexedConnection, suffix: &str) {
    let value = "x".repeat(VALUE);
    for first in (0..MANY).step_by(PIPELINE) {
        let mut pipe = redis::pipe();
        for id in first..first + PIPELINE as u64 {
            pipe.cmd("SET").arg(format!("{PREFIX}user:{}{suffix}", 1_000_000_000 + id)).arg(&value).ignore();
        }
        pipe.query_async::<()>(&mut bare.clone()).await.expect("an answer");
    }
}

/// True if a value that lies on the server is not served after the invalidation.
async fn is_loaded_again(rig: &Rig) -> bool {
    let fast = &rig.clients.fast;
    let stale = || fast.shared().expect("a shared tier").stale;
    let before = stale();
    user(fast, 0).await.expect("a user");
    stale() == before + 1
}

/// Time that it would take to remove them.
async fn scan_and_unlink(bare: &MultiplexedConnection) -> Duration {
    let began = Instant::now();
    let mut cursor = 0_u64;
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{PREFIX}user:*")).arg("COUNT").arg(1_000);
        let (next, keys): (u64, Vec<String>) = command(bare, &scan).await;
        if !keys.is_empty() {
            command::<u64>(bare, redis::cmd("UNLINK").arg(keys)).await;
        }
        cursor = next;
        if cursor == 0 {
            return began.elapsed();
        }
    }
}
