//! Checks of the servers that the tests start, and of the faults that tests cause in them.

use std::time::Duration;

use fastness_tests::servers::{Cluster, Proxy, Redis, Sentinel, until};
use redis::AsyncCommands;

#[tokio::test]
async fn a_server_starts_hangs_goes_on_and_starts_again_empty() {
    let mut server = Redis::start().await;
    server.command::<()>(&["SET", "a", "1"]).await;
    server.pause();
    let mut asked = Box::pin(server.command::<String>(&["GET", "a"]));
    let early = tokio::time::timeout(Duration::from_millis(100), &mut asked).await;
    assert!(early.is_err(), "a server that is stopped does not answer");
    server.resume();
    assert_eq!(asked.await, "1");
    server.restart().await;
    assert_eq!(server.command::<Option<String>>(&["GET", "a"]).await, None);
}

#[tokio::test]
async fn a_group_of_sentinels_elects_another_master() {
    let mut group = Sentinel::start().await;
    let old = group.master().await.port();
    group.kill_master().await;
    assert_ne!(group.master().await.port(), old);
}

#[tokio::test]
async fn a_replica_takes_over_for_a_master_of_the_cluster() {
    let mut cluster = Cluster::start().await;
    let old = cluster.master_of("a").await;
    cluster.kill_master_of("a").await;
    assert_ne!(cluster.master_of("a").await, old);
}

#[tokio::test]
async fn a_proxy_delays_cuts_and_loses_data() {
    let server = Redis::start().await;
    let proxy = Proxy::start(server.port()).await;
    let connect = async || redis::Client::open(proxy.url()).unwrap().get_multiplexed_async_connection().await;
    let mut connection = connect().await.unwrap();
    connection.set::<_, _, ()>("a", "x".repeat(1_000)).await.unwrap();
    assert_eq!(proxy.connections(), 1);

    let began = tokio::time::Instant::now();
    proxy.delay(Duration::from_millis(30));
    connection.get::<_, String>("a").await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(60), "there and back");

    proxy.silence();
    let lost = tokio::time::timeout(Duration::from_millis(100), connection.get::<_, String>("a")).await;
    assert!(lost.is_err() && proxy.connections() == 1);

    proxy.restore();
    until("the silenced connection is ended", async || proxy.connections() == 0).await;
    let mut connection = connect().await.unwrap();
    proxy.cut_after(500);
    assert!(connection.get::<_, String>("a").await.is_err(), "half a reply is no reply");

    proxy.cut();
    assert!(connect().await.is_err());
}
