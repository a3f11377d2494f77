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
    assert_eq!((before.cache(), &before.headers["x-handler"]), ("fastness; fwd=bypass", &"range".parse().unwrap()));
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
    let stale = server.send(Method::GET, "/a", &[("range", "bytes=0-1")]).await;
    assert_eq!((stale.cache(), stale.body.as_str()), ("fastness; fwd=bypass", "?"));
    assert_eq!(server.get("/a").await.cache(), "fastness; fwd=stale; stored", "a part replaces no whole");
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
