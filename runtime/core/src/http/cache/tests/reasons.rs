//! Reasons for which responses are not stored, in `Cache-Status`.

use super::*;

#[tokio::test]
async fn rfc9211_2_7_the_detail_is_the_reason_for_which_a_response_is_not_stored() {
    let rows: [(&str, Lines); 13] = [
        ("status", &[MINUTE, ("x-status", "206")]),
        ("no-store", &[("cache-control", "no-store")]),
        ("private", &[("cache-control", "private, max-age=60")]),
        ("no-cache", &[("cache-control", "no-cache")]),
        ("set-cookie", &[MINUTE, ("set-cookie", "a=1")]),
        ("vary", &[MINUTE, ("vary", "*")]),
        ("trailers", &[MINUTE, ("trailer", "digest")]),
        ("streaming", &[MINUTE, ("content-type", "text/event-stream")]),
        ("coding", &[MINUTE, ("content-encoding", "compress"), ("vary", "accept-encoding")]),
        ("no-freshness", &[]),
        ("no-freshness", &[("x-status", "404")]),
        ("stale", &[("cache-control", "max-age=0")]),
        ("stale", &[MINUTE, ("age", "60")]),
    ];
    for (reason, head) in rows {
        let server = server(|layer| layer, move |_, _| Ok(out(head, "")));
        let expected = format!("fastness; fwd=uri-miss; detail={reason}");
        assert_eq!(server.get("/a").await.cache(), expected, "{head:?}");
    }
    let public = server(CacheLayer::public_with_credentials, |_, _| Ok(out(&[MINUTE], "")));
    let seen = public.send(Method::GET, "/a", &[("authorization", "ada")]).await;
    assert_eq!(seen.cache(), "fastness; fwd=uri-miss; detail=credentials");
}

#[tokio::test]
async fn a_response_that_an_invalidation_overtakes_says_so() {
    let fast = Arc::<Mutex<Option<Fastness>>>::default();
    let inside = fast.clone();
    let server = server(
        |layer| layer,
        move |_, _| {
            let mut response = out(&[MINUTE], "old");
            response.extensions_mut().insert(CacheTags::new(["thing"]));
            inside.lock().unwrap().as_ref().unwrap().cache().invalidate_sync(reached("thing"));
            Ok(response)
        },
    );
    *fast.lock().unwrap() = Some(server.fast.clone());
    assert_eq!(server.get("/a").await.cache(), "fastness; fwd=uri-miss; detail=invalidated");
}

#[tokio::test]
async fn an_error_that_states_its_freshness_does_not_replace_a_response_that_may_be_served_stale() {
    let state = Arc::<AtomicUsize>::default();
    let broken = state.clone();
    let server = server(
        |layer| layer,
        move |_, call| {
            let control = ("cache-control", "max-age=10, stale-if-error=60");
            let head: &[_] = if broken.load(SeqCst) == 0 { &[control] } else { &[control, ("x-status", "503")] };
            Ok(out(head, call.to_string()))
        },
    );
    server.get("/a").await;
    state.store(1, SeqCst);
    server.wait(11);
    assert_eq!(server.get("/a").await.body, "0");
    server.wait(80);
    let error = server.get("/a").await;
    assert_eq!((error.status, error.cache()), (StatusCode::SERVICE_UNAVAILABLE, "fastness; fwd=stale; stored"));
    assert_eq!(server.get("/a").await.body, error.body);
}
