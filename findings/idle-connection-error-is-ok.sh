#!/usr/bin/env bash
# The crates hyper 1.12.0, hyper-util 0.1.20, tokio 1.48.0
#
# A connection of HTTP/1.1 whose socket fails between two requests ends with `Ok`: its future tells the server nothing of the error.
# The same error one byte into the next request ends it with that error. So a server that counts or logs how its connections end sees
# nothing of a peer that the system gave up (ETIMEDOUT, as with TCP_USER_TIMEOUT or keep-alive probes) while the connection was idle.
#
# Output:
#   fails while it is idle: Ok(())
#   fails after a byte of the next request: Err("timed out")
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
tokio = { version = "=1.48.0", features = ["io-util", "macros", "rt"] }
TOML
cat >"$FOLDER/src/main.rs" <<'RUST'
use std::collections::VecDeque;
use std::convert::Infallible;
use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::{Response, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A socket on which these pieces arrive, one at a time, and which then fails as one that the system gave up. What is written to it
/// is lost.
struct Socket(VecDeque<&'static [u8]>);

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.0.pop_front() {
            // As if it were still on its way.
            Some([]) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(piece) => {
                buffer.put_slice(piece);
                Poll::Ready(Ok(()))
            }
            None => Poll::Ready(Err(ErrorKind::TimedOut.into())),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

async fn end_of(pieces: &[&'static [u8]]) -> Result<(), String> {
    let answer = |_| async { Ok::<_, Infallible>(Response::new(String::from("well"))) };
    let socket = TokioIo::new(Socket(pieces.iter().copied().collect()));
    let connection = http1::Builder::new().serve_connection(socket, service_fn(answer));
    connection.await.map_err(|error| error.source().map_or_else(|| error.to_string(), |source| source.to_string()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let request: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    println!("fails while it is idle: {:?}", end_of(&[request, b"", b""]).await);
    println!("fails after a byte of the next request: {:?}", end_of(&[request, b"", b"", b"G", b""]).await);
}
RUST
cargo run --quiet --manifest-path "$FOLDER/Cargo.toml" --target-dir "$FOLDER/target" >"$FOLDER/seen"
cat "$FOLDER/seen"
diff <(sed -n 's/^#   //p' "$0") "$FOLDER/seen"
