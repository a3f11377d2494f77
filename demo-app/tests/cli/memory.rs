//! A server that may use less memory than it does.

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
