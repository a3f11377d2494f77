//! A cached function: `cargo run -p fastness --example function_cache`.
//!
//! A hundred callers ask for one cold key at once. The body runs once, all callers get its value, and later calls are hits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastness::{Fastness, cacheable};

#[derive(Debug)]
struct User {
    name: String,
}

#[cacheable(ttl = "5m", key = "user:{id}")]
async fn user(id: u64) -> Arc<User> {
    println!("loading user {id}");
    // The time that a database takes.
    #[allow(clippy::disallowed_methods)]
    tokio::time::sleep(Duration::from_millis(50)).await;
    Arc::new(User { name: format!("user {id}") })
}

#[tokio::main]
async fn main() {
    let callers: Vec<_> = (0..100).map(|_| tokio::spawn(user(7))).collect();
    for caller in callers {
        assert_eq!(caller.await.expect("a value").name, "user 7");
    }

    // Only a measurement for the reader's eyes.
    #[allow(clippy::disallowed_methods)]
    let start = Instant::now();
    for _ in 0..1_000_000 {
        user(7).await;
    }
    println!("a million hits took {:?}", start.elapsed());

    let total = Fastness::current().stats().total;
    println!("{} loads, {} hits, {} callers that waited for a load", total.loads, total.hits, total.coalesced);
}
