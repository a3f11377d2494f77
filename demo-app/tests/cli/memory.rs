//! A server that may use less memory than it does.

use fastness_tests::servers::until;

use crate::stop::{Server, get};

#[tokio::test]
async fn what_is_over_its_limit_turns_requests_away_and_says_how_it_is() {
    let server = Server::start(&[("MEMORY_LIMIT", "1MiB")]).await;
    let turned_away = get(&server.address, "/api/users/1").await.unwrap();
    assert!(turned_away.starts_with("HTTP/1.1 503 ") && turned_away.contains("retry-after: "), "{turned_away}");
    assert!(turned_away.contains("application/problem+json"), "{turned_away}");
    let health = get(&server.address, "/health").await.unwrap();
    assert!(health.starts_with("HTTP/1.1 200 ") && health.contains("\"degraded\""), "{health}");
    assert!(health.contains("\"total\":1048576"), "{health}");
    assert!(get(&server.address, "/health/live").await.unwrap().starts_with("HTTP/1.1 200 "));
    let ready = get(&server.address, "/health/ready").await.unwrap();
    assert!(ready.starts_with("HTTP/1.1 503 ") && ready.contains("memory is short"), "{ready}");
    server.signal();
    assert_eq!(server.ended().await, Some(0));
}

#[tokio::test]
async fn where_nothing_is_left_to_free_liveness_fails_after_a_time() {
    let server = Server::start(&[("MEMORY_LIMIT", "1MiB"), ("MEMORY_RESTART_AFTER", "100ms")]).await;
    until("liveness fails", async || {
        let live = get(&server.address, "/health/live").await.unwrap();
        live.starts_with("HTTP/1.1 503 ") && live.contains("nothing is left to give up")
    })
    .await;
    let health = get(&server.address, "/health").await.unwrap();
    assert!(health.starts_with("HTTP/1.1 200 ") && health.contains("nothing was left to give up"), "{health}");
    server.signal();
    assert_eq!(server.ended().await, Some(0));
}
