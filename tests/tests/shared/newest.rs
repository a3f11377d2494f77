//! Two loads of one key in two processes: the value of the later one stays in the shared tier too.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use fastness::{Clock, Fastness, Redis as Settings, cacheable, with_cache};
use fastness_tests::servers::{Cluster, PATIENCE, prefix, shared_redis, until};
use tokio::sync::Notify;

use crate::{connected, stored};

const SECOND: Duration = Duration::from_secs(1);

/// A row of a database, in which zero stands for an absence. A load reads it when the load begins.
#[derive(Default)]
struct Row {
    value: AtomicU64,
    loads: AtomicU64,
    gate: Notify,
}

impl Row {
    fn set(&self, value: u64) {
        self.value.store(value, Ordering::SeqCst);
    }

    fn read(&self) -> Option<u64> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        Some(self.value.load(Ordering::SeqCst)).filter(|value| *value > 0)
    }

    fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }
}

#[cacheable(ttl = 60, jitter = 0, early = off, negative_ttl = 60, tier = shared, key = "row:{id}", skip(row))]
async fn slow(row: &Row, id: u64) -> Option<u64> {
    let (_, read) = (id, row.read());
    row.gate.notified().await;
    read
}

#[cacheable(ttl = 60, jitter = 0, early = off, negative_ttl = 60, tier = shared, key = "row:{id}", skip(row))]
async fn quick(row: &Row, id: u64) -> Option<u64> {
    let _ = id;
    row.read()
}

#[cacheable(ttl = 60, jitter = 0, early = off, negative_ttl = 10, tier = shared, key = "row:{id}", skip(row))]
async fn briefly(row: &Row, id: u64) -> Option<u64> {
    let _ = id;
    row.read()
}

#[cacheable(ttl = Duration::ZERO, tier = shared, key = "row:{id}", skip(row))]
async fn passing(row: &Row, id: u64) -> Option<u64> {
    let _ = id;
    row.read()
}

/// Processes whose clocks the test moves together.
async fn nodes<const N: usize>(settings: &Settings, clock: &Clock) -> [Fastness; N] {
    let mut nodes = Vec::new();
    for _ in 0..N {
        let redis = settings.clone().command_timeout(PATIENCE);
        let node = Fastness::builder().redis(redis).clock(clock.clone()).build().unwrap();
        connected(&node).await;
        nodes.push(node);
    }
    nodes.try_into().ok().unwrap()
}

async fn is_first<F: Future>(future: std::pin::Pin<&mut F>, row: &Row) {
    let mut future = future;
    until("it loads", async || {
        let polled = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await;
        assert!(polled, "it waits");
        row.loads() > 0
    })
    .await;
}

async fn later_loads_win(settings: Settings) {
    for (older, newer) in [(1, 2), (0, 2), (1, 0)] {
        let (clock, row) = (Clock::manual(), Row::default());
        let settings = settings.clone().prefix(prefix());
        let [one, two, three] = nodes(&settings, &clock).await;
        row.set(older);
        let mut slow = pin!(with_cache(&one, slow(&row, 7)));
        is_first(slow.as_mut(), &row).await;
        clock.advance(SECOND);
        row.set(newer);
        let expected = Some(newer).filter(|value| *value > 0);
        assert_eq!(with_cache(&two, quick(&row, 7)).await, expected);
        stored(&two, 1).await;
        row.gate.notify_one();
        slow.await;
        stored(&one, 1).await;
        row.set(3);
        for node in [&one, &two, &three] {
            assert_eq!(with_cache(node, quick(&row, 7)).await, expected, "{older}, then {newer}");
        }
        assert_eq!(row.loads(), 2);
    }
}

#[tokio::test]
async fn an_older_load_of_another_process_replaces_nothing_newer() {
    later_loads_win(Settings::single(&shared_redis().await.url()).unwrap()).await;
}

#[tokio::test]
async fn an_older_load_of_another_process_replaces_nothing_newer_in_a_cluster() {
    let cluster = Cluster::start().await;
    later_loads_win(Settings::cluster(cluster.urls()).unwrap().takeover(Duration::ZERO)).await;
}

#[tokio::test]
async fn a_load_that_stores_nothing_leaves_nothing_older_there() {
    for found in [2, 0] {
        let (redis, prefix, clock, row) = (shared_redis().await, prefix(), Clock::manual(), Row::default());
        let [one, two] = nodes(&Settings::single(&redis.url()).unwrap().prefix(&prefix), &clock).await;
        row.set(1);
        assert_eq!(with_cache(&one, quick(&row, 7)).await, Some(1));
        stored(&one, 1).await;
        clock.advance(SECOND);
        row.set(found);
        assert_eq!(with_cache(&one, passing(&row, 7)).await.unwrap_or_default(), found);
        let values = format!("{prefix}row:7#*");
        until("it is removed", async || redis.command::<Vec<String>>(&["KEYS", &values]).await.is_empty()).await;
        row.set(3);
        assert_eq!(with_cache(&two, quick(&row, 7)).await, Some(3), "the first value is gone");
    }
}

#[tokio::test]
async fn the_reader_of_an_absence_decides_how_long_it_counts() {
    let (clock, row) = (Clock::manual(), Row::default());
    let settings = Settings::single(&shared_redis().await.url()).unwrap().prefix(prefix());
    let [one, two] = nodes(&settings, &clock).await;
    assert_eq!(with_cache(&one, quick(&row, 7)).await, None);
    stored(&one, 1).await;
    assert_eq!((with_cache(&two, briefly(&row, 7)).await, row.loads()), (None, 1));
    clock.advance(SECOND * 11);
    row.set(4);
    assert_eq!(
        (with_cache(&two, briefly(&row, 7)).await, row.loads()),
        (Some(4), 2),
        "it is too old for this function"
    );
}
