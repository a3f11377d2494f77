//! Neither keys nor values are to be read in Redis, and everything works as without encryption.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response};
use fastness::http::{CacheLayer, CacheTags, IdempotencyLayer};
use fastness::{Fastness, Key, Redis as Settings, cache_invalidate, cache_put, cacheable, with_cache};
use fastness_tests::names::{entries, named};
use fastness_tests::servers::{Cluster, PATIENCE, Redis, Sentinel, prefix, shared_redis, until};
use tokio::sync::Semaphore;
use tower::{Layer, ServiceExt, service_fn};

use super::{SECRET, get, keyring, process, values};
use crate::erase::{confirmed, erases, forget, left, person_and_age};
use crate::{MINUTE, Origin, node_with, stored};

#[cacheable(ttl = 60, negative_ttl = 60, key = "patient:none:{name}", tier = shared, skip(origin))]
async fn unknown(origin: &Origin, name: &str) -> Option<String> {
    (origin.load() > 1_000).then(|| name.to_owned())
}

#[cacheable(ttl = 60, key = "patient:each:{names}", batch(names), tier = shared, skip(origin))]
async fn each(origin: &Origin, names: &[String]) -> HashMap<String, String> {
    names.iter().map(|name| (name.clone(), format!("{SECRET} {name} {}", origin.load()))).collect()
}

#[cache_put(key = "patient:put:{name}", ttl = 60, tier = shared)]
async fn save(name: &str) -> String {
    format!("{SECRET} {name}")
}

#[cacheable(
    ttl = 60,
    key = "patient:tagged:{name}",
    tags = |name: &String| [Key::from_static("ward").join(name)],
    tag_patterns = ["ward:{name}"],
    tier = shared,
    skip(origin)
)]
async fn tagged(origin: &Origin, name: &str) -> String {
    origin.load();
    name.to_owned()
}

#[cache_invalidate(tags = ["ward:{name}"])]
async fn close(name: &str) {}

#[cacheable(ttl = 60, key = "patient:slow:{name}", single_flight = fleet, tier = shared, skip(origin, gate))]
async fn slow(origin: &Origin, gate: &Semaphore, name: &str) -> String {
    origin.load();
    gate.acquire().await.unwrap().forget();
    format!("{SECRET} {name}")
}

/// Checks that neither a name nor any bytes under this prefix contain these texts, and returns the names.
async fn shows_nothing_of(server: &Redis, prefix: &str, texts: &[&str]) -> Vec<String> {
    let names: Vec<String> = server.command(&["KEYS", &format!("{prefix}*")]).await;
    for name in &names {
        // Whatever its kind: as in a snapshot.
        let bytes: Option<Vec<u8>> = server.command(&["DUMP", name]).await;
        let bytes = bytes.unwrap_or_default();
        for text in texts {
            let is_found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!is_found && !name.contains(text), "{name} shows {text}");
        }
    }
    names
}

/// Sends a request through the cache and through the layer for idempotent requests.
async fn responses(process: &Fastness, origin: &Arc<Origin>) -> [String; 2] {
    let loads = origin.clone();
    let handler = service_fn(move |_: Request<Body>| {
        let mut response = Response::new(Body::from(format!("{SECRET} {}", loads.load())));
        response.headers_mut().insert("cache-control", "max-age=60".parse().unwrap());
        response.extensions_mut().insert(CacheTags::new(["ward:lovelace"]));
        async { Ok::<_, Infallible>(response) }
    });
    let text = async |body: Body| {
        let bytes = axum::body::to_bytes(body, 1_000).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    let read = Request::get("/patients/lovelace").body(Body::empty()).unwrap();
    let read = CacheLayer::new().on(process).layer(handler).oneshot(read).await.unwrap();
    let origin = origin.clone();
    let handler = service_fn(move |_: Request<fastness::http::Body<Body>>| {
        let answer = format!("{SECRET} {}", origin.load());
        async { Ok::<_, Infallible>(Response::new(Body::from(answer))) }
    });
    let write = Request::post("/patients/lovelace").header("idempotency-key", "lovelace").body(Body::empty()).unwrap();
    let write = IdempotencyLayer::new().on(process).layer(handler).oneshot(write).await.unwrap();
    [text(Body::new(read.into_body())).await, text(Body::new(write.into_body())).await]
}

#[tokio::test]
async fn every_kind_of_value_is_found_by_other_processes_and_unreadable_in_redis() {
    let (server, prefix, origin) = (shared_redis().await, prefix(), Arc::<Origin>::default());
    let (one, two) = (process(server, &prefix, "a").await, process(server, &prefix, "a").await);
    let names = ["lovelace".to_owned(), "turing".to_owned()];
    let use_all = async |process: &Fastness| {
        let single = get(process, &origin, "lovelace").await;
        let absent = with_cache(process, unknown(&origin, "lovelace")).await;
        let several = with_cache(process, each(&origin, &names)).await;
        let with_tags = with_cache(process, tagged(&origin, "lovelace")).await;
        (single, absent, several, with_tags, responses(process, &origin).await)
    };
    let first = use_all(&one).await;
    with_cache(&one, save("lovelace")).await;
    one.cache().mset(entries([("patient:direct:lovelace", SECRET.to_owned())]), MINUTE).await;
    until("all are stored", async || values(server, &prefix).await.len() == 9).await;
    let loads = origin.loads();
    assert_eq!(use_all(&two).await, first);
    assert_eq!(origin.loads(), loads, "everything is read from Redis");
    assert_eq!(two.cache().get::<String>(&named("patient:direct:lovelace")).await.as_deref(), Some(SECRET));
    let stats = two.shared().unwrap();
    assert_eq!((stats.unreadable, stats.unknown_secret, stats.forged), (0, 0, 0));

    let secrets = [SECRET, "patient", "lovelace", "turing", "ward:"];
    let names = shows_nothing_of(server, &prefix, &secrets).await;
    assert!(names.len() >= 10, "{names:?}");
    // Tags are stored with the value: a process that never loaded it judges it by them.
    with_cache(&one, close("lovelace")).await;
    let third = process(server, &prefix, "a").await;
    with_cache(&third, tagged(&origin, "lovelace")).await;
    assert_eq!(origin.loads(), loads + 1);
    shows_nothing_of(server, &prefix, &secrets).await;
}

#[tokio::test]
async fn a_fleet_loads_an_encrypted_key_once() {
    let (server, prefix, origin) = (shared_redis().await, prefix(), Origin::default());
    let (one, two) = (process(server, &prefix, "a").await, process(server, &prefix, "a").await);
    let gate = Semaphore::new(0);
    let load = async |process| with_cache(process, slow(&origin, &gate, "lovelace")).await;
    let open = async {
        until("one loads", async || origin.loads() == 1).await;
        let names = shows_nothing_of(server, &prefix, &["patient", "lovelace"]).await;
        assert_eq!(names.iter().filter(|name| name.ends_with(":lease")).count(), 1, "{names:?}");
        gate.add_permits(2);
    };
    tokio::join!(load(&one), load(&two), open);
    assert_eq!(origin.loads(), 1);
}

#[tokio::test]
async fn encrypted_values_are_erased() {
    let (server, prefix) = (shared_redis().await, prefix());
    let settings = Settings::single(&server.url()).unwrap().encrypt(keyring("a"));
    erases(settings, &[server], &prefix).await;
}

#[tokio::test]
async fn encrypted_values_behind_sentinels_are_erased() {
    let (group, prefix) = (Sentinel::start().await, prefix());
    let settings = Settings::sentinel(group.urls(), group.master_name()).unwrap().encrypt(keyring("a"));
    erases(settings, &[group.master().await], &prefix).await;
}

/// Values of one call lie on all nodes of the cluster.
#[tokio::test]
async fn encrypted_values_in_a_cluster_are_read_together_and_erased() {
    let (cluster, in_batches, prefix, origin) = (Cluster::start().await, prefix(), prefix(), Origin::default());
    let nodes: Vec<_> = cluster.nodes().iter().collect();
    let settings = || Settings::cluster(cluster.urls()).unwrap().encrypt(keyring("a"));
    let batches = settings().prefix(&in_batches).command_timeout(PATIENCE);
    let (one, two) = (node_with(batches.clone()).await, node_with(batches).await);
    let names: Vec<_> = (0..40).map(|number| format!("{{ada}} {number}")).collect();
    let first = with_cache(&one, each(&origin, &names)).await;
    stored(&one, 40).await;
    assert_eq!(with_cache(&two, each(&origin, &names)).await, first);
    assert_eq!(origin.loads(), 40, "they are read from there");
    erases(settings(), &nodes, &prefix).await;
}

/// While not every process has a keyring, each of them erases at least the values that processes without one have stored.
#[tokio::test]
async fn a_process_with_a_keyring_erases_values_of_one_without() {
    let (server, prefix) = (shared_redis().await, prefix());
    let (plain, encrypted) = (process(server, &prefix, "").await, process(server, &prefix, "a").await);
    for process in [&plain, &encrypted] {
        with_cache(process, person_and_age(7)).await;
    }
    confirmed(&[server], &prefix, 2).await;
    with_cache(&plain, forget(7)).await;
    assert_eq!(left(&[server], &prefix).await.len(), 1, "its name is not known without the keyring");
    with_cache(&plain, person_and_age(7)).await;
    confirmed(&[server], &prefix, 2).await;
    with_cache(&encrypted, forget(7)).await;
    assert_eq!(left(&[server], &prefix).await.len(), 0);
}
