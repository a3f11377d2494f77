//! The client: defaults, time limits, figures.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bson::{Document, doc};
use fastness::mongo::{self, Client};
use fastness_tests::servers::{Mongo, PATIENCE, shared_mongo, shared_mongo_set, until};

async fn connect(url: &str) -> Client {
    mongo::Settings::from_uri(url).await.unwrap().connect().unwrap()
}

#[tokio::test]
async fn settings_of_the_uri_override_the_defaults() {
    let options = mongo::Settings::from_uri("mongodb://localhost").await.unwrap();
    let shown = format!("{options:?}");
    for expected in [
        "max_pool_size: Some(20), min_pool_size: Some(5), max_idle_time: Some(30s)",
        "connect_timeout: Some(10s), heartbeat_freq: Some(10s), compressors: Some([Zlib { level: Some(6) }])",
        "operation_timeout: 45s",
    ] {
        assert!(shown.contains(expected), "{shown}");
    }
    let uri = "mongodb://localhost/?maxPoolSize=3&socketTimeoutMS=1500&heartbeatFrequencyMS=2000&compressors=zlib&zlibCompressionLevel=1";
    let shown = format!("{:?}", mongo::Settings::from_uri(uri).await.unwrap());
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
    let options = mongo::Settings::from_uri(uri).await.unwrap();
    let shown = format!("{options} {options:?}");
    let client = options.connect().unwrap();
    let error = client.ping().await.unwrap_err();
    let shown = format!("{shown} {client:?} {error:?} {error}");
    assert!(!shown.contains("hunter2") && !shown.contains("ada"), "{shown}");
    assert!(error.is_unreachable());

    for bad in
        ["mongo://ada:hunter2@host", "mongodb://ada:hun:ter2@host", "mongodb://ada:hunter2@host/?maxPoolSize=hunter2"]
    {
        let error = mongo::Settings::from_uri(bad).await.unwrap_err();
        assert!(error.is_bad_setting() && !error.to_string().contains("ter2"), "{error}");
    }
    let error = mongo::Settings::from_uri("mongodb://host/?socketTimeoutMS=long").await.unwrap_err();
    assert!(error.is_bad_setting() && error.to_string().contains("socketTimeoutMS"), "{error}");
    let error =
        mongo::Settings::from_uri("mongodb://host/?minPoolSize=9&maxPoolSize=8").await.unwrap().connect().unwrap_err();
    assert!(error.is_bad_setting(), "{error}");
}

#[tokio::test]
async fn the_wire_is_compressed_and_the_pool_is_counted() {
    for url in [shared_mongo().await.url(), shared_mongo_set().await.url()] {
        let client = connect(&url).await;
        let db = client.database(&fastness_tests::servers::database_name());
        let things = db.collection::<Document>("things");
        let before = compressed(&client).await;
        let inserting = things.clone();
        let insert = async move { inserting.insert_one(doc! { "text": "again and again ".repeat(1_000) }).await };
        client.bounded("insert a thing", insert).await.unwrap();
        assert!(compressed(&client).await > before);

        // Connections are in use until all operations run at once, however slowly connections are created.
        let seen = Arc::new(AtomicBool::new(false));
        let busy = (0..40).map(|_| {
            let (client, things, seen) = (client.clone(), things.clone(), seen.clone());
            tokio::spawn(async move {
                while !seen.load(Relaxed) {
                    let slow = doc! { "$where": "sleep(50) || true" };
                    let things = things.clone();
                    client.bounded("find a thing", async move { things.find_one(slow).await }).await.unwrap();
                }
            })
        });
        let busy: Vec<_> = busy.collect();
        until("all connections are in use, and others wait", async || {
            let seen = client.snapshot();
            seen.in_use == 20 && seen.waiting > 0
        })
        .await;
        seen.store(true, Relaxed);
        for task in busy {
            task.await.unwrap();
        }
        let seen = client.snapshot();
        assert_eq!((seen.in_use, seen.waiting, seen.failures), (0, 0, 0), "{seen:?}");
        assert!(seen.connections >= 5 && seen.created >= 20, "{seen:?}");
        assert!(seen.operations >= 21 && seen.checkouts >= seen.operations, "{seen:?}");
        assert!(seen.checkout_wait_max > Duration::ZERO && seen.latency_max >= Duration::from_millis(50), "{seen:?}");
    }
}

async fn compressed(client: &Client) -> i64 {
    let status = client.database("admin").run_command(doc! { "serverStatus": 1 }).await.unwrap();
    let network = status.get_document("network").unwrap().get_document("compression").unwrap();
    network.get_document("zlib").unwrap().get_document("decompressor").unwrap().get_i64("bytesIn").unwrap()
}

#[tokio::test]
async fn a_hanging_server_delays_no_caller_beyond_the_bound() {
    let server = Mongo::start().await;
    let options = mongo::Settings::from_uri(&server.url()).await.unwrap();
    let client = options.operation_timeout(Duration::from_millis(300)).connect().unwrap();
    assert!(client.ping().await.is_ok());
    server.pause();
    let things = client.database("d").collection::<Document>("c");
    let find = client.bounded("find a thing", async move { things.find_one(doc! {}).await });
    let error = tokio::time::timeout(PATIENCE, find).await.expect("an end").unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.to_string(), "cannot find a thing: it timed out after 300ms");
    let error = tokio::time::timeout(PATIENCE, client.ping()).await.expect("an end").unwrap_err();
    assert!(error.is_timeout() && error.to_string().contains(&format!("{:?}", Client::PING_TIMEOUT)), "{error}");
    assert_eq!(client.snapshot().timeouts, 2);
    server.resume();
    until("it is well again", async || client.ping().await.is_ok()).await;
    until("no connection is held", async || client.snapshot().in_use == 0).await;
}
