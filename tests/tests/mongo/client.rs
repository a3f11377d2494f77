//! The client: its defaults, its bounds, its figures.

use std::time::Duration;

use bson::{Document, doc};
use fastness::index::{Client, ClientOptions};
use fastness_tests::servers::{Mongo, PATIENCE, shared_mongo, shared_mongo_set, until};

async fn connect(url: &str) -> Client {
    ClientOptions::from_uri(url).await.unwrap().connect().unwrap()
}

#[tokio::test]
async fn what_the_uri_says_comes_before_the_defaults() {
    let options = ClientOptions::from_uri("mongodb://localhost").await.unwrap();
    let shown = format!("{options:?}");
    for expected in [
        "max_pool_size: Some(20), min_pool_size: Some(5), max_idle_time: Some(30s)",
        "connect_timeout: Some(10s), heartbeat_freq: Some(10s), compressors: Some([Zlib { level: Some(6) }])",
        "operation_timeout: 45s",
    ] {
        assert!(shown.contains(expected), "{shown}");
    }
    let uri = "mongodb://localhost/?maxPoolSize=3&socketTimeoutMS=1500&heartbeatFrequencyMS=2000&compressors=zlib&zlibCompressionLevel=1";
    let shown = format!("{:?}", ClientOptions::from_uri(uri).await.unwrap());
    for expected in [
        "max_pool_size: Some(3), min_pool_size: Some(3)",
        "heartbeat_freq: Some(2s), compressors: Some([Zlib { level: Some(1) }])",
        "operation_timeout: 1.5s",
    ] {
        assert!(shown.contains(expected), "{shown}");
    }
}

#[tokio::test]
async fn addresses_and_secrets_are_never_shown() {
    let uri = "mongodb://ada:hunter2@127.0.0.1:1/shop?serverSelectionTimeoutMS=10";
    let options = ClientOptions::from_uri(uri).await.unwrap();
    let shown = format!("{options} {options:?}");
    let client = options.connect().unwrap();
    let health = client.health().await;
    let shown = format!("{shown} {client:?} {health:?} {}", health.error.as_ref().unwrap());
    assert!(!shown.contains("hunter2") && !shown.contains("ada"), "{shown}");
    assert!(health.error.unwrap().is_unreachable());

    for bad in
        ["mongo://ada:hunter2@host", "mongodb://ada:hun:ter2@host", "mongodb://ada:hunter2@host/?maxPoolSize=hunter2"]
    {
        let error = ClientOptions::from_uri(bad).await.unwrap_err();
        assert!(error.is_bad_setting() && !error.to_string().contains("ter2"), "{error}");
    }
    let error = ClientOptions::from_uri("mongodb://host/?socketTimeoutMS=long").await.unwrap_err();
    assert!(error.is_bad_setting() && error.to_string().contains("socketTimeoutMS"), "{error}");
    let error =
        ClientOptions::from_uri("mongodb://host/?minPoolSize=9&maxPoolSize=8").await.unwrap().connect().unwrap_err();
    assert!(error.is_bad_setting(), "{error}");
}

#[tokio::test]
async fn the_wire_is_compressed_and_the_pool_is_counted() {
    for url in [shared_mongo().await.url(), shared_mongo_set().await.url()] {
        let client = connect(&url).await;
        let db = client.database(&fastness_tests::servers::database_name());
        let things = db.collection::<Document>("things");
        let before = compressed(&client).await;
        let insert = async { things.insert_one(doc! { "text": "again and again ".repeat(1_000) }).await };
        client.bounded("insert a thing", insert).await.unwrap();
        assert!(compressed(&client).await > before);

        let busy = (0..40).map(|_| {
            let (client, things) = (client.clone(), things.clone());
            tokio::spawn(async move {
                let slow = doc! { "$where": "sleep(1000) || true" };
                client.bounded("find a thing", async { things.find_one(slow).await }).await.unwrap();
            })
        });
        let busy: Vec<_> = busy.collect();
        until("all connections are in use, and others wait", async || {
            let metrics = client.metrics();
            metrics.in_use == 20 && metrics.waiting > 0
        })
        .await;
        for task in busy {
            task.await.unwrap();
        }
        let metrics = client.metrics();
        assert_eq!(
            (metrics.in_use, metrics.waiting, metrics.operations, metrics.failures),
            (0, 0, 41, 0),
            "{metrics:?}"
        );
        assert!(metrics.connections >= 5 && metrics.created >= 20 && metrics.checkouts >= 41, "{metrics:?}");
        assert!(
            metrics.checkout_wait_max > Duration::ZERO && metrics.latency_max >= Duration::from_millis(50),
            "{metrics:?}"
        );
    }
}

async fn compressed(client: &Client) -> i64 {
    let status = client.database("admin").run_command(doc! { "serverStatus": 1 }).await.unwrap();
    let network = status.get_document("network").unwrap().get_document("compression").unwrap();
    network.get_document("zlib").unwrap().get_document("decompressor").unwrap().get_i64("bytesIn").unwrap()
}

#[tokio::test]
async fn a_server_that_hangs_keeps_nobody_longer_than_the_bound() {
    let server = Mongo::start().await;
    let options = ClientOptions::from_uri(&server.url()).await.unwrap();
    let client = options.operation_timeout(Duration::from_millis(300)).connect().unwrap();
    assert!(client.health().await.is_up());
    server.pause();
    let things = client.database("d").collection::<Document>("c");
    let find = client.bounded("find a thing", async { things.find_one(doc! {}).await });
    let error = tokio::time::timeout(PATIENCE, find).await.expect("an end").unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.to_string(), "cannot find a thing: it took longer than 300ms");
    let health = tokio::time::timeout(PATIENCE, client.health()).await.expect("an end");
    assert!(!health.is_up() && health.latency >= Client::HEALTH_TIMEOUT);
    assert_eq!(client.metrics().timeouts, 2);
    server.resume();
    until("it is well again", async || client.health().await.is_up()).await;
    until("no connection is held", async || client.metrics().in_use == 0).await;
}
