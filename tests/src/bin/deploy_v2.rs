//! The version that replaces it: two fields of one type have changed places, and one field is new.

use std::sync::atomic::{AtomicUsize, Ordering};

use fastness::cacheable;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct User {
    id: u64,
    mail: String,
    name: String,
    admin: bool,
}

static LOADS: AtomicUsize = AtomicUsize::new(0);

#[cacheable(ttl = 60, key = "user:{id}", tier = shared)]
async fn user(id: u64) -> User {
    let load = LOADS.fetch_add(1, Ordering::SeqCst) + 1;
    User { id, mail: "mail".to_owned(), name: format!("v2 load {load}"), admin: true }
}

#[tokio::main]
async fn main() {
    fastness_tests::deploy::serve(async |id| format!("{:?}", user(id).await)).await;
}
