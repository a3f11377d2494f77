//! The HTTP cache under axum, over sockets, and in races with invalidations.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::http::{Request, Response};
use axum::routing::get;
use axum::{Extension, Router};
use fastness::http::{CacheLayer, CacheTags};
use fastness::{CacheTransaction, bypass};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::{Layer, Service, ServiceExt};

use crate::{fresh, poll_once};
use fastness_tests::names::{reached, tagged};

/// The response of a server to one request, on a connection of its own.
async fn raw(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{request}\r\nhost: shop\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn responses_are_cached_over_sockets() {
    let (fast, calls) = (fresh(), Arc::<AtomicUsize>::default());
    let count = calls.clone();
    let list = move || async move {
        count.fetch_add(1, SeqCst);
        ([("cache-control", "max-age=60"), ("etag", "\"1\"")], Extension(CacheTags::new(["list"])), "abc")
    };
    let large = || async { ([("cache-control", "max-age=60")], "x".repeat(100_000)) };
    let inner = |answer: &'static str| {
        Router::new().route("/same", get(move || async move { ([("cache-control", "max-age=60")], answer) }))
    };
    let layer = CacheLayer::new().on(&fast).max_body(50_000);
    let app = Router::new()
        .nest("/one", inner("one").layer(layer.clone()))
        .nest("/two", inner("two").layer(layer.clone()))
        .merge(Router::new().route("/list", get(list)).route("/large", get(large)).layer(layer));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    assert!(raw(address, "GET /list HTTP/1.1").await.ends_with("\r\n\r\nabc"));
    let hit = raw(address, "GET /list HTTP/1.1").await;
    assert!(hit.contains("cache-status: fastness; hit; ttl=") && hit.ends_with("\r\n\r\nabc"), "{hit}");
    let head = raw(address, "HEAD /list HTTP/1.1").await;
    assert!(head.contains("; hit") && head.contains("content-length: 3") && head.ends_with("\r\n\r\n"), "{head}");
    let not = raw(address, "GET /list HTTP/1.1\r\nif-none-match: \"1\"").await;
    assert!(not.starts_with("HTTP/1.1 304") && not.ends_with("\r\n\r\n"), "{not}");
    assert_eq!(calls.load(SeqCst), 1);
    fast.cache().invalidate(tagged("list")).await;
    raw(address, "GET /list HTTP/1.1").await;
    assert_eq!(calls.load(SeqCst), 2);
    let large = raw(address, "GET /large HTTP/1.1").await;
    assert!(large.len() > 100_000 && large.contains("fastness; fwd=uri-miss; detail=too-large\r\n"));
    for _ in 0..2 {
        assert!(raw(address, "GET /one/same HTTP/1.1").await.ends_with("one"));
        assert!(raw(address, "GET /two/same HTTP/1.1").await.ends_with("two"), "routers strip prefixes");
    }
    server.abort();
}

/// Readers and a writer, in an order that the seed decides. A request that begins after an invalidation has returned is never answered with
/// a response that was made before it.
#[test]
fn no_response_is_stale_after_an_invalidation_in_any_order() {
    for seed in 0..200 {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(race(seed));
    }
}

async fn race(seed: u64) {
    let (fast, origin) = (fresh(), Arc::<AtomicUsize>::default());
    let random = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
    let (source, chance) = (origin.clone(), random.clone());
    let handler = tower::service_fn(move |_: Request<Body>| {
        let (source, chance) = (source.clone(), chance.clone());
        async move {
            dawdle(&chance).await;
            let version = source.load(SeqCst);
            dawdle(&chance).await;
            let mut response = Response::new(Body::from(version.to_string()));
            response.headers_mut().insert("cache-control", "max-age=60".parse().unwrap());
            response.extensions_mut().insert(CacheTags::new(["thing:1"]));
            Ok::<_, Infallible>(response)
        }
    });
    let service = CacheLayer::new().on(&fast).layer(handler);
    let writer = async {
        for _ in 0..10 {
            dawdle(&random).await;
            origin.fetch_add(1, SeqCst);
            dawdle(&random).await;
            fast.cache().invalidate(reached("thing:1")).await;
        }
    };
    let read = || reader(service.clone(), &origin, &random, seed);
    tokio::join!(read(), read(), read(), writer);
}

async fn reader<S, B>(service: S, origin: &AtomicUsize, chance: &Mutex<fastrand::Rng>, seed: u64)
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone,
    B: HttpBody<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    for _ in 0..20 {
        dawdle(chance).await;
        // The next change begins after this one was invalidated, so all changes but the last were invalidated.
        let settled = origin.load(SeqCst).saturating_sub(1);
        let answer = service.clone().oneshot(Request::get("/a").body(Body::empty()).unwrap()).await.unwrap();
        let body = to_bytes(Body::new(answer.into_body()), 100).await.unwrap();
        let found: usize = std::str::from_utf8(&body).unwrap().parse().unwrap();
        assert!(found >= settled, "seed {seed}: {found} after {settled} was invalidated");
    }
}

async fn dawdle(random: &Mutex<fastrand::Rng>) {
    let times = random.lock().unwrap().u8(0..4);
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

/// The number of times for which a request looks for an answer before it asks the handler by itself.
const LOOKS: usize = 9;

#[tokio::test]
async fn a_request_that_may_wait_no_longer_checks_once_more_before_it_asks() {
    let (fast, loads, gate) = (fresh(), Arc::<AtomicUsize>::default(), Arc::new(Semaphore::new(0)));
    let handler = {
        let (loads, gate) = (loads.clone(), gate.clone());
        move |_: Request<Body>| {
            let (load, gate) = (loads.fetch_add(1, SeqCst) + 1, gate.clone());
            async move {
                gate.acquire().await.unwrap().forget();
                let mut response = Response::new(Body::from(load.to_string()));
                response.headers_mut().insert("cache-control", "max-age=60".parse().unwrap());
                Ok::<_, Infallible>(response)
            }
        }
    };
    let service = CacheLayer::new().on(&fast).layer(tower::service_fn(handler));
    let get = || Box::pin(service.clone().oneshot(Request::get("/a").body(Body::empty()).unwrap()));
    let mut leader = get();
    assert!(poll_once(leader.as_mut()).await.is_none());
    let mut request = get();
    for load in 1..LOOKS {
        assert!(poll_once(request.as_mut()).await.is_none());
        assert_eq!(loads.load(SeqCst), load, "it waits for another");
        // The other request's response does not answer this one, and the next load is under way already.
        fast.clear();
        let mut next = get();
        assert!(poll_once(next.as_mut()).await.is_none());
        gate.add_permits(1);
        leader.await.unwrap();
        leader = next;
    }
    gate.add_permits(1);
    leader.await.unwrap();
    let answer = request.await.unwrap();
    let body = to_bytes(Body::new(answer.into_body()), 100).await.unwrap();
    assert_eq!((&body[..], loads.load(SeqCst)), (&b"9"[..], LOOKS), "it is stored");
}

#[tokio::test]
async fn a_request_inside_of_a_bypass_or_a_transaction_neither_reads_nor_stores() {
    let (fast, calls) = (fresh(), Arc::<AtomicUsize>::default());
    let count = calls.clone();
    let handler = tower::service_fn(move |request: Request<Body>| {
        let call = count.fetch_add(1, SeqCst);
        let answer = Response::builder().header("cache-control", "max-age=60").status(200);
        async move { Ok::<_, Infallible>(answer.body(Body::from(format!("{} {call}", request.method()))).unwrap()) }
    });
    let service = CacheLayer::new().on(&fast).layer(handler);
    let ask = async |method: &str| {
        let request = Request::builder().method(method).uri("http://shop/list").body(Body::empty()).unwrap();
        let answer = service.clone().oneshot(request).await.unwrap();
        String::from_utf8(to_bytes(Body::new(answer.into_body()), 100).await.unwrap().to_vec()).unwrap()
    };
    let cached = CacheTransaction::new();
    assert_eq!(bypass(ask("GET")).await, "GET 0");
    assert_eq!(cached.run(ask("GET")).await, "GET 1");
    assert_eq!((ask("GET").await, ask("GET").await), ("GET 2".to_owned(), "GET 2".to_owned()));
    assert_eq!(
        (cached.run(ask("GET")).await, cached.run(ask("POST")).await),
        ("GET 3".to_owned(), "POST 4".to_owned())
    );
    assert_eq!(ask("GET").await, "GET 2", "an unsafe request invalidates when its transaction commits");
    cached.commit().await;
    assert_eq!(ask("GET").await, "GET 5");
}
