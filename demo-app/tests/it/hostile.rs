//! Clients that mean harm, on sockets: each is told no, or closed, and nobody else notices.

use std::num::NonZeroU32;
use std::time::Duration;

use demo_app::config::Config;
use fastness_tests::servers::until;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{Server, near};

/// Longer than any of these takes, so that one that hangs fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What the server says to these bytes, until it closes. It may close before it has read all of them.
pub(crate) async fn say(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.expect("it listens");
    let _ = stream.write_all(bytes).await;
    heard(&mut stream).await
}

pub(crate) async fn heard(stream: &mut TcpStream) -> String {
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    let reading = async {
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..read]);
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("it closes");
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) async fn still_serves(server: &Server) {
    assert!(server.get("/api/users/1").await.starts_with("HTTP/1.1 200 "), "others are served");
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let server = Server::start(Config { header_timeout: Duration::from_millis(50), ..near() }).await;
    for begun in [&b""[..], b"GET", b"GET / HTTP/1.1\r\nhost: test\r\nx-slow: "] {
        let answer = say(&server, begun).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
    still_serves(&server).await;
}

#[tokio::test]
async fn a_flood_of_headers_is_a_431() {
    let server = Server::start(near()).await;
    let many = "x-many: 1\r\n".repeat(500);
    let large = format!("x-large: {}\r\n", "a".repeat(100_000));
    for flood in [many, large] {
        let answer = say(&server, format!("GET / HTTP/1.1\r\nhost: test\r\n{flood}\r\n").as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    still_serves(&server).await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_the_clients_fault() {
    let server = Server::start(Config { request_timeout: Duration::from_millis(100), ..near() }).await;
    for key in ["", "idempotency-key: slow\r\n"] {
        let head = format!(
            "POST /api/users HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{key}content-type: application/json\r\n\
             content-length: 10\r\n\r\n{{"
        );
        let answer = say(&server, head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 4") && answer.contains("application/problem+json"), "{answer}");
    }
    still_serves(&server).await;
}

#[tokio::test]
async fn a_body_without_end_is_a_413() {
    let server = Server::start(Config { body_limit: 1_000, ..near() }).await;
    let chunk = format!("400\r\n{}\r\n", "a".repeat(1_024));
    for key in ["", "idempotency-key: large\r\n"] {
        let head = format!(
            "POST /api/users HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{key}content-type: application/json\r\n\
             transfer-encoding: chunked\r\n\r\n"
        );
        let answer = say(&server, format!("{head}{chunk}{chunk}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("application/problem+json"), "{answer}");
    }
    still_serves(&server).await;
}

#[tokio::test]
async fn bytes_that_are_no_request_are_a_400() {
    let server = Server::start(near()).await;
    for bytes in [
        &b"\xff\xfe\xfd\r\n\r\n"[..],
        b"GET /api/users/\xff\xfe HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: test\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: test\r\nx y: 1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let answer = say(&server, bytes).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer} to {:?}",
            String::from_utf8_lossy(bytes)
        );
    }
    still_serves(&server).await;
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let server = Server::start(Config { rate_limit: NonZeroU32::new(1), ..near() }).await;
    let mut refused = String::new();
    until("the rate is used up", async || {
        refused = server.get("/api/users/1").await;
        refused.starts_with("HTTP/1.1 429 ")
    })
    .await;
    assert!(refused.contains("retry-after: ") && refused.contains("application/problem+json"), "{refused}");
    assert!(server.get("/health/live").await.starts_with("HTTP/1.1 200 "), "not who asks how it is");
}
