//! Attacks by clients, handlers and other layers on a cache that trusts them.

use super::*;
use crate::http::CoalesceLayer;
use crate::tests::reached;

fn request(path: &str, lines: &[(&str, &str)], body: &str) -> Request<String> {
    let mut request = Request::get(path);
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    request.body(body.to_owned()).unwrap()
}

#[tokio::test]
async fn an_outer_cache_is_invalidated_by_an_inner_handler() {
    let fast = Fastness::builder().clock(Clock::manual()).build().unwrap();
    let calls = Arc::<AtomicUsize>::default();
    let count = calls.clone();
    let handler = tower::service_fn(move |_: Request<String>| {
        let mut response = out(&[MINUTE], count.fetch_add(1, SeqCst).to_string());
        response.extensions_mut().insert(CacheTags::new(["product:7"]));
        async { Ok::<_, Infallible>(response) }
    });
    let within = CacheLayer::new().on(&fast).space("within").layer(handler);
    let service = CacheLayer::new().on(&fast).layer(CoalesceLayer::new().on(&fast).layer(within));
    let get = async || {
        let answer = service.clone().oneshot(request("/a", &[], "")).await.unwrap();
        assert!(answer.extensions().get::<CacheTags>().is_none(), "no tag leaves the server");
        answer.into_body().collect().await.unwrap().to_bytes()
    };
    assert_eq!((get().await, get().await), ("0".into(), "0".into()));
    fast.cache().invalidate(reached("product:7")).await;
    assert_eq!(get().await, "1");
    // The outer cache stores the same from a hit of the inner one.
    fast.cache().invalidate(reached("http::*")).await;
    assert_eq!(get().await, "1");
    fast.cache().invalidate(reached("product:7")).await;
    assert_eq!(get().await, "2");
}

#[tokio::test]
async fn a_disguised_parameter_decides_nothing_for_other_clients() {
    let server = server(
        |layer| layer.query_parameters(["page"]),
        |request, _| Ok(out(&[MINUTE], request.uri().query().unwrap_or_default().to_owned())),
    );
    assert_eq!(server.get("/a?p%61ge=99").await.body, "p%61ge=99");
    assert_eq!(server.get("/a").await.body, "");
    assert!(server.get("/a?utm=1").await.cache().contains("; hit"));
}

#[tokio::test]
async fn a_request_with_an_unannounced_body_bypasses_the_cache() {
    let server = server(|layer| layer, |request, _| Ok(out(&[MINUTE], request.body().clone())));
    let mut unannounced = request("/a", &[], "poison");
    *unannounced.version_mut() = http::Version::HTTP_2;
    let seen = server.try_send(unannounced).await.unwrap();
    assert_eq!((seen.cache(), seen.body.as_str()), ("fastness; fwd=bypass", "poison"));
    assert_eq!(server.get("/a").await.body, "");
    // In HTTP/1 the head decides whether there is a content, not a wrapped body.
    let wrapped = server.try_send(request("/a", &[], "wrapped")).await.unwrap();
    assert!(wrapped.cache().contains("; hit"), "{}", wrapped.cache());
}

#[tokio::test]
async fn a_temporary_redirection_gets_no_default_ttl() {
    let server = server(
        |layer| layer.default_ttl(Duration::from_secs(60)),
        |request, _| {
            let status = &request.uri().path()[1..];
            Ok(Response::builder().status(status).header("location", "/login").body(Full::default()).unwrap())
        },
    );
    for (path, stored) in [("/302", false), ("/303", false), ("/307", false), ("/301", true), ("/404", true)] {
        assert_eq!(server.get(path).await.cache().ends_with("stored"), stored, "{path}");
    }
}

#[tokio::test]
async fn a_response_in_an_unknown_coding_is_not_stored() {
    let server = server(
        |layer| layer,
        |request, _| {
            let accepts = request.headers()["accept-encoding"].to_str().unwrap();
            let coding = if accepts.contains("compress") { "compress" } else { "identity" };
            Ok(out(&[MINUTE, ("vary", "accept-encoding"), ("content-encoding", coding)], coding))
        },
    );
    let ask = async |accepts| server.send(Method::GET, "/a", &[("accept-encoding", accepts)]).await;
    assert_eq!(ask("compress, gzip").await.body, "compress");
    assert_eq!(ask("gzip").await.body, "identity");
    assert_eq!(ask("gzip").await.cache(), "fastness; hit; ttl=60");
}

#[tokio::test]
async fn variants_that_are_too_long_are_not_stored() {
    let server = server(|layer| layer.max_variants(2), |_, _| Ok(out(&[MINUTE, ("vary", "accept")], "")));
    server.send(Method::GET, "/a", &[("accept", "first")]).await;
    for n in 0..4 {
        server.send(Method::GET, "/a", &[("accept", &n.to_string().repeat(1_500))]).await;
    }
    let seen = server.send(Method::GET, "/a", &[("accept", "second")]).await;
    assert_eq!(seen.cache(), "fastness; fwd=vary-miss; stored");
}

#[tokio::test]
async fn a_change_that_may_be_half_done_invalidates() {
    let server = server(
        |layer| layer,
        |request, call| match request.method() {
            &Method::GET => Ok(out(&[MINUTE], call.to_string())),
            _ => {
                let status = request.headers()["x-status"].to_str().unwrap();
                Ok(Response::builder().status(status).body(Full::default()).unwrap())
            }
        },
    );
    for (status, invalidates) in [("500", true), ("504", true), ("408", true), ("503", false), ("409", false)] {
        let before = server.get("/a").await.body;
        server.send(Method::POST, "/a", &[("x-status", status)]).await;
        assert_eq!(server.get("/a").await.body != before, invalidates, "{status}");
    }
}

#[tokio::test]
async fn a_cookie_that_comes_with_a_304_reaches_its_client_only() {
    let server = server(
        |layer| layer,
        |request, _| match request.headers().get("if-none-match") {
            Some(_) => {
                let mut response = out(&[("set-cookie", "id=7")], "");
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                Ok(response)
            }
            None => Ok(out(&[MINUTE, ("etag", "\"1\"")], "body")),
        },
    );
    server.get("/a").await;
    server.wait(61);
    let seen = server.send(Method::GET, "/a", &[("if-none-match", "\"1\"")]).await;
    assert_eq!((seen.status, &seen.headers["set-cookie"]), (StatusCode::NOT_MODIFIED, &"id=7".parse().unwrap()));
    assert!(!seen.cache().contains("stored"), "{}", seen.cache());
}

#[tokio::test]
async fn coalescing_alone_ignores_only_if_cached() {
    let fast = Fastness::builder().build().unwrap();
    let handler = tower::service_fn(async |_: Request<String>| Ok::<_, Infallible>(out(&[MINUTE], "body")));
    let service = CoalesceLayer::new().on(&fast).layer(handler);
    let answer = service.oneshot(request("/a", &[("cache-control", "only-if-cached")], "")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[cfg(feature = "monitor")]
#[tokio::test]
async fn stored_responses_answer_while_memory_is_short_and_none_is_stored() {
    use crate::http::memory::MemoryIsShort;
    let server = server(|layer| layer, |_, call| Ok(out(&[MINUTE], call.to_string())));
    let ask = async |path: &str, may: bool| {
        let mut request = request(path, &[], "");
        if !may {
            request.extensions_mut().insert(MemoryIsShort);
        }
        server.try_send(request).await.unwrap()
    };
    let (first, second) = tokio::join!(ask("/a", false), ask("/a", false));
    assert_eq!((first.cache(), first.body.as_str()), ("fastness; fwd=uri-miss; detail=memory", "0"));
    assert_eq!((second.cache(), second.body.as_str()), ("fastness; fwd=uri-miss; collapsed", "0"));
    assert_eq!(second.headers["age"], "0", "rfc9111 4: the response to another request has an age");
    assert_eq!(ask("/a", true).await.cache(), "fastness; fwd=uri-miss; stored");
    assert_eq!(ask("/a", false).await.body, "1");
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn large_trailers_are_passed_on_and_not_stored() {
    let calls = Arc::<AtomicUsize>::default();
    let count = calls.clone();
    let handler = tower::service_fn(move |_: Request<String>| {
        count.fetch_add(1, SeqCst);
        let line = http::HeaderValue::from_str(&"y".repeat(1_000)).unwrap();
        let mut trailers = HeaderMap::new();
        for _ in 0..5_000 {
            trailers.append("x-n", line.clone());
        }
        let body = Full::new(Bytes::from("body")).with_trailers(async move { Some(Ok(trailers)) });
        async { Ok::<_, Infallible>(Response::builder().header("cache-control", "max-age=60").body(body).unwrap()) }
    });
    let fast = Fastness::builder().build().unwrap();
    let service = CacheLayer::new().on(&fast).layer(handler);
    for call in 1..3 {
        let answer = service.clone().oneshot(request("/a", &[], "")).await.unwrap();
        let body = answer.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().map(HeaderMap::len), Some(5_000));
        assert_eq!((body.to_bytes(), calls.load(SeqCst)), ("body".into(), call));
    }
}

#[tokio::test]
async fn informational_statuses_of_a_handler_are_passed_on_and_not_stored() {
    for status in ["100", "101", "102", "103"] {
        let head: Lines = Box::leak(Box::new([MINUTE, ("x-status", status)]));
        let server = server(|layer| layer, move |_, _| Ok(out(head, "")));
        for calls in 1..3 {
            let seen = server.get("/a").await;
            assert_eq!((seen.status.as_str(), server.calls()), (status, calls));
            assert_eq!(seen.cache(), "fastness; fwd=uri-miss; detail=status");
        }
    }
}

#[tokio::test]
async fn a_client_with_conflicting_conditions_harms_no_other() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let server = server(
        |layer| layer,
        move |request, call| {
            let asks = |name: &str| request.headers().contains_key(name);
            let status = if asks("if-match") { "412" } else { "200" };
            Ok(out(&[MINUTE, ("etag", "\"1\""), ("last-modified", date), ("x-status", status)], call.to_string()))
        },
    );
    let ask = async |lines: &[(&str, &str)]| {
        let seen = server.send(Method::GET, "/a", lines).await;
        (seen.status.as_u16(), seen.body)
    };
    let conflicts: [&[(&str, &str)]; 6] = [
        &[("if-none-match", "\"1\""), ("if-match", "\"2\"")],
        &[("if-none-match", "\"1\""), ("if-unmodified-since", date)],
        &[("if-none-match", "\"2\""), ("if-modified-since", date)],
        &[("if-none-match", "*"), ("if-none-match", "\"2\"")],
        &[("range", "bytes=0-0"), ("if-none-match", "\"2\""), ("if-range", "\"3\"")],
        &[("cache-control", "only-if-cached, no-cache, no-store, max-age=0, max-stale"), ("pragma", "no-cache")],
    ];
    for lines in conflicts {
        ask(lines).await;
        let whole = ask(&[]).await;
        assert_eq!(whole.0, 200, "{lines:?}");
        assert!(whole.1.parse::<usize>().is_ok(), "{lines:?}: {whole:?}");
    }
    assert_eq!(ask(conflicts[0]).await.0, 412, "preconditions are the handler's");
    assert_eq!(ask(conflicts[2]).await.0, 200, "rfc9110 13.2.2: the tag counts before the date");
    assert_eq!(ask(conflicts[3]).await.0, 304);
    assert_eq!(ask(conflicts[4]).await.0, 200, "rfc9110 13.1.5");
    assert!(server.get("/a").await.cache().contains("; hit"));
}
