//! Invalidations that the server refuses while it answers everything else.

use std::fs;
use std::sync::Arc;

use fastness::monitor::{Monitor, Status};
use fastness::{Fastness, Reach, cacheable, with_cache};
use fastness_tests::logged::Logged;
use fastness_tests::servers::{Redis, prefix, until};
use tracing::Level;

use crate::faults::works;
use crate::{Origin, node};
use fastness_tests::names::reached;

#[cacheable(ttl = 60, key = "thing:{id}", skip(origin))]
async fn thing(origin: Arc<Origin>, id: u64) -> (u64, usize) {
    (id, origin.load())
}

const REFUSED: &str = "invalidations are refused by the shared tier";

/// Asserts that a refused invalidation counts here, is logged once with the server's own answer, and is in doubt until the server accepts
/// it. `suspensions` is their number before the refusal.
async fn is_told(fast: &Fastness, logged: &Logged, code: &str, suspensions: u64) {
    let stats = fast.shared().unwrap();
    assert!(stats.connected && !stats.coherent && stats.in_doubt == 1, "{stats:?}");
    assert_eq!((logged.with(REFUSED).len(), logged.with(code).len()), (1, 1), "{}", logged.text());
    let health = Monitor::builder().cache(fast).build().unwrap().health().await;
    assert_eq!(health.status, Status::Degraded);
    assert!(health.reasons[0].contains("not announced"), "{:?}", health.reasons);
    // Otherwise a heartbeat has found, perhaps before the figures above were read, that the server takes no writes, and the tier does not
    // use it.
    let refused_again = async || {
        let now = fast.shared().unwrap();
        now.errors > stats.errors || now.suspensions > suspensions
    };
    until("it is refused again, or left alone", refused_again).await;
    assert_eq!(logged.with(REFUSED).len(), 1, "once");
}

#[tokio::test]
async fn a_server_without_enough_replicas_is_asked_again_until_it_accepts_invalidations() {
    let (server, prefix) = (Redis::start().await, prefix());
    let fast = node(&server.url(), &prefix).await;
    let (logged, _guard) = Logged::listen(Level::WARN);
    let demand = async |replicas| {
        server.command::<()>(&["CONFIG", "SET", "min-replicas-to-write", replicas]).await;
    };
    let mut suspensions = 0;
    until("it is refused before a heartbeat finds it out", async || {
        suspensions = fast.shared().unwrap().suspensions;
        demand("1").await;
        assert_eq!(fast.cache().invalidate(reached("thing:*")).await, Reach::LocalOnly);
        if logged.with(REFUSED).is_empty() {
            demand("0").await;
            until("what was in doubt is announced", async || fast.shared().unwrap().coherent).await;
        }
        !logged.with(REFUSED).is_empty()
    })
    .await;
    is_told(&fast, &logged, "NOREPLICAS", suspensions).await;
    demand("0").await;
    until("what was in doubt is announced", async || fast.shared().unwrap().coherent).await;
    assert_eq!(logged.with(REFUSED).len(), 1);
    works(&fast, &server.url(), &prefix).await;
}

/// Saves the data, and waits until the server reports this outcome.
async fn saves(server: &Redis, outcome: &str) {
    server.command::<()>(&["BGSAVE"]).await;
    until("it has saved", async || {
        let info: String = server.command(&["INFO", "persistence"]).await;
        info.contains("rdb_bgsave_in_progress:0") && info.contains(&format!("rdb_last_bgsave_status:{outcome}"))
    })
    .await;
}

/// `stop-writes-on-bgsave-error`, which is the default of every server that saves.
#[tokio::test]
async fn a_server_that_cannot_save_is_asked_again_until_it_accepts_invalidations() {
    let (server, prefix, origin) = (Redis::start().await, prefix(), Arc::new(Origin::default()));
    let (one, two) = (node(&server.url(), &prefix).await, node(&server.url(), &prefix).await);
    for fast in [&one, &two] {
        assert_eq!(with_cache(fast, thing(origin.clone(), 7)).await, (7, 0));
    }
    let in_the_way = server.folder().join("dump.rdb");
    fs::create_dir(&in_the_way).unwrap();
    server.command::<()>(&["CONFIG", "SET", "save", "3600 1000000"]).await;
    saves(&server, "err").await;

    let (logged, _guard) = Logged::listen(Level::WARN);
    let version = origin.change();
    assert_eq!(one.cache().invalidate(reached("thing:7")).await, Reach::LocalOnly);
    assert_eq!(with_cache(&one, thing(origin.clone(), 7)).await, (7, version), "the invalidation counts here at once");
    assert_eq!(with_cache(&two, thing(origin.clone(), 7)).await, (7, 0), "no other node has the invalidation");
    is_told(&one, &logged, "MISCONF", one.shared().unwrap().suspensions).await;

    fs::remove_dir(&in_the_way).unwrap();
    saves(&server, "ok").await;
    until("the others know", async || with_cache(&two, thing(origin.clone(), 7)).await == (7, version)).await;
    until("nothing is in doubt", async || one.shared().unwrap().coherent).await;
    let stats = one.shared().unwrap();
    assert_eq!((stats.in_doubt, stats.local_only, logged.with(REFUSED).len()), (0, 1, 1), "{stats:?}");
    works(&one, &server.url(), &prefix).await;
}
