#!/usr/bin/env bash
# The crates hyper 1.12.0, hyper-util 0.1.20, tokio 1.48.0
#
# A handler answers 200 with a body that fails. If the body fails at its first poll, the client of HTTP/1.1 sees the connection close
# without a byte: the head, which the handler had given, is not sent. If the body is pending once before, the head is sent and then
# the connection ends.
#
# Output:
#   fails at once: 0 bytes
#   is pending once, then fails: HTTP/1.1 200 OK
set -euo pipefail
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT
mkdir "$FOLDER/src"
cat >"$FOLDER/Cargo.toml" <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"
[dependencies]
hyper = { version = "=1.12.0", features = ["http1", "server"] }
hyper-util = { version = "=0.1.20", features = ["tokio"] }
tokio = { version = "=1.48.0", features = ["io-util", "macros", "net", "rt"] }
TOML
cat >"$FOLDER/src/main.rs" <<'RUST'
use std::convert::Infallible;
use std::io::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};
use hyper::{Response, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Fails after so many polls that were pending.
struct Fails(u32);

impl Body for Fails {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.0 == 0 {
            return Poll::Ready(Some(Err(Error::other("broken"))));
        }
        self.0 -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

async fn answer_to_a_client(pending: u32) -> String {
    let (mut client, server) = tokio::io::duplex(1 << 16);
    let handler = service_fn(move |_| async move { Ok::<_, Infallible>(Response::new(Fails(pending))) });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(server), handler);
    let exchange = async {
        client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    };
    let (_, answer) = tokio::join!(async { connection.await }, exchange);
    match answer.lines().next() {
        Some(line) => line.to_owned(),
        None => format!("{} bytes", answer.len()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("fails at once: {}", answer_to_a_client(0).await);
    println!("is pending once, then fails: {}", answer_to_a_client(1).await);
}
RUST
cargo run --quiet --manifest-path "$FOLDER/Cargo.toml" --target-dir "$FOLDER/target" >"$FOLDER/seen"
cat "$FOLDER/seen"
diff <(sed -n 's/^#   //p' "$0") "$FOLDER/seen"
