//! A range of a stored response of 1 MiB, beside the whole.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use fastness::Fastness;
use fastness::http::CacheLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

const SIZE: usize = 1 << 20;
const REQUESTS: u32 = 2_000;

/// Returns the mean time of a request on one connection, and the bytes of its answer.
async fn mean(address: SocketAddr, line: &str) -> (Duration, usize) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    let request = format!("GET /whole HTTP/1.1\r\nhost: shop\r\n{line}\r\n");
    let (mut came, mut bytes) = (vec![0; SIZE + 4_096], 0);
    let began = Instant::now();
    for _ in 0..REQUESTS {
        stream.write_all(request.as_bytes()).await.expect("the request is sent");
        let (mut filled, mut needed) = (0, usize::MAX);
        while filled < needed {
            filled += stream.read(&mut came[filled..]).await.expect("an answer");
            if needed == usize::MAX {
                needed = length(&came[..filled]).unwrap_or(usize::MAX);
            }
        }
        bytes = filled;
    }
    (began.elapsed() / REQUESTS, bytes)
}

/// Returns the length of an answer, once its head has come.
fn length(came: &[u8]) -> Option<usize> {
    let head = came.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&came[..head]).to_lowercase();
    let body = text.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    Some(head + body.trim().parse::<usize>().ok()?)
}

/// Prints the times.
pub(crate) async fn print() -> Result<(), fastness::Error> {
    let fast = Fastness::builder().build()?;
    let answer = async || ([("cache-control", "max-age=60")], vec![b'x'; SIZE]);
    let app = Router::new().route("/whole", get(answer)).layer(CacheLayer::new().on(&fast));
    let address = super::server::serve(app).await;
    println!("\na hit of a stored 1 MiB   bytes     mean");
    for (name, line) in [
        ("the whole", ""),
        ("its last 64 KiB", "range: bytes=-65536\r\n"),
        ("its first 100 bytes", "range: bytes=0-99\r\n"),
        ("all, as a range", "range: bytes=0-\r\n"),
    ] {
        let (time, bytes) = mean(address, line).await;
        println!("{name:22} {bytes:8} {time:>8.1?}");
    }
    Ok(())
}
