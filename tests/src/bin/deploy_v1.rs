//! The version that is being replaced.

use std::sync::atomic::{AtomicUsize, Ordering};

use fastness::cacheable;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
    mail: String,
}

static LOADS: AtomicUsize = AtomicUsize::new(0);

#[cacheable(ttl = 60, key = "user:{id}", tier = shared)]
async fn user(id: u64) -> User {
    let load = LOADS.fetch_add(1, Ordering::SeqCst) + 1;
    User { id, name: format!("v1 load {load}"), mail: "mail".to_owned() }
}

#[tokio::main]
async fn main() {
    fastness_tests::deploy::serve(async |id| format!("{:?}", user(id).await)).await;
}
