//! Clients that are many, or that do not read: each is told when to come back, or closed, and no other client notices.

#[cfg(target_os = "linux")]
use std::net::SocketAddr;
use std::time::Duration;

use demo_app::config::Config;
use fastness_tests::servers::until;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
#[cfg(target_os = "linux")]
use tokio::net::TcpSocket;
use tokio::net::TcpStream;

use crate::hostile::{PATIENCE, heard, say, still_serves};
use crate::server::{Server, near};

/// An answer on a connection that stays open.
async fn ask(stream: &mut TcpStream, request: &[u8], until: &str) -> String {
    stream.write_all(request).await.expect("it reads");
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    while !String::from_utf8_lossy(&answer).contains(until) {
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await.expect("it answers").expect("open");
        assert!(read > 0, "it closes after {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_head_is_bounded_to_the_byte() {
    let server = Server::start(near()).await;
    let head = |bytes: usize| {
        let (begin, end) = ("GET /api/users/1 HTTP/1.1\r\nhost: test\r\nconnection: close\r\nx-large: ", "\r\n\r\n");
        format!("{begin}{}{end}", "a".repeat(bytes - begin.len() - end.len()))
    };
    assert!(say(&server, head(32 << 10).as_bytes()).await.starts_with("HTTP/1.1 200 "));
    for bytes in [(32 << 10) + 1, 40_000] {
        let answer = say(&server, head(bytes).as_bytes()).await;
        // What is closed with bytes unread may be reset before the answer is read.
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    still_serves(&server).await;
}

#[tokio::test]
async fn who_does_not_read_is_cut_off_and_counted() {
    let server = Server::start(Config { write_timeout: Duration::from_millis(200), ..near() }).await;
    let mut stream = TcpStream::connect(server.address).await.expect("it listens");
    let requests = b"GET /openapi.json HTTP/1.1\r\nhost: test\r\n\r\n".repeat(100);
    // Answers pile up until the server reads no more requests, and in the end it closes.
    let pushing = async { while stream.write_all(&requests).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, pushing).await.expect("it is cut off");
    still_serves(&server).await;
    until("it is counted", async || server.get("/api/performance").await.contains("\"unread\":1")).await;
}

/// Returns whether Linux keeps the end of a connection that is at `local` and leads to `remote`, open or closed with bytes unsent.
#[cfg(target_os = "linux")]
fn is_kept(local: SocketAddr, remote: SocketAddr) -> bool {
    let ends = format!(":{:04X} 0100007F:{:04X} ", local.port(), remote.port());
    std::fs::read_to_string("/proc/net/tcp").expect("a table of connections").contains(&ends)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_answer_that_lies_unread_in_the_systems_buffers_does_not_stay_there() {
    let times =
        Config { write_timeout: Duration::from_millis(200), header_timeout: Duration::from_secs(600), ..near() };
    let server = Server::start(times).await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let mut stream = socket.connect(server.address).await.expect("it listens");
    // The system takes the whole answer from the server, and the client makes no room for it.
    stream.write_all(b"GET /openapi.json HTTP/1.1\r\nhost: test\r\n\r\n").await.expect("it reads");
    let client = stream.local_addr().expect("an address");
    until("the connection is gone", async || !is_kept(server.address, client)).await;
    let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.expect("it ends");
    assert_eq!(end.map_err(|error| error.kind()), Err(std::io::ErrorKind::ConnectionReset), "the rest is not kept");
    still_serves(&server).await;
}

#[tokio::test]
async fn beyond_the_bounds_health_is_answered_and_what_is_under_way_is_not_lost() {
    for (all, per_peer, why) in
        [(3, 512, "all connections of the server are taken"), (512, 3, "your address has as many")]
    {
        let server = Server::start(Config { max_connections: all, max_connections_per_peer: per_peer, ..near() }).await;
        let mut open = Vec::new();
        for _ in 0..3 {
            let mut stream = TcpStream::connect(server.address).await.expect("it listens");
            let begun =
                b"POST /api/users HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\n\
                          expect: 100-continue\r\ncontent-length: 2\r\n\r\n";
            assert!(ask(&mut stream, begun, "\r\n\r\n").await.starts_with("HTTP/1.1 100 "));
            open.push(stream);
        }
        for path in ["/health", "/health/live", "/health/ready"] {
            let answer = server.get(path).await;
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close"), "{answer}");
        }
        for path in ["/api/users/1", "/healthy"] {
            let refused = server.get(path).await;
            assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after: 2"), "{refused}");
            assert!(refused.contains("application/problem+json") && refused.contains(why), "{refused}");
        }
        for mut stream in open {
            stream.write_all(b"{}").await.expect("it reads");
            let answer = heard(&mut stream).await;
            assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
        }
        until("places are given back", async || server.get("/api/users/1").await.starts_with("HTTP/1.1 200 ")).await;
    }
}

#[tokio::test]
async fn a_crowd_beyond_the_bounds_is_let_go() {
    let config = Config { max_connections_per_peer: 1, header_timeout: PATIENCE, ..near() };
    let server = Server::start(config).await;
    let mut first = TcpStream::connect(server.address).await.expect("it listens");
    ask(&mut first, b"GET /health/live HTTP/1.1\r\nhost: test\r\n\r\n", "alive").await;
    let mut crowd = Vec::new();
    for _ in 0..200 {
        crowd.push(TcpStream::connect(server.address).await.expect("it listens"));
    }
    for mut stream in crowd {
        assert_eq!(heard(&mut stream).await, "", "who says nothing is told nothing");
    }
    assert!(server.get("/health/live").await.starts_with("HTTP/1.1 200 "));
    ask(&mut first, b"GET /api/users/1 HTTP/1.1\r\nhost: test\r\n\r\n", "\"id\":1").await;
}
