//! Permissions of the server's user: those that `docs/guide/operations.md` lists are enough.

use std::fs;
use std::path::Path;
use std::time::Duration;

use fastness::{Reach, Redis as Settings, cacheable, with_cache};
use fastness_tests::servers::{Cluster, PATIENCE, Redis, until};

use crate::{node_with, stored};
use fastness_tests::names::reached;

#[cacheable(ttl = 60, key = "ware:{id}", tier = shared)]
async fn ware(id: u64) -> u64 {
    id
}

/// The commands of the page: for one server, and for a node of a cluster.
fn commands() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide/operations.md");
    let page = fs::read_to_string(page).unwrap();
    page.lines().filter(|line| line.starts_with("ACL SETUSER ")).map(str::to_owned).collect()
}

async fn allow(server: &Redis, command: &str) {
    server.command::<()>(&command.split(' ').collect::<Vec<_>>()).await;
}

fn with_user(url: &str) -> String {
    url.replace("redis://", "redis://shop:secret@")
}

/// Checks that values are stored and found, and that invalidations are announced.
async fn works(settings: Settings) {
    // None of these servers has a predecessor.
    let settings = settings.prefix("shop:").command_timeout(PATIENCE).takeover(Duration::ZERO);
    let (writer, reader) = (node_with(settings.clone()).await, node_with(settings).await);
    with_cache(&writer, ware(7)).await;
    stored(&writer, 1).await;
    until("the value is read", async || {
        with_cache(&reader, ware(7)).await;
        reader.shared().unwrap().hits > 0
    })
    .await;
    until("it is announced", async || writer.cache().invalidate(reached("ware:*")).await == Reach::Announced).await;
}

#[tokio::test]
async fn the_permissions_of_the_guide_suffice_on_one_server() {
    let server = Redis::start().await;
    allow(&server, &commands()[0]).await;
    works(Settings::single(&with_user(&server.url())).unwrap()).await;
}

#[tokio::test]
async fn the_permissions_of_the_guide_suffice_in_a_cluster() {
    let cluster = Cluster::start().await;
    for node in cluster.nodes() {
        allow(node, &commands()[1]).await;
    }
    works(Settings::cluster(cluster.urls().iter().map(|url| with_user(url))).unwrap()).await;
}
