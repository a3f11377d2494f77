use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::{BodyExt, Full};
use tower::{ServiceExt, service_fn};

use super::*;

/// A service that answers with the length of the body, and counts its calls.
macro_rules! lengths {
    ($layer:expr, $calls:ident) => {{
        let calls = $calls.clone();
        $layer.layer(service_fn(move |request: Request<Body<Full<Bytes>>>| {
            calls.fetch_add(1, Ordering::SeqCst);
            async move {
                let read = request.into_body().collect().await.unwrap().to_bytes();
                Ok::<_, Infallible>(Response::new(read.len().to_string()))
            }
        }))
    }};
}

fn post(path: &str, body: &'static str) -> Request<Full<Bytes>> {
    Request::post(path).body(Full::from(body)).unwrap()
}

async fn read<B: HttpBody<Data = Bytes, Error: fmt::Debug>>(response: Response<B>) -> (u16, String) {
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn bodies_within_the_bound_are_passed_on_and_others_are_not() {
    let calls = Arc::new(AtomicUsize::new(0));
    let service = lengths!(BodyLimitLayer::new(4).exempt(["/uploads/*"]), calls);
    for (path, body, expected) in [("/", "", "0"), ("/", "abcd", "4"), ("/uploads/1", "abcde", "5")] {
        assert_eq!(read(service.clone().oneshot(post(path, body)).await.unwrap()).await, (200, expected.to_owned()));
    }
    let refused = service.clone().oneshot(post("/", "abcde")).await.unwrap();
    assert_eq!(refused.headers()["connection"], "close");
    let (status, says) = read(refused).await;
    assert!(status == 413 && says.contains("too large: send at most 4 bytes"), "{status} {says}");
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn over_http2_a_refusal_concerns_one_stream() {
    let calls = Arc::new(AtomicUsize::new(0));
    let service = lengths!(BodyLimitLayer::new(4), calls);
    let mut request = post("/", "abcde");
    *request.version_mut() = http::Version::HTTP_2;
    let refused = service.oneshot(request).await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers().get("connection")), (413, None));
}

#[tokio::test]
async fn a_body_takes_room_until_the_head_of_its_response_is_ready() {
    let go = Arc::new(tokio::sync::Notify::new());
    let waits = go.clone();
    let layer = BodyLimitLayer::new(40_000).total(40_000);
    let service = layer.layer(service_fn(move |_: Request<Body<Full<Bytes>>>| {
        let waits = waits.clone();
        async move {
            waits.notified().await;
            Ok::<_, Infallible>(Response::new(String::from("done")))
        }
    }));
    let large = || Request::post("/").body(Full::from(vec![b'a'; 30_000])).unwrap();
    let mut first = Box::pin(service.clone().oneshot(large()));
    assert!(crate::http::poll_once(&mut first).await.is_pending());
    let refused = service.clone().oneshot(large()).await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    let mut small = Box::pin(service.clone().oneshot(post("/", "a small one has room of its own")));
    assert!(crate::http::poll_once(&mut small).await.is_pending());
    drop(small);
    go.notify_one();
    assert_eq!(first.await.unwrap().status(), 200);
    go.notify_one();
    assert_eq!(service.oneshot(large()).await.unwrap().status(), 200);
}
