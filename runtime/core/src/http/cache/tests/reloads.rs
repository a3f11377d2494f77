//! Requests that ask for a new response, and tags as a field.

use tokio::sync::Semaphore;

use super::*;

const RELOADS: [(&str, &str); 4] = [
    ("cache-control", "no-cache"),
    ("cache-control", "max-age=0"),
    ("pragma", "no-cache"),
    ("cache-control", "No-Cache"),
];

#[tokio::test]
async fn rfc9111_5_2_1_4_requests_for_a_new_response_are_honoured_unless_they_are_ignored() {
    for (how, calls) in [(ClientReloads::Each, 5), (ClientReloads::Coalesced, 5), (ClientReloads::Ignored, 1)] {
        let server = server(|layer| layer.client_reloads(how), |_, call| Ok(out(&[MINUTE], call.to_string())));
        server.get("/a").await;
        for reload in RELOADS {
            server.wait(1);
            server.send(Method::GET, "/a", &[reload]).await;
        }
        assert_eq!(server.calls(), calls, "{how:?}");
        let stored = server.get("/a").await;
        assert_eq!(stored.body, (calls - 1).to_string(), "the newest is stored");
        let no_store = server.send(Method::GET, "/a", &[("cache-control", "no-store")]).await;
        assert_eq!(no_store.cache(), "fastness; fwd=request");
    }
}

/// Sends requests that ask for a new response at one time, and returns the number of the handler's calls and the answers.
async fn meet(how: ClientReloads, reload: (&'static str, &'static str)) -> (usize, Vec<String>) {
    meet_at("/a", how, reload, &[MINUTE]).await
}

/// Sends requests with a field at one time, for a path whose response has this head. The first response of `/a` is stored before.
async fn meet_at(
    path: &'static str,
    how: ClientReloads,
    field: (&'static str, &'static str),
    head: Lines,
) -> (usize, Vec<String>) {
    let (fast, gate) = (Fastness::builder().build().unwrap(), Arc::new(Semaphore::new(1)));
    let (open, calls) = (gate.clone(), Arc::<AtomicUsize>::default());
    let count = calls.clone();
    let handler = tower::service_fn(move |_: Request<String>| {
        let (open, call) = (open.clone(), count.fetch_add(1, SeqCst));
        async move {
            open.acquire().await.unwrap().forget();
            Ok::<_, Infallible>(out(head, call.to_string()))
        }
    });
    let service = CacheLayer::new().on(&fast).client_reloads(how).layer(handler);
    service.clone().oneshot(Request::get("/a").body(String::new()).unwrap()).await.unwrap();
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let request = Request::get(path).header(field.0, field.1).body(String::new()).unwrap();
            tokio::spawn(service.clone().oneshot(request))
        })
        .collect();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(20);
    let mut answers = Vec::new();
    for one in asked {
        let body = one.await.unwrap().unwrap().into_body().collect().await.unwrap().to_bytes();
        answers.push(String::from_utf8(body.to_vec()).unwrap());
    }
    (calls.load(SeqCst), answers)
}

/// Squid sends a `max-age` with each request.
#[tokio::test]
async fn rfc9111_5_2_1_1_requests_with_a_longest_age_share_a_load_whose_response_is_not_older() {
    let at = |head| meet_at("/b", ClientReloads::Each, ("cache-control", "max-age=10"), head);
    assert_eq!(at(&[MINUTE, ("age", "10")]).await, (2, vec!["1".to_owned(); 20]));
    let (calls, mut answers) = at(&[MINUTE, ("age", "11")]).await;
    answers.sort();
    answers.dedup();
    assert_eq!((calls, answers.len()), (21, 20), "each is older, and none waits for a third");
}

#[tokio::test]
async fn requests_for_a_new_response_that_meet_share_one_load() {
    for reload in RELOADS {
        let (calls, answers) = meet(ClientReloads::Coalesced, reload).await;
        assert_eq!((calls, answers), (2, vec!["1".to_owned(); 20]), "{reload:?}");
    }
    let (calls, answers) = meet(ClientReloads::Each, RELOADS[0]).await;
    assert!(calls == 21 && answers.iter().all(|answer| answer != "0"), "each has its own");
    let (calls, answers) = meet(ClientReloads::Ignored, RELOADS[0]).await;
    assert_eq!((calls, answers), (1, vec!["0".to_owned(); 20]));
}

#[tokio::test]
async fn tags_are_a_field_of_each_response_if_wanted() {
    let tagged = |field| {
        server(
            move |layer| layer.tag_field(field).tags(|parts| vec![format!("path:{}", parts.uri.path())]),
            |request, _| {
                let control = if request.uri().path() == "/private" { "private" } else { "max-age=60" };
                let mut response = out(&[("cache-control", control)], "");
                response.extensions_mut().insert(CacheTags::new(["product:7", "a b"]));
                Ok(response)
            },
        )
    };
    let server = tagged(TagField::CacheTag);
    for path in ["/a", "/a", "/private"] {
        assert_eq!(server.get(path).await.headers["cache-tag"], format!("path:{path},product:7,a%20b"), "{path}");
    }
    let passed = server.send(Method::GET, "/a", &[("cookie", "a=1")]).await;
    assert_eq!(passed.headers["cache-tag"], "product:7,a%20b", "the handler's, where the cache is bypassed");
    let seen = tagged(TagField::SurrogateKey).get("/a").await;
    assert_eq!(seen.headers["surrogate-key"], "path:/a product:7 a%20b");
    assert!(seen.headers.get("cache-tag").is_none());
}

#[tokio::test]
async fn a_confirmed_response_has_the_tags_of_both() {
    let server = server(
        |layer| layer.tag_field(TagField::CacheTag),
        |request, _| {
            let known = request.headers().contains_key("if-none-match");
            let status = if known { "304" } else { "200" };
            let mut response = out(&[MINUTE, ("etag", "\"1\""), ("x-status", status)], "");
            response.extensions_mut().insert(CacheTags::new([if known { "second" } else { "first" }]));
            Ok(response)
        },
    );
    server.get("/a").await;
    server.wait(61);
    assert_eq!(server.get("/a").await.headers["cache-tag"], "first,second");
}
