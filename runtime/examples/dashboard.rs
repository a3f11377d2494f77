//! A shop that is its own only client, so that the dashboard has something to show:
//! `cargo run -p fastness --features full --example dashboard`, then open <http://127.0.0.1:8090/dashboard>. The token of the inspector is
//! `operator`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastness::monitor::{MemoryGuard, Monitor, Probe, SlowQuery};
use fastness::{Fastness, cacheable, circuit_breaker, timed};

type Failed = Box<dyn std::error::Error + Send + Sync>;

async fn work(millis: u64) {
    // Work that takes its time.
    #[allow(clippy::disallowed_methods)]
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[timed(name = "products.show")]
#[cacheable(ttl = 30, key = "product:{id}")]
async fn product(id: u64) -> u64 {
    work(12).await;
    id
}

/// A search that is hardly ever asked for twice.
#[timed(name = "products.search")]
#[cacheable(ttl = 1, key = "search:{words}")]
async fn search(words: u64) -> u64 {
    work(40).await;
    words
}

#[timed(name = "orders.checkout", slow = "80ms")]
#[circuit_breaker(name = "payments")]
async fn checkout(n: u64) -> Result<u64, Failed> {
    work(15 + n % 70).await;
    // The provider of payments fails for a while, every now and then.
    if n % 600 > 540 { Err("the provider fails".into()) } else { Ok(n) }
}

async fn visit(n: u64) {
    product(fastrand::u64(1..=fastrand::u64(1..=400))).await;
    if n.is_multiple_of(3) {
        search(fastrand::u64(..4_000)).await;
    }
    if n.is_multiple_of(5) {
        let _ = checkout(n).await;
    }
    work(fastrand::u64(10..40)).await;
}

fn slow_queries() -> Vec<SlowQuery> {
    let shape = "{status: \"?\", total: {$gt: \"?\"}} sort {createdAt: -1}".into();
    let (slowest, index) = (Duration::from_millis(318), Some("{status: 1, createdAt: -1, total: 1}".into()));
    vec![SlowQuery { collection: "orders".into(), shape, count: 42, slowest, index }]
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    static VISITS: AtomicU64 = AtomicU64::new(0);
    let fast = Fastness::builder().build()?;
    fast.clone().install()?;
    let guard = MemoryGuard::builder().cache(&fast).build()?;
    let database = Probe::new("embedded store", async || Ok::<_, std::io::Error>(()));
    let monitor = Monitor::builder().cache(&fast).every(Duration::from_secs(1)).database(database);
    let monitor = monitor.memory_guard(&guard).slow_queries(slow_queries).build()?;
    monitor.start()?;
    for _ in 0..12 {
        tokio::spawn(async {
            loop {
                visit(VISITS.fetch_add(1, Ordering::Relaxed)).await;
            }
        });
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8090").await?;
    println!("http://{}/dashboard", listener.local_addr()?);
    Ok(axum::serve(listener, fastness::routes::monitor(&monitor).operator_token("operator").into_router()).await?)
}
