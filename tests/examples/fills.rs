//! Prints the time to the first byte of a body and to its end, without the cache, with `CacheLayer` and with `CoalesceLayer`, for bodies that
//! come slowly. `cargo run --release -p fastness-tests --example fills`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use fastness::Fastness;
use fastness::http::{CacheLayer, CoalesceLayer};
use http_body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Interval, interval};

/// Body whose chunks come at regular times, the first one at once.
struct TimedBody {
    interval: Interval,
    chunk: Bytes,
    chunks: usize,
}

impl http_body::Body for TimedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.chunks == 0 {
            return Poll::Ready(None);
        }
        ready!(self.interval.poll_tick(cx));
        self.chunks -= 1;
        Poll::Ready(Some(Ok(Frame::data(self.chunk.clone()))))
    }
}

/// Path, milliseconds between two chunks, bytes of a chunk, and number of chunks.
const BODIES: [(&str, u64, usize, usize); 3] =
    [("/endless", 100, 100, usize::MAX), ("/chunked-3-mib", 10, 100 << 10, 30), ("/slow", 20, 1_000, 20)];

async fn serve(layered: impl FnOnce(Router) -> Router) -> SocketAddr {
    let app = Router::new().fallback(async |request: Request<Body>| {
        let path = request.uri().path();
        let (_, every, bytes, chunks) = BODIES.into_iter().find(|body| body.0 == path).unwrap_or(BODIES[2]);
        let body =
            TimedBody { interval: interval(Duration::from_millis(every)), chunk: vec![b'x'; bytes].into(), chunks };
        Response::builder().header("cache-control", "max-age=60").body(Body::new(body)).unwrap_or_default()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let app = layered(app);
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// The times to the first byte of the body and to its end, or for two seconds.
async fn ask(address: SocketAddr, target: String) -> (Duration, Duration) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let began = Instant::now();
    let request = format!("GET {target} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("the request is sent");
    let (mut came, mut first) = (Vec::new(), None);
    let read = async {
        let mut part = vec![0; 64 << 10];
        while let Ok(bytes @ 1..) = stream.read(&mut part).await {
            if first.is_none() {
                came.extend_from_slice(&part[..bytes]);
                let head = came.windows(4).position(|end| end == b"\r\n\r\n");
                first = head.filter(|head| came.len() > head + 8).map(|_| began.elapsed());
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(2), read).await;
    (first.unwrap_or(Duration::MAX), began.elapsed())
}

#[tokio::main]
async fn main() -> Result<(), fastness::Error> {
    let fast = Fastness::builder().build()?;
    let servers = [
        ("bare", serve(|app| app).await),
        ("cache", serve(|app| app.layer(CacheLayer::new().on(&fast))).await),
        ("coalesce", serve(|app| app.layer(CoalesceLayer::new().on(&fast))).await),
    ];
    println!("body            clients  layer     first byte, mean   end, mean");
    for (path, ..) in BODIES {
        for clients in [1_u32, 50] {
            for (name, address) in servers {
                // An address of its own for each measurement.
                let asked = (0..clients).map(|_| tokio::spawn(ask(address, format!("{path}?{clients}"))));
                let (mut first, mut end) = (Duration::ZERO, Duration::ZERO);
                for client in asked.collect::<Vec<_>>() {
                    let (one, other) = client.await.expect("a client");
                    (first, end) = (first.saturating_add(one), end.saturating_add(other));
                }
                let (first, end) = (first / clients, end / clients);
                println!("{path:15} {clients:7}  {name:8} {first:>14.2?} {end:>14.2?}");
            }
        }
    }
    Ok(())
}
