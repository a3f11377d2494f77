use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use tokio::sync::Notify;
use tower::{ServiceExt, service_fn};

use super::*;
use crate::clock::Clock;
use crate::http::resumed::ResumedBody;
use crate::http::{Body, poll_once};

type Text = Body<String>;

/// A body in pieces, with trailers or an end too soon.
#[derive(Default)]
struct Chunks(std::collections::VecDeque<Result<Frame<Bytes>, &'static str>>);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        std::task::Poll::Ready(self.0.pop_front())
    }
}

impl Chunks {
    fn new(parts: impl IntoIterator<Item = &'static str>) -> Self {
        Self(parts.into_iter().map(|part| Ok(Frame::data(Bytes::from_static(part.as_bytes())))).collect())
    }
}

fn post(key: &str, body: &'static str) -> Request<Chunks> {
    Request::post("/orders?a=1").header("idempotency-key", key).body(Chunks::new([body])).unwrap()
}

fn layer() -> (IdempotencyLayer, Clock) {
    let clock = Clock::manual();
    let fast = Fastness::builder().clock(clock.clone()).build().unwrap();
    (IdempotencyLayer::new().on(&fast), clock)
}

#[derive(Clone, Default)]
struct Orders(Arc<AtomicUsize>);

impl Orders {
    /// Answers as the path says; the answer has the number of the order.
    async fn take(self, request: Request<Body<Chunks>>) -> Result<Response<Chunks>, &'static str> {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        let answer =
            Response::builder().header("set-cookie", "a=1").header("set-cookie", "b=2").header("x-number", number);
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await.map_err(|_| "no body")?.to_bytes();
        match &*path {
            "/panics" => panic!("on purpose"),
            "/fails" => Err("no answer"),
            "/never" => std::future::pending().await,
            "/breaks" => Ok(answer.body(Chunks([Ok(Frame::data("half".into())), Err("broken")].into())).unwrap()),
            "/large" => Ok(answer.body(Chunks::new(["12345678"; 4])).unwrap()),
            "/trailers" => {
                let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "7".parse().unwrap())]);
                Ok(answer.body(Chunks([Ok(Frame::data("body".into())), Ok(Frame::trailers(trailers))].into())).unwrap())
            }
            path => {
                let status = path.strip_prefix("/status/").unwrap_or("201");
                Ok(answer
                    .status(status)
                    .body(Chunks([Ok(Frame::data(body)), Ok(Frame::data("!".into()))].into()))
                    .unwrap())
            }
        }
    }

    fn taken(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Orders behind a layer: a closure that sends one request.
macro_rules! served {
    ($orders:ident, $layer:expr) => {{
        let own = $orders.clone();
        $layer.layer(service_fn(move |request| own.clone().take(request)))
    }};
}

/// Status, headers and body.
async fn read(response: Response<Body<ResumedBody<Chunks>>>) -> (u16, HeaderMap, String) {
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), head.headers, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_byte_for_byte() {
    let (orders, (layer, clock)) = (Orders::default(), layer());
    let service = served!(orders, layer);
    let first = read(service.clone().oneshot(post("k", "3 apples")).await.unwrap()).await;
    let mut again = read(service.clone().oneshot(post("\"k\"", "3 apples")).await.unwrap()).await;
    assert_eq!(again.1.remove("idempotency-replayed"), Some("true".parse().unwrap()));
    assert_eq!(first, again);
    assert_eq!((first.0, &*first.2, orders.taken()), (201, "3 apples!", 1));

    clock.advance(Duration::from_secs(24 * 60 * 60));
    let anew = read(service.oneshot(post("k", "3 apples")).await.unwrap()).await;
    assert_eq!((&anew.1["x-number"], orders.taken()), (&"2".parse().unwrap(), 2));
}

#[tokio::test]
async fn a_hundred_concurrent_requests_are_done_once() {
    let (runs, layer) = (Arc::new(AtomicUsize::new(0)), layer().0);
    let go = Arc::new(tokio::sync::Barrier::new(100));
    let own = runs.clone();
    let service = layer.layer(service_fn(move |_: Request<Text>| {
        let own = own.clone();
        async move {
            own.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(Response::new(String::from("done")))
        }
    }));
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (service, go) = (service.clone(), go.clone());
            tokio::spawn(async move {
                go.wait().await;
                let request = Request::post("/").header("idempotency-key", "k").body("pay".to_owned()).unwrap();
                let response = service.oneshot(request).await.unwrap();
                if response.status() == 409 {
                    assert_eq!(response.headers()["retry-after"], "1");
                }
                response.status().as_u16()
            })
        })
        .collect();
    for task in tasks {
        let status = task.await.unwrap();
        assert!([200, 409].contains(&status), "{status}");
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let (orders, layer) = (Orders::default(), layer().0);
    let service = served!(orders, layer);
    service.clone().oneshot(post("k", "3 apples")).await.unwrap();
    let with = |change: fn(&mut Request<Chunks>)| {
        let mut request = post("k", "3 apples");
        change(&mut request);
        request
    };
    for request in [
        post("k", "4 apples"),
        with(|request| *request.method_mut() = http::Method::PUT),
        with(|request| *request.uri_mut() = "/orders?a=2".parse().unwrap()),
        with(|request| *request.uri_mut() = "/orders/?a=1".parse().unwrap()),
        with(|request| _ = request.headers_mut().insert("if-match", "\"2\"".parse().unwrap())),
    ] {
        assert_eq!(service.clone().oneshot(request).await.unwrap().status(), 422);
    }
    // The same bytes in other pieces are the same body.
    let pieces = Request::post("/orders?a=1").header("idempotency-key", "k").body(Chunks::new(["3 ", "", "apples"]));
    assert_eq!(service.oneshot(pieces.unwrap()).await.unwrap().status(), 201);
    assert_eq!(orders.taken(), 1);
}

#[tokio::test]
async fn no_client_gets_the_answer_of_another() {
    let (orders, layer) = (Orders::default(), layer().0);
    let by_header = served!(orders, layer);
    let by_user = {
        let user = |request: &Parts| Some(request.headers.get("x-user")?.to_str().ok()?.to_owned());
        served!(orders, layer.clone().principal(user))
    };
    let mut number = 0;
    for headers in [
        &[][..],
        &[("authorization", "Bearer ada")],
        &[("authorization", "Bearer grace")],
        &[("cookie", "session=1")],
        &[("cookie", "session=2")],
        &[("cookie", "Bearer ada")],
        &[("authorization", "Bearer ada"), ("cookie", "session=1")],
    ] {
        let request = || {
            let mut request = post("k", "3 apples");
            for (name, value) in headers {
                request.headers_mut().insert(*name, value.parse().unwrap());
            }
            request
        };
        number += 1;
        for _ in 0..2 {
            let response = by_header.clone().oneshot(request()).await.unwrap();
            assert_eq!(response.headers()["x-number"], number.to_string(), "{headers:?}");
        }
    }
    for user in ["ada", "grace"] {
        let request = |token: &str| {
            let mut request = post("k", "3 apples");
            request.headers_mut().insert("x-user", user.parse().unwrap());
            request.headers_mut().insert("authorization", token.parse().unwrap());
            request
        };
        number += 1;
        for token in ["one", "two"] {
            let response = by_user.clone().oneshot(request(token)).await.unwrap();
            assert_eq!(response.headers()["x-number"], number.to_string(), "a new token is the same user");
        }
    }
}

#[tokio::test]
async fn unprotected_requests_are_passed_on() {
    let (orders, layer) = (Orders::default(), layer().0);
    let service = served!(orders, layer.clone());
    let get = || Request::get("/").header("idempotency-key", "k").body(Chunks::default()).unwrap();
    let bare = || Request::post("/").body(Chunks::new(["x"])).unwrap();
    for request in [get(), get(), bare(), bare()] {
        assert_eq!(service.clone().oneshot(request).await.unwrap().status(), 201);
    }
    assert_eq!(orders.taken(), 4);
    let strict = served!(orders, layer.required());
    assert_eq!(strict.clone().oneshot(get()).await.unwrap().status(), 201);
    assert_eq!(strict.oneshot(bare()).await.unwrap().status(), 400);
}

#[tokio::test]
async fn a_malformed_key_is_answered_with_the_expected_form() {
    let (orders, layer) = (Orders::default(), layer().0);
    let service = served!(orders, layer);
    let huge = "a".repeat(100_000);
    for sent in [&[""][..], &["a b"], &["\"open"], &["a", "b"], &["same"; 500], &[&huge]] {
        let mut request = Request::post("/").body(Chunks::default()).unwrap();
        for key in sent {
            request.headers_mut().append("idempotency-key", key.parse().unwrap());
        }
        let (status, headers, body) = read(service.clone().oneshot(request).await.unwrap()).await;
        assert_eq!((status, &headers["content-type"]), (400, &"application/problem+json".parse().unwrap()));
        assert!(body.contains("1 to 255 visible ASCII characters"), "{body}");
    }
    assert_eq!(orders.taken(), 0);
}

#[tokio::test]
async fn a_failed_request_may_be_sent_again() {
    let (orders, layer) = (Orders::default(), layer().0);
    let service = served!(orders, layer);
    let mut taken = 0;
    for path in ["/status/500", "/status/503", "/status/429", "/status/408", "/fails", "/panics", "/breaks", "/never"] {
        for _ in 0..2 {
            let mut request = post("k", "x");
            *request.uri_mut() = path.parse().unwrap();
            let call = service.clone().oneshot(request);
            if path == "/never" {
                let mut call = Box::pin(call);
                assert!(poll_once(&mut call).await.is_pending());
            } else {
                let _ = tokio::spawn(call).await;
            }
            taken += 1;
            assert_eq!(orders.taken(), taken, "{path}");
        }
    }
    for path in ["/status/400", "/status/404", "/status/302"] {
        for _ in 0..2 {
            let mut request = post(&path.replace('/', "-"), "x");
            *request.uri_mut() = path.parse().unwrap();
            service.clone().oneshot(request).await.unwrap();
        }
        taken += 1;
        assert_eq!(orders.taken(), taken, "{path}");
    }
}

#[tokio::test]
async fn a_client_that_disconnects_after_the_work_cannot_undo_it() {
    let (runs, go, layer) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()), layer().0);
    let (own, waits) = (runs.clone(), go.clone());
    let service = layer.layer(service_fn(move |_: Request<Text>| {
        let (own, waits) = (own.clone(), waits.clone());
        async move {
            own.fetch_add(1, Ordering::SeqCst);
            // Its head is there, and its body takes a while.
            Ok::<_, Infallible>(Response::new(Late(Some(Box::pin(async move { waits.notified().await })))))
        }
    }));
    let request = || Request::post("/").header("idempotency-key", "k").body(String::new()).unwrap();
    let mut call = Box::pin(service.clone().oneshot(request()));
    for _ in 0..10 {
        assert!(poll_once(&mut call).await.is_pending());
        tokio::task::yield_now().await;
    }
    drop(call);
    assert_eq!(service.clone().oneshot(request()).await.unwrap().status(), 409, "the first request is still in flight");
    go.notify_one();
    let replayed = loop {
        let response = service.clone().oneshot(request()).await.unwrap();
        if response.status() == 200 {
            break response;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(replayed.headers()["idempotency-replayed"], "true");
    assert_eq!(replayed.into_body().collect().await.unwrap().to_bytes(), "late");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn large_answers_are_given_once_and_never_done_twice() {
    let (orders, layer) = (Orders::default(), layer().0);
    let service = served!(orders, layer.max_response_bytes(20));
    let request = |path: &str| {
        let mut request = post(&path.replace('/', "-"), "x");
        *request.uri_mut() = path.parse().unwrap();
        request
    };
    let first = read(service.clone().oneshot(request("/large")).await.unwrap()).await;
    assert_eq!((first.0, &*first.2), (200, "12345678123456781234567812345678"));
    let collected = service.clone().oneshot(request("/trailers")).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-sum"], "7");
    assert_eq!(collected.to_bytes(), "body");
    for path in ["/large", "/trailers"] {
        let again = service.clone().oneshot(request(path)).await.unwrap();
        assert_eq!((again.status().as_u16(), again.headers().get("retry-after")), (409, None));
    }
    assert_eq!(orders.taken(), 2);
}

#[tokio::test]
async fn bodies_that_are_too_large_or_broken_are_refused() {
    let (orders, layer) = (Orders::default(), layer().0);
    let service = served!(orders, layer.max_request_bytes(8));
    let with = |body| Request::post("/").header("idempotency-key", "k").body(body).unwrap();
    let broken = Chunks([Ok(Frame::data("half".into())), Err("broken")].into());
    let trailers = Chunks([Ok(Frame::trailers(HeaderMap::new()))].into());
    for (body, status) in [
        (Chunks::new(["12345678"]), 201),
        (Chunks::new(["123456789"]), 413),
        (Chunks::new(["1"; 9]), 413),
        (broken, 400),
    ] {
        assert_eq!(service.clone().oneshot(with(body)).await.unwrap().status(), status);
    }
    let mut other = with(trailers);
    other.headers_mut().insert("idempotency-key", "other".parse().unwrap());
    assert_eq!(service.oneshot(other).await.unwrap().status(), 400);
    assert_eq!(orders.taken(), 1);
}

/// A body of one frame, which comes on request.
struct Late(Option<std::pin::Pin<Box<dyn Future<Output = ()> + Send>>>);

impl http_body::Body for Late {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(waits) = &mut self.0 else { return std::task::Poll::Ready(None) };
        std::task::ready!(waits.as_mut().poll(cx));
        self.0 = None;
        std::task::Poll::Ready(Some(Ok(Frame::data("late".into()))))
    }
}

#[tokio::test]
async fn one_key_on_two_hosts_is_two_requests() {
    let (layer, _) = layer();
    let orders = Orders::default();
    let taken = orders.clone();
    let service = layer.layer(service_fn(move |request| taken.clone().take(request)));
    for host in ["a.example", "b.example"] {
        let mut request = post("one", "3 apples");
        request.headers_mut().insert("host", host.parse().unwrap());
        let response = service.clone().oneshot(request).await.unwrap();
        assert!(!response.headers().contains_key("idempotency-replayed"), "{host} got the answer of another");
    }
    assert_eq!(orders.taken(), 2);
}

#[tokio::test]
async fn event_streams_are_passed_on_and_not_replayed() {
    struct Endless;
    impl http_body::Body for Endless {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            std::task::Poll::Pending
        }
    }
    let (layer, _) = layer();
    let service = layer.layer(service_fn(async |_: Request<Body<Chunks>>| {
        Ok::<_, Infallible>(Response::builder().header("content-type", "text/event-stream").body(Endless).unwrap())
    }));
    assert_eq!(service.clone().oneshot(post("one", "")).await.unwrap().status(), 200);
    assert_eq!(
        service.oneshot(post("one", "")).await.unwrap().status(),
        409,
        "the layer remembers that it was answered"
    );
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn requests_are_distinguished_under_routers_that_strip_prefixes() {
    use axum::extract::OriginalUri;
    let (layer, _) = layer();
    let service = layer.layer(service_fn(|request| Orders::default().take(request)));
    let mut statuses = Vec::new();
    for original in ["/one/orders", "/two/orders"] {
        let mut request = post("one", "3 apples");
        request.extensions_mut().insert(OriginalUri(original.parse().unwrap()));
        statuses.push(service.clone().oneshot(request).await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [201, 422]);
}

#[tokio::test]
async fn the_stored_answers_can_be_chosen_by_their_status() {
    let (orders, layer) = (Orders::default(), layer().0);
    let layer = layer.store_if(|status| status.is_success() || status == StatusCode::SERVICE_UNAVAILABLE);
    let service = served!(orders, layer);
    for (path, expected) in [("/status/201", 1), ("/status/503", 1), ("/status/404", 2), ("/status/500", 2)] {
        let before = orders.taken();
        for _ in 0..2 {
            let mut request = post(&path.replace('/', "-"), "x");
            *request.uri_mut() = path.parse().unwrap();
            service.clone().oneshot(request).await.unwrap();
        }
        assert_eq!(orders.taken() - before, expected, "{path}");
    }
}
