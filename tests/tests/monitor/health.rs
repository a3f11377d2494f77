//! Health reports while servers hang, are killed and come back.

use std::time::Duration;

use fastness::mongo::{self, Client};
use fastness::monitor::health::Snapshot;
use fastness::monitor::{Monitor, Probe, Status};
use fastness::{Fastness, Redis as Settings};
use fastness_tests::servers::{Mongo, PATIENCE, Redis, prefix, until};

async fn client(server: &Mongo) -> Client {
    mongo::Settings::from_uri(&server.url()).await.unwrap().connect().unwrap()
}

fn embedded() -> Fastness {
    Fastness::builder().build().unwrap()
}

fn is_up(health: &Snapshot) -> bool {
    health.database.as_ref().unwrap().ok
}

fn coherent(health: &Snapshot) -> bool {
    health.shared.unwrap().coherent
}

/// The report, which is ready in time whatever hangs.
async fn health(monitor: &Monitor) -> Snapshot {
    tokio::time::timeout(PATIENCE, monitor.health()).await.expect("health hangs with what it asks")
}

/// Waits until the report meets this condition.
async fn reports(monitor: &Monitor, what: &str, is: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let mut last = None;
    until(what, async || is(last.insert(health(monitor).await))).await;
    last.unwrap()
}

#[tokio::test]
async fn a_hanging_database_is_unhealthy_and_delays_no_caller() {
    let server = Mongo::start().await;
    let monitor = Monitor::builder()
        .cache(&embedded())
        .database(&client(&server).await)
        .probe(Probe::new("other", async || Ok::<_, std::io::Error>(())))
        .build()
        .unwrap();
    let up = reports(&monitor, "the database is up", |health| health.status == Status::Healthy).await;
    assert!(is_up(&up) && up.connections > 0, "{up:?}");

    server.pause();
    let down = reports(&monitor, "the database hangs", |health| !is_up(health)).await;
    assert_eq!(down.status, Status::Unhealthy);
    assert!(down.probes[0].latency >= 1_000.0, "it was given its second: {down:?}");
    assert!(down.probes[1].ok && down.probes[1].latency < down.probes[0].latency, "{down:?}");
    assert!(monitor.ready().await.unwrap_err()[0].starts_with("mongodb: "));
    server.resume();
    reports(&monitor, "the database is up again", |health| health.status == Status::Healthy).await;
    assert_eq!(monitor.ready().await, Ok(()));
}

#[tokio::test]
async fn a_database_that_is_killed_is_unhealthy_until_it_is_back() {
    let mut server = Mongo::start().await;
    let monitor = Monitor::builder().cache(&embedded()).database(&client(&server).await).build().unwrap();
    reports(&monitor, "the database is up", is_up).await;
    server.kill();
    let down = reports(&monitor, "the database is gone", |health| health.status == Status::Unhealthy).await;
    assert!(down.reasons[0].starts_with("mongodb: "), "{down:?}");
    server.restart().await;
    reports(&monitor, "the database is back", |health| health.status == Status::Healthy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_checks_costs_the_database_next_to_nothing() {
    let server = Mongo::start().await;
    let client = client(&server).await;
    let monitor = Monitor::builder().cache(&embedded()).database(&client).build().unwrap();
    let began = tokio::time::Instant::now();
    let storm: Vec<_> = (0..2_000)
        .map(|_| {
            tokio::spawn({
                let monitor = monitor.clone();
                async move { monitor.health().await }
            })
        })
        .collect();
    for report in storm {
        assert_eq!(report.await.unwrap().status, Status::Healthy);
    }
    // One question a second, and the first one.
    let allowed = began.elapsed().as_secs() + 1;
    let asked = client.snapshot().operations;
    assert!(asked <= allowed, "{asked} questions, {allowed} allowed");
}

#[tokio::test]
async fn a_lost_shared_tier_degrades_health_and_a_required_one_makes_it_unhealthy() {
    let mut server = Redis::start().await;
    let settings = Settings::single(&server.url()).unwrap().prefix(prefix());
    let fast = Fastness::builder().redis(settings).max_stale(Duration::from_millis(500)).build().unwrap();
    let free = Monitor::builder().cache(&fast).build().unwrap();
    let bound = Monitor::builder().cache(&fast).require_shared_tier().build().unwrap();
    reports(&free, "the tier is up", |health| health.status == Status::Healthy && coherent(health)).await;

    server.pause();
    let hangs = reports(&free, "the tier hangs", |health| !coherent(health)).await;
    assert_eq!(hangs.status, Status::Degraded, "{hangs:?}");
    assert_eq!(health(&bound).await.status, Status::Unhealthy);
    assert_eq!(free.ready().await, Ok(()), "it is ready without the optional probe");
    assert!(bound.ready().await.is_err());
    server.resume();
    reports(&bound, "the tier answers again", |health| health.status == Status::Healthy).await;

    server.kill();
    let gone = reports(&free, "the tier is gone", |health| health.shared.is_some_and(|tier| !tier.connected)).await;
    assert_eq!(gone.status, Status::Degraded, "{gone:?}");
    server.restart().await;
    reports(&bound, "the tier is back", |health| health.status == Status::Healthy).await;
}
