//! A process under load that prints its metrics: `tests/scraped.rs` starts several, and kills them.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64, fence};

use fastness::metrics::{Publisher, prometheus};
use fastness::resilience::Rejected;
use fastness::resilience::breaker::{Breaker, Verdict};
use fastness::stats::Stats;
use fastness::{Fastness, Key, Redis, cacheable, circuit_breaker, timed};
use fastness_tests::servers::{PATIENCE, until};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Unwell;

impl From<Rejected> for Unwell {
    fn from(_: Rejected) -> Self {
        Self
    }
}

type Answer = Result<Option<u64>, Unwell>;

/// Fails, and returns `None`, in turns.
async fn origin(id: u64) -> Answer {
    tokio::task::yield_now().await;
    match fastrand::u8(0..10) {
        0 => Err(Unwell),
        1 | 2 => Ok(None),
        _ => Ok(Some(id)),
    }
}

#[cacheable(ttl = "100ms", key = "item:{id}", stale = "100ms", stale_if_error = "1s", capacity = 100)]
async fn item(id: u64) -> Answer {
    origin(id).await
}

#[cacheable(
    ttl = "50ms", key = "item:{id}", capacity = 100, negative_ttl = "50ms", cache_err = |_| true, err_ttl = "50ms",
    condition = id != 3
)]
#[circuit_breaker(name = "origin", open_for = "20ms")]
#[timed]
async fn guarded(id: u64) -> Answer {
    origin(id).await
}

#[cacheable(ttl = "100ms", key = "item:{ids}", batch(ids), tier = shared)]
async fn items(ids: &[u64]) -> Result<HashMap<u64, u64>, Unwell> {
    tokio::task::yield_now().await;
    Ok(ids.iter().map(|&id| (id, id)).collect())
}

#[cacheable(ttl = "100ms", key = "item:{id}", refresh = background, stale = "1s", tier = shared)]
async fn in_redis(id: u64) -> Answer {
    origin(id).await
}

/// Calls of cached functions that were begun, and that ended or were dropped.
static BEGUN: AtomicU64 = AtomicU64::new(0);
static ENDED: AtomicU64 = AtomicU64::new(0);
static STOP: AtomicBool = AtomicBool::new(false);

/// Makes `count` calls at once, and drops every fourth at its first wait.
async fn calls<T>(count: u64, call: impl Future<Output = T>) {
    BEGUN.fetch_add(count, SeqCst);
    fence(SeqCst);
    if fastrand::u8(0..4) == 0 {
        tokio::select! {
            biased;
            _ = call => {}
            () = std::future::ready(()) => {}
        }
    } else {
        call.await;
    }
    ENDED.fetch_add(count, SeqCst);
}

async fn traffic(fast: Fastness) {
    while !STOP.load(SeqCst) {
        let id = fastrand::u64(0..300);
        match fastrand::u8(0..12) {
            0..5 => calls(1, item(id % 40)).await,
            5..8 => calls(1, guarded(id % 20)).await,
            8 => calls(3, items(&[id, id + 300, id + 600])).await,
            9 | 10 => calls(1, in_redis(id)).await,
            _ => {
                fast.cache().invalidate(Key::from_static("item").join(id)).await;
                let verdict = if id.is_multiple_of(2) { Verdict::Success } else { Verdict::Failure };
                drop(Breaker::named("by hand").call_judged_sync(|| id, |_| verdict));
            }
        }
        tokio::task::yield_now().await;
    }
}

/// The rates of all functions, and of all together.
fn rates(fast: &Fastness) -> Vec<f64> {
    let stats = fast.stats();
    let all = stats.sites.iter().map(|site| site.stats).chain([stats.total]);
    all.filter_map(|stats: Stats| stats.hit_rate()).collect()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (url, prefix) = (arguments.next().expect("an address"), arguments.next().expect("a prefix"));
    let redis = Redis::single(&url).expect("an address").prefix(prefix).command_timeout(PATIENCE);
    let fast = Fastness::builder().redis(redis).build().expect("a cache");
    fast.clone().install().expect("the first");
    until("the process is connected", async || fast.shared().is_some_and(|shared| shared.connected)).await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let mut publisher = metrics::with_local_recorder(&recorder, || Publisher::new(&fast));
    let mut tasks: Vec<_> = (0..4).map(|_| tokio::spawn(traffic(fast.clone()))).collect();
    for line in std::io::stdin().lock().lines() {
        match line.expect("text").as_str() {
            "scrape" => {
                let ended = ENDED.load(SeqCst);
                let ours = prometheus(&fast);
                metrics::with_local_recorder(&recorder, || publisher.publish());
                let rates = rates(&fast);
                fence(SeqCst);
                println!("{ended} {} {rates:?}", BEGUN.load(SeqCst));
                println!("{ours}---\n{}---", recorder.handle().render());
            }
            "stop" => {
                STOP.store(true, SeqCst);
                for task in tasks.drain(..) {
                    task.await.expect("traffic does not panic");
                }
                println!("stopped");
            }
            other => panic!("`{other}` is no command"),
        }
        std::io::stdout().flush().expect("a reader");
    }
}
