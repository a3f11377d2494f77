//! Direct calls with wrong keys, and with values that the shared tier cannot store.

use std::sync::Arc;
use std::time::Duration;

use fastness::{Cache, Key, Scope};

const EMPTY: Key = Key::from_static("");
const PATTERN: Key = Key::from_static("user:*");
const HALF_A_SEGMENT: Scope = Scope::from_static("us*");

struct NotSerde;

async fn both_tiers(cache: &Cache) {
    let key = Key::from_static("user:1");
    cache.set(&key, Arc::new(NotSerde), Duration::from_secs(60)).await;
    let _ = cache.get::<Arc<NotSerde>>(&key).await;
}

async fn text(cache: &Cache) {
    let _ = cache.get::<u32>("user:1").await;
    cache.invalidate("user:*").await;
}

fn main() {}
