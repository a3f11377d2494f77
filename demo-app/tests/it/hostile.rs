//! Clients that mean harm, on sockets: each is told no, or closed, and no other client notices.

use std::num::NonZeroU32;
use std::time::Duration;

use demo_app::config::Config;
use fastness_tests::servers::until;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{Server, near};

/// Longer than any of these takes, so that one that hangs fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The server's answer to these bytes, until it closes. It may close before it has read all of them.
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

fn post_head(key: &str, length: usize) -> String {
    format!(
        "POST /api/users HTTP/1.1\r\nhost: test\r\n{key}content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_body_that_drips_has_a_time_in_all() {
    let server = Server::start(Config { body_timeout: Duration::from_millis(200), ..near() }).await;
    for key in ["", "idempotency-key: drip\r\n"] {
        let stream = TcpStream::connect(server.address).await.expect("it listens");
        let (mut reads, mut writes) = stream.into_split();
        writes.write_all(post_head(key, 1_000_000).as_bytes()).await.expect("it reads");
        // It drips until the server closes: a byte never takes as long as the time that the body has.
        let drips = tokio::spawn(async move {
            let mut every = tokio::time::interval(Duration::from_millis(20));
            while writes.write_all(b" ").await.is_ok() {
                every.tick().await;
            }
        });
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, reads.read_to_end(&mut answer)).await.expect("it closes");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("connection: close"), "{answer}");
        drips.abort();
    }
    still_serves(&server).await;
}

#[tokio::test]
async fn a_length_that_is_too_large_is_refused_before_the_body_comes() {
    let server = Server::start(near()).await;
    for key in ["", "idempotency-key: large\r\n"] {
        let mut stream = TcpStream::connect(server.address).await.expect("it listens");
        stream.write_all(post_head(key, 10 << 20).as_bytes()).await.expect("it reads");
        let mut begin = [0; 13];
        let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut begin)).await.expect("it does not wait");
        assert_eq!((read.is_ok(), &begin), (true, b"HTTP/1.1 413 "));
    }
    // A client that sends all of it first hears the same.
    let body = vec![b'a'; 10 << 20];
    let answer = say(&server, &[post_head("", body.len()).as_bytes(), &body].concat()).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("connection: close"), "{answer}");
    still_serves(&server).await;
}

#[tokio::test]
async fn all_bodies_together_have_a_bound() {
    let server = Server::start(Config { body_memory: 64 << 10, ..near() }).await;
    let ask = async |key: &str, body: &str| {
        let head = post_head(key, body.len()).replace("host: test", "host: test\r\nconnection: close");
        say(&server, format!("{head}{body}").as_bytes()).await
    };
    let half = " ".repeat(32 << 10);
    for key in [&["", ""], &["idempotency-key: one\r\n", "idempotency-key: two\r\n"]] {
        let mut holds = TcpStream::connect(server.address).await.expect("it listens");
        holds.write_all(post_head(key[0], half.len() + 2).as_bytes()).await.expect("it reads");
        holds.write_all(half.as_bytes()).await.expect("it reads");
        let mut refused = String::new();
        until("the room is taken", async || {
            refused = ask(key[1], &half).await;
            refused.starts_with("HTTP/1.1 503 ")
        })
        .await;
        assert!(refused.contains("retry-after: 1") && refused.contains("no room for the body"), "{refused}");
        assert!(server.get("/health/live").await.starts_with("HTTP/1.1 200 "));
        assert!(ask("", "{}").await.starts_with("HTTP/1.1 422 "), "small bodies have room of their own");
        still_serves(&server).await;
        // The request that was under way is not lost.
        holds.write_all(b"{}").await.expect("it reads");
        let mut begin = [0; 13];
        holds.read_exact(&mut begin).await.expect("it answers");
        assert_eq!(&begin, b"HTTP/1.1 422 ");
        drop(holds);
    }
}

#[tokio::test]
async fn bodies_of_very_many_values_get_short_answers() {
    let server = Server::start(near()).await;
    let most = Config::default().body_limit;
    let list = |piece: &str| format!("{{\"a\":[{}0]}}", piece.repeat((most - 100) / piece.len()));
    let fields: Vec<_> = (0..80_000).map(|n| format!("\"{n:x}\":0")).collect();
    let long = "\u{1}".repeat(1_000);
    let names: Vec<_> = (0..30).map(|n| format!("\"{}{n}\":0", long.escape_default())).collect();
    for body in [
        list("0,"),
        list("[],"),
        list("{\"\":0},"),
        format!("{{{}}}", fields.join(",")),
        format!("{{{}}}", names.join(",").replace("\\u{1}", "\\u0001")),
    ] {
        let head = post_head("", body.len()).replace("host: test", "host: test\r\nconnection: close");
        let answer = say(&server, format!("{head}{body}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 422 "), "{}", &answer[..200.min(answer.len())]);
        assert!(answer.len() < 16 << 10, "{}", answer.len());
    }
    let query = format!("/api/users?{}", "a&".repeat(5_000));
    let answer = server.get(&query).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.len() < 16 << 10, "{}", answer.len());
    let answer = server.get(&format!("/{}", "a".repeat(20_000))).await;
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.len() < 1 << 10, "{}", answer.len());
    still_serves(&server).await;
}

#[tokio::test]
async fn a_request_for_no_host_or_for_two_is_a_400() {
    let server = Server::start(near()).await;
    for path in ["/api/users/1", "/health/live"] {
        for hosts in ["", "host: a\r\nhost: b\r\n", "host: a b\r\n", "host: \r\n", "host: ann@a\r\n", "host: a/b\r\n"] {
            let request = format!("GET {path} HTTP/1.1\r\n{hosts}connection: close\r\n\r\n");
            let answer = say(&server, request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{path} {hosts:?}: {answer}");
        }
        let old = say(&server, format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await;
        assert!(old.starts_with("HTTP/1.0 200 ") || old.starts_with("HTTP/1.1 200 "), "{old}");
    }
    still_serves(&server).await;
}
