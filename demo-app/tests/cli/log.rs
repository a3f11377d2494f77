//! A log that cannot be written: the server goes on, says so, and stops as it should.

use std::fs::File;
use std::process::Stdio;

use fastness_tests::servers::until;

use crate::stop::{Server, get};

const LOGGING: &[(&str, &str)] = &[("RUST_LOG", "info"), ("STORE_LATENCY_MS", "0")];

/// Checks that the server serves, health says `why`, and a stop loses nothing.
async fn goes_on(server: Server, why: &str) {
    for id in 1..=20 {
        let answer = get(&server.address, &format!("/api/users/{id}")).await.expect("a connection");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    until("health says it", async || {
        let health = get(&server.address, "/health").await.expect("a connection");
        health.starts_with("HTTP/1.1 200 ") && health.contains("\"degraded\"") && health.contains(why)
    })
    .await;
    assert!(get(&server.address, "/health/ready").await.unwrap().starts_with("HTTP/1.1 200 "), "it serves");
    server.signal();
    assert_eq!(server.ended().await, Some(0));
}

#[tokio::test]
async fn a_disk_that_is_full() {
    let full = File::options().write(true).open("/dev/full").expect("a disk that is full");
    goes_on(Server::start_logging_to(full.into(), LOGGING).await, "log: it cannot be written: No space left").await;
}

#[tokio::test]
async fn a_reader_that_is_gone() {
    let mut server = Server::start_logging_to(Stdio::piped(), LOGGING).await;
    drop(server.child.stderr.take());
    goes_on(server, "log: it cannot be written: Broken pipe").await;
}

#[tokio::test]
async fn a_reader_that_does_not_read() {
    let server = Server::start_logging_to(Stdio::piped(), LOGGING).await;
    // As much of an address as a line shows of it.
    let long = "x".repeat(1 << 10);
    // More than the pipe takes and more than may wait, since each request is logged with its address.
    for id in 0..1_500 {
        let answer = get(&server.address, &format!("/api/users/1?{id}={long}")).await.expect("a connection");
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    }
    goes_on(server, "log: it cannot be written: it is written more slowly than it grows").await;
}

#[tokio::test]
async fn last_words_that_cannot_be_written_change_no_exit_code() {
    let full = File::options().write(true).open("/dev/full").expect("a disk that is full");
    let child = crate::program::command(&[], &[("PORT", "none")]).stderr(full).spawn().expect("it starts");
    let output = tokio::task::spawn_blocking(|| child.wait_with_output()).await.expect("no panic").expect("a child");
    assert_eq!(output.status.code(), Some(1));
}
