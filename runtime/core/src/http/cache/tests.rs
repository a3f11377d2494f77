use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::http::resumed::ResumedBody;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use proptest::prelude::*;
use tower::util::{BoxCloneService, ServiceExt as _};
use tower_layer::Layer as _;

use super::*;
use crate::clock::Clock;
use crate::tests::{reached, tagged};

mod hostile;
mod quick;
mod ranges;
mod reasons;
mod refreshed;
mod reloads;
mod streaming;
mod validated;
mod variants;

type Out = Response<Full<Bytes>>;
type Answered = crate::http::Body<ResumedBody<Full<Bytes>>>;
type Lines = &'static [(&'static str, &'static str)];

/// A server of one handler, which gets the number of earlier calls.
struct Server {
    service: BoxCloneService<Request<String>, Response<Answered>, &'static str>,
    calls: Arc<AtomicUsize>,
    fast: Fastness,
    clock: Clock,
}

struct Seen {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Seen {
    fn cache(&self) -> &str {
        self.headers["cache-status"].to_str().unwrap()
    }
}

fn server(
    set: impl FnOnce(CacheLayer) -> CacheLayer,
    answer: impl Fn(&Request<String>, usize) -> Result<Out, &'static str> + Clone + Send + Sync + 'static,
) -> Server {
    let (clock, calls) = (Clock::manual(), Arc::<AtomicUsize>::default());
    let fast = Fastness::builder().clock(clock.clone()).build().unwrap();
    let count = calls.clone();
    let handler = tower::service_fn(move |request: Request<String>| {
        let said = answer(&request, count.fetch_add(1, SeqCst));
        async move {
            tokio::task::yield_now().await;
            said
        }
    });
    let service = BoxCloneService::new(set(CacheLayer::new().on(&fast)).layer(handler));
    Server { service, calls, fast, clock }
}

impl Server {
    async fn try_send(&self, request: Request<String>) -> Result<Seen, &'static str> {
        let (parts, body) = self.service.clone().oneshot(request).await?.into_parts();
        assert!(parts.extensions.get::<CacheTags>().is_none(), "no tag leaves the server");
        let body =
            body.collect().await.map_or_else(|error| error.to_string().into(), http_body_util::Collected::to_bytes);
        let body = String::from_utf8(body.to_vec()).unwrap();
        Ok(Seen { status: parts.status, headers: parts.headers, body })
    }

    async fn send(&self, method: Method, path: &str, lines: &[(&str, &str)]) -> Seen {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        self.try_send(request.body(String::new()).unwrap()).await.unwrap()
    }

    async fn get(&self, path: &str) -> Seen {
        self.send(Method::GET, path, &[]).await
    }

    fn calls(&self) -> usize {
        self.calls.load(SeqCst)
    }

    fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn out(lines: &[(&str, &str)], body: impl Into<Bytes>) -> Out {
    let mut response = Response::builder();
    for (name, value) in lines {
        response = if *name == "x-status" { response.status(*value) } else { response.header(*name, *value) };
    }
    response.body(Full::new(body.into())).unwrap()
}

/// Two requests for one address, and whether the second is answered without the handler.
struct Case {
    section: &'static str,
    first: Lines,
    response: Lines,
    wait: u64,
    second: Lines,
    hit: bool,
}

const MINUTE: (&str, &str) = ("cache-control", "max-age=60");
const NOTHING: Lines = &[];

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { section: "3: nothing is said", first: NOTHING, response: NOTHING, wait: 0, second: NOTHING, hit: false },
    Case { section: "4.2.1: max-age", first: NOTHING, response: &[MINUTE], wait: 59, second: NOTHING, hit: true },
    Case { section: "4.2.1: max-age is over", first: NOTHING, response: &[MINUTE], wait: 60, second: NOTHING, hit: false },
    Case { section: "4.2.1: s-maxage first", first: NOTHING, response: &[("cache-control", "max-age=60, s-maxage=5")], wait: 6, second: NOTHING, hit: false },
    Case { section: "4.2.3: old on arrival", first: NOTHING, response: &[MINUTE, ("age", "50")], wait: 11, second: NOTHING, hit: false },
    Case { section: "5.3: Expires", first: NOTHING, response: &[("date", "Thu, 01 Jan 2026 00:00:00 GMT"), ("expires", "Thu, 01 Jan 2026 00:01:00 GMT")], wait: 30, second: NOTHING, hit: true },
    Case { section: "5.3: Expires is over", first: NOTHING, response: &[("date", "Thu, 01 Jan 2026 00:00:00 GMT"), ("expires", "Thu, 01 Jan 2026 00:01:00 GMT")], wait: 61, second: NOTHING, hit: false },
    Case { section: "5.2.2.5: no-store", first: NOTHING, response: &[("cache-control", "max-age=60, no-store")], wait: 0, second: NOTHING, hit: false },
    Case { section: "5.2.2.7: private", first: NOTHING, response: &[("cache-control", "max-age=60, private")], wait: 0, second: NOTHING, hit: false },
    Case { section: "5.2.2.4: no-cache without a validator", first: NOTHING, response: &[("cache-control", "max-age=60, no-cache")], wait: 0, second: NOTHING, hit: false },
    Case { section: "cookies are one client's", first: NOTHING, response: &[MINUTE, ("set-cookie", "a=1")], wait: 0, second: NOTHING, hit: false },
    Case { section: "5.2.1.5: request no-store", first: &[("cache-control", "no-store")], response: &[MINUTE], wait: 0, second: NOTHING, hit: false },
    Case { section: "5.2.1.4: request no-cache", first: NOTHING, response: &[MINUTE], wait: 0, second: &[("cache-control", "no-cache")], hit: false },
    Case { section: "5.4: Pragma", first: NOTHING, response: &[MINUTE], wait: 0, second: &[("pragma", "no-cache")], hit: false },
    Case { section: "5.2.1.4: what no-cache brought is stored", first: &[("cache-control", "no-cache")], response: &[MINUTE], wait: 0, second: NOTHING, hit: true },
    Case { section: "5.2.1.1: request max-age", first: NOTHING, response: &[MINUTE], wait: 11, second: &[("cache-control", "max-age=10")], hit: false },
    Case { section: "5.2.1.3: min-fresh", first: NOTHING, response: &[MINUTE], wait: 31, second: &[("cache-control", "min-fresh=30")], hit: false },
    Case { section: "5.2.1.2: max-stale", first: NOTHING, response: &[MINUTE], wait: 65, second: &[("cache-control", "max-stale=10")], hit: true },
    Case { section: "4.2.4: max-stale of what must be revalidated", first: NOTHING, response: &[("cache-control", "max-age=60, must-revalidate")], wait: 65, second: &[("cache-control", "max-stale=10")], hit: false },
    Case { section: "3.5: Authorization is passed by", first: &[("authorization", "a")], response: &[("cache-control", "public, max-age=60")], wait: 0, second: &[("authorization", "a")], hit: false },
    Case { section: "cookies are passed by", first: NOTHING, response: &[MINUTE], wait: 0, second: &[("cookie", "a=1")], hit: false },
    Case { section: "4.1: Vary, the same", first: &[("accept", "a")], response: &[MINUTE, ("vary", "Accept")], wait: 0, second: &[("accept", "a")], hit: true },
    Case { section: "4.1: Vary, another", first: &[("accept", "a")], response: &[MINUTE, ("vary", "Accept")], wait: 0, second: &[("accept", "b")], hit: false },
    Case { section: "4.1: Vary, absent", first: &[("accept", "a")], response: &[MINUTE, ("vary", "Accept")], wait: 0, second: NOTHING, hit: false },
    Case { section: "4.1: Vary: *", first: NOTHING, response: &[MINUTE, ("vary", "*")], wait: 0, second: NOTHING, hit: false },
    Case { section: "4.1: encodings that accept the same", first: &[("accept-encoding", "gzip, br")], response: &[MINUTE, ("vary", "accept-encoding")], wait: 0, second: &[("accept-encoding", "br;q=0.9, gzip")], hit: true },
    Case { section: "3.3: several ranges are passed by", first: NOTHING, response: &[MINUTE], wait: 0, second: &[("range", "bytes=0-0,2-2")], hit: false },
    Case { section: "2: other hosts", first: &[("host", "a")], response: &[MINUTE], wait: 0, second: &[("host", "b")], hit: false },
    Case { section: "3: an error that states its freshness", first: NOTHING, response: &[MINUTE, ("x-status", "503")], wait: 59, second: NOTHING, hit: true },
    Case { section: "3: a status without a name", first: NOTHING, response: &[MINUTE, ("x-status", "599")], wait: 0, second: NOTHING, hit: true },
    Case { section: "3: a part", first: NOTHING, response: &[MINUTE, ("x-status", "206"), ("content-range", "bytes 0-0/9")], wait: 0, second: NOTHING, hit: false },
    Case { section: "5.2.2.3: must-understand", first: NOTHING, response: &[("cache-control", "no-store, must-understand, max-age=60")], wait: 0, second: NOTHING, hit: true },
    Case { section: "5.2.2.3: a status that is not understood", first: NOTHING, response: &[("cache-control", "must-understand, max-age=60"), ("x-status", "599")], wait: 0, second: NOTHING, hit: false },
    Case { section: "4.2.3: an age of a year", first: NOTHING, response: &[("cache-control", "max-age=31536000"), ("age", "31536000")], wait: 0, second: NOTHING, hit: false },
    Case { section: "5.3: a date of another century", first: NOTHING, response: &[("date", "Mon, 01 Jan 1900 00:00:00 GMT"), ("expires", "Tue, 01 Jan 1901 00:00:00 GMT")], wait: 0, second: NOTHING, hit: false },
    Case { section: "3.3: incomplete", first: NOTHING, response: &[MINUTE, ("content-length", "99")], wait: 0, second: NOTHING, hit: false },
];

#[tokio::test]
async fn rfc9111_holds_for_each_row_of_the_table() {
    for Case { section, first, response, wait, second, hit } in CASES {
        let server = server(|layer| layer, move |_, call| Ok(out(response, call.to_string())));
        server.send(Method::GET, "/a", first).await;
        server.wait(*wait);
        let seen = server.send(Method::GET, "/a", second).await;
        assert_eq!((server.calls() == 1, seen.body == "0"), (*hit, *hit), "{section}: {}", seen.cache());
        assert_eq!(seen.cache().contains("; hit"), *hit, "{section}");
    }
}

#[tokio::test]
async fn a_hit_says_how_old_it_is_and_keeps_all_else() {
    let head = [MINUTE, ("x", "1"), ("content-type", "text/a")];
    let server = server(|layer| layer, move |_, _| Ok(out(&head, "body")));
    let first = server.get("/a").await;
    assert_eq!((first.cache(), first.headers.get("age")), ("fastness; fwd=uri-miss; stored", None));
    server.wait(7);
    let second = server.get("/a").await;
    assert_eq!((second.cache(), &second.headers["age"]), ("fastness; hit; ttl=53", &"7".parse().unwrap()));
    assert_eq!(second.headers["date"], first.headers["date"], "rfc9110 6.6.1: when it was made");
    for (name, value) in head {
        assert_eq!(second.headers[name], value);
    }
    assert_eq!((second.body.as_str(), &second.headers["content-length"]), ("body", &"4".parse().unwrap()));
    let stats = server.fast.stats().sites.into_iter().find(|site| site.name == "http").unwrap().stats;
    assert_eq!((stats.hits, stats.misses, stats.loads), (1, 1, 1));
}

#[tokio::test]
async fn rfc9110_13_conditions_are_answered_from_stored_and_from_new_responses() {
    for control in ["max-age=60", "private"] {
        let head = move || [("cache-control", control), ("etag", "\"1\""), ("x", "1")];
        let server = server(|layer| layer, move |_, _| Ok(out(&head(), "body")));
        for _ in 0..2 {
            let seen = server.send(Method::GET, "/a", &[("if-none-match", "W/\"1\"")]).await;
            assert_eq!((seen.status, seen.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
            assert_eq!((seen.headers["etag"].to_str().unwrap(), seen.headers.get("x")), ("\"1\"", None));
            let seen = server.send(Method::GET, "/a", &[("if-none-match", "\"2\"")]).await;
            assert_eq!((seen.status, seen.body.as_str()), (StatusCode::OK, "body"));
        }
    }
}

#[tokio::test]
async fn rfc9110_9_3_2_head_is_answered_from_get() {
    let server = server(CacheLayer::etags, |_, _| Ok(out(&[MINUTE], "body")));
    let first = server.send(Method::HEAD, "/a", &[]).await;
    assert_eq!(first.cache(), "fastness; fwd=uri-miss; detail=head", "it brings nothing to store");
    let full = server.get("/a").await;
    let head = server.send(Method::HEAD, "/a", &[]).await;
    assert_eq!((head.cache(), head.body.as_str()), ("fastness; hit; ttl=60", ""));
    assert_eq!(head.headers["content-length"], "4");
    assert_eq!(head.headers["etag"], full.headers["etag"]);
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn rfc9111_5_2_1_7_only_if_cached_asks_no_handler() {
    let server = server(|layer| layer, |_, _| Ok(out(&[MINUTE], "body")));
    let only = [("cache-control", "only-if-cached")];
    let seen = server.send(Method::GET, "/a", &only).await;
    assert_eq!((seen.status, server.calls()), (StatusCode::GATEWAY_TIMEOUT, 0));
    server.get("/a").await;
    assert_eq!(server.send(Method::GET, "/a", &only).await.body, "body");
}

#[tokio::test]
async fn rfc9111_4_3_stale_responses_are_revalidated() {
    let server = server(
        |layer| layer,
        |request, call| match request.headers().get("if-none-match") {
            Some(tag) => {
                assert_eq!(tag, "\"1\"");
                let mut response = out(&[("cache-control", "max-age=5"), ("x", "2")], "");
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                Ok(response)
            }
            None => Ok(out(&[MINUTE, ("etag", "\"1\""), ("x", "1")], call.to_string())),
        },
    );
    server.get("/a").await;
    server.wait(61);
    let seen = server.get("/a").await;
    assert_eq!(seen.cache(), "fastness; fwd=stale; fwd-status=304; stored");
    assert_eq!((seen.status, seen.body.as_str(), &seen.headers["x"]), (StatusCode::OK, "0", &"2".parse().unwrap()));
    server.wait(4);
    assert_eq!(server.get("/a").await.cache(), "fastness; hit; ttl=1", "as fresh as the 304 said");
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn rfc9111_4_4_a_change_invalidates_the_resources_that_it_names() {
    let answer = |request: &Request<String>, call: usize| match request.uri().path() {
        "/fails" => Ok(Response::builder().status(409).body(Full::default()).unwrap()),
        _ if request.method() == Method::POST => Ok(out(&[("location", "/b"), ("content-location", "//h/c")], "")),
        _ => Ok(out(&[MINUTE], call.to_string())),
    };
    let server = server(|layer| layer, answer);
    let paths = ["/a", "/a?page=2", "/b", "/aa", "/fails"];
    let mut before = HashMap::new();
    for path in paths {
        before.insert(path, server.get(path).await.body);
    }
    assert_eq!(server.send(Method::POST, "/a", &[]).await.cache(), "fastness; fwd=method");
    server.send(Method::DELETE, "/fails", &[]).await;
    for path in paths {
        let gone = ["/a", "/a?page=2", "/b"].contains(&path);
        assert_eq!(server.get(path).await.body != before[path], gone, "{path}");
    }
}

#[tokio::test]
async fn an_invalidation_of_its_data_invalidates_a_response() {
    let server = server(
        |layer| layer.tags(|parts| vec![format!("shop:{}", parts.uri.path().trim_start_matches('/'))]),
        |_, call| {
            let mut response = out(&[MINUTE, ("vary", "accept")], call.to_string());
            response.extensions_mut().insert(CacheTags::new(["product:7"]).and("catalogue"));
            Ok(response)
        },
    );
    let cache = server.fast.cache();
    for pattern in ["product:7", "product:*", "shop:a", "shop:*", "http:*"] {
        let before = server.get("/a").await.body;
        assert_eq!(server.get("/a").await.body, before);
        cache.invalidate(reached(pattern)).await;
        assert_ne!(server.get("/a").await.body, before, "{pattern}");
    }
    let before = server.get("/a").await.body;
    for other in ["product:70", "product:7:x", "shop:b", "user:*"] {
        cache.invalidate(reached(other)).await;
        assert_eq!(server.get("/a").await.body, before, "{other}");
    }
    cache.invalidate(tagged("catalogue")).await;
    assert_ne!(server.get("/a").await.body, before);
    let before = server.get("/a").await.body;
    server.fast.clear();
    assert_ne!(server.get("/a").await.body, before);
}

#[tokio::test]
async fn a_response_with_a_long_variant_is_not_stored() {
    let head = [MINUTE, ("vary", "accept")];
    let server = server(|layer| layer, move |_, call| Ok(out(&head, call.to_string())));
    let seen = server.send(Method::GET, "/b", &[("accept", &"x".repeat(2_000))]).await;
    assert_eq!(seen.cache(), "fastness; fwd=uri-miss; detail=variant");
}

#[tokio::test]
async fn rfc5861_3_stale_responses_are_served_while_one_request_revalidates() {
    let head = [("cache-control", "max-age=10, stale-while-revalidate=20")];
    let server = server(|layer| layer, move |_, call| Ok(out(&head, call.to_string())));
    server.get("/a").await;
    server.wait(15);
    for _ in 0..3 {
        let seen = server.get("/a").await;
        assert_eq!((seen.body.as_str(), seen.cache()), ("0", "fastness; hit; ttl=-5"));
    }
    while server.fast.stats().total.loads < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!((server.get("/a").await.body.as_str(), server.calls()), ("1", 2));
    server.wait(31);
    assert_eq!(server.get("/a").await.body, "2", "beyond the bound no stale response is served");
    server.wait(15);
    server.fast.cache().invalidate(reached("http:*")).await;
    assert_eq!(server.get("/a").await.body, "3", "nor across an invalidation");
}

#[tokio::test]
async fn rfc5861_4_stale_responses_replace_errors() {
    let (broken, head) = (Arc::<AtomicUsize>::default(), [("cache-control", "max-age=10, stale-if-error=60")]);
    let state = broken.clone();
    let server = server(
        |layer| layer,
        move |_, call| match state.load(SeqCst) {
            0 => Ok(out(&head, call.to_string())),
            1 => Ok(Response::builder().status(503).body(Full::default()).unwrap()),
            _ => Err("no connection"),
        },
    );
    server.get("/a").await;
    for how in [1, 2] {
        broken.store(how, SeqCst);
        server.wait(11);
        let (before, seen) = (server.calls(), server.get("/a").await);
        assert_eq!((seen.status, seen.body.as_str()), (StatusCode::OK, "0"));
        server.get("/a").await;
        assert_eq!(server.calls(), before + 1, "a failing handler is not called again at once");
    }
    server.wait(60);
    assert!(server.try_send(Request::get("/a").body(String::new()).unwrap()).await.is_err(), "beyond the bound");
    broken.store(0, SeqCst);
    server.get("/a").await;
    broken.store(1, SeqCst);
    server.wait(11);
    server.fast.cache().invalidate(reached("http:*")).await;
    assert_eq!(server.get("/a").await.status, StatusCode::SERVICE_UNAVAILABLE, "never across an invalidation");
}

#[tokio::test]
async fn the_application_decides_on_credentials() {
    let answer = |request: &Request<String>, call: usize| {
        let control = if request.uri().path() == "/public" { "public, max-age=60" } else { "max-age=60" };
        let who = request.headers().get("authorization").map_or("anonymous", |who| who.to_str().unwrap());
        Ok(out(&[("cache-control", control)], format!("{who} {call}")))
    };
    let ask = async |server: &Server, path, who| server.send(Method::GET, path, &[("authorization", who)]).await.body;
    let public = server(CacheLayer::public_with_credentials, answer);
    assert_eq!(ask(&public, "/public", "ada").await, ask(&public, "/public", "bob").await, "rfc9111 3.5");
    assert_ne!(ask(&public, "/own", "ada").await, ask(&public, "/own", "ada").await);
    public.get("/own").await;
    assert!(
        ask(&public, "/own", "ada").await.starts_with("ada"),
        "nor a response that is stored for anonymous clients"
    );
    let name = |parts: &Parts| Some(parts.headers.get("authorization")?.to_str().ok()?.to_owned());
    let each = server(move |layer| layer.per_principal(name), answer);
    for who in ["ada", "bob", "", "+", "=ada"] {
        let first = ask(&each, "/own", who).await;
        assert!(first.starts_with(&format!("{who} ")), "{who} got {first}");
        assert_eq!(ask(&each, "/own", who).await, first);
    }
    assert!(each.get("/own").await.body.starts_with("anonymous"));
    assert_eq!(each.send(Method::GET, "/own", &[("cookie", "a=1")]).await.cache(), "fastness; fwd=bypass");
}

#[tokio::test]
async fn other_hosts_bypass_the_cache_and_large_bodies_are_not_stored() {
    let one = server(
        |layer| layer.hosts(["Shop.example"]).max_body(8).default_ttl(Duration::from_secs(9)),
        |request, call| {
            let size = if request.uri().path() == "/large" { 9 } else { 8 };
            Ok(out(&[], format!("{call:0>size$}")))
        },
    );
    let shop = [("host", "shop.example")];
    assert_eq!(one.send(Method::GET, "/a", &[("host", "evil.example")]).await.cache(), "fastness; fwd=bypass");
    assert_eq!(one.send(Method::GET, "/a", &shop).await.cache(), "fastness; fwd=uri-miss; stored");
    assert_eq!(one.send(Method::GET, "/a", &shop).await.cache(), "fastness; hit; ttl=9");
    let large = one.send(Method::GET, "/large", &shop).await;
    assert_eq!((large.cache(), large.body.len()), ("fastness; fwd=uri-miss; detail=too-large", 9));
}

proptest! {
    /// A cached answer is one that the handler gave to an equal request, no longer ago than its freshness lifetime.
    #[test]
    fn a_cached_answer_is_what_the_handler_would_have_answered(
        steps in prop::collection::vec((0..3_usize, 0..3_usize, 0..4_u64, 0..6_usize), 1..60),
    ) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            const CONTROLS: [&str; 3] = ["max-age=3", "no-store", "max-age=1, s-maxage=5"];
            // The handler's response changes with each invalidation only.
            let state = Arc::new(Mutex::new([0_usize; 3]));
            let origin = state.clone();
            let server = server(|layer| layer, move |request, _| {
                let index: usize = request.uri().path()[1..].parse().unwrap();
                let version = origin.lock().unwrap()[index];
                let kind = request.headers()["accept"].to_str().unwrap();
                let mut response =
                    out(&[("cache-control", CONTROLS[index]), ("vary", "accept")], format!("{index} {version} {kind}"));
                response.extensions_mut().insert(CacheTags::new([format!("item:{index}")]));
                Ok(response)
            });
            for (index, kind, wait, action) in steps {
                server.wait(wait);
                if action == 0 {
                    state.lock().unwrap()[index] += 1;
                    server.fast.cache().invalidate(reached(format!("item:{index}"))).await;
                }
                let (path, kind) = (format!("/{index}"), kind.to_string());
                let seen = server.send(Method::GET, &path, &[("accept", &kind)]).await;
                let version = state.lock().unwrap()[index];
                assert_eq!(seen.body, format!("{index} {version} {kind}"));
                assert!(index != 1 || !seen.cache().contains("hit"));
            }
        });
    }
}

mod together {
    //! Concurrent requests.

    use tokio::sync::Semaphore;

    use super::*;
    use crate::http::CoalesceLayer;

    type Inner = BoxCloneService<Request<String>, Out, Infallible>;
    type Outer = BoxCloneService<Request<String>, Response<Answered>, Infallible>;

    /// A handler that answers once the test lets it, with the client's name and the number of earlier calls.
    struct Gate {
        open: Arc<Semaphore>,
        calls: Arc<AtomicUsize>,
        fast: Fastness,
    }

    impl Gate {
        fn new() -> Self {
            let fast = Fastness::builder().build().unwrap();
            Self { open: Arc::new(Semaphore::new(0)), calls: Arc::default(), fast }
        }

        fn handler(&self, head: Lines) -> Inner {
            let (open, calls) = (self.open.clone(), self.calls.clone());
            BoxCloneService::new(tower::service_fn(move |request: Request<String>| {
                let (open, call) = (open.clone(), calls.fetch_add(1, SeqCst));
                async move {
                    open.acquire().await.unwrap().forget();
                    assert!(request.headers().get("x-panic").is_none(), "as asked");
                    let who = request.headers().get("x-who").map_or("anonymous", |who| who.to_str().unwrap());
                    let mut response = out(head, format!("{who} {call}"));
                    response.extensions_mut().insert(CacheTags::new(["thing:1"]));
                    Ok(response)
                }
            }))
        }

        /// The two layers that share the code.
        fn both(&self, head: Lines) -> [Outer; 2] {
            let (handler, other) = (self.handler(head), self.handler(head));
            let cache = CacheLayer::new().on(&self.fast).layer(handler);
            [BoxCloneService::new(cache), BoxCloneService::new(CoalesceLayer::new().on(&self.fast).layer(other))]
        }

        async fn called(&self, times: usize) {
            while self.calls.load(SeqCst) < times {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn text(answer: Response<Answered>) -> String {
        String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    fn ask(service: &Outer, lines: &[(&str, &str)]) -> tokio::task::JoinHandle<(String, String)> {
        let mut request = Request::get("/a");
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let asked = service.clone().oneshot(request.body(String::new()).unwrap());
        tokio::spawn(async move {
            let answer = asked.await.unwrap();
            let status = answer.headers()["cache-status"].to_str().unwrap().to_owned();
            (text(answer).await, status)
        })
    }

    /// Lets every task run until it waits for the handler.
    async fn settle() {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn one_request_loads_for_all() {
        let gate = Gate::new();
        for service in gate.both(&[MINUTE]) {
            let before = gate.calls.load(SeqCst);
            let all: Vec<_> = (0..50).map(|_| ask(&service, &[])).collect();
            gate.called(before + 1).await;
            settle().await;
            gate.open.add_permits(1);
            let mut collapsed = 0;
            for one in all {
                let (body, status) = one.await.unwrap();
                assert_eq!(body, format!("anonymous {before}"));
                collapsed += usize::from(status.ends_with("collapsed"));
            }
            assert_eq!((collapsed, gate.calls.load(SeqCst)), (49, before + 1));
        }
    }

    #[tokio::test]
    async fn a_private_response_goes_to_no_other_client() {
        let heads: [Lines; 6] = [
            &[("cache-control", "private, max-age=60")],
            &[("cache-control", "no-store")],
            &[("cache-control", "no-cache, max-age=60")],
            &[MINUTE, ("set-cookie", "session=1")],
            &[MINUTE, ("vary", "*")],
            &[MINUTE, ("vary", "x-who")],
        ];
        for head in heads {
            let gate = Gate::new();
            gate.open.add_permits(1_000);
            for service in gate.both(head) {
                let users = ["ada", "bob", "eve", "dan"];
                let all: Vec<_> = (0..40).map(|n| (n, ask(&service, &[("x-who", users[n % 4])]))).collect();
                for (n, one) in all {
                    let (body, _) = one.await.unwrap();
                    assert!(body.starts_with(users[n % 4]), "{} got {body} of {head:?}", users[n % 4]);
                }
            }
        }
    }

    #[tokio::test]
    async fn requests_with_credentials_are_never_shared() {
        let gate = Gate::new();
        for service in gate.both(&[("cache-control", "public, max-age=60")]) {
            let before = gate.calls.load(SeqCst);
            let all = ["ada", "bob"].map(|who| ask(&service, &[("authorization", who), ("x-who", who)]));
            gate.called(before + 2).await;
            gate.open.add_permits(2);
            for (one, who) in all.into_iter().zip(["ada", "bob"]) {
                assert!(one.await.unwrap().0.starts_with(who));
            }
        }
    }

    /// End of the client that leads.
    #[derive(Clone, Copy, PartialEq)]
    enum LeaderEnd {
        Panics,
        Leaves,
    }

    #[tokio::test]
    async fn a_leader_that_panics_hands_over_and_one_that_leaves_loads_on() {
        let gate = Gate::new();
        let layers = [CacheLayer::new(), CacheLayer::new().background_fill(Duration::ZERO)];
        let [default, zero] =
            layers.map(|layer| BoxCloneService::new(layer.on(&gate.fast).layer(gate.handler(&[MINUTE]))));
        let [_, coalesced] = gate.both(&[MINUTE]);
        for (service, end, goes_on) in [
            (&default, LeaderEnd::Panics, false),
            (&coalesced, LeaderEnd::Panics, false),
            (&default, LeaderEnd::Leaves, true),
            (&coalesced, LeaderEnd::Leaves, true),
            (&zero, LeaderEnd::Leaves, false),
        ] {
            gate.fast.clear();
            let before = gate.calls.load(SeqCst);
            let leader = ask(service, if end == LeaderEnd::Panics { &[("x-panic", "1")] } else { &[] });
            gate.called(before + 1).await;
            let others: Vec<_> = (0..3).map(|_| ask(service, &[])).collect();
            settle().await;
            match end {
                LeaderEnd::Panics => gate.open.add_permits(1),
                LeaderEnd::Leaves => leader.abort(),
            }
            assert!(leader.await.is_err());
            let calls = before + if goes_on { 1 } else { 2 };
            gate.called(calls).await;
            settle().await;
            gate.open.add_permits(1);
            for one in others {
                assert_eq!(one.await.unwrap().0, format!("anonymous {}", calls - 1));
            }
            assert_eq!(gate.calls.load(SeqCst), calls, "one call of the handler was for all");
        }
    }

    #[tokio::test]
    async fn a_request_after_an_invalidation_gets_no_response_begun_before() {
        let gate = Gate::new();
        for service in gate.both(&[MINUTE]) {
            let before = gate.calls.load(SeqCst);
            let early = ask(&service, &[]);
            gate.called(before + 1).await;
            // Only the response has this tag, which the cache does not know yet.
            gate.fast.cache().invalidate(reached("thing:1")).await;
            let late = ask(&service, &[]);
            settle().await;
            gate.open.add_permits(2);
            assert_eq!(early.await.unwrap().0, format!("anonymous {before}"));
            assert_eq!(late.await.unwrap().0, format!("anonymous {}", before + 1));
            gate.fast.clear();
        }
    }
}
