//! Responses that each request has validated, and conditions that go to the handler.

use super::*;

/// A handler that knows its tag, and answers conditions itself.
fn versioned(head: Lines) -> impl Fn(&Request<String>, usize) -> Result<Out, &'static str> + Clone {
    move |request, call| {
        let has = |name: &str, value: &str| request.headers().get(name).is_some_and(|known| known == value);
        let (status, body) =
            if has("if-none-match", "\"1\"") { ("304", String::new()) } else { ("200", call.to_string()) };
        let lines: Vec<_> = head.iter().copied().chain([("etag", "\"1\""), ("x-status", status)]).collect();
        Ok(out(&lines, body))
    }
}

#[tokio::test]
async fn rfc9111_5_2_2_4_responses_that_are_stale_at_once_are_stored_and_validated_for_each_request() {
    let heads: [Lines; 4] = [
        &[("cache-control", "no-cache")],
        &[("cache-control", "no-cache, max-age=60")],
        &[("cache-control", "max-age=0")],
        &[MINUTE, ("age", "60")],
    ];
    for head in heads {
        let server = server(|layer| layer, versioned(head));
        server.wait(1_000);
        assert_eq!(server.get("/a").await.cache(), "fastness; fwd=uri-miss; stored", "{head:?}");
        for call in 1..4 {
            server.wait(50);
            let seen = server.get("/a").await;
            assert_eq!(seen.cache(), "fastness; fwd=stale; fwd-status=304; stored", "{head:?}");
            assert_eq!((seen.status, seen.body.as_str(), server.calls()), (StatusCode::OK, "0", call + 1), "{head:?}");
        }
        let known = server.send(Method::GET, "/a", &[("if-none-match", "\"1\"")]).await;
        assert_eq!(
            (known.status, known.cache()),
            (StatusCode::NOT_MODIFIED, "fastness; fwd=stale; fwd-status=304; stored")
        );
        server.fast.cache().invalidate(reached("http:*")).await;
        assert_eq!(server.get("/a").await.body, "5", "{head:?}: never across an invalidation");
    }
}

#[tokio::test]
async fn rfc9111_5_2_2_4_no_client_gets_it_without_a_validation_even_if_the_handler_fails() {
    let state = Arc::<AtomicUsize>::default();
    let (broken, answer) = (state.clone(), versioned(&[("cache-control", "no-cache, stale-if-error=60")]));
    let server = server(
        |layer| layer.stale_if_error(Duration::from_secs(60)),
        move |request, call| if broken.load(SeqCst) == 0 { answer(request, call) } else { Err("no connection") },
    );
    server.get("/a").await;
    assert!(!server.send(Method::GET, "/a", &[("cache-control", "max-stale")]).await.cache().contains("; hit"));
    state.store(1, SeqCst);
    assert!(server.try_send(Request::get("/a").body(String::new()).unwrap()).await.is_err());
}

/// A handler of which so many calls may end, with the gate for more, and the number of its calls.
fn gated(
    head: Lines,
    open: usize,
) -> (
    impl tower_service::Service<Request<String>, Response = Out, Error = &'static str, Future: Send>
    + Clone
    + Send
    + 'static,
    Arc<tokio::sync::Semaphore>,
    Arc<AtomicUsize>,
) {
    let (gate, calls) = (Arc::new(tokio::sync::Semaphore::new(open)), Arc::<AtomicUsize>::default());
    let (opened, count, answer) = (gate.clone(), calls.clone(), versioned(head));
    let handler = tower::service_fn(move |request: Request<String>| {
        let (opened, answer) = (opened.clone(), answer(&request, count.fetch_add(1, SeqCst)));
        async move {
            opened.acquire().await.unwrap().forget();
            answer
        }
    });
    (handler, gate, calls)
}

#[tokio::test]
async fn requests_for_a_response_that_is_validated_each_time_do_not_wait_for_each_other() {
    let heads: [Lines; 3] =
        [&[("cache-control", "no-cache")], &[("cache-control", "max-age=0")], &[MINUTE, ("age", "60")]];
    for head in heads {
        let (fast, (handler, gate, calls)) = (Fastness::builder().build().unwrap(), gated(head, 1));
        let service = CacheLayer::new().on(&fast).layer(handler);
        let ask = || tokio::spawn(service.clone().oneshot(Request::get("/a").body(String::new()).unwrap()));
        ask().await.unwrap().unwrap();
        let mut expected = 1;
        for _ in 0..2 {
            let all: Vec<_> = (0..10).map(|_| ask()).collect();
            expected += 10;
            while calls.load(SeqCst) < expected {
                tokio::task::yield_now().await;
            }
            gate.add_permits(10);
            for one in all {
                assert_eq!(one.await.unwrap().unwrap().status(), StatusCode::OK);
            }
        }
    }
}

#[tokio::test]
async fn rfc9111_4_3_4_a_304_with_another_tag_does_not_freshen() {
    let server = server(
        |layer| layer,
        |request, call| match request.headers().get("if-none-match") {
            Some(_) => Ok(out(&[MINUTE, ("etag", "\"2\""), ("x-status", "304")], "")),
            None => Ok(out(&[MINUTE, ("etag", "\"1\"")], call.to_string())),
        },
    );
    server.get("/a").await;
    server.wait(61);
    let seen = server.get("/a").await;
    assert_eq!(seen.cache(), "fastness; fwd=stale; fwd-status=304; detail=other-tag");
    assert_eq!((seen.body.as_str(), &seen.headers["etag"]), ("0", &"\"1\"".parse().unwrap()));
    assert_eq!(server.get("/a").await.body, "2", "the next request loads it anew");
    assert!(server.get("/a").await.cache().contains("; hit"));
}

#[tokio::test]
async fn rfc9110_13_conditions_go_to_the_handler_where_nothing_is_stored() {
    for control in ["private", "no-store", "no-freshness", "no-cache"] {
        let head: Lines = Box::leak(Box::new([("cache-control", control)]));
        let server = server(|layer| layer, versioned(head));
        for call in 1..=5 {
            let seen = server.send(Method::GET, "/a", &[("if-none-match", "\"1\"")]).await;
            assert_eq!(
                (seen.status, seen.cache()),
                (StatusCode::NOT_MODIFIED, "fastness; fwd=uri-miss; detail=not-modified")
            );
            assert_eq!(server.calls(), call, "{control}");
        }
    }
}

#[tokio::test]
async fn rfc9110_13_after_a_304_that_says_the_response_may_be_stored_the_next_request_loads_it_in_full() {
    let server = server(|layer| layer, versioned(&[MINUTE]));
    let ask = async || server.send(Method::GET, "/a", &[("if-none-match", "\"1\"")]).await;
    let (first, second, third) = (ask().await, ask().await, ask().await);
    assert_eq!(first.cache(), "fastness; fwd=uri-miss; detail=not-modified");
    assert_eq!(second.cache(), "fastness; fwd=uri-miss; stored");
    assert_eq!(third.cache(), "fastness; hit; ttl=60");
    for seen in [first, second, third] {
        assert_eq!((seen.status, seen.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    }
    assert_eq!((server.get("/a").await.body.as_str(), server.calls()), ("1", 2));
}

#[tokio::test]
async fn a_304_to_one_client_answers_none_that_waits() {
    let (fast, (handler, gate, calls)) = (Fastness::builder().build().unwrap(), gated(&[MINUTE], 0));
    let service = CacheLayer::new().on(&fast).layer(handler);
    let ask = |tag: &str| {
        let request = Request::get("/a").header("if-none-match", tag).body(String::new()).unwrap();
        tokio::spawn(service.clone().oneshot(request))
    };
    let first = ask("\"1\"");
    while calls.load(SeqCst) < 1 {
        tokio::task::yield_now().await;
    }
    let others: Vec<_> = ["\"1\"", "\"2\"", "\"3\"", "*"].into_iter().map(|tag| (tag, ask(tag))).collect();
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(10);
    assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::NOT_MODIFIED);
    for (tag, other) in others {
        let expected = if ["\"1\"", "*"].contains(&tag) { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        assert_eq!(other.await.unwrap().unwrap().status(), expected, "{tag}");
    }
    assert_eq!(calls.load(SeqCst), 2, "one load in full for all that waited");
}

#[tokio::test]
async fn a_304_that_no_condition_asked_for_is_passed_on_and_not_stored() {
    let server = server(|layer| layer, |_, _| Ok(out(&[MINUTE, ("etag", "\"1\""), ("x-status", "304")], "")));
    for calls in 1..3 {
        let seen = server.get("/a").await;
        assert_eq!(
            (seen.status, seen.cache()),
            (StatusCode::NOT_MODIFIED, "fastness; fwd=uri-miss; detail=not-modified")
        );
        assert_eq!(server.calls(), calls);
    }
}

#[tokio::test]
async fn a_refresh_in_the_background_passes_no_condition_on() {
    let server = server(
        |layer| layer.stale_while_revalidate(Duration::from_secs(60)),
        |request, call| {
            assert!(request.headers().get("if-none-match").is_none() || call == 0, "no client waits for it");
            Ok(out(&[MINUTE], call.to_string()))
        },
    );
    let ask = async || server.send(Method::GET, "/a", &[("if-none-match", "\"9\"")]).await;
    ask().await;
    server.wait(61);
    assert_eq!(ask().await.cache(), "fastness; hit; ttl=-1");
    while server.fast.stats().total.loads < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask().await.body, "1");
}
