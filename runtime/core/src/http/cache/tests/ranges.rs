//! Ranges of stored responses.

use super::*;

const DIGITS: &str = "0123456789";
const TAGGED: Lines = &[MINUTE, ("etag", "\"1\""), ("content-type", "text/a"), ("x", "1")];

/// A handler that answers ranges by itself, with its own mark.
fn ranged(head: Lines) -> impl Fn(&Request<String>, usize) -> Result<Out, &'static str> + Clone {
    move |request, _| {
        let asks = request.method() == Method::GET && request.headers().contains_key("range");
        let part: &[_] = &[("x-status", "206"), ("content-range", "bytes 0-0/10"), ("x-handler", "range")];
        let lines: Vec<_> = head.iter().chain(if asks { part } else { &[] }).copied().collect();
        Ok(out(&lines, if asks { "?" } else { DIGITS }))
    }
}

#[tokio::test]
async fn rfc9110_14_a_range_is_answered_from_a_stored_whole() {
    let server = server(|layer| layer, ranged(TAGGED));
    let ask = async |range: &str| server.send(Method::GET, "/a", &[("range", range)]).await;
    let before = ask("bytes=0-1").await;
    assert_eq!(before.cache(), "fastness; fwd=uri-miss; detail=status", "a part is not stored");
    assert_eq!(before.headers["x-handler"], "range");
    server.get("/a").await;
    server.wait(7);
    for (range, body, content_range) in [
        ("bytes=0-1", "01", "bytes 0-1/10"),
        ("bytes=5-", "56789", "bytes 5-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=0-", DIGITS, "bytes 0-9/10"),
    ] {
        let seen = ask(range).await;
        assert_eq!((seen.status, seen.body.as_str()), (StatusCode::PARTIAL_CONTENT, body), "{range}");
        assert_eq!((seen.cache(), &seen.headers["age"]), ("fastness; hit; ttl=53", &"7".parse().unwrap()));
        assert_eq!(seen.headers["content-range"], content_range);
        assert_eq!(seen.headers["content-length"], body.len().to_string());
        assert_eq!((&seen.headers["etag"], &seen.headers["x"]), (&"\"1\"".parse().unwrap(), &"1".parse().unwrap()));
    }
    let beyond = ask("bytes=10-").await;
    assert_eq!((beyond.status, beyond.body.as_str()), (StatusCode::RANGE_NOT_SATISFIABLE, ""));
    assert_eq!(
        (beyond.cache(), &beyond.headers["content-range"]),
        ("fastness; hit; ttl=53", &"bytes */10".parse().unwrap())
    );
    assert_eq!(beyond.headers["content-length"], "0");
    assert_eq!(server.get("/a").await.body, DIGITS, "the whole is as it was");
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn rfc9110_14_3_a_stored_whole_says_that_it_has_ranges() {
    let ranges = async |lines: Lines| {
        let server = server(|layer| layer, ranged(lines));
        let (first, second) = (server.get("/a").await, server.get("/a").await);
        [first, second].map(|seen| seen.headers.get("accept-ranges").map(|value| value.to_str().unwrap().to_owned()))
    };
    assert_eq!(ranges(TAGGED).await, [Some("bytes".to_owned()), Some("bytes".to_owned())]);
    assert_eq!(ranges(&[MINUTE, ("accept-ranges", "none")]).await, [Some("none".to_owned()), Some("none".to_owned())]);
    assert_eq!(ranges(&[MINUTE, ("x-status", "404")]).await, [None, None]);
    assert_eq!(ranges(&[("cache-control", "private")]).await, [None, None]);
}

#[tokio::test]
async fn rfc9110_14_2_other_ranges_go_to_the_handler() {
    let server = server(|layer| layer, ranged(TAGGED));
    server.get("/a").await;
    for range in ["bytes=0-1, 4-5", "items=1-2", "bytes=3-1"] {
        let seen = server.send(Method::GET, "/a", &[("range", range)]).await;
        assert_eq!((seen.cache(), seen.body.as_str()), ("fastness; fwd=bypass", "?"), "{range}");
    }
    server.wait(61);
    let stale = server.send(Method::GET, "/a", &[("range", "bytes=0-1, 4-5")]).await;
    assert_eq!((stale.cache(), stale.body.as_str()), ("fastness; fwd=bypass", "?"));
    assert_eq!(server.get("/a").await.cache(), "fastness; fwd=stale; stored", "a part replaces no whole");
}

#[tokio::test]
async fn rfc9110_14_2_a_whole_in_answer_to_a_range_is_stored_and_cut() {
    for (range, status, body) in
        [("bytes=0-", 206, DIGITS), ("bytes=2-3", 206, "23"), ("bytes=10-", 416, ""), ("bytes=-4", 206, "6789")]
    {
        let server = server(|layer| layer, |_, _| Ok(out(TAGGED, DIGITS)));
        let ask = async |range: &str| server.send(Method::GET, "/film", &[("range", range)]).await;
        let first = ask(range).await;
        assert_eq!((first.status.as_u16(), first.body.as_str()), (status, body), "{range}");
        assert_eq!(first.cache(), "fastness; fwd=uri-miss; stored");
        assert_eq!(ask("bytes=1-1").await.body, "1");
        assert_eq!((server.get("/film").await.body.as_str(), server.calls()), (DIGITS, 1));
    }
}

#[tokio::test]
async fn rfc9110_14_2_a_range_of_all_bytes_is_a_request_for_the_whole() {
    let server = server(|layer| layer, ranged(TAGGED));
    let ask = async || server.send(Method::GET, "/film", &[("range", "bytes=0-")]).await;
    let (first, second) = tokio::join!(ask(), ask());
    for (seen, cache) in [(first, "fastness; fwd=uri-miss; stored"), (second, "fastness; fwd=uri-miss; collapsed")] {
        assert_eq!((seen.status.as_u16(), seen.body.as_str(), seen.cache()), (206, DIGITS, cache));
        assert_eq!(seen.headers["content-range"], "bytes 0-9/10");
    }
    assert_eq!(server.calls(), 1);
    // If the client has a part of it, the handler decides.
    let rest = server.send(Method::GET, "/other", &[("range", "bytes=0-"), ("if-range", "\"1\"")]).await;
    assert_eq!(rest.body, "?");
}

#[tokio::test]
async fn rfc9110_14_2_requests_do_not_wait_for_one_for_a_part() {
    let server = server(|layer| layer, ranged(TAGGED));
    let ask = async |range: &str| server.send(Method::GET, "/a", &[("range", range)]).await;
    let (one, other, whole) = tokio::join!(ask("bytes=0-1"), ask("bytes=0-1"), server.get("/a"));
    assert_eq!((one.body.as_str(), other.body.as_str(), whole.body.as_str()), ("?", "?", DIGITS));
    assert_eq!((server.calls(), ask("bytes=3-3").await.body.as_str()), (3, "3"));
}

#[tokio::test]
async fn rfc9111_4_3_a_range_of_a_stale_whole_validates_it() {
    let asked = Arc::<Mutex<Vec<(bool, bool)>>>::default();
    let seen = asked.clone();
    let server = server(
        |layer| layer,
        move |request, call| {
            let has = |name: &str| request.headers().contains_key(name);
            seen.lock().unwrap().push((has("range") || has("if-range"), has("if-none-match")));
            let is_same = call > 0 && request.uri().path() == "/same";
            let status: &[_] = if is_same { &[("x-status", "304")] } else { &[] };
            let body = if is_same { "" } else { DIGITS };
            Ok(out(&[TAGGED, status].concat(), body))
        },
    );
    for (path, cache) in
        [("/same", "fastness; fwd=stale; fwd-status=304; stored"), ("/new", "fastness; fwd=stale; stored")]
    {
        server.get(path).await;
        server.wait(61);
        asked.lock().unwrap().clear();
        let part = server.send(Method::GET, path, &[("range", "bytes=2-3"), ("if-range", "\"1\"")]).await;
        assert_eq!((part.status.as_u16(), part.body.as_str(), part.cache()), (206, "23", cache));
        assert_eq!(*asked.lock().unwrap(), [(false, true)], "the handler is asked for the whole");
        assert_eq!(server.send(Method::GET, path, &[("range", "bytes=4-4")]).await.cache(), "fastness; hit; ttl=60");
    }
}

#[tokio::test]
async fn rfc9110_14_2_without_a_validator_the_handler_decides_on_a_range_of_a_stale_whole() {
    let server = server(|layer| layer, ranged(&[MINUTE]));
    server.get("/a").await;
    server.wait(61);
    let part = server.send(Method::GET, "/a", &[("range", "bytes=0-1")]).await;
    assert_eq!((part.body.as_str(), part.cache()), ("?", "fastness; fwd=stale; detail=status"));
    assert_eq!(server.get("/a").await.body, DIGITS, "a part replaces no whole");
}

#[tokio::test]
async fn rfc5861_a_range_is_cut_from_what_may_be_served_stale() {
    let state = Arc::<AtomicUsize>::default();
    let (phase, whole) = (state.clone(), ranged(&[MINUTE]));
    let set = |layer: CacheLayer| layer.stale_while_revalidate(Duration::from_secs(60)).stale_if_error(Duration::MAX);
    let server = server(
        set,
        move |request, call| if phase.load(SeqCst) == 0 { whole(request, call) } else { Err("no connection") },
    );
    let ask = async || server.send(Method::GET, "/a", &[("range", "bytes=2-3")]).await;
    server.get("/a").await;
    server.wait(61);
    assert_eq!(ask().await.body, "23");
    // The refresh is for the whole, although the request for a part began it.
    while ask().await.cache() != "fastness; hit; ttl=60" {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.calls(), 2);
    state.store(1, SeqCst);
    server.wait(200);
    assert_eq!((ask().await.body, server.calls()), ("23".to_owned(), 3), "in place of the error");
}

#[tokio::test]
async fn rfc9111_5_2_1_7_a_range_with_only_if_cached_never_reaches_the_handler() {
    let server = server(|layer| layer, |_, _| Ok(out(TAGGED, DIGITS)));
    let only: &[_] = &[("range", "bytes=2-3"), ("cache-control", "only-if-cached")];
    assert_eq!(server.send(Method::GET, "/a", only).await.status, StatusCode::GATEWAY_TIMEOUT);
    server.get("/a").await;
    assert_eq!((server.send(Method::GET, "/a", only).await.body.as_str(), server.calls()), ("23", 1));
}

#[tokio::test]
async fn rfc9110_13_2_2_conditions_are_evaluated_before_the_range() {
    let server = server(|layer| layer, ranged(TAGGED));
    server.get("/a").await;
    let ask = async |lines: &[(&str, &str)]| {
        let seen = server.send(Method::GET, "/a", &[&[("range", "bytes=0-1")], lines].concat()).await;
        (seen.status.as_u16(), seen.body)
    };
    assert_eq!(ask(&[("if-none-match", "\"1\"")]).await, (304, String::new()));
    assert_eq!(ask(&[("if-none-match", "\"2\"")]).await, (206, "01".to_owned()));
    assert_eq!(ask(&[("if-range", "\"1\"")]).await, (206, "01".to_owned()));
    assert_eq!(ask(&[("if-range", "\"2\"")]).await, (200, DIGITS.to_owned()));
    assert_eq!(ask(&[("if-range", "W/\"1\"")]).await, (200, DIGITS.to_owned()));
    assert_eq!(ask(&[("if-match", "\"1\"")]).await, (206, "?".to_owned()), "for the handler");
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn rfc9110_14_2_a_range_means_nothing_for_head_and_other_statuses() {
    let server = server(
        |layer| layer,
        |request, _| {
            Ok(out(if request.uri().path() == "/lost" { &[MINUTE, ("x-status", "404")] } else { &[MINUTE] }, DIGITS))
        },
    );
    for (path, status) in [("/a", 200), ("/lost", 404)] {
        server.get(path).await;
        let head = server.send(Method::HEAD, path, &[("range", "bytes=0-1")]).await;
        assert_eq!((head.status.as_u16(), &head.headers["content-length"]), (status, &"10".parse().unwrap()));
    }
    let lost = server.send(Method::GET, "/lost", &[("range", "bytes=0-1")]).await;
    assert_eq!((lost.status.as_u16(), lost.body.as_str()), (404, DIGITS));
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn a_range_of_what_was_invalidated_goes_to_the_handler() {
    let server = server(|layer| layer, ranged(TAGGED));
    server.get("/a").await;
    server.fast.cache().invalidate(reached("http:*")).await;
    assert_eq!(server.send(Method::GET, "/a", &[("range", "bytes=0-1")]).await.body, "?");
}

/// A handler that refuses what it cannot serve, and says of each response how long it is fresh.
#[tokio::test]
async fn rfc9110_15_5_17_a_refusal_of_a_range_by_the_handler_is_no_response_to_others() {
    for status in ["416", "400", "404", "206"] {
        let server = server(
            |layer| layer,
            move |request, _| {
                let asks = request.headers().contains_key("range");
                let line = [MINUTE, ("x-status", if asks { status } else { "200" })];
                Ok(out(&line, if asks { "" } else { DIGITS }))
            },
        );
        for wait in [0, 61] {
            server.wait(wait);
            let refused = server.send(Method::GET, "/a", &[("range", "bytes=99-")]).await;
            assert_eq!(refused.status.as_str(), status);
            assert!(refused.cache().ends_with("; detail=status"), "{}", refused.cache());
            assert_eq!(
                (server.get("/a").await.status, server.get("/a").await.body),
                (StatusCode::OK, DIGITS.to_owned())
            );
        }
    }
}

#[tokio::test]
async fn a_stale_whole_that_cannot_be_replaced_hides_ranges_from_the_handler_once_only() {
    let private: Lines = &[("cache-control", "private"), ("etag", "\"2\"")];
    let server = server(
        |layer| layer,
        move |request, call| match (call, request.headers().contains_key("range")) {
            (0, _) => Ok(out(TAGGED, DIGITS)),
            (_, true) => Ok(out(&[private, &[("x-status", "206"), ("content-range", "bytes 2-3/9")]].concat(), "cd")),
            (_, false) => Ok(out(private, "abcdefghi")),
        },
    );
    server.get("/a").await;
    server.wait(61);
    let ask = async || server.send(Method::GET, "/a", &[("range", "bytes=2-3")]).await;
    let (first, second) = (ask().await, ask().await);
    assert_eq!((first.status.as_u16(), first.body.as_str()), (200, "abcdefghi"), "in answer to the validation");
    assert_eq!((second.status.as_u16(), second.body.as_str()), (206, "cd"));
}
