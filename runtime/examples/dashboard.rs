//! A shop that is its own only client, so that the dashboard has something to show:
//! `cargo run -p fastness --features full --example dashboard`, then open <http://127.0.0.1:8090/dashboard>.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastness::monitor::{MemoryGuard, Monitor, Probe, RouteTotals, SlowQuery};
use fastness::resilience::Rejected;
use fastness::resilience::breaker::Breaker;
use fastness::timing::{CallOutcome, Timing};
use fastness::{Fastness, cacheable, timed};

#[derive(Clone, Debug)]
struct Failed;

impl From<Rejected> for Failed {
    fn from(_: Rejected) -> Self {
        Self
    }
}

async fn work(time: Duration) {
    // Work that takes its time.
    #[allow(clippy::disallowed_methods)]
    tokio::time::sleep(time).await;
}

#[cacheable(ttl = 30, key = "product:{id}")]
async fn product(id: u64) -> u64 {
    work(Duration::from_millis(12)).await;
    id
}

/// Hardly ever asked for the same twice.
#[cacheable(ttl = 1, key = "search:{words}:{page}")]
async fn search(words: u64, page: u64) -> u64 {
    work(Duration::from_millis(40)).await;
    words + page
}

#[timed(name = "orders.checkout", slow = "80ms")]
async fn checkout(n: u64) -> Result<u64, Failed> {
    Breaker::named("payments")
        .call(async move {
            work(Duration::from_millis(15 + n % 70)).await;
            // The provider of payments fails for a while, every now and then.
            if n % 600 > 540 { Err(Failed) } else { Ok(n) }
        })
        .await
}

async fn visit(n: u64) {
    let (shown, found, paid) =
        (Timing::new("GET /products/{id}"), Timing::new("GET /search"), Timing::new("POST /orders"));
    let skewed = fastrand::u64(1..=fastrand::u64(1..=400));
    let timer = shown.start();
    product(skewed).await;
    timer.finish(CallOutcome::Ok);
    if n.is_multiple_of(3) {
        let timer = found.start();
        search(fastrand::u64(..400), fastrand::u64(..9)).await;
        timer.finish(CallOutcome::Ok);
    }
    if n.is_multiple_of(5) {
        let timer = paid.start();
        let outcome = checkout(n).await.map_or(CallOutcome::Error, |_| CallOutcome::Ok);
        timer.finish(outcome);
    }
}

fn routes() -> Vec<RouteTotals> {
    let figures = |route: &'static str| {
        let stats = Timing::new(route).snapshot();
        RouteTotals { route: route.into(), errors: stats.error.count(), latency: stats.returned() }
    };
    ["GET /products/{id}", "GET /search", "POST /orders"].map(figures).into()
}

fn slow_queries() -> Vec<SlowQuery> {
    vec![SlowQuery {
        collection: "orders".into(),
        shape: "{status: \"?\", total: {$gt: \"?\"}} sort {createdAt: -1}".into(),
        count: 42,
        slowest: Duration::from_millis(318),
        index: Some("{status: 1, createdAt: -1, total: 1}".into()),
    }]
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let fast = Fastness::builder().build()?;
    fast.clone().install()?;
    let guard = MemoryGuard::builder().cache(&fast).build()?;
    let monitor = Monitor::builder()
        .cache(&fast)
        .every(Duration::from_secs(1))
        .database(Probe::new("embedded store", async || Ok::<_, std::io::Error>(())))
        .memory_guard(&guard)
        .routes(routes)
        .slow_queries(slow_queries)
        .build()?;
    monitor.start()?;
    for _ in 0..12 {
        tokio::spawn(async {
            static VISITS: AtomicU64 = AtomicU64::new(0);
            loop {
                visit(VISITS.fetch_add(1, Ordering::Relaxed)).await;
                work(Duration::from_millis(fastrand::u64(10..40))).await;
            }
        });
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8090").await?;
    println!("http://{}/dashboard", listener.local_addr()?);
    axum::serve(listener, fastness::routes::monitor(&monitor).into_router()).await?;
    Ok(())
}
