//! The shared tier: reads, writes, announcements, and waits for another process.

use std::collections::HashMap;

use fastness::{Fastness, Redis, cache_invalidate, cacheable};
use fastness_tests::servers::{self, PATIENCE, prefix, shared_redis, until};
use tokio::sync::Notify;

use crate::{Exported, Trace};

#[cacheable(ttl = 60, key = "row:{id}")]
async fn row(id: u64) -> u64 {
    id
}

#[cacheable(ttl = 60, key = "row:{ids}", batch(ids))]
async fn rows(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, *id)).collect()
}

#[cacheable(ttl = 60, key = "fleet:{id}", single_flight = fleet, skip(gate))]
async fn fleet(id: u64, gate: &Notify) -> u64 {
    gate.notified().await;
    id
}

#[cache_invalidate("row:{id}")]
async fn change(id: u64) {}

async fn node(url: &str, prefix: &str) -> Fastness {
    let redis = Redis::single(url).unwrap().prefix(prefix).command_timeout(PATIENCE);
    let fast = Fastness::builder().redis(redis).build().unwrap();
    until("the node is connected", async || fast.shared().unwrap().connected).await;
    fast
}

fn outcomes(spans: &[Exported]) -> Vec<String> {
    spans.iter().map(Exported::outcome).collect()
}

#[tokio::test]
async fn a_miss_reads_loads_and_writes_and_another_process_has_a_read_alone() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let (a, b) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let first = Trace::begin();
    first.run_on(&a, row(7)).await;
    until("it is written", async || first.names().len() == 3).await;
    let names = ["fastness.shared.read", "fastness.load", "fastness.shared.write"];
    assert_eq!(first.names(), names);
    let [read, _, write] = names.map(|name| first.span(name));
    assert_eq!([read.outcome(), write.outcome()], ["miss", "stored"]);
    assert_eq!([read.text("db.system.name"), read.text("db.operation.name")], ["redis", "GET"]);
    assert_eq!([read.parent(), write.parent()], [first.root(); 2]);

    let second = Trace::begin();
    second.run_on(&b, row(7)).await;
    assert_eq!(second.names(), ["fastness.shared.read"]);
    assert_eq!(second.span("fastness.shared.read").outcome(), "hit");

    let batch = Trace::begin();
    let fresh = node(&redis.url(), &prefix).await;
    batch.run_on(&fresh, rows(&[7, 8, 9])).await;
    let read = batch.span("fastness.shared.read");
    assert_eq!([read.text("db.operation.name"), read.outcome()], ["MGET", "partial"]);
    assert_eq!(read.number("db.operation.batch.size"), Some(3));
    assert_eq!(read.number("fastness.hits"), Some(1));
    assert_eq!(batch.span("fastness.load").number("fastness.elements"), Some(2));

    let changed = Trace::begin();
    changed.run_on(&a, change(7)).await;
    assert_eq!(changed.span("fastness.invalidate").outcome(), "announced");
    let after = Trace::begin();
    after.run_on(&a, row(7)).await;
    assert_eq!(after.span("fastness.shared.read").outcome(), "outdated");
}

#[tokio::test]
async fn a_server_that_is_gone_is_seen_in_the_spans() {
    let (mut redis, prefix) = (servers::Redis::start().await, prefix());
    let fast = node(&redis.url(), &prefix).await;
    redis.kill();
    until("it is noticed", async || !fast.shared().unwrap().connected).await;
    let trace = Trace::begin();
    let calls = async {
        row(7).await;
        change(7).await;
    };
    trace.run_on(&fast, calls).await;
    let read = trace.span("fastness.shared.read");
    assert!(read.is_failed() && read.outcome() == "unavailable" && read.text("error.type") == "unavailable");
    assert_eq!(trace.span("fastness.invalidate").outcome(), "local_only");
    assert_eq!(trace.span("fastness.load").outcome(), "value");
}

#[tokio::test]
async fn a_wait_for_another_process_has_a_span() {
    let (redis, prefix, gate) = (shared_redis().await, prefix(), Notify::new());
    let (a, b) = (node(&redis.url(), &prefix).await, node(&redis.url(), &prefix).await);
    let (leader, waiter) = (Trace::begin(), Trace::begin());
    let open = async {
        until("the other process has asked a few times", async || waiter.spans("fastness.shared.read").len() >= 3)
            .await;
        gate.notify_one();
    };
    let late = async {
        // It asks once before it takes the lease, and once after.
        until("the lease is taken", async || leader.spans("fastness.shared.read").len() >= 2).await;
        waiter.run_on(&b, fleet(7, &gate)).await
    };
    tokio::join!(leader.run_on(&a, fleet(7, &gate)), late, open);
    let wait = waiter.span("fastness.wait");
    assert_eq!([wait.text("fastness.leader"), wait.outcome()], ["fleet", "shared"]);
    assert!(waiter.spans("fastness.load").is_empty());
    assert_eq!(outcomes(&leader.spans("fastness.load")), ["value"]);
}
