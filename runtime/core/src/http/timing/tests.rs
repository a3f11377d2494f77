use std::convert::Infallible;

use tower::{ServiceExt, service_fn};

use super::*;
use crate::http::poll_once;
use crate::timed::Latency;

fn get(path: &str) -> Request<()> {
    Request::get(path).body(()).unwrap()
}

/// A service whose path says how it answers.
async fn answer(request: Request<()>) -> Result<Response<String>, &'static str> {
    match request.uri().path() {
        "/panics" => panic!("on purpose"),
        "/fails" => Err("no answer"),
        "/never" => std::future::pending().await,
        path => Ok(Response::builder().status(&path[1..]).body("four".to_owned()).unwrap()),
    }
}

fn one(timings: &Timings) -> Snapshot {
    let mut routes = timings.snapshots();
    assert_eq!(routes.len(), 1, "{routes:?}");
    routes.remove(0)
}

#[tokio::test]
async fn requests_are_counted_by_their_endings() {
    let timings = Timings::new();
    let service = TimingLayer::new().timings(&timings).slow(Duration::ZERO).layer(service_fn(answer));
    for path in ["/200", "/204", "/302", "/404", "/500", "/599", "/fails", "/999"] {
        let _ = service.clone().oneshot(get(path)).await;
    }
    assert!(tokio::spawn(service.clone().oneshot(get("/panics"))).await.unwrap_err().is_panic());
    let mut never = Box::pin(service.oneshot(get("/never")));
    assert!(poll_once(&mut never).await.is_pending());
    assert_eq!(one(&timings).in_flight, 1);
    drop(never);

    let seen = one(&timings);
    assert_eq!((&*seen.route, seen.method, seen.in_flight, seen.requests), (UNMATCHED, "GET", 0, 10));
    assert_eq!((seen.by_status, seen.errors, seen.bytes, seen.slow), ([0, 2, 1, 1, 3], 4, 7 * 4, 10));
    let counts = [&seen.ok, &seen.error, &seen.cancelled, &seen.panicked].map(Latency::count);
    assert_eq!(counts, [4, 4, 1, 1]);
    assert!(seen.rate >= 0.0);
    #[cfg(feature = "monitor")]
    {
        let watched = crate::monitor::RouteTotals::from(seen);
        assert_eq!((watched.route.as_str(), watched.latency.count(), watched.errors), ("GET unmatched", 8, 4));
    }
}

#[tokio::test]
async fn a_panic_before_the_future_exists_counts_as_a_panic() {
    let timings = Timings::new();
    let service = TimingLayer::new().timings(&timings).layer(service_fn(|_: Request<()>| {
        assert!(std::env::args().len() > usize::MAX - 1, "on purpose");
        std::future::ready(Ok::<_, Infallible>(Response::new(String::new())))
    }));
    assert!(tokio::spawn(async move { service.oneshot(get("/")).await }).await.unwrap_err().is_panic());
    assert_eq!((one(&timings).panicked.count(), one(&timings).in_flight), (1, 0));
}

#[tokio::test]
async fn methods_are_distinguished_and_unknown_ones_count_as_one() {
    let timings = Timings::new();
    let service = TimingLayer::new().timings(&timings).layer(service_fn(answer));
    for method in ["GET", "POST", "BREW", "brew", "get", "PROPFIND"] {
        let request = Request::builder().method(method).uri("/200").body(()).unwrap();
        service.clone().oneshot(request).await.unwrap();
    }
    let seen: Vec<_> = timings.snapshots().iter().map(|route| (route.method, route.requests)).collect();
    assert_eq!(seen, [("GET", 1), ("OTHER", 4), ("POST", 1)]);
}

#[tokio::test]
async fn the_number_of_routes_is_bounded() {
    let timings = Timings::new();
    let by_path = |request: &Parts| Some(request.uri.path().to_owned().into());
    let ok = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(String::new())));
    let service = TimingLayer::new().timings(&timings).route_by(by_path).layer(ok);
    let layers: Vec<_> = (0..4).map(|_| service.clone()).collect();
    let tasks = layers.into_iter().map(|service| {
        tokio::spawn(async move {
            for i in 0..1_500 {
                service.clone().oneshot(get(&format!("/{i}"))).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let routes = timings.snapshots();
    assert_eq!(routes.iter().map(|route| route.requests).sum::<u64>(), 6_000);
    assert!((1_000..=1_001).contains(&routes.len()), "{}", routes.len());
    let other = routes.iter().find(|route| &*route.route == "other").unwrap();
    assert!(other.requests >= 2_000, "{}", other.requests);
}

#[tokio::test]
async fn a_timing_layer_that_is_switched_off_counts_nothing() {
    let timings = Timings::new();
    let service = TimingLayer::off().timings(&timings).layer(service_fn(answer));
    service.oneshot(get("/200")).await.unwrap();
    assert_eq!(timings.snapshots(), []);
}

#[cfg(feature = "axum")]
mod served {
    use std::sync::Arc;

    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Notify;

    use super::*;

    async fn serve(app: Router) -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        TcpStream::connect(address).await.unwrap()
    }

    /// A value that notifies the test when it is dropped.
    struct Gone(Arc<Notify>);

    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }

    #[tokio::test]
    async fn a_client_that_disconnects_is_a_cancelled_request() {
        let (timings, began, gone) = (Timings::new(), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (begins, goes) = (began.clone(), gone.clone());
        let handler = move || async move {
            let _gone = Gone(goes);
            begins.notify_one();
            std::future::pending::<()>().await;
        };
        let app = Router::new().route("/orders/{id}", get(handler)).layer(TimingLayer::new().timings(&timings));
        let mut client = serve(app).await;
        client.write_all(b"GET /orders/7 HTTP/1.1\r\nhost: here\r\n\r\n").await.unwrap();
        began.notified().await;
        drop(client);
        gone.notified().await;
        // The handler is dropped before the guard that counts it, by the same drop.
        while one(&timings).in_flight > 0 {
            tokio::task::yield_now().await;
        }
        let seen = one(&timings);
        assert_eq!((&*seen.route, seen.cancelled.count(), seen.requests), ("/orders/{id}", 1, 1));
    }

    #[tokio::test]
    async fn requests_of_one_pipeline_are_counted_by_template() {
        let timings = Timings::new();
        let app = Router::new()
            .route("/users/{id}", get(async || "Ada"))
            .route("/", get(async || http::StatusCode::NO_CONTENT))
            .layer(TimingLayer::new().timings(&timings));
        let mut client = serve(app).await;
        let paths = ["/users/1", "/", "/users/2", "/users/3", "/nowhere"];
        let mut pipeline = paths.map(|path| format!("GET {path} HTTP/1.1\r\nhost: here\r\n\r\n")).concat();
        pipeline += "GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n";
        client.write_all(pipeline.as_bytes()).await.unwrap();
        let mut answers = String::new();
        client.read_to_string(&mut answers).await.unwrap();
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 6, "{answers}");
        let seen: Vec<_> = timings.snapshots().iter().map(|route| (route.route.to_string(), route.requests)).collect();
        assert_eq!(seen, [("/".to_owned(), 2), ("/users/{id}".to_owned(), 3), ("unmatched".to_owned(), 1)]);
    }
}
