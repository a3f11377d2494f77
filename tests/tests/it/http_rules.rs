//! The rules of the HTTP cache on each way by which requests come: over sockets, under a router that strips a prefix, in the form of
//! HTTP/2, and of clients with names.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{OriginalUri, Request};
use axum::http::{HeaderMap, Method, Uri, Version, header};
use axum::response::{IntoResponse, Response};
use fastness::http::CacheLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::fresh;

/// Way by which requests come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Sockets,
    Nested,
    Http2,
    Principal,
}

/// A server on one of the ways.
struct Server {
    way: Way,
    app: Router,
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

struct Seen {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Seen {
    fn cache(&self) -> &str {
        self.headers["cache-status"].to_str().unwrap().trim_start_matches("fastness; ")
    }
}

/// The origin: answers by the last segment of the path, and knows its tag.
fn origin(calls: &AtomicUsize, uri: &Uri, request: &Request) -> Response {
    let call = calls.fetch_add(1, SeqCst);
    let (status, control) = match uri.path().rsplit('/').next().unwrap() {
        "error" => (503, "max-age=60"),
        "validated" => (200, "no-cache"),
        "private" => (200, "private"),
        _ => (200, "max-age=60"),
    };
    let knows = request.headers().get("if-none-match").is_some_and(|tag| tag == "\"1\"");
    let head = [(header::CACHE_CONTROL, control), (header::ETAG, "\"1\"")];
    let status = axum::http::StatusCode::from_u16(if knows { 304 } else { status }).unwrap();
    if knows { (status, head).into_response() } else { (status, head, format!("0123456789 {call}")).into_response() }
}

async fn server(way: Way) -> Server {
    let (fast, calls) = (fresh(), Arc::<AtomicUsize>::default());
    let layer = CacheLayer::new()
        .on(&fast)
        .per_principal(|parts| Some(parts.headers.get("authorization")?.to_str().ok()?.to_owned()));
    let count = calls.clone();
    let cached = Router::new()
        .fallback(move |OriginalUri(uri): OriginalUri, request: Request| async move { origin(&count, &uri, &request) })
        .layer(layer);
    let app = if way == Way::Nested { Router::new().nest("/shop", cached) } else { cached };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = app.clone();
    tokio::spawn(async move { axum::serve(listener, served).await });
    Server { way, app, address, calls }
}

impl Server {
    async fn send(&self, method: Method, path: &str, lines: &[(&str, &str)]) -> Seen {
        match self.way {
            Way::Sockets | Way::Nested => self.over_a_socket(&method, path, lines).await,
            Way::Http2 | Way::Principal => self.within(method, path, lines).await,
        }
    }

    async fn get(&self, path: &str) -> Seen {
        self.send(Method::GET, path, &[]).await
    }

    async fn over_a_socket(&self, method: &Method, path: &str, lines: &[(&str, &str)]) -> Seen {
        let prefix = if self.way == Way::Nested { "/shop" } else { "" };
        let lines = lines.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
        let head = format!("{method} {prefix}{path} HTTP/1.1\r\nhost: shop\r\n{lines}connection: close\r\n\r\n");
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let fields = lines.map(|line| line.split_once(": ").unwrap());
        let headers = fields.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Seen { status, headers, body: body.to_owned() }
    }

    /// Sends a request as hyper makes it of one of HTTP/2, or one of a client with a name.
    async fn within(&self, method: Method, path: &str, lines: &[(&str, &str)]) -> Seen {
        let mut request = Request::builder().method(method);
        request = match self.way {
            Way::Http2 => request.uri(format!("https://shop{path}")).version(Version::HTTP_2),
            _ => request.uri(path).header("host", "shop").header("authorization", "ada"),
        };
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let answer = self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = String::from_utf8(to_bytes(body, 1_000).await.unwrap().to_vec()).unwrap();
        Seen { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

#[tokio::test]
async fn the_rules_are_the_same_on_each_way() {
    for way in [Way::Sockets, Way::Nested, Way::Http2, Way::Principal] {
        let server = server(way).await;
        assert_eq!(server.get("/page").await.cache(), "fwd=uri-miss; stored", "{way:?}");
        assert!(server.get("/page").await.cache().starts_with("hit; ttl="), "{way:?}");
        let head = server.send(Method::HEAD, "/page", &[]).await;
        assert_eq!((head.status, &head.headers["content-length"]), (200, &"12".parse().unwrap()), "{way:?}");

        let part = server.send(Method::GET, "/page", &[("range", "bytes=2-4"), ("if-range", "\"1\"")]).await;
        assert_eq!((part.status, part.body.as_str()), (206, "234"), "{way:?}");
        assert_eq!(part.headers["content-range"], "bytes 2-4/12", "{way:?}");
        let beyond = server.send(Method::GET, "/page", &[("range", "bytes=99-")]).await;
        assert_eq!((beyond.status, beyond.body.as_str()), (416, ""), "{way:?}");

        let known = server.send(Method::GET, "/page", &[("if-none-match", "\"1\"")]).await;
        assert_eq!((known.status, known.body.as_str()), (304, ""), "{way:?}");
        assert_eq!(server.calls.load(SeqCst), 1, "{way:?}");

        let (first, second) = (server.get("/error").await, server.get("/error").await);
        assert_eq!((first.status, second.status, &first.body), (503, 503, &second.body), "{way:?}");

        server.get("/validated").await;
        let confirmed = server.get("/validated").await;
        assert_eq!(confirmed.cache(), "fwd=stale; fwd-status=304; stored", "{way:?}");
        assert_eq!((confirmed.status, confirmed.body.as_str()), (200, "0123456789 2"), "{way:?}");

        let forwarded = server.send(Method::GET, "/private", &[("if-none-match", "\"1\"")]).await;
        assert_eq!((forwarded.status, forwarded.cache()), (304, "fwd=uri-miss; detail=not-modified"), "{way:?}");
        assert_eq!(server.get("/private").await.cache(), "fwd=uri-miss; detail=private", "{way:?}");

        let before = server.get("/page").await.body;
        let reloaded = server.send(Method::GET, "/page", &[("cache-control", "no-cache")]).await;
        assert_eq!(reloaded.cache(), "fwd=request; fwd-status=304; stored", "{way:?}");
        assert_eq!(reloaded.body, before, "{way:?}: it was confirmed");

        server.send(Method::POST, "/page", &[("content-length", "0")]).await;
        assert_ne!(server.get("/page").await.body, before, "{way:?}: changed");
    }
}

#[tokio::test]
async fn clients_with_names_share_nothing() {
    let server = server(Way::Principal).await;
    let ada = server.get("/page").await;
    let other =
        Server { way: Way::Http2, app: server.app.clone(), address: server.address, calls: server.calls.clone() };
    for (name, lines) in [("bob", [("authorization", "bob")]), ("eve", [("authorization", "=ada")])] {
        let seen = other.send(Method::GET, "/page", &lines).await;
        assert_eq!(seen.cache(), "fwd=uri-miss; stored", "{name}");
        assert_ne!(seen.body, ada.body, "{name}");
        let part = other.send(Method::GET, "/page", &[lines[0], ("range", "bytes=11-")]).await;
        assert_eq!(part.body, seen.body[11..], "{name}: a part of the same");
    }
    assert_eq!(server.get("/page").await.body, ada.body);
}

/// Each head that an origin may send, however odd, is answered, and the server goes on.
#[tokio::test]
async fn odd_heads_of_an_origin_harm_no_one() {
    let heads = Arc::new(Mutex::new(Vec::<String>::new()));
    let current = heads.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handler = move || {
        let head = current.lock().unwrap().last().cloned().unwrap_or_default();
        async move {
            let mut response = Response::new(Body::from("body"));
            for line in head.lines() {
                let (name, value) = line.split_once(": ").unwrap();
                let name: header::HeaderName = name.parse().unwrap();
                response.headers_mut().append(name, axum::http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            response
        }
    };
    let app = Router::new().fallback(handler).layer(CacheLayer::new().on(&fresh()).targeted(["CDN-Cache-Control"]));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let many = (0..200).map(|number| format!("x-{number}: {}\n", "y".repeat(100))).collect::<Vec<_>>().concat();
    let names = (0..500).map(|number| format!("x-{number}")).collect::<Vec<_>>().join(", ");
    for head in [
        "age: 31536000\ncache-control: max-age=60",
        "age: -1, 5\nage: x\ncache-control: max-age=60",
        "date: Mon, 01 Jan 1900 00:00:00 GMT\nexpires: Fri, 31 Dec 9999 23:59:59 GMT",
        "date: Fri, 31 Dec 9999 23:59:59 GMT\nexpires: Mon, 01 Jan 1900 00:00:00 GMT",
        "expires: Thu, 01 Jan 1970 00:00:00 GMT\nlast-modified: Fri, 31 Dec 9999 23:59:59 GMT",
        "cache-control: max-age=99999999999999999999, s-maxage=99999999999999999999",
        "cdn-cache-control: max-age=60, \u{e9}\ncache-control: max-age=60",
        "etag: \ncache-control: no-cache",
        "etag: \"\u{e9}\"\ncache-control: max-age=60",
        "vary: ,,\nvary: \ncache-control: max-age=60",
        "content-range: bytes 5-4/3\ncache-control: max-age=60",
        &format!("vary: {names}\ncache-control: max-age=60"),
        &format!("{many}cache-control: max-age=60"),
    ] {
        heads.lock().unwrap().push(head.to_owned());
        let path = format!("/{}", heads.lock().unwrap().len());
        for range in ["", "range: bytes=0-0\r\n", "if-none-match: \"\u{e9}\", \"\r\n", "if-modified-since: 0\r\n"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n{range}connection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            let answer = String::from_utf8_lossy(&answer);
            let is_whole = answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nbody");
            let is_part = range.starts_with("range") && answer.starts_with("HTTP/1.1 206 ");
            assert!(is_whole || is_part, "{head}\n{range}\n{answer}");
        }
    }
}
