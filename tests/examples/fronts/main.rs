//! A small site behind the HTTP cache, for proxies and browsers in front of it; `scripts/fronts` starts it: `fronts PORT`.
//!
//! `/log` returns what it has seen since the last call: a line for each request, with the fields that matter to a cache and the answer,
//! and a line before it for each run of a handler. `/browser` visits the site as a user of a browser does, and sends its report to
//! `/report`, which prints it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use fastness::Fastness;
use fastness::http::CacheLayer;
use http::{HeaderMap, HeaderName, StatusCode, header};
use http_body::Frame;
use tokio::time::{Interval, interval};

const SLOW_PARTS: usize = 10;
const SLOW_PAUSE: Duration = Duration::from_millis(100);
/// Bytes of a second of the sound: 44 100 samples of 16 bits.
const SOUND_RATE: u32 = 2 * 44_100;
const SOUND_SECONDS: u32 = 180;
/// Fields of requests that the log shows.
const ASKED: [HeaderName; 5] =
    [header::CACHE_CONTROL, header::PRAGMA, header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::RANGE];
/// Fields of responses that the log shows.
const ANSWERED: [HeaderName; 3] = [HeaderName::from_static("cache-status"), header::AGE, header::CONTENT_RANGE];

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn push(&self, line: String) {
        self.0.lock().expect("no panic while it is locked").push(line);
    }

    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().expect("no panic while it is locked"))
            .into_iter()
            .map(|line| line + "\n")
            .collect()
    }
}

#[tokio::main]
async fn main() {
    let port = std::env::args().nth(1).and_then(|port| port.parse::<u16>().ok()).expect("usage: fronts PORT");
    let (log, fast) = (Log::default(), Fastness::builder().build().expect("a handle"));
    let cached = Router::new()
        .route("/page", get(async || "a page").post(async || StatusCode::NO_CONTENT))
        .route("/short", get(short))
        .route("/slow", get(slow))
        .route("/late", get(late))
        .route("/private", get(async || ([(header::CACHE_CONTROL, "private, max-age=60")], "yours")))
        .route("/sound.wav", get(sound))
        .layer(middleware::map_response(with_lifetime))
        .layer(middleware::from_fn_with_state(log.clone(), note_handler))
        .layer(CacheLayer::new().on(&fast).etags().max_body(64 << 20));
    let app = Router::new()
        .merge(cached)
        .layer(middleware::from_fn_with_state(log.clone(), note))
        .route("/browser", get(async || Html(include_str!("browser.html"))))
        .route("/report", post(async |report: String| println!("{report}")))
        .route("/log", get(async move || ([(header::CACHE_CONTROL, "no-store")], log.take())));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    axum::serve(listener, app).await.expect("it serves");
}

/// Makes a response fresh for a minute, unless it says something else.
async fn with_lifetime(mut response: Response) -> Response {
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(header::HeaderValue::from_static("max-age=60"));
    response
}

async fn note_handler(State(log): State<Log>, request: Request, next: Next) -> Response {
    log.push(format!("  handler {}{}", request.uri().path(), shown(request.headers(), &ASKED)));
    next.run(request).await
}

async fn note(State(log): State<Log>, request: Request, next: Next) -> Response {
    let asked = format!("{} {}{}", request.method(), request.uri().path(), shown(request.headers(), &ASKED));
    let response = next.run(request).await;
    log.push(format!("{asked} -> {}{}", response.status().as_u16(), shown(response.headers(), &ANSWERED)));
    response
}

fn shown(headers: &HeaderMap, names: &[HeaderName]) -> String {
    let line = |name: &HeaderName| Some(format!("; {name}: {}", headers.get(name)?.to_str().ok()?));
    names.iter().filter_map(line).collect()
}

/// A page that is fresh for a second, and has a validator.
async fn short(headers: HeaderMap) -> Response {
    let tag = [(header::ETAG, "\"short\""), (header::CACHE_CONTROL, "max-age=1")];
    match headers.get(header::IF_NONE_MATCH) {
        Some(asked) if asked == "\"short\"" => (StatusCode::NOT_MODIFIED, tag).into_response(),
        _ => (tag, "for a second").into_response(),
    }
}

/// A page that comes in parts.
async fn slow() -> Response {
    Body::new(Parts { left: SLOW_PARTS, clock: interval(SLOW_PAUSE) }).into_response()
}

struct Parts {
    left: usize,
    clock: Interval,
}

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        ready!(self.clock.poll_tick(cx));
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"a part\n")))))
    }
}

/// A page that takes a while.
async fn late() -> &'static str {
    pause(SLOW_PAUSE * 5).await;
    "at last"
}

#[expect(clippy::disallowed_methods, reason = "the page is slow on purpose")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Silence as a WAV file of one channel, for an element that plays and seeks.
async fn sound() -> Response {
    let bytes = SOUND_RATE * SOUND_SECONDS;
    let mut file = Vec::with_capacity(bytes as usize + 44);
    file.extend(b"RIFF");
    file.extend((bytes + 36).to_le_bytes());
    file.extend(b"WAVEfmt ");
    for (number, width) in [(16, 4), (1, 2), (1, 2), (SOUND_RATE / 2, 4), (SOUND_RATE, 4), (2, 2), (16, 2)] {
        file.extend(&u32::to_le_bytes(number)[..width]);
    }
    file.extend(b"data");
    file.extend(bytes.to_le_bytes());
    file.resize(bytes as usize + 44, 0);
    ([(header::CONTENT_TYPE, "audio/wav"), (header::ETAG, "\"sound\"")], file).into_response()
}
