//! The shared tier, on real servers.

mod acl;
mod batches;
mod cache_refresh;
mod codecs;
mod coherence;
mod encoding;
mod encryption;
mod erase;
mod exact;
mod faults;
mod fleet;
mod foreign_entries;
mod garbage;
mod idempotency;
mod lifetimes;
mod lost;
mod names;
mod newest;
mod one_key;
mod plain;
mod previous;
mod provenance;
mod puts;
mod records;
mod refresh;
mod refusals;
mod reload;
mod responses;
mod sentinels;
mod stated;
mod streamed;
mod subscriptions;
mod takeover;
mod together;
mod transactions;
mod value_tags;
mod values;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fastness::{Fastness, Redis};
use fastness_tests::servers::{PATIENCE, until};

/// A node, which the cache takes for a process of a fleet. Its commands do not time out, however busy the machine is.
async fn node(url: &str, prefix: &str) -> Fastness {
    node_with(Redis::single(url).unwrap().prefix(prefix).command_timeout(PATIENCE)).await
}

async fn node_with(redis: Redis) -> Fastness {
    let fast = Fastness::builder().redis(redis).build().unwrap();
    connected(&fast).await;
    fast
}

async fn connected(fast: &Fastness) {
    until("the node is connected", async || fast.shared().unwrap().connected).await;
}

/// Waits until this node has stored this many values. Its commands do not time out.
async fn stored(fast: &Fastness, count: u64) {
    until("the values are stored", async || fast.shared().unwrap().stores >= count).await;
}

/// Waits until this node has stored this many values, or all its stores have ended. Returns whether all were stored: a failed store is not
/// repeated.
async fn are_stored(fast: &Fastness, count: u64) -> bool {
    tokio::time::timeout(Duration::from_secs(1), stored(fast, count)).await.is_ok()
}

/// An origin that counts its loads, and whose answers can be changed.
#[derive(Debug, Default)]
struct Origin {
    loads: AtomicUsize,
    version: AtomicUsize,
}

impl Origin {
    fn load(&self) -> usize {
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.version.load(Ordering::SeqCst)
    }

    fn change(&self) -> usize {
        self.version.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

const MINUTE: Duration = Duration::from_secs(60);
