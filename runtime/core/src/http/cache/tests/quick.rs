//! The fast paths of hits and bypassed requests give the same responses as the slow ones.

use std::task::{Context, Poll};

use tower_service::Service;

use super::*;

/// A service whose instances are not ready for the first few polls, and which can only be called once it was ready.
struct Busy {
    left: usize,
    is_ready: bool,
}

impl Clone for Busy {
    fn clone(&self) -> Self {
        Self { left: 2, is_ready: false }
    }
}

impl Service<Request<String>> for Busy {
    type Response = Out;
    type Error = &'static str;
    type Future = std::future::Ready<Result<Out, &'static str>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.is_ready = self.left == 0;
        if self.is_ready {
            return Poll::Ready(Ok(()));
        }
        self.left -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, _: Request<String>) -> Self::Future {
        std::future::ready(if self.is_ready { Ok(out(&[MINUTE], "done")) } else { Err("called before it was ready") })
    }
}

#[tokio::test]
async fn a_bypassing_request_waits_for_a_service_that_is_not_ready() {
    let fast = Fastness::builder().build().unwrap();
    for left in [0, 1, 5] {
        let mut cache = CacheLayer::new().on(&fast).layer(Busy { left, is_ready: false });
        let request = Request::get("/a").header("cookie", "a=1").body(String::new()).unwrap();
        std::future::poll_fn(|cx| Service::<Request<String>>::poll_ready(&mut cache, cx)).await.unwrap();
        let answer = cache.call(request).await.unwrap();
        assert_eq!(answer.headers()["cache-status"], "fastness; fwd=bypass");
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "done");
    }
}

/// A service that is broken, and must not be polled again once it has returned its error.
#[derive(Clone, Default)]
struct Broken(bool);

impl Service<Request<String>> for Broken {
    type Response = Out;
    type Error = &'static str;
    type Future = std::future::Ready<Result<Out, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        assert!(!std::mem::replace(&mut self.0, true), "asked again");
        Poll::Ready(Err("broken"))
    }

    fn call(&mut self, _: Request<String>) -> Self::Future {
        unreachable!("it is never ready")
    }
}

#[tokio::test]
async fn a_bypassing_request_fails_with_its_service() {
    let fast = Fastness::builder().build().unwrap();
    let mut cache = CacheLayer::new().on(&fast).layer(Broken::default());
    let request = Request::get("/a").header("cookie", "a=1").body(String::new()).unwrap();
    assert_eq!(cache.call(request).await.err(), Some("broken"));
}

#[tokio::test]
async fn hits_of_one_second_have_equal_headers_and_those_of_the_next_have_others() {
    let server = server(|layer| layer, |_, _| Ok(out(&[MINUTE, ("etag", "\"1\"")], "body")));
    server.get("/a").await;
    for (millis, age, ttl) in [(0, 0, 60), (999, 0, 59), (1, 1, 59), (500, 1, 58), (499, 1, 58), (1, 2, 58)] {
        server.clock.advance(Duration::from_millis(millis));
        let head = server.send(Method::HEAD, "/a", &[]).await;
        let not = server.send(Method::GET, "/a", &[("if-none-match", "\"1\"")]).await;
        assert_eq!((not.status, head.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
        let whole = server.get("/a").await;
        for seen in [&head, &not, &whole] {
            assert_eq!(seen.headers["age"], age.to_string().as_str(), "after {millis} ms more");
            assert_eq!(seen.cache(), format!("fastness; hit; ttl={ttl}"), "after {millis} ms more");
        }
        assert_eq!(whole.body, "body");
    }
    assert_eq!(server.calls(), 1);
}
