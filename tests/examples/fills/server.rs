//! Servers whose bodies come slowly, and their clients.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use http_body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, Interval, interval};

/// Path, milliseconds between two chunks, bytes of a chunk, and number of chunks.
pub(crate) const BODIES: [(&str, u64, usize, usize); 3] =
    [("/endless", 100, 100, usize::MAX), ("/chunked-3-mib", 10, 100 << 10, 30), ("/slow", 20, 1_000, 20)];

/// Body whose chunks come at regular times, the first one at once, and the last one after a pause.
struct TimedBody {
    interval: Interval,
    bytes: usize,
    chunks: usize,
    pause: Duration,
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
        if self.chunks == 1 && !self.pause.is_zero() {
            let pause = self.pause;
            self.interval.reset_after(pause);
        }
        // A new one each time, as a handler reads it from somewhere.
        Poll::Ready(Some(Ok(Frame::data(vec![b'x'; self.bytes].into()))))
    }
}

/// Response that may be cached, and whose body comes in chunks, with a pause before the last one.
pub(crate) fn timed(every: Duration, (bytes, chunks): (usize, usize), pause: Duration) -> Response<Body> {
    let body = TimedBody { interval: interval(every), bytes, chunks, pause };
    Response::builder().header("cache-control", "max-age=60").body(Body::new(body)).unwrap_or_default()
}

/// Returns the application with a path for each of [`BODIES`].
pub(crate) fn bodies() -> Router {
    Router::new().fallback(async |request: Request<Body>| {
        let path = request.uri().path();
        let (_, every, bytes, chunks) = BODIES.into_iter().find(|body| body.0 == path).unwrap_or(BODIES[2]);
        timed(Duration::from_millis(every), (bytes, chunks), Duration::ZERO)
    })
}

/// Serves an application on a free port.
pub(crate) async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Sends a request on a connection of its own, with a small buffer for what comes.
pub(crate) async fn connect(address: SocketAddr, target: &str, lines: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(16 << 10).expect("a buffer");
    let mut stream = socket.connect(address).await.expect("a connection");
    let request = format!("GET {target} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n{lines}\r\n");
    stream.write_all(request.as_bytes()).await.expect("the request is sent");
    stream
}

/// Returns the times to the first byte of the body and to its end, or for two seconds.
pub(crate) async fn ask(address: SocketAddr, target: String) -> (Duration, Duration) {
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
