//! A stack of policies around one call: `cargo run -p fastness --example resilience`.
//!
//! The supplier works, then fails, then works again. Callers always get an answer: a fresh one, an old one, or the fallback's.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use fastness::resilience::breaker::Breaker;
use fastness::resilience::{Rejected, TimedOut};
use fastness::{bulkhead, cacheable, circuit_breaker, fallback, retry, timeout};

static IS_DOWN: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicU64 = AtomicU64::new(0);

#[derive(Clone, Debug)]
enum Trouble {
    Down,
    TimedOut,
    Rejected,
}

impl From<TimedOut> for Trouble {
    fn from(_: TimedOut) -> Self {
        Self::TimedOut
    }
}

impl From<Rejected> for Trouble {
    fn from(_: Rejected) -> Self {
        Self::Rejected
    }
}

#[fallback(unknown)] // answers for everything below, uncached
#[cacheable(ttl = "50ms", key = "rating:{id}", stale_if_error = "1h")] // a hit touches nothing below
#[circuit_breaker(name = "ratings", failure_threshold = 3, open_for = "100ms")] // a call with all its attempts counts once
#[retry(attempts = 2, wait = "5ms")]
#[timeout("250ms")] // for each attempt
#[bulkhead(max = 64)]
async fn rating(id: u64) -> Result<u64, Trouble> {
    CALLS.fetch_add(1, SeqCst);
    if IS_DOWN.load(SeqCst) { Err(Trouble::Down) } else { Ok(id % 5 + 1) }
}

#[expect(clippy::unused_async, reason = "the fallback of an async function is async")]
async fn unknown(id: u64, trouble: Trouble) -> Result<u64, Trouble> {
    println!("  no rating of {id}: {trouble:?}");
    Ok(0)
}

async fn show(what: &str) {
    println!("{what}: known product {:?}, new product {:?}", rating(7).await, rating(CALLS.load(SeqCst) + 100).await);
    println!("  breaker {:?}, {} calls so far", Breaker::named("ratings").state(), CALLS.load(SeqCst));
    // Lets lifetimes and the breaker's pause pass.
    #[allow(clippy::disallowed_methods)]
    tokio::time::sleep(Duration::from_millis(60)).await;
}

#[tokio::main]
async fn main() {
    show("the supplier works").await;
    IS_DOWN.store(true, SeqCst);
    for _ in 0..3 {
        show("the supplier is down").await;
    }
    IS_DOWN.store(false, SeqCst);
    for _ in 0..3 {
        show("the supplier works again").await;
    }
}
