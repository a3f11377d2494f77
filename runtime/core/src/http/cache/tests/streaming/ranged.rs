//! Ranges of responses whose bodies come later than their heads.

use super::*;

#[tokio::test]
async fn a_range_of_a_body_that_comes_late_gets_the_whole_which_is_stored() {
    for range in ["bytes=0-", "bytes=1-2"] {
        let mut streams = streams(|layer| layer);
        let asked = streams.ask(&[("range", range)]);
        let mut call = streams.call().await;
        assert_eq!(call.request.headers().contains_key("range"), range == "bytes=1-2");
        call.send("ab");
        call.answer(&[MINUTE]);
        let mut answer = asked.await.unwrap();
        assert_eq!((answer.status(), answer.headers().get("content-range")), (StatusCode::OK, None), "{range}");
        assert_eq!(answer.body_mut().frame().await.unwrap().unwrap().into_data().unwrap(), "ab");
        call.send("cd");
        call.end();
        assert_eq!(text(answer).await, "cd");
        let part = streams.ask(&[("range", "bytes=1-2")]).await.unwrap();
        assert_eq!((part.status(), text(part).await.as_str()), (StatusCode::PARTIAL_CONTENT, "bc"), "{range}");
        assert!(streams.calls.is_empty());
    }
}

#[tokio::test]
async fn requests_for_all_bytes_join_a_body_that_is_coming_and_requests_for_a_part_do_not() {
    let mut streams = streams(|layer| layer);
    let (call, first) = streams.begin(&[MINUTE]).await;
    let joined = streams.ask(&[("range", "bytes=0-")]).await.unwrap();
    assert_eq!((joined.status(), status(&joined)), (StatusCode::OK, "fastness; fwd=uri-miss; collapsed"));
    let part = streams.ask(&[("range", "bytes=0-0")]);
    let mut other = streams.call().await;
    other.send("a");
    other.answer(&[]);
    other.end();
    assert_eq!(text(part.await.unwrap()).await, "a");
    call.end();
    assert_eq!((text(first).await.as_str(), text(joined).await.as_str()), ("ab", "ab"));
}

#[tokio::test]
async fn a_stale_whole_whose_successor_is_too_large_hides_ranges_from_the_handler_once_only() {
    let mut streams = streams(|layer| layer.max_body(4));
    let (call, first) = streams.begin(&[MINUTE, ("etag", "\"1\"")]).await;
    call.end();
    assert_eq!(text(first).await, "ab");
    streams.clock.advance(Duration::from_secs(61));
    for sees_range in [false, true] {
        let asked = streams.ask(&[("range", "bytes=1-2")]);
        let mut call = streams.call().await;
        assert_eq!(call.request.headers().contains_key("range"), sees_range);
        call.send("abc");
        call.answer(&[MINUTE, ("etag", "\"2\"")]);
        call.send("def");
        call.end();
        assert_eq!(text(asked.await.unwrap()).await, "abcdef");
    }
}
