//! Tests with a cache and a clock of their own: `cargo run -p fastness --example testing`.
//!
//! The functions below are programs' code; the rest is written as in a test, where `#[tokio::test]` stands in place of `main`.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use fastness::{Clock, Fastness, cacheable, with_cache};

static LOADS: AtomicU64 = AtomicU64::new(0);

#[cacheable(ttl = 60, jitter = 0, key = "rate:{currency}", stale = 30)]
async fn rate(currency: &str) -> u64 {
    LOADS.fetch_add(1, SeqCst) + 1
}

#[tokio::main]
async fn main() -> Result<(), fastness::Error> {
    let clock = Clock::manual();
    let fast = Fastness::builder().clock(clock.clone()).build()?;
    with_cache(&fast, async {
        assert_eq!(rate("EUR").await, 1, "a miss");
        clock.advance(Duration::from_secs(59));
        assert_eq!(rate("EUR").await, 1, "a hit, without a second of waiting");
        clock.advance(Duration::from_secs(32));
        assert_eq!(rate("EUR").await, 2, "past ttl and stale: loaded again");
    })
    .await;
    let total = fast.stats().total;
    println!("{} hit, {} loads, in no time at all", total.hits, total.loads);

    // Another cache has its own entries.
    let other = Fastness::builder().build()?;
    assert_eq!(with_cache(&other, rate("EUR")).await, 3);
    Ok(())
}
